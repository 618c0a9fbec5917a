"""Plots: what sensors report, as it came. The first door of the house."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from dronewall.model.table import Table, column, column_specs, joined

NAN = float("nan")


class Datum(IntEnum):
    """What an altitude is measured from. An altitude without one is refused at the door."""

    ABSENT = 0
    WGS84_HAE = 1
    EGM2008 = 2
    PRESSURE = 3


class ObjectClass(IntEnum):
    """What an object may be; the order is that of the columns of class probabilities."""

    UAV_FIXED_WING = 0
    UAV_ROTARY = 1
    LOITERING = 2
    DECOY = 3
    CRUISE_MISSILE = 4
    AEROPLANE = 5
    LIGHT_AIRCRAFT = 6
    HELICOPTER = 7
    GLIDER = 8
    BALLOON = 9
    BIRD = 10
    UNKNOWN = 11

    @property
    def label(self) -> str:
        """The name used in files."""
        return self.name.lower()


CLASS_OF_LABEL = {item.label: item for item in ObjectClass}
CLASS_COUNT = len(ObjectClass)
COVARIANCE_CELLS = 21
"""Upper triangle of a 6 x 6 matrix, row by row."""


@dataclass(frozen=True, slots=True, eq=False)
class Plots(Table):
    """Reports in the order received, one row each; absent means not measured.

    `sensor` is a row into `sensor_ids`, the batch's own dictionary. Instants are nanoseconds UTC: `at_ns` is the
    sensor's time of validity (for sound, when it arrived), `received_ns` is ours. Azimuth from true north, clockwise;
    elevation up from the local horizontal, refraction removed; slant range. `altitude_m` has its own datum.
    Velocity is local east, north, up. `covariance` is the upper triangle, row by row, of a 6 x 6 matrix of local ENU
    position and velocity; a 3 x 3 one leaves the cells of velocity NaN. `icao24` 0, `squawk` -1 (the four octal digits
    read as a decimal number), `nic` and `nacp` -1 mean not claimed.
    """

    sensor: NDArray[np.int32] = column("<i4")
    at_ns: NDArray[np.int64] = column("<i8")
    received_ns: NDArray[np.int64] = column("<i8")
    scan: NDArray[np.int64] = column("<i8", absent=-1)
    scan_end: NDArray[np.bool_] = column("|b1", absent=False)
    empty_scan: NDArray[np.bool_] = column("|b1", absent=False)
    range_m: NDArray[np.float64] = column("<f8", absent=NAN)
    azimuth_rad: NDArray[np.float64] = column("<f8", absent=NAN)
    elevation_rad: NDArray[np.float64] = column("<f8", absent=NAN)
    range_rate_mps: NDArray[np.float64] = column("<f8", absent=NAN)
    lat_deg: NDArray[np.float64] = column("<f8", absent=NAN)
    lon_deg: NDArray[np.float64] = column("<f8", absent=NAN)
    altitude_m: NDArray[np.float64] = column("<f8", absent=NAN)
    altitude_datum: NDArray[np.uint8] = column("|u1", absent=Datum.ABSENT)
    velocity_east_mps: NDArray[np.float64] = column("<f8", absent=NAN)
    velocity_north_mps: NDArray[np.float64] = column("<f8", absent=NAN)
    velocity_up_mps: NDArray[np.float64] = column("<f8", absent=NAN)
    covariance: NDArray[np.float32] = column("<f4", absent=NAN, cell=(COVARIANCE_CELLS,))
    sigma_range_m: NDArray[np.float32] = column("<f4", absent=NAN)
    sigma_azimuth_rad: NDArray[np.float32] = column("<f4", absent=NAN)
    sigma_elevation_rad: NDArray[np.float32] = column("<f4", absent=NAN)
    sigma_range_rate_mps: NDArray[np.float32] = column("<f4", absent=NAN)
    sigma_position_m: NDArray[np.float32] = column("<f4", absent=NAN)
    sigma_altitude_m: NDArray[np.float32] = column("<f4", absent=NAN)
    sigma_velocity_mps: NDArray[np.float32] = column("<f4", absent=NAN)
    transmitter_lat_deg: NDArray[np.float64] = column("<f8", absent=NAN)
    transmitter_lon_deg: NDArray[np.float64] = column("<f8", absent=NAN)
    transmitter_hae_m: NDArray[np.float64] = column("<f8", absent=NAN)
    range_sum_m: NDArray[np.float64] = column("<f8", absent=NAN)
    range_rate_sum_mps: NDArray[np.float64] = column("<f8", absent=NAN)
    pose_lat_deg: NDArray[np.float64] = column("<f8", absent=NAN)
    pose_lon_deg: NDArray[np.float64] = column("<f8", absent=NAN)
    pose_hae_m: NDArray[np.float64] = column("<f8", absent=NAN)
    pose_heading_rad: NDArray[np.float64] = column("<f8", absent=NAN)
    pose_sigma_m: NDArray[np.float32] = column("<f4", absent=NAN)
    pose_sigma_heading_rad: NDArray[np.float32] = column("<f4", absent=NAN)
    icao24: NDArray[np.uint32] = column("<u4", absent=0)
    callsign: NDArray[np.bytes_] = column("|S8", absent=b"")
    squawk: NDArray[np.int16] = column("<i2", absent=-1)
    nic: NDArray[np.int8] = column("|i1", absent=-1)
    nacp: NDArray[np.int8] = column("|i1", absent=-1)
    uas_id: NDArray[np.bytes_] = column("|S24", absent=b"")
    operator_id: NDArray[np.bytes_] = column("|S24", absent=b"")
    track_ref: NDArray[np.bytes_] = column("|S36", absent=b"")
    classes: NDArray[np.float32] = column("<f4", absent=0.0, cell=(CLASS_COUNT,))
    sensor_ids: tuple[str, ...] = ()

    def _beside(self, rows: NDArray[Any] | slice) -> dict[str, Any]:
        return {"sensor_ids": self.sensor_ids}

    @classmethod
    def concat(cls, tables: Sequence[Self]) -> Self:
        """Return the rows of all tables under one common dictionary of sensor ids."""
        if not tables:
            return cls.empty()
        if len(tables) == 1:
            return tables[0]
        rows: dict[str, int] = {}
        for table in tables:
            for sensor_id in table.sensor_ids:
                rows.setdefault(sensor_id, len(rows))
        renumbered = [
            np.array([rows[sensor_id] for sensor_id in table.sensor_ids], dtype=np.int32)[table.sensor]
            for table in tables
            if len(table)
        ]
        columns = {
            spec.name: joined(spec, [getattr(table, spec.name) for table in tables]) for spec in column_specs(cls)
        }
        columns["sensor"] = np.concatenate(renumbered) if renumbered else np.empty(0, np.int32)
        return cls(**columns, sensor_ids=tuple(rows))
