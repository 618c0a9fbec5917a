"""A headless Chromium and a made-up wall for every test of the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import pytest

from dronewall.bench.page import browser, chromium_path
from dronewall.bench.page_wall import MadeUpWall
from dronewall.model.errors import RequestError

ARTEFACTS = Path(__file__).resolve().parents[2] / "artefacts"
READY = "() => window.__cop && window.__cop.tracks > 0 && window.__cop.draws > 2 && window.__cop.ground.known > 0"


@dataclass
class Visit:
    """One page, with everything it asked for and complained of."""

    page: Any
    url: str
    asked: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def outside(self) -> list[str]:
        own = self.url.removeprefix("http://")
        return [url for url in self.asked if not url.startswith((self.url, f"ws://{own}", "data:", "blob:"))]

    def cop(self, expression: str) -> Any:
        """Evaluate `window.__cop.` and what follows."""
        return self.page.evaluate(f"() => window.__cop.{expression}")

    def until(self, condition: str, *, within_s: float = 10.0) -> None:
        self.page.wait_for_function(
            f"() => {{ const cop = window.__cop; return {condition}; }}", timeout=within_s * 1e3
        )

    def reload(self) -> None:
        """Load the page anew and wait until it shows tracks."""
        self.page.reload()
        self.page.wait_for_function(READY, timeout=20_000)

    def pixel(self, x: float, y: float, *, canvas: int = 1) -> tuple[int, int, int, int]:
        """The colour on the canvas of sensors (0) or of tracks (1)."""
        return tuple(
            self.page.evaluate(
                "([c, x, y]) => [...document.querySelectorAll('canvas.overlay')[c].getContext('2d')"
                ".getImageData(Math.round(x), Math.round(y), 1, 1).data]",
                [canvas, x, y],
            )
        )

    def keep(self, name: str) -> None:
        """Keep a screenshot among the artefacts."""
        ARTEFACTS.mkdir(exist_ok=True)
        self.page.screenshot(path=str(ARTEFACTS / f"{name}.png"))


@pytest.fixture(scope="module")
def chromium(without: Callable[[str], NoReturn]) -> Iterator[Any]:
    # For a module only: while Playwright is open its loop counts as running, and no other test may run one.
    try:
        chromium_path()
    except RequestError as missing:
        without(str(missing))
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def wall() -> Iterator[MadeUpWall]:
    """A wall of 300 tracks that stays as it is: tests that change theirs make their own."""
    with MadeUpWall(300) as made_up:
        yield made_up


class Visitor:
    """Opens pages and closes them again."""

    def __init__(self, chromium: Any) -> None:
        self._chromium = chromium
        self._pages: list[Any] = []

    def __call__(self, wall: MadeUpWall, *, path: str = "", width: int = 1366, height: int = 768) -> Visit:
        page = self._chromium.new_page(viewport={"width": width, "height": height})
        self._pages.append(page)
        visit = Visit(page, wall.url)
        page.on("request", lambda request: visit.asked.append(request.url))
        page.on("websocket", lambda socket: visit.asked.append(socket.url))
        page.on("console", lambda said: visit.errors.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda fault: visit.errors.append(str(fault)))
        page.goto(wall.url + path)
        if not path:
            page.wait_for_function(READY, timeout=20_000)
        return visit

    def close(self) -> None:
        for page in self._pages:
            page.close()


@pytest.fixture
def visit(chromium: Any) -> Iterator[Visitor]:
    visitor = Visitor(chromium)
    yield visitor
    visitor.close()
