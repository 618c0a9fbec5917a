"""Rows become columns: what decoders of single frames fill, one plot after the other."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dronewall.model.plots import Plots
from dronewall.model.table import column_specs

_SPECS = {spec.name: spec for spec in column_specs(Plots)}


@cache
def no_plots() -> Plots:
    """Return the table without rows: built once, for most steps of a quiet feed give it, and it cannot change."""
    return Plots.empty()


class PlotRows:
    """Collects plots as they are decoded; a column that a plot does not name is absent in it."""

    def __init__(self) -> None:
        self._rows: list[dict[str, Any]] = []
        self._sensor_rows: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, sensor_id: str, /, **cells: Any) -> None:
        """Add one plot of a sensor; cells that are None are absent."""
        cells["sensor"] = self._sensor_rows.setdefault(sensor_id, len(self._sensor_rows))
        self._rows.append(cells)

    def plots(self) -> Plots:
        """Return the plots collected so far, in the order they were added."""
        if not self._rows:
            return no_plots()
        names = {name for row in self._rows for name, value in row.items() if value is not None}
        columns: dict[str, NDArray[Any]] = {name: self._column(name) for name in names}
        return Plots.of(len(self._rows), **columns, sensor_ids=tuple(self._sensor_rows))

    def _column(self, name: str) -> NDArray[Any]:
        spec = _SPECS[name]
        values = np.full((len(self._rows), *spec.cell), spec.absent, dtype=spec.dtype)
        for index, row in enumerate(self._rows):
            value = row.get(name)
            if value is not None:
                values[index] = value
        return values
