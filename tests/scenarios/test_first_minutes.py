"""The simulated night as the demo shows it: begun forty minutes ago, fused from nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dronewall.model.identity import Affiliation
from dronewall.simulation.night import EPOCH_NS, Night
from dronewall.simulation.recording import truths
from dronewall.simulation.scenes import Played
from dronewall.simulation.source import NS
from dronewall.simulation.truth import Truth


@pytest.mark.slow
def test_two_minutes_of_the_night_give_a_picture_that_truth_recognises(judge: Callable) -> None:
    night = Night(1)
    begin, end = EPOCH_NS + 2_400 * NS, EPOCH_NS + 2_520 * NS
    truth = Truth.concat(list(truths(night, begin, end)))
    judged = judge(Played(night.sensors, night.plots_between(begin, end), truth), from_s=60.0)
    assert judged.score["completeness"] > 0.75
    assert judged.score["spuriousness"] < 0.2
    assert judged.score["id_changes_per_truth"] < 0.1
    assert judged.score["by_class"]["aeroplane"]["completeness"] > 0.9
    assert len(judged.picture.remote_tracks) > 0
    assert len(judged.picture.bearings) > 0
    assert not (judged.picture.identities.affiliation == Affiliation.HOSTILE).any(), "only a person declares HOSTILE"
