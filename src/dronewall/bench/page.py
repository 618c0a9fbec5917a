"""How smoothly the page shows ten thousand tracks, measured in a real headless browser without a graphics card."""

from __future__ import annotations

import shutil
from typing import Any

from dronewall.bench.page_wall import MadeUpWall
from dronewall.model.errors import RequestError

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
TRACKS = 10_000
PICTURES_PER_S = 5.0
"""A full frame each second and four of what changed in between."""

WINDOW = {"width": 1600, "height": 900}
LEAST_FRAMES_PER_S = 50.0
MOST_LATENCY_MS = 150.0
MOST_LOAD_S = 3.0
SETTLES_MS = 5_000
MEASURED_MS = 30_000
MEASURED_QUICK_MS = 10_000

SUMMARY = """() => {
  const { latenciesMs, intervalsMs, takenMs, fulls, deltas, bytes } = window.__cop.measures;
  return { latenciesMs, intervalsMs, takenMs, fulls, deltas, bytes, inView: window.__cop.counts.inView };
}"""


def run(quick: bool) -> list[dict[str, Any]]:
    """Return frames per second, server-to-draw latency, load time and outside requests as figures of `bench`.

    Raises:
        RequestError: there is no Playwright or no Chromium.
    """
    with MadeUpWall(TRACKS, pictures_per_s=PICTURES_PER_S) as wall:
        seen = measured(wall.url, duration_ms=MEASURED_QUICK_MS if quick else MEASURED_MS)
    case = f"{TRACKS} tracks, {seen['inView']} in view, full at 1 Hz and deltas, {WINDOW['width']}x{WINDOW['height']}"
    intervals, latencies = sorted(seen["intervalsMs"]), sorted(seen["latenciesMs"])
    frames_per_s = 1000.0 * len(intervals) / max(sum(intervals), 1e-9)
    return [
        _figure("frames", case, frames_per_s, "1/s", LEAST_FRAMES_PER_S, met=frames_per_s >= LEAST_FRAMES_PER_S)
        | {"median": 1000.0 / _quantile(intervals, 0.5), "p10": 1000.0 / _quantile(intervals, 0.9)},
        _figure(
            "server to draw, p95",
            case,
            _quantile(latencies, 0.95),
            "ms",
            MOST_LATENCY_MS,
            met=_quantile(latencies, 0.95) <= MOST_LATENCY_MS,
        )
        | {"median": _quantile(latencies, 0.5), "p90": _quantile(latencies, 0.9)},
        _figure("load", case, seen["loadS"], "s", MOST_LOAD_S, met=seen["loadS"] <= MOST_LOAD_S),
        _figure("outside requests", case, len(seen["outside"]), "1", 0, met=not seen["outside"]),
        _figure("console errors", case, len(seen["errors"]), "1", 0, met=not seen["errors"]),
    ]


def measured(url: str, *, duration_ms: int) -> dict[str, Any]:
    """Return what the page measured of itself for a while, after it has settled."""
    with browser() as chromium:
        page = chromium.new_page(viewport=WINDOW)
        outside: list[str] = []
        errors: list[str] = []
        page.on("request", lambda request: None if _local(request.url, url) else outside.append(request.url))
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda fault: errors.append(str(fault)))
        page.goto(url)
        page.wait_for_function("() => window.__cop && window.__cop.draws > 0 && window.__cop.tracks > 0")
        load_s = page.evaluate("() => performance.now()") / 1000.0
        page.wait_for_timeout(SETTLES_MS)
        page.evaluate("() => window.__cop.measures.reset()")
        page.wait_for_timeout(duration_ms)
        seen: dict[str, Any] = page.evaluate(SUMMARY)
        return seen | {"loadS": load_s, "outside": outside, "errors": errors}


def chromium_path() -> str:
    """Return where a Chromium is.

    Raises:
        RequestError: nowhere.
    """
    for name in CHROMIUM_NAMES:
        if found := shutil.which(name):
            return found
    raise RequestError(
        "there is no Chromium to show the page in", remedy="Install it, for instance: apt install chromium"
    )


def browser() -> Any:
    """Return a context manager that yields a headless Chromium, as Playwright drives it.

    Raises:
        RequestError: Playwright is not installed.
    """
    try:
        from playwright.sync_api import Browser, sync_playwright
    except ImportError as missing:
        raise RequestError(
            "Playwright is not installed", remedy="Install it: pip install 'dronewall[dev]'"
        ) from missing
    from contextlib import contextmanager

    @contextmanager
    def opened() -> Any:
        with sync_playwright() as playwright:
            chromium: Browser = playwright.chromium.launch(executable_path=chromium_path(), args=list(CHROMIUM_FLAGS))
            try:
                yield chromium
            finally:
                chromium.close()

    return opened()


def _local(asked: str, url: str) -> bool:
    own = url.removeprefix("http://")
    return asked.startswith((url, f"ws://{own}", "data:", f"blob:{url}"))


def _figure(what: str, case: str, value: float, unit: str, target: float, *, met: bool) -> dict[str, Any]:
    return {
        "bench": "page",
        "case": f"{what}: {case}",
        "seed": 1,
        "value": value,
        "unit": unit,
        "target": target,
        "met": met,
    }


def _quantile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("inf")
