"""Civil aircraft seen and lost, and changes of number: what the summary of a run says about its safety.

An aircraft counts as *seen* when its transponder was heard for 20 s or longer, as *lost* when at some sample between
then and 30 s after its last report it did not have exactly one confirmed track with its address.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dronewall.model.tracks import Tracks, TrackStatus

HEARD_FOR_NS = 20_000_000_000
HELD_FOR_NS = 30_000_000_000

Times = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class CivilSample:
    """How many confirmed tracks carry each address at one instant; an address not named has none."""

    at_ns: int
    tracks_of: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class CivilCount:
    """How many aircraft were seen and lost; `lost_icao24` names those lost, each with the instant it first failed."""

    seen: int
    lost_icao24: tuple[tuple[int, int], ...]

    @property
    def lost(self) -> int:
        """The figure of the summary."""
        return len(self.lost_icao24)


def civil_sample(at_ns: int, tracks: Tracks) -> CivilSample:
    """Return the addresses of confirmed tracks at one instant. A coasting track was confirmed and counts as such."""
    held = (tracks.status == TrackStatus.CONFIRMED) | (tracks.status == TrackStatus.COASTING)
    address, count = np.unique(tracks.icao24[held & (tracks.icao24 != 0)], return_counts=True)
    return CivilSample(at_ns, dict(zip(address.tolist(), count.tolist(), strict=True)))


def civil_count(heard_ns: Mapping[int, Times], samples: Sequence[CivilSample]) -> CivilCount:
    """Judge every aircraft by the samples.

    Args:
        heard_ns: for each address the instants at which its transponder was heard, in any order. A silence of more
            than 30 s ends one hearing; what follows is judged as a new one.
        samples: at any instants, in order.
    """
    at = np.array([sample.at_ns for sample in samples], np.int64)
    seen = 0
    lost: list[tuple[int, int]] = []
    for address, times in sorted(heard_ns.items()):
        hearings = _hearings(np.sort(times))
        seen += bool(hearings)
        failed = [moment for a, b in hearings if (moment := _first_failure(address, a, b, at, samples)) is not None]
        if failed:
            lost.append((address, failed[0]))
    return CivilCount(seen, tuple(lost))


def _hearings(times: Times) -> list[tuple[int, int]]:
    """Return, of each stretch of 20 s or more without a silence of more than 30 s, from when it is judged and its end.

    It is judged from the first report by which the transponder has been heard for 20 s, not from an instant before it.
    """
    parts = np.split(times, np.flatnonzero(np.diff(times) > HELD_FOR_NS) + 1)
    long = [part for part in parts if len(part) and part[-1] - part[0] >= HEARD_FOR_NS]
    return [(int(part[np.searchsorted(part, part[0] + HEARD_FOR_NS)]), int(part[-1])) for part in long]


def _first_failure(address: int, judged_from: int, last: int, at: Times, samples: Sequence[CivilSample]) -> int | None:
    begin, end = np.searchsorted(at, (judged_from, last + HELD_FOR_NS))
    for sample in samples[begin:end]:
        if sample.tracks_of.get(address, 0) != 1:
            return sample.at_ns
    return None
