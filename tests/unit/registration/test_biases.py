"""Radars' steady errors are learned from aircraft that say where they are, from enough of them, and never from one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import astuple, replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from bias_sky import IDS, NS, RADARS, SENSORS, T0, BiasSky, Errors

from dronewall.geodesy.wgs84 import ecef_from_geodetic, enu_axes, enu_from_spherical
from dronewall.model.biases import BiasState, SensorBias
from dronewall.model.observations import Observations
from dronewall.model.plots import Datum, Plots
from dronewall.registration.bias_correction import add_remaining, correct
from dronewall.registration.bias_kernels import compare
from dronewall.registration.bias_model import AZIMUTH, ELEVATION, OWN, PRIOR, RANGE, TIME
from dronewall.registration.bias_rows import own_wander
from dronewall.registration.biases import SensorBiases
from dronewall.registration.reference_kernels import enter_reports
from dronewall.registration.registrar import Registrar
from dronewall.registration.warm import warm_registration

STILL = np.zeros(len(SENSORS), np.int64)


def run(sky: BiasSky, seconds: int, *, biases: SensorBiases | None = None, from_s: int = 0) -> SensorBiases:
    """Let radars and aircraft report for so long."""
    biases = biases or SensorBiases(SENSORS)
    for now_ns, plots in sky.seconds(from_s, seconds):
        biases.step(plots, STILL, now_ns=now_ns)
    return biases


def wrong_by(seed: int) -> dict[str, Errors]:
    """Return the errors of the issue in signs that the seed draws."""
    sign = np.random.default_rng(seed).choice([-1.0, 1.0], (2, 4))
    return {
        radar.sensor_id: Errors(80.0 * s[0], 0.3 * s[1], 0.1 * s[2], 0.3 * s[3])
        for radar, s in zip(RADARS, sign, strict=True)
    }


@cache
def ten_minutes(seed: int) -> SensorBiases:
    datum = Datum.PRESSURE if seed % 2 else Datum.WGS84_HAE
    return run(BiasSky(seed, errors=wrong_by(seed), datum=datum), 600)


def left(bias: SensorBias, wrong: Errors) -> tuple[float, float, float]:
    """Return what would remain of errors of range m, azimuth degrees and time s."""
    e = bias.estimate
    azimuth_deg = float(np.degrees(e.azimuth_rad))
    return abs(e.range_m - wrong.range_m), abs(azimuth_deg - wrong.azimuth_deg), abs(e.time_s - wrong.time_s)


@pytest.mark.parametrize("seeds", [(1, 2, 3), pytest.param(range(4, 16), marks=pytest.mark.slow)])
def test_less_than_a_tenth_of_the_errors_is_left_after_ten_minutes(seeds: Sequence[int]) -> None:
    told = [(bias, wrong_by(seed)[bias.sensor_id]) for seed in seeds for bias in ten_minutes(seed).told()]
    assert all(bias.state is BiasState.KNOWN and bias.references == 12 for bias, _ in told)
    share = np.array([left(bias, wrong) for bias, wrong in told]) / (80.0, 0.3, 0.3)
    assert np.all(np.sqrt(np.mean(share**2, axis=0)) < 0.1)
    assert share.max() < 0.2


def test_the_estimate_errs_as_much_as_it_says() -> None:
    squares = []
    of = [RANGE, AZIMUTH, ELEVATION, TIME]
    for seed in range(1, 5):
        sky = BiasSky(seed, errors=wrong_by(seed), datum=Datum.PRESSURE, latency_s=0.05)
        biases = run(sky, 400)
        for slot, radar in enumerate(RADARS):
            wrong = wrong_by(seed)[radar.sensor_id]
            true = np.array([wrong.range_m, *np.radians([wrong.azimuth_deg, wrong.elevation_deg]), wrong.time_s])
            off = biases._beliefs.estimate[slot, of] - true / PRIOR[of]
            squares.append(off @ np.linalg.solve(biases._beliefs.covariance[slot][np.ix_(of, of)], off) / len(of))
    assert 0.5 < np.mean(squares) < 2.0


@pytest.mark.parametrize("seed", [1, 2])
def test_radars_that_are_right_are_left_as_they_are(seed: int) -> None:
    biases = run(BiasSky(seed), 300)
    for bias in biases.told():
        range_m, azimuth_deg, time_s = left(bias, Errors())
        assert range_m < 20.0
        assert azimuth_deg < 0.04
        assert time_s < 0.08
    assert biases.alerts() == ()


@pytest.mark.parametrize("aircraft", [1, 2])
def test_too_few_aircraft_correct_nothing_however_long_they_are_watched(aircraft: int) -> None:
    sky = BiasSky(3, aircraft=aircraft, errors=wrong_by(3))
    biases = run(sky, 400)
    assert max(bias.compared for bias in biases.told()) > 30
    assert all(bias.state is BiasState.UNKNOWN for bias in biases.told())
    assert all(bias.estimate.range_m == 0.0 for bias in biases.told())
    _, plots = next(sky.seconds(401, 402))
    assert biases.step(plots, STILL, now_ns=T0 + 402 * NS) is plots


def test_an_aircraft_that_lies_about_its_place_is_left_out_and_counted() -> None:
    honest, with_liar = BiasSky(4, aircraft=8), BiasSky(4, aircraft=8, lies_m={2: 700.0})
    right, told = run(honest, 300).told(), run(with_liar, 300).told()
    for bias, without in zip(told, right, strict=True):
        assert bias.left_out == 1
        assert bias.references >= 6
        assert left(bias, Errors()) < (25.0, 0.04, 0.08)
        assert abs(bias.estimate.azimuth_rad - without.estimate.azimuth_rad) < np.radians(0.03)


def test_an_aircraft_that_begins_to_lie_pulls_nothing() -> None:
    sky = BiasSky(5, aircraft=6)
    biases = run(sky, 300)
    before = [bias.estimate for bias in biases.told()]
    sky.lies_m[1] = 600.0
    run(sky, 500, biases=biases, from_s=300)
    for bias, then in zip(biases.told(), before, strict=True):
        assert bias.left_out <= 1
        assert abs(bias.estimate.range_m - then.range_m) < 20.0
        assert abs(bias.estimate.azimuth_rad - then.azimuth_rad) < np.radians(0.03)


def test_aircraft_that_do_not_know_their_place_well_are_no_references() -> None:
    biases = run(BiasSky(6, errors=wrong_by(6), nacp=7), 60)
    assert all(bias.compared == 0 for bias in biases.told())


def test_replies_that_name_the_aircraft_are_compared_with_that_aircraft_only() -> None:
    sky = BiasSky(7, errors=wrong_by(7), named=True)
    for bias in run(sky, 300).told():
        range_m, azimuth_deg, time_s = left(bias, wrong_by(7)[bias.sensor_id])
        assert (range_m < 20.0, azimuth_deg < 0.03, time_s < 0.06) == (True, True, True)


def test_a_radar_that_is_turned_while_it_runs_is_learned_anew_and_an_alert_says_by_how_much() -> None:
    sky = BiasSky(8)
    biases = run(sky, 700)
    sky.errors["west"] = Errors(azimuth_deg=0.8)
    run(sky, 1_100, biases=biases, from_s=700)
    west, east = biases.told()
    assert west.changes == 1
    assert np.degrees(west.estimate.azimuth_rad) == pytest.approx(0.8, abs=0.03)
    assert east.changes == 0
    titles = {alert.alert_id: alert.title for alert in biases.alerts()}
    assert sorted(titles) == ["bias:west", "drift:west"]
    assert re.search(r"moved by .* \+0\.(7[789]|8[0-3])° in azimuth", titles["drift:west"])


def test_a_clock_that_is_corrected_now_and_then_by_its_delays_gives_the_same_times() -> None:
    sky, still = (BiasSky(9, errors={"west": Errors(time_s=0.3)}) for _ in range(2))
    swaying, steady = SensorBiases(SENSORS), SensorBiases(SENSORS)
    for (now_ns, plots), (_, same) in zip(sky.seconds(0, 300), still.seconds(0, 300), strict=True):
        by_ns = -280_000_000 if now_ns // NS // 20 % 2 else 0
        applied = np.array([by_ns, 0, 0], np.int64)
        mine = plots.sensor == plots.sensor_ids.index("west") if "west" in plots.sensor_ids else plots.sensor < 0
        moved = replace(plots, at_ns=plots.at_ns + np.where(mine, by_ns, 0))
        one, other = swaying.step(moved, applied, now_ns=now_ns), steady.step(same, STILL, now_ns=now_ns)
    assert mine.any()
    assert all(biases.told()[0].state is BiasState.KNOWN for biases in (swaying, steady))
    assert by_ns != 0
    np.testing.assert_allclose(one.at_ns, other.at_ns, rtol=0.0, atol=5e6)


def test_what_is_known_outlives_the_aircraft_but_is_less_sure() -> None:
    sky = BiasSky(10, errors=wrong_by(10))
    biases = run(sky, 400)
    before = biases.told()[0]
    sky.silent = frozenset(range(12))
    run(sky, 2_000, biases=biases, from_s=400)
    after = biases.told()[0]
    assert after.state is BiasState.KNOWN
    assert after.estimate.range_m == pytest.approx(before.estimate.range_m, abs=15.0)
    assert after.sigma.azimuth_rad > before.sigma.azimuth_rad


def test_it_goes_on_from_a_checkpoint_as_if_nothing_had_happened() -> None:
    here, there = BiasSky(11, errors=wrong_by(11)), SensorBiases(SENSORS)
    biases = run(here, 100)
    there.restore({name: values.copy() for name, values in biases.checkpoint().items()})
    for now_ns, plots in here.seconds(100, 160):
        one, other = biases.step(plots, STILL, now_ns=now_ns), there.step(plots, STILL, now_ns=now_ns)
        assert one.range_m.tobytes() == other.range_m.tobytes()
    assert biases.told() == there.told()
    assert {k: v.tobytes() for k, v in biases.checkpoint().items()} == {
        k: v.tobytes() for k, v in there.checkpoint().items()
    }


def test_sensors_that_join_later_are_registered_too_and_the_others_keep_what_they_know() -> None:
    biases = run(BiasSky(12, errors=wrong_by(12)), 120)
    before = biases.told()
    biases.learn(SENSORS.joined_by([replace(RADARS[0], sensor_id="north")]))
    assert biases.told()[:2] == before
    assert biases.told()[2].state is BiasState.UNKNOWN


def test_corrected_plots_lie_where_the_aircraft_are() -> None:
    seed = 2
    sky, biases = BiasSky(seed, errors=wrong_by(seed)), ten_minutes(seed)
    offs = []
    for now_ns, plots in sky.seconds(700, 730):
        corrected = biases._corrected(plots, _rows(plots), np.zeros(len(RADARS)))
        offs.extend(_off_m(sky, corrected))
        assert now_ns
    assert len(offs) > 100
    assert np.median(offs) < 400.0
    raw = [off for _, plots in sky.seconds(730, 760) for off in _off_m(sky, plots)]
    assert np.median(raw) > 1.25 * np.median(offs)


def _rows(plots: Plots) -> np.ndarray:
    return np.array([IDS.index(name) for name in plots.sensor_ids], np.intp)[plots.sensor]


def _off_m(sky: BiasSky, plots: Plots) -> Sequence[float]:
    """Return how far radars' plots lie from the nearest aircraft, m."""
    out = []
    for row in np.flatnonzero(np.isfinite(plots.range_m)).tolist():
        radar = SENSORS[IDS.index(plots.sensor_ids[plots.sensor[row]])]
        enu = enu_from_spherical(plots.range_m[row], plots.azimuth_rad[row], plots.elevation_rad[row])
        place = ecef_from_geodetic(radar.lat_deg, radar.lon_deg, radar.hae_m)
        place = place + enu @ enu_axes(radar.lat_deg, radar.lon_deg)
        out.append(float(sky.nearest_m(place, (plots.at_ns[row] - T0) / 1e9)))
    return out


def test_what_remains_unknown_is_added_to_noise_and_spread_alike() -> None:
    biases = ten_minutes(1)
    _, plots = next(BiasSky(1).seconds(4, 5))
    plain = Registrar(SENSORS).register(plots, now_ns=T0 + 5 * NS).observations
    wider = biases.widened(plain)
    ranged = plain.kind == 0
    assert ranged.any()
    added, spread = (wider.noise - plain.noise)[ranged], (wider.spread - plain.spread)[ranged]
    assert np.all(np.linalg.eigvalsh(added)[:, 0] >= -1e-12)
    assert np.all(added[:, 0, 0] > 0.1)
    z = plain.z[ranged]
    np.testing.assert_allclose(
        np.trace(spread, axis1=1, axis2=2),
        added[:, 0, 0] + (z[:, 0] * np.cos(z[:, 2])) ** 2 * added[:, 1, 1] + z[:, 0] ** 2 * added[:, 2, 2],
        rtol=1e-9,
    )
    assert np.array_equal(wider.noise[~ranged], plain.noise[~ranged])
    assert biases.widened(Observations.empty()).noise.shape == (0, 3, 3)


def test_nonsense_in_plots_and_reports_is_passed_over() -> None:
    biases = run(BiasSky(13), 40)
    _, plots = next(BiasSky(13).seconds(40, 41))
    columns = dict(plots.columns())
    for name in ("range_m", "azimuth_rad", "elevation_rad", "lat_deg", "lon_deg", "altitude_m", "velocity_east_mps"):
        for value in (np.nan, np.inf, -np.inf, 1e9, -1e9, 0.0):
            bad = Plots(**{**columns, name: np.full(len(plots), value)}, sensor_ids=plots.sensor_ids)
            biases.step(bad, STILL, now_ns=T0 + 41 * NS)
    run(BiasSky(13), 120, biases=biases, from_s=41)
    for bias in biases.told():
        assert np.isfinite(astuple(bias.estimate)).all()
    assert np.isfinite(biases._beliefs.covariance).all()
    assert np.all(np.linalg.eigvalsh(biases._beliefs.covariance[:, :OWN, :OWN])[:, 0] > 0.0)


def test_the_warm_up_compiles_every_signature_that_real_plots_use() -> None:
    warm_registration()
    kernels: list[Any] = [enter_reports, compare, correct, add_remaining, own_wander]
    compiled = [len(kernel.signatures) for kernel in kernels]
    sky, registrar = BiasSky(14, errors=wrong_by(14), datum=Datum.PRESSURE), Registrar(SENSORS)
    biases = run(sky, 100)
    for now_ns, plots in sky.seconds(100, 110):
        corrected = biases.step(plots, STILL, now_ns=now_ns)
        biases.widened(registrar.register(corrected, now_ns=now_ns).observations)
    assert all(bias.state is BiasState.KNOWN for bias in biases.told())
    assert compiled == [len(kernel.signatures) for kernel in kernels]
    assert min(compiled) > 0
