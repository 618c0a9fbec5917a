"""A wall that starts from a checkpoint is, to the bit, the wall that read its whole journal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

import numpy as np
import pytest

from dronewall.engine.entries import content_of, entry_of
from dronewall.engine.memory_log import MemoryLog
from dronewall.feeds.feed import Decoded
from dronewall.model.picture import Picture, TruthDomain
from dronewall.model.sensors import Sensors
from dronewall.model.table import Table
from dronewall.pipeline import Pipeline
from dronewall.run.reader import Reader
from dronewall.run.replay import Recording, recorded_contents
from dronewall.simulation.night import Night
from dronewall.simulation.source import NS

SECONDS = 24
FROM_S = 2_400


def pieces(night: Night) -> Iterator[Decoded]:
    began_ns = night.epoch_ns + FROM_S * NS
    for second in range(SECONDS):
        plots = night.plots_between(began_ns + second * NS, began_ns + (second + 1) * NS)
        yield Decoded(plots, len(plots))


def fresh() -> Reader:
    return Reader(lambda: Pipeline(Sensors(), truth_domain=TruthDomain.SIMULATION))


@pytest.fixture(scope="module")
def journal() -> MemoryLog:
    night, log = Night(seed=3), MemoryLog()
    contents = recorded_contents([Recording("night", pieces(night))], sensors=night.sensors, step_ns=NS // 2)
    for _, content in contents:
        log.append([entry_of(content, at_ns=0)])
    return log


def differences(one: Picture, other: Picture) -> list[str]:
    different = []
    for part in fields(Picture):
        left, right = getattr(one, part.name), getattr(other, part.name)
        if isinstance(left, Table):
            different += [
                f"{part.name}.{name}"
                for name, values in left.columns()
                if values.tobytes() != getattr(right, name).tobytes()
            ]
        elif left.tobytes() != right.tobytes() if isinstance(left, np.ndarray) else left != right:
            different.append(part.name)
    return different


@pytest.mark.slow
def test_the_same_journal_read_twice_gives_the_same_pictures_to_the_bit(journal: MemoryLog) -> None:
    first, second = fresh(), fresh()
    compared = 0
    for stored in journal.read():
        content = content_of(stored, journal="test")
        one, other = first.take(stored.seq, content), second.take(stored.seq, content)
        if one is not None and other is not None:
            assert differences(one, other) == []
            compared += 1
    assert compared >= SECONDS
    assert first.picture is not None
    assert len(first.picture.tracks) > 20


@pytest.mark.slow
def test_going_on_from_a_checkpoint_gives_the_same_pictures_to_the_bit(journal: MemoryLog) -> None:
    whole, restarted = fresh(), fresh()
    restarts, compared = 0, 0
    chance = np.random.default_rng(5)
    for stored in journal.read():
        content = content_of(stored, journal="test")
        one, other = whole.take(stored.seq, content), restarted.take(stored.seq, content)
        if one is None or other is None:
            continue
        assert differences(one, other) == []
        compared += 1
        if chance.random() < 0.2:
            kept = MemoryLog()
            kept.append([earlier.entry for earlier in journal.read()][: stored.seq])
            kept.keep(restarted.checkpoint()())
            restarted = fresh()
            restarted.recall(kept, on_entry=lambda *_: False)
            assert restarted.seq == stored.seq
            restarts += 1
    assert restarts >= 5
    assert compared >= SECONDS
