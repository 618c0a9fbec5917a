"""The summary: what came, and everything that was left out with its reason."""

from __future__ import annotations

from dataclasses import replace

from dronewall.engine.entries import FramesRefused, PlotsCame
from dronewall.model.picture import TruthDomain
from dronewall.model.plots import Plots
from dronewall.run.reader import nothing_yet
from dronewall.run.summary import Summary


def test_what_was_left_out_is_told_with_whose_it_was_and_why() -> None:
    summary = Summary()
    plots = Plots.of(3, sensor_ids=("asterix:20/129",))
    came = PlotsCame("radar.ast", plots, 5, (("no measured position", 2),))
    refused = FramesRefused("radar.ast", (("block cut short", 1),))
    picture = replace(
        nothing_yet(TruthDomain.LIVE), unplaceable=(("asterix:20/129", "sensor unknown: add it to sensors.jsonl", 3),)
    )
    summary(picture, [came, refused])
    assert summary.left_out() == [
        "asterix:20/129: 3 unplaceable, sensor unknown: add it to sensors.jsonl",
        "radar.ast: 1 refused, block cut short",
        "radar.ast: 2 unplaceable, no measured position",
    ]
    assert summary.by_feed() == {"radar.ast": {"decoded": 5, "refused": 1, "unplaceable": 5}}
