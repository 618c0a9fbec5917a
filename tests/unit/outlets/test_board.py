"""One slot for each client, never a queue; each frame is encoded once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

from dronewall.bench.page_sky import made_up_sky, picture_of, status_of
from dronewall.engine.clock import ManualClock
from dronewall.model.status import WallPhase
from dronewall.outlets.web.board import Board

AT_NS = 1_700_000_000_000_000_000
SKY = made_up_sky(20, begun_ns=AT_NS, arrays=3)
FULL, DELTA = 0, 1


@dataclass
class Bench:
    """A board whose clock the test turns."""

    clock: ManualClock = field(default_factory=lambda: ManualClock(AT_NS))
    sent: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.board = Board(
            sensors=lambda: SKY.sensors,
            explain=lambda track_id: None,
            on_sent=lambda seq, sent_ns: self.sent.append((seq, sent_ns)),
            clock=self.clock.now_ns,
        )

    def put(self, seq: int, *, at_ns: int) -> None:
        # No sleeper waits on this clock: it may be set without being turned.
        self.clock = ManualClock(at_ns)
        self.board.clock = self.clock.now_ns
        self.board.put(picture_of(SKY, at_ns=at_ns, seq=seq), status_of(SKY, at_ns=at_ns))


def kind(frame: bytes) -> int:
    return frame[6]


async def test_a_client_that_keeps_up_gets_deltas_and_a_full_frame_each_second() -> None:
    bench, kinds, number = Bench(), [], 0
    for step in range(25):
        bench.put(step, at_ns=AT_NS + step * 100_000_000)
        cut = await bench.board.cut_after(number)
        kinds.append(kind(cut.frame_after(number)))
        number = cut.number
    assert [step for step, each in enumerate(kinds) if each == FULL] == [0, 10, 20]


async def test_a_client_that_missed_a_frame_gets_the_newest_in_full() -> None:
    bench = Bench()
    for seq in (1, 2, 3):
        bench.put(seq, at_ns=AT_NS + seq * 100_000_000)
    cut = await bench.board.cut_after(1)
    assert cut.picture.seq == 3
    assert kind(cut.frame_after(1)) == FULL
    assert kind(cut.frame_after(2)) == DELTA


async def test_all_clients_get_the_very_same_bytes() -> None:
    bench = Bench()
    bench.put(1, at_ns=AT_NS)
    bench.put(2, at_ns=AT_NS + 100_000_000)
    cut = await bench.board.cut_after(1)
    assert cut.frame_after(1) is cut.frame_after(1)
    assert cut.frame_after(0) is cut.frame_after(0)


async def test_a_waiting_client_wakes_with_the_next_picture() -> None:
    bench = Bench()
    waiting = asyncio.ensure_future(bench.board.cut_after(0))
    await asyncio.sleep(0)
    assert not waiting.done()
    bench.put(1, at_ns=AT_NS)
    assert (await waiting).number == 1
    later = asyncio.ensure_future(bench.board.cut_after(1))
    await asyncio.sleep(0)
    assert not later.done()
    bench.put(2, at_ns=AT_NS + 1)
    assert (await later).number == 2


async def test_the_first_sending_of_each_picture_is_told_once() -> None:
    bench = Bench()
    bench.put(5, at_ns=AT_NS)
    cut = await bench.board.cut_after(0)
    bench.board.sent(cut)
    bench.board.sent(cut)
    bench.put(5, at_ns=AT_NS + 1)
    bench.board.sent(await bench.board.cut_after(1))
    bench.put(6, at_ns=AT_NS + 2)
    bench.board.sent(await bench.board.cut_after(2))
    assert [seq for seq, _ in bench.sent] == [5, 6]


async def test_a_clock_set_back_does_not_stop_full_frames() -> None:
    bench = Bench()
    bench.put(1, at_ns=AT_NS)
    bench.put(2, at_ns=AT_NS - 3600 * 10**9)
    assert kind((await bench.board.cut_after(1)).frame_after(1)) == FULL


async def test_a_change_of_phase_is_news_at_once() -> None:
    bench = Bench()
    bench.put(1, at_ns=AT_NS)
    news = bench.board.news
    bench.put(2, at_ns=AT_NS + 1)
    assert not news.is_set()
    status = replace(status_of(SKY, at_ns=AT_NS), phase=WallPhase.FINISHED)
    bench.board.put(picture_of(SKY, at_ns=AT_NS, seq=3), status)
    assert news.is_set()


async def test_sensors_are_looked_over_once_for_each_cut_however_many_ask() -> None:
    bench = Bench()
    bench.put(1, at_ns=AT_NS)
    first = bench.board.sensor_views()
    assert bench.board.sensor_views() is first
    bench.board.put(picture_of(SKY, at_ns=AT_NS, seq=2), replace(status_of(SKY, at_ns=AT_NS), heard_ns=()))
    later = bench.board.sensor_views()
    assert [view.sensor_id for view in later] == [view.sensor_id for view in first]
    assert [view.health for view in later] != [view.health for view in first]
