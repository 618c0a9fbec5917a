"""Sensors: who reports, from where, how well. Few, therefore frozen objects; kernels get columns of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum


class SensorKind(IntEnum):
    """What a sensor is, which decides what its plots can say."""

    RADAR_3D = 0
    RADAR_2D = 1
    SSR = 2
    PASSIVE_RADAR = 3
    ACOUSTIC_ARRAY = 4
    ACOUSTIC_PRESENCE = 5
    RF_DF = 6
    CAMERA = 7
    ADSB = 8
    MLAT = 9
    REMOTE_ID = 10
    VENDOR_TRACKER = 11
    OBSERVER = 12

    @property
    def label(self) -> str:
        """The name used in files: lower case, as in `sensors.jsonl`."""
        return self.name.lower()

    @property
    def cooperative(self) -> bool:
        """Whether its plots are what an object says of itself: claims, never proof."""
        return self in (SensorKind.ADSB, SensorKind.REMOTE_ID)

    @property
    def regular(self) -> bool:
        """Whether it reports at every turn, so that silence is a fault. Others say nothing while nothing is there."""
        return self in (SensorKind.RADAR_3D, SensorKind.RADAR_2D, SensorKind.SSR, SensorKind.PASSIVE_RADAR)


SILENT_AFTER_PERIODS = 3.0
SILENT_AFTER_LEAST_S = 15.0

KIND_OF_LABEL = {kind.label: kind for kind in SensorKind}


@dataclass(frozen=True, slots=True)
class Sigma:
    """Declared 1-σ errors per axis; None means not declared."""

    range_m: float | None = None
    azimuth_deg: float | None = None
    elevation_deg: float | None = None
    range_rate_mps: float | None = None
    position_m: float | None = None
    altitude_m: float | None = None
    velocity_mps: float | None = None


@dataclass(frozen=True, slots=True)
class Wire:
    """How a sensor is known on a wire: `asterix` as "SAC/SIC", `sapient` as a UUID, `feed` as a feed's name.

    `editions` pairs an ASTERIX category with the edition it speaks, for instance ("48", "1.x").
    """

    asterix: str | None = None
    sapient: str | None = None
    feed: str | None = None
    editions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Sensor:
    """One sensor, as its owner declares it.

    `lat_deg`, `lon_deg`, `hae_m` are the site on the WGS84 ellipsoid; None for a moving platform, whose plots
    each carry a pose. Angles in degrees because they stand at the edge; `*_m` metres, `*_s` seconds.
    """

    sensor_id: str
    kind: SensorKind
    lat_deg: float | None = None
    lon_deg: float | None = None
    hae_m: float | None = None
    sigma: Sigma = field(default_factory=Sigma)
    period_s: float | None = None
    range_min_m: float | None = None
    range_max_m: float | None = None
    height_max_m: float | None = None
    azimuth_from_deg: float | None = None
    azimuth_to_deg: float | None = None
    elevation_min_deg: float | None = None
    pd: float | None = None
    clutter_per_scan: float | None = None
    delivers_tracks: bool = False
    owner: str = ""
    vendor: str = ""
    model: str = ""
    wire: Wire = field(default_factory=Wire)

    @property
    def sited(self) -> bool:
        """Whether its site is known."""
        return self.lat_deg is not None and self.lon_deg is not None and self.hae_m is not None

    @property
    def silent_after_s(self) -> float:
        """How long nothing may be heard of it before that is worth a word: three periods, at least 15 s."""
        return max(SILENT_AFTER_LEAST_S, SILENT_AFTER_PERIODS * (self.period_s or 0.0))


class Sensors:
    """An ordered, immutable register of sensors; a sensor's row in it is what columns refer to."""

    __slots__ = ("_row_of", "_sensors", "_wired")

    def __init__(self, sensors: Iterable[Sensor] = ()) -> None:
        self._sensors = tuple(sensors)
        self._row_of = {sensor.sensor_id: row for row, sensor in enumerate(self._sensors)}
        self._wired = {
            key: sensor.sensor_id
            for sensor in self._sensors
            for key in (
                ("asterix", sensor.wire.asterix),
                ("sapient", sensor.wire.sapient),
                ("feed", sensor.wire.feed),
            )
            if key[1] is not None
        }

    def __len__(self) -> int:
        return len(self._sensors)

    def __iter__(self) -> Iterator[Sensor]:
        return iter(self._sensors)

    def __getitem__(self, row: int) -> Sensor:
        return self._sensors[row]

    def row_of(self, sensor_id: str) -> int:
        """Return the row of a sensor, or -1 if nobody declared it."""
        return self._row_of.get(sensor_id, -1)

    def get(self, sensor_id: str) -> Sensor | None:
        """Return a sensor by id, or None."""
        row = self.row_of(sensor_id)
        return None if row < 0 else self._sensors[row]

    def id_on_wire(self, scheme: str, address: str) -> str | None:
        """Return the id of the sensor known as `address` on the wire `scheme` (asterix, sapient, feed), or None."""
        return self._wired.get((scheme, address))

    def joined_by(self, others: Iterable[Sensor]) -> Sensors:
        """Return the register with sensors added at the end; one known already keeps its row and its first word."""
        return Sensors((*self._sensors, *(s for s in others if s.sensor_id not in self._row_of)))
