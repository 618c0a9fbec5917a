"""`dronewall bench NAME`: measurements by name, one line per figure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from dronewall.model.errors import InputError

Figure = dict[str, Any]
Bench = Callable[[bool], list[Figure]]

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


def benches() -> dict[str, Bench]:
    """Return every benchmark by its name; each takes `quick` and returns its figures."""
    return {"page": _page, "score": _score}


def run_bench(name: str, *, quick: bool) -> Iterator[Figure]:
    """Yield the figures of one benchmark, or of `all`.

    Raises:
        InputError: there is no such benchmark.
    """
    known = benches()
    if name != "all" and name not in known:
        raise InputError(f"there is no benchmark '{name}'", f"Choose one of: all, {', '.join(known)}", field="NAME")
    for chosen in known if name == "all" else (name,):
        for figure in known[chosen](quick):
            yield {field: figure.get(field) for field in FIELDS}


def _score(quick: bool) -> list[Figure]:
    from dronewall.bench.speed import score_speed

    return score_speed(quick=quick)


def _page(quick: bool) -> list[Figure]:
    from dronewall.bench.page import run

    return run(quick)
