"""`dronewall bench NAME`: measurements by name, one line per figure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dronewall.model.errors import InputError

Figure = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """How a benchmark is to be run: `seconds` for each case and `only` a part of its name, where it has cases.

    `tracking` alone takes `seeds`, how many; `out`, where to write its scenes instead of measuring; `page`, where to
    write its page; `recordings`, where recorded flights are.
    """

    quick: bool = False
    seconds: float | None = None
    only: str = ""
    seeds: int | None = None
    out: Path | None = None
    page: Path | None = None
    recordings: Path | None = None


Bench = Callable[[Asked], Iterable[Figure]]

FIELDS = (
    "bench",
    "case",
    "seed",
    "value",
    "unit",
    "median",
    "p10",
    "p90",
    "peer",
    "peer_value",
    "ratio",
    "target",
    "met",
)
"""The fields of one figure, all of them present, None where they do not apply."""


TAKES_HOURS = ("soak", "tracking")
"""Not among `all`."""


def benches() -> dict[str, Bench]:
    """Return every benchmark by its name; each takes what was asked and yields its figures."""
    return {
        "archive": _archive,
        "flood": _flood,
        "live": _live,
        "page": _page,
        "replay": _replay,
        "restart": _restart,
        "score": _score,
        "soak": _soak,
        "tracking": _tracking,
    }


def run_bench(name: str, asked: Asked) -> Iterator[Figure]:
    """Yield the figures of one benchmark, or of `all`.

    Raises:
        InputError: there is no such benchmark.
    """
    known = benches()
    if name != "all" and name not in known:
        raise InputError(f"there is no benchmark '{name}'", f"Choose one of: all, {', '.join(known)}", field="NAME")
    short = (one for one in known if (asked.quick and one != "soak") or one not in TAKES_HOURS)
    for chosen in short if name == "all" else (name,):
        for figure in known[chosen](asked):
            yield {field: figure.get(field) for field in FIELDS}


def _archive(asked: Asked) -> Iterable[Figure]:
    from dronewall.bench.archive import archive

    return archive(quick=asked.quick)


def _flood(asked: Asked) -> Iterable[Figure]:
    from dronewall.bench.flood import flood

    return flood(quick=asked.quick, seconds=asked.seconds)


def _live(asked: Asked) -> Iterable[Figure]:
    from dronewall.bench.live import live

    return live(quick=asked.quick, seconds=asked.seconds, only=asked.only)


def _replay(asked: Asked) -> Iterable[Figure]:
    from dronewall.bench.replay import replay

    return replay(quick=asked.quick)


def _restart(asked: Asked) -> Iterable[Figure]:
    from dronewall.bench.restart import restart

    return restart(quick=asked.quick)


def _score(asked: Asked) -> Iterable[Figure]:
    from dronewall.bench.speed import score_speed

    return score_speed(quick=asked.quick)


def _page(asked: Asked) -> Iterable[Figure]:
    from dronewall.bench.page import run

    return run(asked.quick)


def _soak(asked: Asked) -> Iterable[Figure]:
    from dronewall.bench.soak import soak

    return soak(quick=asked.quick, seconds=asked.seconds)


def _tracking(asked: Asked) -> Iterable[Figure]:
    from dronewall.bench.tracking.run import Wanted, tracking

    wanted = Wanted(asked.quick, asked.only, asked.seeds, asked.out, asked.page)
    return tracking(wanted if asked.recordings is None else replace(wanted, recordings=asked.recordings))
