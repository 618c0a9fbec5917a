"""A soak as a drawing: one SVG with a line for each measure over time. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

WIDTH, STRIP, LEFT, TOP = 960, 130, 130, 24
STRIPS = (
    ("rss_bytes", "memory, MB", 1e-6),
    ("files", "file handles", 1.0),
    ("threads", "threads", 1.0),
    ("p50_ms", "latency p50, ms", 1.0),
    ("p99_ms", "latency p99, ms", 1.0),
    ("journal_bytes", "journal, MB", 1e-6),
)

Row = Mapping[str, float | int | None]


def drawing(samples: Sequence[Row]) -> str:
    """Return samples as an SVG; each strip begins at zero, so that a drift looks as large as it is."""
    height = TOP + STRIP * len(STRIPS)
    strips = "".join(_strip(samples, number, *strip) for number, strip in enumerate(STRIPS))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" '
        f'font-size="12"><rect width="{WIDTH}" height="{height}" fill="#fff"/>{strips}</svg>\n'
    )


def _strip(samples: Sequence[Row], number: int, name: str, title: str, scale: float) -> str:
    top, bottom = TOP + number * STRIP, TOP + (number + 1) * STRIP - 30
    points = [(float(at_s), value * scale) for row in samples if (at_s := row["at_s"]) and (value := row[name])]
    last_s = max((at_s for at_s, _ in points), default=1.0)
    most = max((value for _, value in points), default=0.0) * 1.05 or 1.0
    line = " ".join(
        f"{LEFT + (WIDTH - LEFT - 20) * at_s / last_s:.1f},{bottom - (bottom - top) * value / most:.1f}"
        for at_s, value in points
    )
    return (
        f'<text x="8" y="{top + 14}">{title}</text><text x="{LEFT - 6}" y="{top + 10}" text-anchor="end">{most:.4g}'
        f'</text><text x="{LEFT - 6}" y="{bottom}" text-anchor="end">0</text>'
        f'<text x="{WIDTH - 20}" y="{bottom + 14}" text-anchor="end">{last_s:.0f} s</text>'
        f'<path d="M{LEFT} {top}V{bottom}H{WIDTH - 20}" fill="none" stroke="#999"/>'
        f'<polyline points="{line}" fill="none" stroke="#06c" stroke-width="1.5"/>'
    )
