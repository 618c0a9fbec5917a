"""The log tells each change once, with its ids."""

from __future__ import annotations

from dataclasses import replace

from dronewall.engine.clock import ManualClock
from dronewall.engine.logs import Event, Field
from dronewall.model.picture import Alert, AlertPriority, TruthDomain
from dronewall.model.status import FeedState, FeedStatus, WallPhase, WallStatus
from dronewall.outlets.logbook import LogbookOutlet
from dronewall.run.reader import nothing_yet

STATUS = WallStatus("wall", "1", TruthDomain.LIVE, replay=False, phase=WallPhase.COMPILING, to_compile=4)
RUNNING = replace(STATUS, phase=WallPhase.RUNNING, compiled=4)
PICTURE = nothing_yet(TruthDomain.LIVE)
FEED = FeedStatus("radar", "asterix+udp://0.0.0.0:8600", FeedState.CONNECTING)


class Told:
    """What was told, in order."""

    def __init__(self) -> None:
        self.events: list[tuple[Event, dict[str, Field]]] = []
        self.clock = ManualClock(1_700_000_000_000_000_000)
        self.outlet = LogbookOutlet(self.tell, clock=self.clock.now_ns)

    def tell(self, event: Event, /, *, level: int | None = None, **fields: Field) -> None:
        self.events.append((event, fields))

    def after(self, status: WallStatus, *alerts: Alert) -> list[tuple[Event, dict[str, Field]]]:
        self.events.clear()
        self.outlet.publish(replace(PICTURE, alerts=alerts), status)
        return list(self.events)


def test_the_phases_of_a_start_are_told_once_each() -> None:
    told = Told()
    phases = [STATUS, STATUS, RUNNING, RUNNING, replace(RUNNING, phase=WallPhase.FINISHED)]
    events = [event for status in phases for event, _ in told.after(status)]
    assert events == [Event.STARTED, Event.COMPILED, Event.RUNNING, Event.STOPPED]


def test_a_failure_is_told_with_its_detail() -> None:
    told = Told()
    told.after(RUNNING)
    ((event, fields),) = told.after(replace(RUNNING, phase=WallPhase.FAILED, detail="the disk is full"))
    assert (event, fields["detail"]) == (Event.FAILED, "the disk is full")


def test_a_feed_is_told_when_it_connects_and_when_it_is_lost() -> None:
    told = Told()
    told.after(replace(RUNNING, feeds=(FEED,)))
    connected = replace(FEED, state=FeedState.CONNECTED)
    assert [event for event, _ in told.after(replace(RUNNING, feeds=(connected,)))] == [Event.FEED_CONNECTED]
    assert told.after(replace(RUNNING, feeds=(connected,))) == []
    lost = replace(FEED, state=FeedState.LOST, detail="no answer; next attempt in 1 s")
    ((event, fields),) = told.after(replace(RUNNING, feeds=(lost,)))
    assert (event, fields["feed"], fields["detail"]) == (Event.FEED_LOST, "radar", lost.detail)


def test_refused_frames_are_told_once_a_minute_with_what_is_new() -> None:
    told = Told()
    told.after(RUNNING)
    ((event, fields),) = told.after(replace(RUNNING, feeds=(replace(FEED, refused=(("a", 3), ("b", 9))),)))
    assert (event, fields["count"], fields["most_often"]) == (Event.FRAMES_REFUSED, 12, "b")
    more = replace(RUNNING, feeds=(replace(FEED, refused=(("a", 5), ("b", 20))),))
    assert told.after(more) == []
    told.clock.advance(61.0)
    ((_, fields),) = told.after(more)
    assert (fields["count"], fields["total"]) == (13, 25)


def test_shed_plots_are_told_with_the_loudest_sensor() -> None:
    told = Told()
    told.after(RUNNING)
    ((event, fields),) = told.after(replace(RUNNING, shed=(("r1", 10), ("r2", 90))))
    assert (event, fields["count"], fields["sensor"], fields["sensors"]) == (Event.PLOTS_SHED, 100, "r2", 2)


def test_a_sealed_stretch_of_the_journal_is_told_once() -> None:
    told = Told()
    told.after(RUNNING)
    ((event, fields),) = told.after(replace(RUNNING, sealed_seq=900, journal_bytes=7))
    assert (event, fields["through_seq"], fields["journal_bytes"]) == (Event.SEGMENT_SEALED, 900, 7)
    assert told.after(replace(RUNNING, sealed_seq=900)) == []


def test_an_alert_is_told_when_it_is_raised_and_when_it_ends() -> None:
    told = Told()
    alert = Alert("sensors-silent", AlertPriority.WARNING, 1, "radar-1 is silent", "It is.", sensor_id="radar-1")
    told.after(RUNNING)
    ((raised, fields),) = told.after(RUNNING, alert)
    assert (raised, fields["alert_id"], fields["sensor"], fields["track_id"]) == (
        Event.ALERT_RAISED,
        "sensors-silent",
        "radar-1",
        None,
    )
    assert told.after(RUNNING, alert) == []
    assert [event for event, _ in told.after(RUNNING)] == [Event.ALERT_ENDED]
