"""A sign of life is given when the loop goes round and the pipeline brings pictures, and at no other time."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import ClassVar

from dronewall.engine.systemd import Notifier
from dronewall.model.picture import Picture, TruthDomain
from dronewall.model.status import FeedState, FeedStatus, WallPhase, WallStatus
from dronewall.outlets.service import STANDING_ROUNDS_MAX, ServiceOutlet
from dronewall.run.reader import nothing_yet

RUNNING = WallStatus("wall", "1", TruthDomain.LIVE, replay=False, phase=WallPhase.RUNNING)


class Heard(Notifier):
    """A service manager's ear."""

    words: ClassVar[Counter[str]] = Counter()
    lines: ClassVar[list[str]] = []

    def __init__(self) -> None:
        super().__init__("@nobody", 30.0)

    def send(self, *lines: str) -> None:
        for line in lines:
            self.words[line.partition("=")[0]] += 1
            self.lines.append(line)


def heard() -> tuple[Heard, ServiceOutlet]:
    notifier = Heard()
    notifier.words.clear()
    notifier.lines.clear()
    return notifier, ServiceOutlet(notifier)


def picture(seq: int) -> Picture:
    return replace(nothing_yet(TruthDomain.LIVE), seq=seq)


def test_a_wall_is_ready_once_it_runs_and_only_once() -> None:
    notifier, outlet = heard()
    for done in range(20):
        outlet.publish(picture(0), replace(RUNNING, phase=WallPhase.COMPILING, compiled=done, to_compile=20))
    assert notifier.words["READY"] == 0
    assert notifier.words["EXTEND_TIMEOUT_USEC"] >= 1
    for seq in range(20):
        outlet.publish(picture(seq), RUNNING)
    assert notifier.words["READY"] == 1


def test_a_pipeline_that_stands_still_gives_no_sign_of_life_however_often_the_loop_goes_round() -> None:
    notifier, outlet = heard()
    for seq in range(100):
        outlet.publish(picture(seq), RUNNING)
    moving = notifier.words["WATCHDOG"]
    assert moving >= 15
    for _ in range(STANDING_ROUNDS_MAX + 1000):
        outlet.publish(picture(99), RUNNING)
    standing = notifier.words["WATCHDOG"] - moving
    assert standing <= STANDING_ROUNDS_MAX // 5 + 1
    for seq in range(100, 120):
        outlet.publish(picture(seq), RUNNING)
    assert notifier.words["WATCHDOG"] - moving - standing >= 3


def test_a_loop_that_stands_still_says_nothing() -> None:
    notifier, outlet = heard()
    outlet.publish(picture(1), RUNNING)
    before = notifier.words["WATCHDOG"]
    assert before == 1  # and nothing else can say it: there is no timer behind


def test_the_end_is_said_once_with_its_reason() -> None:
    notifier, outlet = heard()
    outlet.publish(picture(1), RUNNING)
    outlet.publish(picture(1), replace(RUNNING, phase=WallPhase.FAILED, detail="the disk is full"))
    outlet.publish(picture(1), replace(RUNNING, phase=WallPhase.FAILED, detail="the disk is full"))
    outlet.stopping()
    assert notifier.lines.count("STOPPING=1") == 1
    assert notifier.lines[-1] == "STATUS=the disk is full"


def test_people_read_one_line_about_the_wall() -> None:
    notifier, outlet = heard()
    feeds = (FeedStatus("a", "x://", FeedState.CONNECTED), FeedStatus("b", "x://", FeedState.LOST))
    outlet.publish(picture(1), replace(RUNNING, feeds=feeds))
    assert "STATUS=0 tracks; 1 of 2 feeds connected; 0 sensors in trouble; 0 alerts" in notifier.lines
