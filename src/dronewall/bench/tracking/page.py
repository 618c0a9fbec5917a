"""One page of plots: of each scene the figures as a table, GOSPA over time and how errors are distributed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import numpy as np

from dronewall.bench.tracking.verdict import Verdict
from dronewall.geodesy.wgs84 import FloatArray

WIDTH, HEIGHT, LEFT, BOTTOM = 430, 190, 60, 26
COLOURS = ("#0b63b0", "#c2410c", "#15803d", "#7e22ce", "#0e7490")
STYLE = (
    "body{font:14px/1.4 sans-serif;margin:2em;max-width:1100px;color:#222}h2{margin-top:2em;font-size:17px}"
    "table{border-collapse:collapse;font-size:12.5px}"
    "td,th{padding:2px 8px;border-bottom:1px solid #ddd;text-align:right}"
    "td:first-child,th:first-child{text-align:left}.missed{color:#b91c1c;font-weight:600}.met{color:#15803d}"
    "svg{margin:0 12px 8px 0}"
)


def write_page(path: Path, figures: Sequence[Mapping[str, object]], told: Mapping[str, Sequence[Verdict]]) -> None:
    """Write a self-contained page of figures and, for each scene, its curves, one per seed."""
    scenes = "".join(_scene(name, verdicts, figures) for name, verdicts in told.items())
    pooled = [figure for figure in figures if str(figure["case"]).startswith("all ")]
    together = f"<h2>All scenes together</h2>{_table(pooled)}" if pooled else ""
    path.write_text(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Tracking</title><style>{STYLE}</style>'
        "<h1>dronewall bench tracking</h1><p>All sensors and, but for the scenes named real, all motion are simulated. "
        "Median over seeds; left: GOSPA over time; right: share of established tracks whose error is below.</p>"
        f"{together}{scenes}</html>\n",
        encoding="utf-8",
    )


def _scene(name: str, verdicts: Sequence[Verdict], figures: Sequence[Mapping[str, object]]) -> str:
    curves = [np.array(v.gospa_at, float).reshape(-1, 2) for v in verdicts]
    shares = [_shares(v.errors_m) for v in verdicts]
    own = [figure for figure in figures if str(figure["case"]).startswith(f"{name}: ")]
    charts = _chart(curves, "seconds", "GOSPA, m") + _chart(shares, "error, m", "share")
    return f"<h2>{escape(name)}</h2>{charts}{_table(own)}"


def _table(figures: Sequence[Mapping[str, object]]) -> str:
    rows = "".join(_row(figure) for figure in figures)
    return (
        "<table><tr><th>figure</th><th>value</th><th>p10</th><th>p90</th><th>unit</th><th>peer</th><th>ratio</th>"
        f"<th>target</th><th></th></tr>{rows}</table>"
    )


def _row(figure: Mapping[str, object]) -> str:
    verdicts: dict[object, str] = {True: '<td class="met">met</td>', False: '<td class="missed">MISSED</td>'}
    verdict = verdicts.get(figure.get("met"), "<td></td>")
    cells = "".join(f"<td>{_shown(figure.get(key))}</td>" for key in ("value", "p10", "p90"))
    rest = "".join(f"<td>{_shown(figure.get(key))}</td>" for key in ("peer_value", "ratio", "target"))
    case = escape(str(figure["case"]).partition(": ")[2])
    return f"<tr><td>{case}</td>{cells}<td>{escape(str(figure.get('unit') or ''))}</td>{rest}{verdict}</tr>"


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, (int, float)) and not isinstance(value, bool) else ""


def _shares(errors: FloatArray) -> FloatArray:
    """Return the distribution of errors as points, thinned; cut where nearly all lie."""
    if not len(errors):
        return np.empty((0, 2))
    share = np.linspace(0.0, 0.99, 100)
    return np.stack([np.quantile(errors, share), share], axis=1)


def _chart(curves: Sequence[FloatArray], across: str, up: str) -> str:
    points = [curve for curve in curves if len(curve)]
    if not points:
        return ""
    most_x = max(float(curve[:, 0].max()) for curve in points) or 1.0
    most_y = max(float(curve[:, 1].max()) for curve in points) * 1.05 or 1.0
    wide, high = WIDTH - LEFT - 10, HEIGHT - BOTTOM - 14
    lines = "".join(
        f'<polyline fill="none" stroke="{COLOURS[number % len(COLOURS)]}" stroke-width="1.4" points="'
        + " ".join(
            f"{LEFT + wide * x / most_x:.1f},{HEIGHT - BOTTOM - high * y / most_y:.1f}" for x, y in curve.tolist()
        )
        + '"/>'
        for number, curve in enumerate(points)
    )
    return (
        f'<svg width="{WIDTH}" height="{HEIGHT}" font-size="11">'
        f'<path d="M{LEFT} 10V{HEIGHT - BOTTOM}H{WIDTH - 8}" fill="none" stroke="#888"/>{lines}'
        f'<text x="{LEFT - 4}" y="18" text-anchor="end">{most_y:.3g}</text>'
        f'<text x="{LEFT - 4}" y="{HEIGHT - BOTTOM}" text-anchor="end">0</text>'
        f'<text x="{LEFT + 6}" y="18">{escape(up)}</text>'
        f'<text x="{WIDTH - 8}" y="{HEIGHT - 10}" text-anchor="end">{most_x:.4g} {escape(across)}</text></svg>'
    )
