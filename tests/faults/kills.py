"""kill -9 of the running wall at random moments under load, and what a witness says afterwards."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from walls_in_processes import Sensor, WallProcess, Witness, going, written_sensors

from dronewall.compose import replay_of
from dronewall.engine.archived_log import ArchivedLog
from dronewall.engine.entries import Content, PlotsCame, content_of
from dronewall.engine.log import Stored
from dronewall.engine.segments import sealed_folder
from dronewall.engine.sqlite_log import SqliteLog
from dronewall.model.picture import Picture
from dronewall.model.sensors import Sensors
from dronewall.outlets.web.answers import tracks_view
from dronewall.outlets.web.display import shown
from dronewall.run.replay import played

CLEAN_END_EVERY = 10
"""After so many kills, the third first, one clean end: it leaves a checkpoint, and the next start begins from one."""
LOOKED_AT_EVERY_S = 0.15


@dataclass(frozen=True, slots=True)
class Toll:
    """What came of it: kills done, plots sent and acknowledged, live pictures that the replay gave again."""

    kills: int
    sent: int
    acknowledged: int
    pictures: int


async def killed_again_and_again(
    folder: Path, *, kills: int, seed: int, burst: int, every_s: float, objects: int, lives_s: tuple[float, float]
) -> Toll:
    """Kill a wall so many times while a sensor reports, and check that it kept its word.

    Acknowledged and lost: none; counted twice: none; numbers of tracks used for two objects: none; the replay of the
    journal is what the live page showed, within 1e-6.
    """
    chance = np.random.default_rng(seed)
    witness = Witness(folder / "witness")
    wall = WallProcess(written_sensors(folder), folder / "wall.journal")
    sensor = Sensor(wall.feed_port, witness, burst=burst, every_s=every_s, objects=objects, source="gate")
    pictures: dict[int, Any] = {}
    sending = asyncio.create_task(sensor.run())
    with going(sending):
        for kill in range(kills):
            await wall.start()
            await lived(wall, pictures, seconds=float(chance.uniform(*lives_s)))
            await wall.kill()
            if kill % CLEAN_END_EVERY == 2:
                await wall.start()
                await lived(wall, pictures, seconds=2.0)
                assert (await wall.end())[0] == 0
        await wall.start()
        await lived(wall, pictures, seconds=3.0)
    status, summary, said = await wall.end()
    assert status == 0, said
    assert summary["tracks"] >= objects
    everything_acknowledged_is_in_the_journal_once(wall.journal, witness)
    no_number_was_given_to_two_objects(pictures)
    compared = the_replay_is_what_was_shown(wall.journal, pictures)
    return Toll(kills, sensor.sent, len(set(witness.numbers())), compared)


async def looked_at(wall: WallProcess, pictures: dict[int, Any]) -> None:
    """Keep what the live page says, by the number of the picture."""
    while True:
        try:
            view = await wall.get("/api/v1/tracks")
        except (OSError, ValueError, IndexError):
            return
        pictures[view["seq"]] = view
        await asyncio.sleep(LOOKED_AT_EVERY_S)


async def lived(wall: WallProcess, pictures: dict[int, Any], *, seconds: float, at_least: int = 0) -> None:
    """Let a wall run for so long after it shows pictures, and until so many were looked at on a slow machine."""
    await wall.running()
    before = len(pictures)
    looking = asyncio.create_task(looked_at(wall, pictures))
    with going(looking):
        await asyncio.sleep(seconds)
        async with asyncio.timeout(60.0):
            while len(pictures) < before + at_least:  # noqa: ASYNC110  they come over a socket
                await asyncio.sleep(LOOKED_AT_EVERY_S)


def contents_in(journal: Path) -> Iterator[Content]:
    """Yield what a journal holds, what is sealed too."""
    return (content_of(stored, journal=str(journal)) for stored in stored_in(journal))


def stored_in(journal: Path) -> list[Stored]:
    """Return the entries of a journal, those that are sealed too."""
    log = ArchivedLog(lambda: SqliteLog(journal, read_only=True), sealed_folder(journal))
    with closing(log):
        return list(log.read())


def everything_acknowledged_is_in_the_journal_once(journal: Path, witness: Witness, *, at_least: int = 100) -> None:
    came = (content.plots for content in contents_in(journal) if isinstance(content, PlotsCame))
    kept = Counter(int(ref) for plots in came for ref in plots.track_ref.tolist() if ref)
    acknowledged = witness.numbers()
    assert len(acknowledged) >= at_least
    assert [number for number in acknowledged if kept[number] != 1] == []
    assert [number for number, times in kept.items() if times != 1] == []


def no_number_was_given_to_two_objects(pictures: dict[int, Any]) -> None:
    objects: dict[int, set[str]] = {}
    for view in pictures.values():
        for track in view["tracks"]:
            objects.setdefault(track["track_id"], set()).update(i for i in track["alternate_ids"] if i[:3] == "ABC")
    assert objects
    assert {number: of for number, of in objects.items() if len(of) > 1} == {}


def the_replay_is_what_was_shown(journal: Path, pictures: dict[int, Any]) -> int:
    """Replay a journal and compare; return how many pictures were compared."""
    what = replay_of([journal], sensors=None, day=date(1970, 1, 1), step_ns=1)
    compared = 0
    for picture in played(what.numbered, what.reader, observers=()):
        if (live := pictures.get(picture.seq)) is not None:
            again = seen(picture, what.reader.pipeline.sensors)
            assert live["at_ns"] == again["at_ns"]
            assert len(live["tracks"]) == len(again["tracks"])
            for one, other in zip(live["tracks"], again["tracks"], strict=True):
                assert one.keys() == other.keys()
                assert {name: one[name] for name in one if not same(one[name], other[name])} == {}
            compared += 1
    assert compared >= 20
    assert compared == len([seq for seq in pictures if seq > 0])
    return compared


def seen(picture: Picture, sensors: Sensors) -> Any:
    return msgspec.json.decode(msgspec.json.encode(tracks_view(picture, shown(picture), sensors)))


def same(one: Any, other: Any) -> bool:
    return abs(one - other) <= 1e-6 if isinstance(one, float) and isinstance(other, float) else one == other
