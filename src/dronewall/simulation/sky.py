"""The sky of a night: every object, how it moves and how sensors see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dronewall.model.identity import Affiliation
from dronewall.model.plots import NAN, ObjectClass
from dronewall.model.table import Table, column
from dronewall.simulation.flight import FlightPlans, fly
from dronewall.simulation.movers import Movers


@dataclass(frozen=True, slots=True, eq=False)
class Signatures(Table):
    """How each object looks to sensors; all values are invented orders of magnitude, none describes a real type.

    `rcs_m2` is the mean radar cross-section; `hearing_m` how far an acoustic array hears it in still air (0: silent);
    `emits` whether it sends on a radio link. `icao24` 0 means no transponder; the other claims are what a transponder
    says, `adsb_sigma_m` its true horizontal error per axis and `pressure_error_m` its altimeter's.
    """

    object_id: NDArray[np.bytes_] = column("|S12", absent=b"")
    object_class: NDArray[np.uint8] = column("|u1", absent=ObjectClass.UNKNOWN)
    affiliation: NDArray[np.uint8] = column("|u1", absent=Affiliation.UNKNOWN)
    rcs_m2: NDArray[np.float64] = column("<f8", absent=1.0)
    hearing_m: NDArray[np.float64] = column("<f8", absent=0.0)
    emits: NDArray[np.bool_] = column("|b1", absent=False)
    icao24: NDArray[np.uint32] = column("<u4", absent=0)
    callsign: NDArray[np.bytes_] = column("|S8", absent=b"")
    squawk: NDArray[np.int16] = column("<i2", absent=-1)
    nic: NDArray[np.int8] = column("|i1", absent=-1)
    nacp: NDArray[np.int8] = column("|i1", absent=-1)
    adsb_period_s: NDArray[np.float64] = column("<f8", absent=1.0)
    adsb_sigma_m: NDArray[np.float64] = column("<f8", absent=NAN)
    pressure_error_m: NDArray[np.float64] = column("<f8", absent=0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Sky:
    """Objects: row i of `signatures` moves as row i of `movers`."""

    signatures: Signatures
    movers: Movers

    def __post_init__(self) -> None:
        if len(self.signatures) != len(self.movers):
            raise ValueError(f"{len(self.signatures)} signatures for {len(self.movers)} movers")

    def __len__(self) -> int:
        return len(self.signatures)

    @classmethod
    def concat(cls, parts: Sequence[Sky]) -> Sky:
        """Return all objects of `parts`, in order."""
        return cls(Signatures.concat([p.signatures for p in parts]), Movers.concat([p.movers for p in parts]))


@dataclass(frozen=True, slots=True, eq=False)
class Flights:
    """Objects that have yet to be flown: row i of `signatures` intends row i of `plans`."""

    signatures: Signatures
    plans: FlightPlans


def flown(flights: Sequence[Flights], *, longest_s: float) -> Sky:
    """Return the sky of all flights; flying them together takes half the time."""
    plans = FlightPlans.concat([f.plans for f in flights])
    return Sky(Signatures.concat([f.signatures for f in flights]), fly(plans, longest_s=longest_s))


def numbered(prefix: str, n: int) -> list[bytes]:
    """Return n object ids: `drone-001`, `drone-002` and so on."""
    return [f"{prefix}-{i + 1:03d}".encode() for i in range(n)]
