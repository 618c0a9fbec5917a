"""Reports of class: how well one fits a source, and what that is worth to bearings and to new tracks."""

import numpy as np
import pytest

from dronewall.geodesy.wgs84 import ecef_from_geodetic
from dronewall.model.plots import CLASS_COUNT, ObjectClass
from dronewall.model.sensors import Sensor, SensorKind, Sensors
from dronewall.tracking.classes import LEAST_AGREEMENT, agreement
from dronewall.tracking.sound_arrays import ears_of
from dronewall.tracking.sound_association import HEAD_BITS, explain, places_index
from dronewall.tracking.sound_births import _kinship
from dronewall.tracking.sound_filter import MODES, SoundParameters
from dronewall.tracking.sound_fixes import Heard
from dronewall.tracking.sound_tables import Held

DRONE = {ObjectClass.LOITERING: 0.7, ObjectClass.LIGHT_AIRCRAFT: 0.18, ObjectClass.UNKNOWN: 0.12}
MISTAKEN = {ObjectClass.LIGHT_AIRCRAFT: 0.7, ObjectClass.LOITERING: 0.18, ObjectClass.UNKNOWN: 0.12}
HELICOPTER = {ObjectClass.HELICOPTER: 0.8, ObjectClass.LIGHT_AIRCRAFT: 0.1, ObjectClass.UNKNOWN: 0.1}
NOBODY_KNOWS = {ObjectClass.UNKNOWN: 1.0}


def told(*reports: dict[ObjectClass, float]) -> np.ndarray:
    out = np.zeros((len(reports), CLASS_COUNT), np.float32)
    for row, report in enumerate(reports):
        for name, share in report.items():
            out[row, name] = share
    return out


def bearings(classes: np.ndarray) -> Heard:
    n = len(classes)
    real, yes = np.full(n, 0.001), np.ones(n, np.bool_)
    azimuth, no_elevation = np.zeros(n), np.full(n, np.nan)
    at_ns, sensor = np.zeros(n, np.int64), np.arange(n, dtype=np.int32)
    return Heard(
        at_ns, sensor, azimuth, no_elevation, real, real.copy(), classes, yes, yes.copy(), np.zeros(1, np.int64)
    )


@pytest.mark.parametrize(
    ("report", "known", "least", "most"),
    [
        (DRONE, DRONE, 0.99, 1.0),
        (DRONE, MISTAKEN, 0.4, 0.7),
        (DRONE, HELICOPTER, LEAST_AGREEMENT, 0.4),
        (NOBODY_KNOWS, HELICOPTER, 1.0, 1.0),
        ({}, HELICOPTER, 1.0, 1.0),
    ],
)
def test_a_report_fits_its_own_class_and_silence_contradicts_nobody(
    report: dict, known: dict, least: float, most: float
) -> None:
    assert least - 1e-6 <= agreement(told(report)[0], told(known)[0]) <= most + 1e-6


def test_of_two_tracks_in_one_direction_the_one_of_its_class_takes_a_bearing() -> None:
    ears = ears_of(Sensors([Sensor("ears", SensorKind.ACOUSTIC_ARRAY, 0.0, 0.0, 0.0)]))
    x = np.zeros((2, 8))
    x[:, :3] = ecef_from_geodetic(np.array([0.03]), np.array([0.0]), np.array([400.0]))
    cov = np.tile(np.diag([1e4] * 3 + [100.0] * 3 + [30.0] * 2), (2, 1, 1))
    modes = (
        np.tile(x[:, None], (1, MODES, 1)),
        np.tile(cov[:, None], (1, MODES, 1, 1)),
        np.tile([1.0, 0.0, 0.0], (2, 1)),
    )
    instants = (np.arange(2), np.full(2, -20_000_000_000))
    held = Held(
        *instants,
        *modes,
        instants[1],
        *modes,
        *(np.zeros(2, np.int64),) * 3,
        np.ones(2),
        np.zeros((2, 2, 2)),
        np.zeros((2, 2)),
    )
    heads, links = np.empty(1 << HEAD_BITS, np.int64), np.empty(2, np.int64)
    places_index(x, heads, links)
    explained, edges = np.zeros(1), np.zeros((8, 4))
    known = told(DRONE, HELICOPTER)
    count = explain(
        bearings(told(HELICOPTER)), held, x, cov, known, heads, links, ears, SoundParameters(), explained, edges
    )
    share = dict(zip(edges[:count, 1].tolist(), edges[:count, 2].tolist(), strict=True))
    assert share[1.0] > 2.0 * share.get(0.0, 0.0)
    assert explained[0] > 0.9


def test_bearings_of_two_classes_are_of_two_sources() -> None:
    rows, own = np.arange(14), np.ones(14, np.bool_)
    one = _kinship(bearings(told(*[DRONE] * 12, MISTAKEN, MISTAKEN)), rows, 14, own)
    two = _kinship(bearings(told(*[DRONE] * 7, *[HELICOPTER] * 7)), rows, 14, own)
    nobody = _kinship(bearings(told(*[NOBODY_KNOWS] * 7, *[{}] * 7)), rows, 14, own)
    assert one > 0.9 and two < 0.8 and nobody == 1.0
