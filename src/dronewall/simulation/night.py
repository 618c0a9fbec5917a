"""The night: a sky, the sensors under it, their plots in the order received, and the truth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dronewall.geodesy.wgs84 import enu_axes, geodetic_from_ecef
from dronewall.model.plots import Plots
from dronewall.model.sensors import SensorKind, Sensors
from dronewall.model.table import column_specs
from dronewall.simulation.acoustic import AcousticArrays
from dronewall.simulation.adsb import AdsbReceivers
from dronewall.simulation.direction_finders import DirectionFinders
from dronewall.simulation.geography import Belt
from dronewall.simulation.laydown import adsb_receivers, radars
from dronewall.simulation.laydown_passive import acoustic_arrays, direction_finders, vendor_tracker
from dronewall.simulation.radar import Radar
from dronewall.simulation.sky import Sky, flown
from dronewall.simulation.source import NS, Source
from dronewall.simulation.threats import balloons, threats
from dronewall.simulation.traffic import traffic
from dronewall.simulation.truth import Truth
from dronewall.simulation.vendor_tracker import VendorTracker

EPOCH_NS = 1_793_556_000 * NS
"""When a night begins unless told otherwise: 2026-11-01T18:00:00Z."""
DURATION_S = 10_800.0
LONGEST_FLIGHT_S = 10_800.0
JUST_GONE_S = 30.0


class Scene:
    """Any sky under any sensors. The same seed gives the same plots, however the time is cut.

    Instants outside are nanoseconds UTC; inside, seconds since `epoch_ns`.
    """

    def __init__(self, sky: Sky, sources: Sequence[Source], *, epoch_ns: int = EPOCH_NS) -> None:
        self._sky, self._sources, self._epoch_ns = sky, tuple(sources), epoch_ns
        self._sensors = Sensors(sensor for source in self._sources for sensor in source.sensors)
        self._ids = tuple(sensor.sensor_id for sensor in self._sensors)
        self._first_row = np.cumsum([0, *(len(source.sensors) for source in self._sources)])
        self._kept: dict[tuple[int, int], Plots] = {}

    @property
    def sensors(self) -> Sensors:
        """The register of the scene's sensors."""
        return self._sensors

    @property
    def sky(self) -> Sky:
        """The objects."""
        return self._sky

    @property
    def sources(self) -> tuple[Source, ...]:
        """What reports on them."""
        return self._sources

    @property
    def epoch_ns(self) -> int:
        """When the scene begins."""
        return self._epoch_ns

    def plots_between(self, from_ns: int, to_ns: int) -> Plots:
        """Return the plots received in [from_ns, to_ns), in the order received."""
        low, high = from_ns - self._epoch_ns, to_ns - self._epoch_ns
        parts: list[Plots] = []
        rows: list[np.ndarray] = []
        wanted: dict[tuple[int, int], Plots] = {}
        for index, source in enumerate(self._sources):
            for window in source.windows(low / NS, high / NS):
                plots = self._kept.get((index, window))
                plots = source.plots(window) if plots is None else plots
                wanted[index, window] = plots
                a, b = np.searchsorted(plots.received_ns, [low, high])
                if a < b:
                    part = plots.take(slice(a, b))
                    parts.append(part)
                    rows.append(part.sensor + self._first_row[index])
        # What the next interval may need again is what this one looked at: older windows are never asked for twice.
        self._kept = wanted
        return self._merged(parts, rows)

    def _merged(self, parts: list[Plots], rows: list[np.ndarray]) -> Plots:
        if not parts:
            return Plots.empty()
        columns = {spec.name: np.concatenate([getattr(p, spec.name) for p in parts]) for spec in column_specs(Plots)}
        order = np.argsort(columns["received_ns"], kind="stable")
        columns = {name: values[order] for name, values in columns.items()}
        used, sensor = np.unique(np.concatenate(rows)[order], return_inverse=True)
        columns["sensor"] = sensor.astype(np.int32)
        columns["at_ns"] = columns["at_ns"] + self._epoch_ns
        columns["received_ns"] = columns["received_ns"] + self._epoch_ns
        return Plots(**columns, sensor_ids=tuple(self._ids[row] for row in used))

    def truth_at(self, at_ns: int, *, kinds: frozenset[SensorKind] | None = None) -> Truth:
        """Return every object at an instant, and those gone for less than 30 s.

        Args:
            at_ns: the instant.
            kinds: the kinds of sensors whose reach decides what is scored; all when None.
        """
        at_s = (at_ns - self._epoch_ns) / NS
        rows = self._sky.movers.alive(at_s, linger_s=JUST_GONE_S)
        position, velocity = self._sky.movers.state(rows, at_s)
        scored = np.zeros(len(rows), bool)
        for source in self._sources:
            if kinds is None or source.sensors[0].kind in kinds:
                scored |= source.reaches(self._sky, rows, position)
        scored &= at_s < self._sky.movers.end_s[rows]
        lat, lon, hae = geodetic_from_ecef(position)
        enu = np.einsum("nij,nj->ni", enu_axes(lat, lon), velocity)
        signatures = self._sky.signatures
        return Truth.of(
            len(rows),
            at_ns=at_ns,
            object_id=signatures.object_id[rows],
            lat_deg=lat,
            lon_deg=lon,
            hae_m=hae,
            ve_mps=enu[:, 0],
            vn_mps=enu[:, 1],
            vu_mps=enu[:, 2],
            object_class=signatures.object_class[rows],
            affiliation=signatures.affiliation[rows],
            scored=scored,
        )


class Night(Scene):
    """A made-up night over the real map of Europe's eastern border: three hours, everything in it invented."""

    def __init__(self, seed: int = 1, *, epoch_ns: int = EPOCH_NS, wind_mps: tuple[float, float] = (0.0, 0.0)) -> None:
        """`wind_mps` is where the low air moves, east and north: sound is carried along by it."""
        belt = Belt()
        flights = [*traffic(seed, belt), *threats(seed, belt)]
        sky = Sky.concat([flown(flights, longest_s=LONGEST_FLIGHT_S), balloons(seed, belt)])
        sources: list[Source] = [Radar(model, sky, seed=seed) for model in radars(seed, belt)]
        sources += [
            AdsbReceivers(adsb_receivers(seed, belt), sky, seed=seed),
            AcousticArrays(acoustic_arrays(seed, belt), sky, seed=seed, wind_mps=wind_mps),
            DirectionFinders(direction_finders(seed, belt), sky, seed=seed),
            VendorTracker(vendor_tracker(belt), sky, seed=seed),
        ]
        super().__init__(sky, sources, epoch_ns=epoch_ns)
        self._seed = seed

    @property
    def seed(self) -> int:
        """What makes this night this one."""
        return self._seed

    @property
    def end_ns(self) -> int:
        """When it is over."""
        return self.epoch_ns + int(DURATION_S * NS)
