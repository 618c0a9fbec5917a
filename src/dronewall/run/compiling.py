"""Compiles the kernels with two processes: half a minute of a new machine's first start instead of a whole one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from dronewall.pipeline import warm_up

THE_REST = "from dronewall.pipeline import warm_the_rest; warm_the_rest()"


def compiled_by_two() -> Iterator[tuple[int, int]]:
    """Compile what the cache lacks, yielding how many of how many steps are done.

    A second process compiles part of it into the same cache. Should it fail, this process does its work too: that
    takes longer, no more. Whoever closes the generator early ends the other process.
    """
    helpers: list[subprocess.Popen[bytes]] = []

    def beside() -> None:
        if helpers:
            helpers[0].wait()
        else:
            nowhere = subprocess.DEVNULL
            helpers.append(
                subprocess.Popen(  # noqa: S603  our own words, by our own Python
                    [sys.executable, "-c", THE_REST], stdin=nowhere, stdout=nowhere, stderr=nowhere
                )
            )

    try:
        yield from warm_up(beside=beside)
    finally:
        for helper in helpers:
            helper.kill()
            helper.wait()
