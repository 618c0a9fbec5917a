"""The night: who is in it, the same however it is cut, the same again with the same seed."""

from __future__ import annotations

from collections import Counter
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from dronewall.bench.files import read_truth
from dronewall.geodesy.wgs84 import enu_axes, enu_from_ecef, spherical_from_enu
from dronewall.model.identity import Affiliation
from dronewall.model.plots import ObjectClass, Plots
from dronewall.model.sensors import SensorKind
from dronewall.simulation.geography import Belt
from dronewall.simulation.laydown import radars
from dronewall.simulation.night import EPOCH_NS, Night, Scene
from dronewall.simulation.radar import Radar
from dronewall.simulation.recording import plots_per_s, write
from dronewall.simulation.source import NS
from dronewall.wire.sensors_jsonl import sensors_from

BEGIN = EPOCH_NS + 2_400 * NS


@pytest.fixture(scope="module")
def night() -> Night:
    return Night(1)


@pytest.fixture(scope="module")
def minute(night: Night) -> Plots:
    return night.plots_between(BEGIN, BEGIN + 60 * NS)


def fingerprint(plots: Plots) -> str:
    digest = sha256("".join(plots.sensor_ids).encode())
    for _, values in plots.columns():
        digest.update(values.tobytes())
    return digest.hexdigest()


def kinds_of(night: Night, plots: Plots) -> np.ndarray:
    return np.array([night.sensors[night.sensors.row_of(i)].kind for i in plots.sensor_ids])[plots.sensor]


def test_the_lay_down_is_what_was_promised(night: Night) -> None:
    counts = Counter(sensor.kind for sensor in night.sensors)
    assert counts[SensorKind.ACOUSTIC_ARRAY] >= 400
    assert counts[SensorKind.RADAR_3D] == 30
    assert counts[SensorKind.RF_DF] == 20
    assert counts[SensorKind.ADSB] >= 10
    assert counts[SensorKind.VENDOR_TRACKER] == 1
    assert len({sensor.sensor_id for sensor in night.sensors}) == len(night.sensors)
    assert {sensor.owner for sensor in night.sensors} == {"invented"}
    assert [s.sensor_id for s in night.sensors if s.delivers_tracks] == ["tracker-kestrel"]


def test_the_sky_is_what_was_promised(night: Night) -> None:
    signatures = night.sky.signatures
    counts = Counter(ObjectClass(c) for c in signatures.object_class.tolist())
    assert counts[ObjectClass.AEROPLANE] == 300
    assert counts[ObjectClass.LOITERING] == 150
    assert counts[ObjectClass.CRUISE_MISSILE] == 8
    assert counts[ObjectClass.BALLOON] == 20
    assert counts[ObjectClass.DECOY] > 0
    assert counts[ObjectClass.BIRD] > 0
    assert len(set(signatures.object_id.tolist())) == len(signatures)
    hostile = np.isin(signatures.object_class, [ObjectClass.LOITERING, ObjectClass.DECOY, ObjectClass.CRUISE_MISSILE])
    assert np.array_equal(signatures.affiliation == Affiliation.HOSTILE, hostile)
    assert (signatures.icao24[hostile] == 0).all()


def test_every_claimed_address_belongs_to_one_aircraft(night: Night) -> None:
    addresses = night.sky.signatures.icao24
    claimed = addresses[addresses > 0]
    assert len(set(claimed.tolist())) == len(claimed) >= 300
    assert len(set(night.sky.signatures.callsign[addresses > 0].tolist())) == len(claimed)


def test_heights_and_speeds_are_those_of_their_classes(night: Night) -> None:
    expected = {
        ObjectClass.LOITERING: ((60.0, 1_520.0), (45.0, 59.0)),
        ObjectClass.CRUISE_MISSILE: ((40.0, 110.0), (199.0, 241.0)),
        ObjectClass.BALLOON: ((2_900.0, 10_100.0), (5.0, 30.0)),
        ObjectClass.AEROPLANE: ((200.0, 12_400.0), (80.0, 250.0)),
    }
    for minutes in (40, 43, 80):
        truth = night.truth_at(EPOCH_NS + minutes * 60 * NS)
        speed = np.sqrt(truth.ve_mps**2 + truth.vn_mps**2 + truth.vu_mps**2)
        for kind, (heights, speeds) in expected.items():
            rows = truth.object_class == kind
            assert rows.any()
            assert heights[0] <= truth.hae_m[rows].min()
            assert truth.hae_m[rows].max() <= heights[1]
            assert speeds[0] <= speed[rows].min()
            assert speed[rows].max() <= speeds[1]


def test_about_half_the_drones_and_some_missiles_are_in_the_air_when_the_demo_starts(night: Night) -> None:
    counts = Counter(night.truth_at(BEGIN).object_class.tolist())
    assert 60 <= counts[ObjectClass.LOITERING] <= 95
    assert counts[ObjectClass.CRUISE_MISSILE] >= 3
    assert counts[ObjectClass.AEROPLANE] >= 100


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(minute: Plots) -> None:
    again = Night(1).plots_between(BEGIN, BEGIN + 60 * NS)
    other = Night(2).plots_between(BEGIN, BEGIN + 60 * NS)
    assert fingerprint(again) == fingerprint(minute) != fingerprint(other)


def test_a_night_is_the_same_however_it_is_cut(night: Night, minute: Plots) -> None:
    rng = np.random.default_rng(0)
    cuts = np.concatenate([[0], np.sort(rng.integers(0, 60 * NS, 137)), [60 * NS]])
    pieces = [night.plots_between(BEGIN + int(a), BEGIN + int(b)) for a, b in pairwise(cuts)]
    assert fingerprint_rows(Plots.concat(pieces)) == fingerprint_rows(minute)


def test_asking_backwards_gives_the_same_too(night: Night, minute: Plots) -> None:
    starts = [BEGIN + s * NS for s in range(59, -1, -7)]
    for start in starts:
        piece = night.plots_between(start, start + NS)
        within = (minute.received_ns >= start) & (minute.received_ns < start + NS)
        assert fingerprint_rows(piece) == fingerprint_rows(minute.take(within))


def fingerprint_rows(plots: Plots) -> str:
    """As `fingerprint`, with sensors by name, whatever the dictionary."""
    digest = sha256("".join(plots.sensor_ids[s] for s in plots.sensor).encode())
    for name, values in plots.columns():
        if name != "sensor":
            digest.update(values.tobytes())
    return digest.hexdigest()


def test_a_further_kind_of_sensor_changes_nothing_in_the_others(night: Night, minute: Plots) -> None:
    models = radars(1, Belt())
    alone = Scene(night.sky, [Radar(model, night.sky, seed=1) for model in models])
    theirs = minute.take(kinds_of(night, minute) == SensorKind.RADAR_3D)
    assert fingerprint_rows(alone.plots_between(BEGIN, BEGIN + 60 * NS)) == fingerprint_rows(theirs)


def test_another_epoch_moves_the_instants_and_nothing_else(minute: Plots) -> None:
    later = Night(1, epoch_ns=EPOCH_NS + 77).plots_between(BEGIN + 77, BEGIN + 77 + 60 * NS)
    assert np.array_equal(later.at_ns - 77, minute.at_ns)
    assert np.array_equal(later.range_m, minute.range_m, equal_nan=True)


def test_plots_come_in_the_order_received_and_never_before_they_were_measured(minute: Plots) -> None:
    assert (np.diff(minute.received_ns) >= 0).all()
    assert (minute.received_ns >= minute.at_ns).all()
    assert (minute.received_ns - minute.at_ns).max() < 2 * NS


def test_every_kind_of_sensor_is_heard_at_a_believable_rate(night: Night, minute: Plots) -> None:
    rates = plots_per_s(night, BEGIN, 60)
    assert sum(rates.values()) * 60 == pytest.approx(len(minute))
    assert 150 < rates["adsb"] < 600
    assert 150 < rates["radar_3d"] < 600
    assert 30 < rates["acoustic_array"] < 400
    assert 2 < rates["rf_df"] < 60
    assert 1 < rates["vendor_tracker"] < 60


def test_scan_numbers_grow_by_one_and_every_scan_is_closed_once(night: Night, minute: Plots) -> None:
    for sensor in night.sensors:
        if sensor.kind is not SensorKind.RADAR_3D:
            continue
        rows = minute.sensor == minute.sensor_ids.index(sensor.sensor_id)
        scans, ends = minute.scan[rows], minute.scan_end[rows]
        assert set(np.diff(scans).tolist()) <= {0, 1}
        assert (np.diff(scans)[ends[:-1]] == 1).all()
        assert (np.diff(scans)[~ends[:-1]] == 0).all()


def test_radar_plots_near_truth_have_residuals_as_declared(night: Night, minute: Plots) -> None:
    kinds = kinds_of(night, minute)
    squares = []
    for row in np.flatnonzero((kinds == SensorKind.RADAR_3D) & ~minute.empty_scan)[::4]:
        sensor = night.sensors.get(minute.sensor_ids[minute.sensor[row]])
        assert sensor is not None
        squares.append(nearest_squared(night, minute, int(row), sensor))
    squares = np.array(squares)
    true = squares < 25.0
    assert true.sum() > 700
    # The mean of chi-squared with three degrees of freedom, cut at 25, is 3.
    assert abs(squares[true].mean() - 3.0) < 5 * np.sqrt(6.0 / true.sum())


def nearest_squared(night: Night, plots: Plots, row: int, sensor) -> float:  # type: ignore[no-untyped-def]
    at_s = (plots.at_ns[row] - night.epoch_ns) / NS
    alive = night.sky.movers.alive(at_s)
    position, _ = night.sky.movers.state(alive, at_s)
    enu = enu_from_ecef(position, sensor.lat_deg, sensor.lon_deg, sensor.hae_m)
    range_m, azimuth, elevation = spherical_from_enu(enu)
    off = np.stack(
        [
            (plots.range_m[row] - range_m) / sensor.sigma.range_m,
            np.degrees(np.angle(np.exp(1j * (plots.azimuth_rad[row] - azimuth)))) / sensor.sigma.azimuth_deg,
            np.degrees(plots.elevation_rad[row] - elevation) / sensor.sigma.elevation_deg,
        ]
    )
    return float((off**2).sum(axis=0).min())


def test_truth_is_scored_while_a_sensor_reaches_it_and_never_once_it_is_gone(night: Night) -> None:
    movers = night.sky.movers
    row = int(np.flatnonzero(night.sky.signatures.object_id == b"drone-001")[0])
    end_ns = night.epoch_ns + round(float(movers.end_s[row]) * NS)
    before, after = night.truth_at(end_ns - NS), night.truth_at(end_ns + NS)
    assert before.scored[before.object_id == b"drone-001"].tolist() == [True]
    assert after.scored[after.object_id == b"drone-001"].tolist() == [False]
    assert b"drone-001" not in night.truth_at(end_ns + 31 * NS).object_id


def test_truth_may_be_scored_by_the_reach_of_some_kinds_of_sensors_only(night: Night) -> None:
    whole = night.truth_at(BEGIN)
    by_ads_b = night.truth_at(BEGIN, kinds=frozenset({SensorKind.ADSB}))
    assert by_ads_b.scored.sum() < whole.scored.sum() < len(whole)
    assert not by_ads_b.scored[by_ads_b.affiliation == Affiliation.HOSTILE].any()
    assert not (by_ads_b.scored & ~whole.scored).any()


def test_truths_velocity_is_in_local_east_north_up(night: Night) -> None:
    truth, later = night.truth_at(BEGIN), night.truth_at(BEGIN + NS // 100)
    moved = (later.ecef() - truth.ecef()) * 100.0
    axes = enu_axes(truth.lat_deg, truth.lon_deg)
    enu = np.einsum("nij,nj->ni", axes, moved)
    assert np.abs(enu - np.stack([truth.ve_mps, truth.vn_mps, truth.vu_mps], axis=1)).max() < 0.1


def test_a_night_written_down_is_read_back_by_the_scorer_and_the_register(night: Night, tmp_path: Path) -> None:
    recording = write(night, 10.0, tmp_path, from_s=2_400.0)
    assert list(sensors_from(tmp_path / "sensors.jsonl")) == list(night.sensors)
    assert len((tmp_path / "plots.jsonl").read_bytes().splitlines()) == recording.plots
    assert recording.plots == len(night.plots_between(BEGIN, BEGIN + 10 * NS))
    truth = read_truth(tmp_path / "truth.csv")
    expected = night.truth_at(BEGIN)
    assert recording.truths == len(truth) > len(expected)
    assert sorted(set(truth.at_ns.tolist())) == [BEGIN, BEGIN + 5 * NS]
    assert int(truth.scored[truth.at_ns == BEGIN].sum()) == int(expected.scored.sum())
