"""What is known of the sensors' steady errors."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class BiasState(IntEnum):
    """What is held of one sensor's steady errors."""

    UNKNOWN = 0
    """Too few independent references and objects that others see too: nothing is corrected."""
    KNOWN = 1
    """Its plots are corrected."""
    DISPUTED = 2
    """References contradict each other: what was known before stands, nothing is learned."""

    def may_become(self, other: BiasState) -> bool:
        """Whether the move to `other` is legal: references may come, go and quarrel at any time."""
        return other in BiasState


class BiasSource(IntEnum):
    """What a sensor's steady errors are known from."""

    NOTHING = 0
    REFERENCES = 1
    """Trusted aircraft that say where they are: absolutely."""
    COMMON_TRACKS = 2
    """Objects that other sensors see too: as far as that shows, else only by how much they differ from these."""
    BOTH = 3


@dataclass(frozen=True, slots=True)
class BiasValues:
    """One value for each steady error; as an estimate, what the sensor reads too much.

    Reads range by `range_m` plus `range_gain` times the range too far; azimuth and elevation by so much too large,
    elevation by `tilt_east_rad` more towards the east and `tilt_north_rad` towards the north. Its time of validity is
    `time_s` too late. It stands `site_east_m`, `site_north_m` from where it is said to.
    """

    range_m: float
    range_gain: float
    azimuth_rad: float
    elevation_rad: float
    tilt_east_rad: float
    tilt_north_rad: float
    time_s: float
    site_east_m: float
    site_north_m: float


@dataclass(frozen=True, slots=True)
class SensorBias:
    """One sensor's steady errors.

    `estimate` is what is corrected, zero while `state` is not known; `sigma` the 1-σ that remains, the prior's where
    nothing told. `moved` is by how much it differs from when it was known first. `references` agree now or did before
    they left, `left_out` contradict them now. `compared` counts plots compared, `refused` those of them that lay too
    far from what was expected; `changes` how often everything was learned anew because the sensor had changed. `source`
    tells what the estimate is from; `partners` are how many sensors that see the same objects took part, by about
    `common` comparisons, `common_refused` not counted.
    """

    sensor_id: str
    state: BiasState
    estimate: BiasValues
    sigma: BiasValues
    moved: BiasValues
    references: int = 0
    left_out: int = 0
    compared: int = 0
    refused: int = 0
    changes: int = 0
    source: BiasSource = BiasSource.NOTHING
    partners: int = 0
    common: int = 0
    common_refused: int = 0
