"""What is kept of the sensors' steady errors: columns that kernels work on, saved and restored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dronewall.geodesy.wgs84 import ecef_from_geodetic, enu_axes
from dronewall.model.biases import BiasState
from dronewall.model.sensors import Sensor
from dronewall.registration.bias_model import UNKNOWNS

FloatArray = NDArray[np.float64]

WATCHED = 32
"""So many aircraft a sensor is compared with at a time."""
AGAIN_S = 0.8
PERIOD_ASSUMED_S = 4.0
"""Of a radar that declares none."""
ENOUGH = 3
"""So many references must agree before anything is corrected."""


class Sites(NamedTuple):
    """Where the registered sensors stand: ECEF m (s, 3), their local axes (s, 3, 3), how far they reach, m,
    how soon an aircraft is compared again, ns, and how long a turn takes, ns.
    """

    site: FloatArray
    axes: FloatArray
    reach_m: FloatArray
    again_ns: NDArray[np.int64]
    period_ns: NDArray[np.int64]


class Pairs(NamedTuple):
    """What each sensor's watched aircraft told, one cell per sensor and place (s, WATCHED); address 0 is a free place.

    `row` is the aircraft's on the board of references. `info` and `score` are in units of the priors, of `compared`
    plots; `off` is the recent share of those refused.
    """

    address: NDArray[np.uint32]
    row: NDArray[np.int32]
    info: FloatArray
    score: FloatArray
    compared: NDArray[np.int64]
    off: FloatArray
    since_ns: NDArray[np.int64]
    last_ns: NDArray[np.int64]
    sigma_m: FloatArray
    pressure: NDArray[np.bool_]


class Beliefs(NamedTuple):
    """What is held of each sensor (s,), in units of the priors.

    `history` and `history_covariance` come from aircraft that are gone, `witnesses` are the last of their addresses;
    `estimate` and `covariance` are of these and the present ones together. `anchor_ns` is the correction by delays that
    its time is counted from.
    """

    history: FloatArray
    history_covariance: FloatArray
    witnesses: NDArray[np.uint32]
    estimate: FloatArray
    covariance: FloatArray
    known: NDArray[np.bool_]
    state: NDArray[np.uint8]
    references: NDArray[np.int64]
    left_out: NDArray[np.int64]
    compared: NDArray[np.int64]
    refused: NDArray[np.int64]
    anchor_ns: NDArray[np.int64]
    reviewed_ns: NDArray[np.int64]
    sought_ns: NDArray[np.int64]


class Held(NamedTuple):
    """What is held of each sensor (s,) from references and common tracks together, in units of the priors.

    `estimate` is what plots are corrected by where it is `known`, and `covariance` what of it adds to their noise: how
    far the sensor may be off from those that see the same objects. `whole` is how far it may be off at all. `partners`
    are how many others it was aligned with, `changes` how often it was found to have changed. `at_first` is what it was
    when it had been known for a while, since `first_ns`. `trouble_ns`, `moved_ns` and `disputed_ns` are since when
    alerts stand, 0 if none does.
    """

    estimate: FloatArray
    covariance: FloatArray
    whole: FloatArray
    known: NDArray[np.bool_]
    known_ns: NDArray[np.int64]
    partners: NDArray[np.int64]
    changes: NDArray[np.int64]
    at_first: FloatArray
    at_first_covariance: FloatArray
    first_ns: NDArray[np.int64]
    trouble_ns: NDArray[np.int64]
    moved_ns: NDArray[np.int64]
    disputed_ns: NDArray[np.int64]


def sites_of(sensors: Sequence[Sensor]) -> Sites:
    """Return the sites of sensors that have one."""
    lat, lon, hae = (np.array([getattr(s, name) for s in sensors], float) for name in ("lat_deg", "lon_deg", "hae_m"))
    return Sites(
        site=ecef_from_geodetic(lat, lon, hae).reshape(-1, 3),
        axes=enu_axes(lat, lon).reshape(-1, 3, 3),
        reach_m=np.array([s.range_max_m or 400_000.0 for s in sensors], float),
        again_ns=np.array([1e9 * max(0.6 * (s.period_s or 0.0), AGAIN_S) for s in sensors], np.int64),
        period_ns=np.array([1e9 * max(s.period_s or PERIOD_ASSUMED_S, AGAIN_S) for s in sensors], np.int64),
    )


def no_pairs(sensors: int) -> Pairs:
    """Return free places for so many sensors."""
    shape = (sensors, WATCHED)
    return Pairs(
        address=np.zeros(shape, np.uint32),
        row=np.full(shape, -1, np.int32),
        info=np.zeros((*shape, UNKNOWNS, UNKNOWNS)),
        score=np.zeros((*shape, UNKNOWNS)),
        compared=np.zeros(shape, np.int64),
        off=np.zeros(shape),
        since_ns=np.zeros(shape, np.int64),
        last_ns=np.zeros(shape, np.int64),
        sigma_m=np.zeros(shape),
        pressure=np.zeros(shape, np.bool_),
    )


def no_beliefs(sensors: int) -> Beliefs:
    """Return what is held of sensors of which nothing is known."""
    counts = {
        name: np.zeros(sensors, np.int64)
        for name in Beliefs._fields
        if name.endswith("_ns") or name in ("references", "left_out", "compared", "refused")
    }
    none, unit = np.zeros((sensors, UNKNOWNS)), np.tile(np.eye(UNKNOWNS), (sensors, 1, 1))
    return Beliefs(
        history=none.copy(),
        history_covariance=unit.copy(),
        witnesses=np.zeros((sensors, ENOUGH), np.uint32),
        estimate=none.copy(),
        covariance=unit.copy(),
        known=np.zeros(sensors, np.bool_),
        state=np.full(sensors, BiasState.UNKNOWN, np.uint8),
        **counts,
    )


def no_held(sensors: int) -> Held:
    """Return what is held of sensors of which nothing is known."""
    none, unit = np.zeros((sensors, UNKNOWNS)), np.tile(np.eye(UNKNOWNS), (sensors, 1, 1))
    return Held(
        estimate=none.copy(),
        covariance=unit.copy(),
        whole=unit.copy(),
        known=np.zeros(sensors, np.bool_),
        at_first=none.copy(),
        at_first_covariance=unit.copy(),
        **{name: np.zeros(sensors, np.int64) for name in Held._fields if name.endswith("_ns")},
        partners=np.zeros(sensors, np.int64),
        changes=np.zeros(sensors, np.int64),
    )


def with_places(pairs: Pairs, sensors: int) -> Pairs:
    """Return pairs with free places for sensors that joined at the end."""
    grown = no_pairs(sensors)
    for name, before in pairs._asdict().items():
        getattr(grown, name)[: len(before)] = before
    return grown


def with_beliefs(beliefs: Beliefs, sensors: int) -> Beliefs:
    """Return beliefs with nothing known of sensors that joined at the end."""
    grown = no_beliefs(sensors)
    for name, before in beliefs._asdict().items():
        getattr(grown, name)[: len(before)] = before
    return grown


def with_held(held: Held, sensors: int) -> Held:
    """Return what is held with nothing known of sensors that joined at the end."""
    grown = no_held(sensors)
    for name, before in held._asdict().items():
        getattr(grown, name)[: len(before)] = before
    return grown


def forget_pairs(pairs: Pairs, slot: int, places: NDArray[np.bool_]) -> None:
    """Free some places (WATCHED,) of one sensor."""
    for column in pairs:
        column[slot, places] = 0
    pairs.row[slot, places] = -1


def forget_gathered(pairs: Pairs, slot: int, places: NDArray[np.bool_]) -> None:
    """Keep some aircraft watched, but forget what they told."""
    for column in (pairs.info, pairs.score, pairs.compared):
        column[slot, places] = 0


def saved(prefix: str, columns: NamedTuple) -> dict[str, NDArray[Any]]:
    """Return columns as named arrays."""
    return {f"{prefix}.{name}": values.copy() for name, values in columns._asdict().items()}


def saved_pairs(pairs: Pairs) -> dict[str, NDArray[Any]]:
    """Return the places that are taken as named arrays."""
    slot, place = np.nonzero(pairs.address)
    taken = {f"biases.pairs.{name}": values[slot, place] for name, values in pairs._asdict().items()}
    return {**taken, "biases.pairs.at": np.stack([slot, place])}


def restored_pairs(state: Mapping[str, NDArray[Any]], sensors: int) -> Pairs:
    """Return the pairs that `saved_pairs` saved."""
    pairs, (slot, place) = no_pairs(sensors), state["biases.pairs.at"]
    for name, values in pairs._asdict().items():
        values[slot, place] = state[f"biases.pairs.{name}"]
    return pairs
