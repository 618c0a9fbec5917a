"""Radars that see the same objects are aligned with each other, claim no more than that shows, and one liar moves none.

Which plot is of which object is known here, as if the tracker never erred. Noise is simulated.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from bias_sky import LAT, LON, NS, SIGMA, T0, BiasSky, Errors

from dronewall.geodesy.wgs84 import ecef_from_enu, enu_axes
from dronewall.model.biases import BiasSource, BiasState, SensorBias
from dronewall.model.plots import Plots
from dronewall.model.sensors import Sensor, SensorKind, Sensors, Sigma
from dronewall.model.tracks import Tracks, TrackStatus
from dronewall.registration.alignment import TOGETHER_MOST, align, groups
from dronewall.registration.bias_model import AZIMUTH, ELEVATION, OWN, PRIOR, RANGE, TIME
from dronewall.registration.biases import SensorBiases
from dronewall.registration.common_kernels import compare_common
from dronewall.registration.common_state import no_objects
from dronewall.registration.registrar import Registrar
from dronewall.registration.warm import warm_registration

RADARS = tuple(
    Sensor(name, SensorKind.RADAR_3D, lat, lon, 120.0, SIGMA, period_s=period_s, range_max_m=250_000.0)
    for name, lat, lon, period_s in (
        ("west", 52.0, 21.2, 5.0),
        ("east", 52.2, 22.8, 5.0),
        ("north", 52.6, 22.0, 4.0),
        ("south", 51.4, 22.1, 10.0),
    )
)
SENSORS = Sensors([*RADARS, Sensor("adsb", SensorKind.ADSB, sigma=Sigma(position_m=15.0))])
STILL = np.zeros(len(SENSORS), np.int64)
SIXTEEN = frozenset(range(16))


def wrong_by(seed: int) -> dict[str, Errors]:
    """Return errors of 80 m, 0.3°, 0.1° and 0.3 s in signs that the seed draws."""
    sign = np.random.default_rng(seed).choice([-1.0, 1.0], (len(RADARS), 4))
    return {
        radar.sensor_id: Errors(80.0 * s[0], 0.3 * s[1], 0.1 * s[2], 0.3 * s[3])
        for radar, s in zip(RADARS, sign, strict=True)
    }


def objects(seed: int, **more: Any) -> BiasSky:
    """Return a sky of objects that say nothing of themselves."""
    return BiasSky(seed, **{"aircraft": 16, "silent": SIXTEEN, "named": True, "radars": RADARS, **more})


class Watch:
    """Plays a sky to what learns from it. `apart` are radars whose plots go to tracks of their own, shifted east, m."""

    def __init__(self, sky: BiasSky, *, also: BiasSky | None = None, apart: tuple[str, ...] = ()) -> None:
        self.sky, self.also, self.apart, self.east_m, self.apart_from = sky, also, apart, 0.0, 0
        self.biases, self._registrar = SensorBiases(SENSORS), Registrar(SENSORS)

    def run(self, seconds: int, *, from_s: int = 0) -> Watch:
        """Let sensors report for so long."""
        others = self.also.seconds(from_s, seconds) if self.also else None
        for now_ns, plots in self.sky.seconds(from_s, seconds):
            self.step(Plots.concat([plots, *([next(others)[1]] if others else [])]), now_ns)
        return self

    def step(self, plots: Plots, now_ns: int) -> Plots:
        number = np.where(np.isfinite(plots.range_m), plots.icao24.astype(np.int64) - 0x400000, -2) + 1
        number[number > self.sky.aircraft] = -1
        heard = replace(plots, icao24=np.where(np.isfinite(plots.range_m), 0, plots.icao24).astype(np.uint32))
        corrected = self.biases.step(heard, STILL, now_ns=now_ns)
        o = self._registrar.register(corrected, now_ns=now_ns).observations
        track_of = number[o.plot]
        mine = np.isin(o.sensor, [SENSORS.row_of(name) for name in self.apart])
        track_of = np.where(mine & (track_of > 0) & (o.plot >= self.apart_from), track_of + 1000, track_of)
        self.biases.learn_from_tracks(o, track_of, self.tracks(now_ns), now_ns=now_ns)
        return corrected

    def tracks(self, now_ns: int) -> Tracks:
        n = self.sky.aircraft
        enu, velocity = self.sky.enu(np.arange(n), np.full(n, (now_ns - T0) / 1e9))
        mean = np.hstack([ecef_from_enu(enu, LAT, LON, 0.0), velocity @ enu_axes(LAT, LON)])
        moved = mean.copy()
        moved[:, :3] += self.east_m * enu_axes(LAT, LON)[0]
        count = 2 * n if self.apart else n
        return Tracks.of(
            count,
            track_id=np.concatenate([np.arange(1, n + 1), np.arange(1001, n + 1001)])[:count],
            status=TrackStatus.CONFIRMED,
            mean=np.concatenate([mean, moved])[:count],
        )

    def told(self) -> dict[str, SensorBias]:
        return {bias.sensor_id: bias for bias in self.biases.told()}


def left(told: dict[str, SensorBias], errors: dict[str, Errors]) -> np.ndarray:
    """Return what would remain (sensors, 3) of errors of range m, azimuth degrees and time s."""
    rows = []
    for name, bias in told.items():
        e, wrong = bias.estimate, errors.get(name, Errors())
        azimuth_deg = float(np.degrees(e.azimuth_rad)) - wrong.azimuth_deg
        rows.append((e.range_m - wrong.range_m, azimuth_deg, e.time_s - wrong.time_s))
    return np.array(rows)


@pytest.mark.parametrize(
    ("seed", "seconds"), [(1, 300), *(pytest.param(seed, 600, marks=pytest.mark.slow) for seed in range(2, 7))]
)
def test_without_any_trusted_aircraft_radars_agree_within_ten_minutes(seed: int, seconds: int) -> None:
    told = Watch(objects(seed, errors=wrong_by(seed))).run(seconds).told()
    assert all(bias.state is BiasState.KNOWN and bias.partners == 3 for bias in told.values())
    assert all(bias.source is BiasSource.COMMON_TRACKS and bias.references == 0 for bias in told.values())
    off = left(told, wrong_by(seed))
    differ = off - off.mean(axis=0)
    assert np.all(np.sqrt(np.mean(differ**2, axis=0)) < 0.2 * np.array([80.0, 0.3, 0.3]))


def test_by_how_much_all_are_late_is_not_claimed() -> None:
    late = {radar.sensor_id: Errors(azimuth_deg=0.3, time_s=0.3) for radar in RADARS}
    told = Watch(objects(4, errors=late)).run(200).told()
    for bias in told.values():
        assert abs(bias.estimate.time_s) < 0.1
        assert bias.sigma.time_s > 0.15
        assert np.degrees(bias.estimate.azimuth_rad) == pytest.approx(0.3, abs=0.03)
        assert np.degrees(bias.sigma.azimuth_rad) < 0.02


@pytest.mark.parametrize("seeds", [range(1, 3), pytest.param(range(3, 11), marks=pytest.mark.slow)])
def test_estimates_err_as_much_as_they_say(seeds: range) -> None:
    squares, of = [], [RANGE, AZIMUTH, ELEVATION, TIME]
    for seed in seeds:
        drawn = np.random.default_rng(seed).normal(0.0, 0.5, (len(RADARS), len(of))) * PRIOR[of]
        errors = {
            radar.sensor_id: Errors(e[0], *np.degrees(e[1:3]), e[3]) for radar, e in zip(RADARS, drawn, strict=True)
        }
        held = Watch(objects(seed, errors=errors)).run(200).biases._held
        off = held.estimate[:, of] - drawn / PRIOR[of]
        whole = held.whole[:, of][:, :, of]
        squares.extend(np.einsum("si,si->s", off, np.linalg.solve(whole, off[:, :, None])[:, :, 0]) / len(of))
    assert 0.25 < np.mean(squares) < 1.5
    assert max(squares) < 6.0


@pytest.mark.parametrize("seed", [5, pytest.param(6, marks=pytest.mark.slow)])
def test_radars_that_are_right_are_left_exactly_as_they_are(seed: int) -> None:
    watch = Watch(objects(seed)).run(300)
    told = watch.told()
    assert all(bias.common > 100 and bias.partners == 3 for bias in told.values())
    assert np.all(left(told, {}) == 0.0)
    _, plots = next(watch.sky.seconds(300, 301))
    assert np.array_equal(watch.step(plots, T0 + 301 * NS).range_m, plots.range_m, equal_nan=True)
    assert watch.biases.alerts() == ()


def test_one_radar_with_trusted_aircraft_anchors_the_others() -> None:
    wrong = wrong_by(7)
    aircraft = BiasSky(70, aircraft=12, errors=wrong, radars=RADARS[:1])
    told = Watch(objects(7, errors=wrong), also=aircraft).run(300).told()
    assert [bias.source for bias in told.values()] == [BiasSource.BOTH, *[BiasSource.COMMON_TRACKS] * 3]
    assert told["west"].references == 12
    off = np.abs(left(told, wrong))
    assert np.all(off < (16.0, 0.06, 0.15))
    assert all(bias.sigma.time_s < 0.15 for bias in told.values())


def test_what_an_aircraft_tells_as_a_reference_is_not_counted_again() -> None:
    sky = objects(8, aircraft=12, silent=frozenset(), named=True)
    watch = Watch(sky)
    for now_ns, plots in sky.seconds(0, 60):
        tracks = replace(watch.tracks(now_ns), icao24=(0x400000 + np.arange(12)).astype(np.uint32))
        watch.biases.step(plots, STILL, now_ns=now_ns)
        o = watch._registrar.register(plots, now_ns=now_ns).observations
        watch.biases.learn_from_tracks(o, o.icao24.astype(np.int64) - 0x400000 + 1, tracks, now_ns=now_ns)
    assert all(bias.compared > 0 and bias.common == 0 for bias in watch.told().values())


def test_two_objects_correct_nothing() -> None:
    told = Watch(objects(9, aircraft=2, errors=wrong_by(9))).run(300).told()
    assert min(bias.common for bias in told.values()) > 30
    assert all(bias.state is BiasState.UNKNOWN and bias.estimate.range_m == 0.0 for bias in told.values())


def test_a_radar_that_is_turned_raises_an_alert_that_says_by_how_much_and_moves_no_other() -> None:
    watch = Watch(objects(10)).run(200)
    watch.sky.errors["east"] = Errors(azimuth_deg=0.8)
    watch.run(300, from_s=200)
    assert [bias.changes for bias in watch.told().values()] == [0, 1, 0, 0]
    watch.run(450, from_s=300)
    titles = {alert.alert_id: alert.title for alert in watch.biases.alerts()}
    assert sorted(titles) == ["bias:east", "drift:east"]
    assert re.search(r"moved by .* \+0\.(7[6-9]|8[0-4])° in azimuth", titles["drift:east"])
    off = np.abs(left(watch.told(), watch.sky.errors))
    assert np.all(off[:, 1] < 0.03)
    assert np.all(off[:, 0] < 20.0)


def test_of_two_radars_the_one_that_references_vouch_for_is_not_the_one_that_changed() -> None:
    watch = Watch(objects(11, radars=RADARS[:2]), also=BiasSky(71, radars=RADARS[:1])).run(150)
    watch.sky.errors["east"] = Errors(azimuth_deg=-0.8)
    told = watch.run(400, from_s=150).told()
    assert (told["west"].changes, told["east"].changes) == (0, 1)
    assert np.degrees(told["east"].moved.azimuth_rad) == pytest.approx(-0.8, abs=0.05)
    assert abs(np.degrees(told["west"].estimate.azimuth_rad)) < 0.03


def test_tracks_that_a_radar_places_apart_are_compared_as_doubles() -> None:
    watch = Watch(objects(12, errors={"east": Errors(azimuth_deg=1.0)}), apart=("east",))
    watch.east_m = 900.0
    told = watch.run(300).told()
    assert told["east"].partners == 3
    assert np.degrees(told["east"].estimate.azimuth_rad) == pytest.approx(1.0, abs=0.05)


def test_neighbours_that_one_radar_tells_apart_are_no_doubles() -> None:
    watch = Watch(objects(13), apart=("east",))
    watch.east_m = 900.0
    watched = 0
    for now_ns, plots in watch.sky.seconds(0, 120):
        east = np.array([name == "east" for name in plots.sensor_ids])[plots.sensor]
        again = plots.take(np.flatnonzero(east))
        watch.apart_from = len(plots)
        watch.step(Plots.concat([plots, replace(again, at_ns=again.at_ns + NS // 5)]), now_ns)
        watched = max(watched, np.count_nonzero(watch.biases._common._objects.double))
    assert watched > 8
    o = watch.biases._common._objects
    assert np.count_nonzero(o.single) > 8
    assert not np.any(o.double[o.single])


def test_a_radar_without_elevation_is_aligned_by_one_that_has_it() -> None:
    wrong = {"north": Errors(range_m=80.0, azimuth_deg=-0.3)}
    watch = Watch(objects(14, errors=wrong))
    for now_ns, plots in watch.sky.seconds(0, 300):
        flat = np.array([name == "north" for name in plots.sensor_ids])[plots.sensor]
        watch.step(replace(plots, elevation_rad=np.where(flat, np.nan, plots.elevation_rad)), now_ns)
    north = watch.told()["north"]
    assert np.degrees(north.estimate.azimuth_rad) == pytest.approx(-0.3, abs=0.03)
    assert north.estimate.range_m == pytest.approx(80.0, abs=25.0)
    assert north.estimate.elevation_rad == 0.0


def test_it_goes_on_from_a_checkpoint_as_if_nothing_had_happened() -> None:
    here = Watch(objects(15, errors=wrong_by(15))).run(90)
    there = Watch(here.sky)
    there.biases.restore({name: values.copy() for name, values in here.biases.checkpoint().items()})
    for now_ns, plots in here.sky.seconds(90, 150):
        one, other = here.step(plots, now_ns), there.step(plots, now_ns)
        assert one.range_m.tobytes() == other.range_m.tobytes()
    assert here.told() == there.told()
    assert all(bias.state is BiasState.KNOWN for bias in here.told().values())
    assert {k: v.tobytes() for k, v in here.biases.checkpoint().items()} == {
        k: v.tobytes() for k, v in there.biases.checkpoint().items()
    }


def test_sensors_that_join_later_are_aligned_too_and_the_others_keep_what_they_know() -> None:
    watch = Watch(objects(16, errors=wrong_by(16))).run(60)
    before = watch.biases.told()
    watch.biases.learn(SENSORS.joined_by([replace(RADARS[0], sensor_id="late")]))
    assert watch.biases.told()[:4] == before
    assert len(watch.biases._common._objects.number) > len(no_objects(4).number)


def test_no_more_sensors_than_can_be_are_solved_together() -> None:
    chain = np.stack([np.arange(99), np.arange(1, 100)], axis=1).astype(np.int32)
    found = groups(100, chain, np.ones(99))
    assert max(len(group) for group in found) == TOGETHER_MOST
    together = [slot for group in found for slot in group]
    assert len(together) == len(set(together)) >= 98


def test_only_the_difference_of_two_is_known_where_nothing_else_shows() -> None:
    one, both = np.zeros(2 * OWN), np.zeros((2 * OWN, 2 * OWN))
    row = np.zeros(2 * OWN)
    row[AZIMUTH], row[OWN + AZIMUTH] = 1.0, -1.0
    both += 1e4 * np.outer(row, row)
    one += 1e4 * row * 0.8
    priors = np.tile(np.eye(OWN), (2, 1, 1)), np.zeros((2, OWN))
    free = np.ones(2, np.bool_)
    found = align(priors, free, np.array([[0, 1]], np.int32), both[None], one[None])
    assert found.estimate[:, AZIMUTH] == pytest.approx([0.4, -0.4], abs=1e-3)
    assert found.covariance[:, AZIMUTH, AZIMUTH] == pytest.approx([0.5, 0.5], abs=1e-3)
    assert found.apart[:, AZIMUTH, AZIMUTH] == pytest.approx([1e-4, 1e-4], rel=1e-2)
    known = priors[0].copy(), priors[1].copy()
    known[0][0, AZIMUTH, AZIMUTH] = 1e4
    found = align(known, np.array([False, True]), np.array([[0, 1]], np.int32), both[None], one[None])
    assert found.estimate[:, AZIMUTH] == pytest.approx([0.0, -0.8], abs=1e-3)
    assert found.covariance[1, AZIMUTH, AZIMUTH] == pytest.approx(2e-4, rel=1e-2)


def test_the_warm_up_compiles_every_signature_that_real_tracks_use() -> None:
    warm_registration()
    kernel: Any = compare_common
    compiled = len(kernel.signatures)
    told = Watch(objects(17, errors=wrong_by(17))).run(60).told()
    assert any(bias.common for bias in told.values())
    assert compiled == len(kernel.signatures) == 1
