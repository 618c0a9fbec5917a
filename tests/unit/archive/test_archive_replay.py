"""A replay of what was sealed and pruned is the replay of the whole journal, picture by picture."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from archive_scenes import S, archivist, pruned, worked_out

from dronewall import __version__
from dronewall.compose import Played, journal_at, replay_of
from dronewall.engine.entries import Content, PlotsCame, SensorsJoined, Stepped, WallBegan, entry_of
from dronewall.engine.retention import Limits
from dronewall.engine.segments import sealed_folder, segments_in
from dronewall.engine.sqlite_log import SqliteLog
from dronewall.model.errors import JournalError
from dronewall.model.picture import Picture, TruthDomain
from dronewall.model.sensors import Sensors
from dronewall.pipeline import Pipeline
from dronewall.run.reader import Reader
from dronewall.run.replay import played
from dronewall.simulation import scenes

SHORT = Limits(segment_s=20.0)
STEP_NS = S // 2


@pytest.fixture(scope="module")
def journals(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A scene as a wall journalled it: once left whole, once sealed and pruned while it went on."""
    folder = tmp_path_factory.mktemp("replay")
    whole, archived = folder / "whole" / "wall.journal", folder / "archived" / "wall.journal"
    for path in (whole, archived):
        path.parent.mkdir()
    scene = scenes.crossing(1)
    reader = Reader(lambda: Pipeline(Sensors(), truth_domain=TruthDomain.SIMULATION))
    log, plain, archive = SqliteLog(archived), SqliteLog(whole), archivist(archived, SHORT)
    first_ns, last_ns = int(scene.plots.received_ns[0]), int(scene.plots.received_ns[-1])
    journal(
        log, plain, reader, [WallBegan(__version__, "t", "SIMULATION"), SensorsJoined(tuple(scene.sensors))], first_ns
    )
    taken = 0
    for number, now_ns in enumerate(range(first_ns, min(last_ns, first_ns + 100 * S), STEP_NS)):
        due = int(np.searchsorted(scene.plots.received_ns, now_ns))
        plots = scene.plots.take(slice(taken, due))
        taken = due
        journal(log, plain, reader, [PlotsCame("scene", plots, len(plots)), Stepped(now_ns, log.last_seq + 1)], now_ns)
        if number % 10 == 9:
            log.keep(reader.checkpoint()())
            for _ in pruned(log, worked_out(archive, now_ns)[-1].prune_through_seq):
                pass
    log.close()
    plain.close()
    return whole, archived


def journal(log: SqliteLog, plain: SqliteLog, reader: Reader, contents: list[Content], at_ns: int) -> None:
    entries = [entry_of(content, at_ns=at_ns) for content in contents]
    log.append(entries)
    plain.append(entries)
    for seq, content in enumerate(contents, start=log.last_seq - len(contents) + 1):
        reader.take(seq, content)


def replayed(path: Path) -> Played:
    return replay_of([path], sensors=None, day=date(1970, 1, 1), step_ns=S)


def pictures(path: Path) -> dict[int, Picture]:
    what = replayed(path)
    return {picture.seq: picture for picture in played(what.numbered, what.reader, observers=())}


def same(these: Picture, those: Picture) -> None:
    assert these.at_ns == those.at_ns
    for (name, ours), (_, theirs) in zip(these.tracks.columns(), those.tracks.columns(), strict=True):
        if ours.dtype.kind == "f":
            np.testing.assert_allclose(ours, theirs, rtol=0.0, atol=1e-6, err_msg=name)
        else:
            np.testing.assert_array_equal(ours, theirs, err_msg=name)


def test_sealed_and_pruned_replays_as_if_nothing_had_happened(journals: tuple[Path, Path]) -> None:
    whole, archived = journals
    assert SqliteLog(archived, read_only=True).first_seq > 1
    assert replayed(archived).truth_domain is TruthDomain.SIMULATION
    expected, found = pictures(whole), pictures(archived)
    assert list(found) == list(expected)
    assert max(len(picture.tracks) for picture in expected.values()) >= 2
    for seq, picture in found.items():
        same(picture, expected[seq])


def test_with_the_oldest_segments_gone_the_rest_replays_as_it_was(journals: tuple[Path, Path], tmp_path: Path) -> None:
    whole, archived = journals
    shutil.copytree(archived.parent, tmp_path / "copy")
    path = tmp_path / "copy" / "wall.journal"
    for segment in segments_in(sealed_folder(path))[:2]:
        shutil.rmtree(segment.folder)
    expected, found = pictures(whole), pictures(path)
    assert 0 < len(found) < len(expected)
    assert list(found) == list(expected)[-len(found) :]
    for seq, picture in found.items():
        same(picture, expected[seq])


def test_without_any_segment_left_the_journal_replays_from_its_own_checkpoint(
    journals: tuple[Path, Path], tmp_path: Path
) -> None:
    whole, archived = journals
    shutil.copy(archived, tmp_path / "wall.journal")
    expected, found = pictures(whole), pictures(tmp_path / "wall.journal")
    assert 0 < len(found) < len(expected)
    for seq, picture in found.items():
        same(picture, expected[seq])


def test_a_pruned_journal_still_knows_its_truth_domain(journals: tuple[Path, Path], tmp_path: Path) -> None:
    shutil.copytree(journals[1].parent, tmp_path / "copy")
    with pytest.raises(JournalError, match="the two never mix"):
        journal_at(tmp_path / "copy" / "wall.journal", TruthDomain.LIVE)
    journal_at(tmp_path / "copy" / "wall.journal", TruthDomain.SIMULATION).close()
