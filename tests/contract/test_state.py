"""The laws of the state, for every state there is. Another engine joins by one more line in `MAKERS`."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from dronewall.engine.memory_state import MemoryState
from dronewall.engine.sqlite_state import SqliteState
from dronewall.engine.state import Change, Kept, State
from dronewall.model.errors import Conflict, JournalError

MAKERS: dict[str, Callable[[Path], State]] = {"memory": lambda _: MemoryState(), "sqlite": SqliteState}
SURVIVING = [name for name in MAKERS if name != "memory"]
WATCHED_WITHIN_S = 5.0
"""Far more than the law grants, for machines that are out of breath; the law itself has a test of its own."""


@pytest.fixture(params=MAKERS)
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[State]:
    made = MAKERS[request.param](tmp_path / "wall.journal")
    yield made
    made.close()


async def first(changes: AsyncIterator[Change], count: int) -> list[Change]:
    async with asyncio.timeout(WATCHED_WITHIN_S):
        return [await anext(changes) for _ in range(count)]


def test_a_key_that_was_never_put_does_not_exist(state: State) -> None:
    assert state.get("lease/1") is None
    assert state.keys() == ()


def test_what_was_put_is_kept_under_the_revision_that_was_returned(state: State) -> None:
    revision = state.put("lease/1", b"me", expected=0)
    assert revision == 1
    assert state.get("lease/1") == Kept(b"me", revision)


def test_an_empty_value_is_a_value(state: State) -> None:
    state.put("flag", b"", expected=0)
    assert state.get("flag") == Kept(b"", 1)
    assert state.keys() == ("flag",)


def test_revisions_count_every_change_of_any_key(state: State) -> None:
    assert state.put("a", b"1", expected=0) == 1
    assert state.put("b", b"1", expected=0) == 2
    assert state.put("a", b"2", expected=1) == 3
    assert state.delete("b", expected=2) == 4
    assert state.put("b", b"2", expected=0) == 5


def test_whoever_expects_another_revision_changes_nothing_and_learns_which_it_is(state: State) -> None:
    state.put("lease/1", b"me", expected=0)
    for expected in (0, 2):
        with pytest.raises(Conflict) as conflict:
            state.put("lease/1", b"you", expected=expected)
        assert (conflict.value.key, conflict.value.expected, conflict.value.found) == ("lease/1", expected, 1)
    assert state.get("lease/1") == Kept(b"me", 1)
    assert state.put("lease/2", b"x", expected=0) == 2


def test_a_key_that_does_not_exist_can_be_expected_at_no_revision(state: State) -> None:
    with pytest.raises(Conflict):
        state.put("lease/1", b"me", expected=1)
    assert state.keys() == ()


def test_a_deleted_key_is_gone_and_may_be_put_anew(state: State) -> None:
    state.put("lease/1", b"me", expected=0)
    state.delete("lease/1", expected=1)
    assert state.get("lease/1") is None
    assert state.keys() == ()
    assert state.put("lease/1", b"you", expected=0) == 3


def test_only_what_exists_at_the_expected_revision_is_deleted(state: State) -> None:
    with pytest.raises(Conflict):
        state.delete("lease/1", expected=0)
    state.put("lease/1", b"me", expected=0)
    with pytest.raises(Conflict) as conflict:
        state.delete("lease/1", expected=7)
    assert conflict.value.found == 1
    assert state.get("lease/1") == Kept(b"me", 1)


def test_keys_are_listed_by_their_beginning_in_order_and_no_sign_is_special(state: State) -> None:
    for key in ("zone/b", "zone/a", "zone%", "zone_x", "lease/é", "lease/1"):
        state.put(key, b"", expected=0)
    assert state.keys("zone/") == ("zone/a", "zone/b")
    assert state.keys("zone%") == ("zone%",)
    assert state.keys("zone_") == ("zone_x",)
    assert state.keys("lease/é") == ("lease/é",)
    assert len(state.keys()) == 6


async def test_a_watch_brings_what_is_there_and_then_what_changes_in_the_order_of_revisions(state: State) -> None:
    state.put("b", b"1", expected=0)
    state.put("a", b"1", expected=0)
    changes = state.watch()
    assert await first(changes, 2) == [Change("b", b"1", 1), Change("a", b"1", 2)]
    state.put("b", b"2", expected=1)
    assert await first(changes, 1) == [Change("b", b"2", 3)]


async def test_a_watch_brings_the_newest_of_each_key_and_skips_what_it_replaced(state: State) -> None:
    revision = 0
    for number in range(5):
        revision = state.put("a", b"%d" % number, expected=revision)
    assert await first(state.watch(), 1) == [Change("a", b"4", 5)]


async def test_a_watch_tells_of_deletions(state: State) -> None:
    state.put("a", b"1", expected=0)
    state.delete("a", expected=1)
    assert await first(state.watch(after=1), 1) == [Change("a", None, 2)]


async def test_a_watch_of_a_prefix_hears_of_nothing_else(state: State) -> None:
    state.put("zone/a", b"1", expected=0)
    state.put("lease/a", b"1", expected=0)
    state.put("zone/b", b"1", expected=0)
    assert [change.key for change in await first(state.watch("zone/"), 2)] == ["zone/a", "zone/b"]


async def test_a_watch_goes_on_after_the_last_revision_one_has_seen(state: State) -> None:
    for key in "abc":
        state.put(key, b"", expected=0)
    assert [change.key for change in await first(state.watch(after=2), 1)] == ["c"]


async def test_a_change_is_seen_within_a_fifth_of_a_second(state: State) -> None:
    loop, changes, took_s = asyncio.get_running_loop(), state.watch(), []
    for number in range(5):
        waiting = asyncio.create_task(anext(changes))
        await asyncio.sleep(0.03 * number)
        put_s = loop.time()
        state.put(f"key {number}", b"", expected=0)
        async with asyncio.timeout(WATCHED_WITHIN_S):
            await waiting
        took_s.append(loop.time() - put_s)
    assert sorted(took_s)[2] <= 0.2  # the median: one look may meet a busy machine


async def test_closing_ends_a_watch(state: State) -> None:
    changes = state.watch()
    waiting = asyncio.create_task(anext(changes, None))
    await asyncio.sleep(0)
    state.close()
    async with asyncio.timeout(WATCHED_WITHIN_S):
        assert await waiting is None


def test_a_closed_state_accepts_nothing(state: State) -> None:
    state.close()
    state.close()
    with pytest.raises(JournalError, match="closed"):
        state.put("a", b"", expected=0)
    with pytest.raises(JournalError, match="closed"):
        state.get("a")


# Laws of those that survive their process and are shared by several.


@pytest.fixture(params=SURVIVING)
def surviving(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], State]:
    return lambda: MAKERS[request.param](tmp_path / "wall.journal")


def test_a_state_goes_on_where_it_was_left(surviving: Callable[[], State]) -> None:
    state = surviving()
    state.put("a", b"1", expected=0)
    state.delete("a", expected=state.put("b", b"", expected=0) - 1)
    state.close()
    again = surviving()
    assert again.keys() == ("b",)
    assert again.put("c", b"", expected=0) == 4
    again.close()


async def test_what_another_holder_changes_is_seen_and_conflicts(surviving: Callable[[], State]) -> None:
    mine, theirs = surviving(), surviving()
    changes = mine.watch()
    theirs.put("lease", b"theirs", expected=0)
    assert await first(changes, 1) == [Change("lease", b"theirs", 1)]
    with pytest.raises(Conflict):
        mine.put("lease", b"mine", expected=0)
    mine.close()
    theirs.close()


COMPETE = """
import sys
from pathlib import Path
from dronewall.engine.sqlite_state import SqliteState
from dronewall.model.errors import Conflict

state, me, won = SqliteState(Path(sys.argv[1])), sys.argv[2].encode(), 0
sys.stdin.readline()
for round in range(50):
    try:
        state.put(f"lease {round}", me, expected=0)
        won += 1
    except Conflict:
        pass
    while True:
        kept = state.get("count")
        try:
            state.put("count", b"%d" % (int(kept.value) + 1), expected=kept.revision)
            break
        except Conflict:
            pass
print(won)
"""
WRITE = """
import sys
from pathlib import Path
from dronewall.engine.sqlite_state import SqliteState

state, revisions = SqliteState(Path(sys.argv[1])), {}
for number in range(1_000_000):
    key = f"track {number % 7}"
    revisions[key] = state.put(key, b"%d" % number, expected=revisions.get(key, 0))
    print(revisions[key], number, flush=True)
"""


def process(program: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_of_two_processes_that_expect_the_same_exactly_one_succeeds(tmp_path: Path) -> None:
    path = tmp_path / "wall.journal"
    state = SqliteState(path)
    state.put("count", b"0", expected=0)
    rivals = [process(COMPETE, path, name) for name in ("one", "two")]
    for rival in rivals:
        assert rival.stdin is not None
        rival.stdin.write("go\n")
        rival.stdin.flush()
    won = [int(rival.communicate(timeout=60)[0]) for rival in rivals]
    count = state.get("count")
    assert sum(won) == len(state.keys("lease ")) == 50
    assert count is not None
    assert count.value == b"100"
    state.close()


@pytest.mark.slow
async def test_a_watch_brings_every_final_value_of_a_writer_that_was_killed(tmp_path: Path) -> None:
    path = tmp_path / "wall.journal"
    state = SqliteState(path)
    seen: dict[str, Change] = {}
    order: list[int] = []

    async def look() -> None:
        async for change in state.watch("track "):
            seen[change.key] = change
            order.append(change.revision)

    looking = asyncio.create_task(look())
    writer = process(WRITE, path)
    assert writer.stdout is not None
    acknowledged = [await asyncio.to_thread(writer.stdout.readline) for _ in range(200)]
    writer.send_signal(signal.SIGKILL)
    acknowledged += (await asyncio.to_thread(writer.communicate))[0].splitlines()
    promised = [tuple(map(int, line.split())) for line in acknowledged if len(line.split()) == 2]
    await asyncio.sleep(0.5)
    looking.cancel()
    assert order == sorted(set(order))
    for revision, number in promised[-7:]:
        change = seen[f"track {number % 7}"]
        assert change.revision >= revision
        assert state.get(change.key) == Kept(change.value or b"", change.revision)
    state.close()
