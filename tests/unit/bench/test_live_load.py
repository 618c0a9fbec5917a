"""The load of the live benchmark is what it says: a steady rate of reports that the wall reads as they were meant."""

from __future__ import annotations

import numpy as np
import pytest

from dronewall.bench.live_bytes import datagrams, lines
from dronewall.bench.live_scene import DELAYS_S, SECTORS, Hits, Scene
from dronewall.feeds.asterix_decoder import AsterixDecoder
from dronewall.geodesy.wgs84 import ecef_from_enu, enu_from_spherical, geodetic_from_ecef
from dronewall.wire.plots_jsonl import PlotLines
from dronewall.wire.refusals import Refusals

BEGUN_NS = 1_790_000_000_000_000_000
TARGETS = 400


@pytest.fixture
def scene() -> Scene:
    return Scene(2_000.0, targets=TARGETS)


def whole_turn(scene: Scene) -> list[Hits]:
    return [scene.hits(number) for number in range(SECTORS)]


@pytest.mark.parametrize("rate", [300.0, 2_000.0, 5_000.0])
def test_as_many_reports_fall_due_as_were_asked_for(rate: float) -> None:
    scene = Scene(rate, targets=TARGETS)
    reports = sum(len(hits.radar) for hits in whole_turn(scene))
    assert reports / scene.turn_s == pytest.approx(rate, rel=0.1)


def test_where_seeing_everything_is_not_enough_the_radars_turn_faster() -> None:
    assert Scene(2_000.0, targets=TARGETS).turn_s == 5.0
    assert Scene(5_000.0, targets=TARGETS).turn_s < 3.0


def test_a_seed_gives_the_same_sky_again() -> None:
    one, other = (Scene(500.0, targets=50, seed=3).hits(0) for _ in range(2))
    assert np.array_equal(one.range_m, other.range_m)


def test_reports_are_as_old_as_radars_and_networks_make_them(scene: Scene) -> None:
    whole_turn(scene)
    hits = scene.hits(SECTORS)
    ages_s = (SECTORS + 1) * scene.slice_s - hits.at_s
    assert DELAYS_S[0] <= ages_s.min()
    assert ages_s.max() <= DELAYS_S[1] + scene.slice_s


def test_lines_say_what_was_measured(scene: Scene) -> None:
    hits = scene.hits(0)
    refusals = Refusals("test")
    plots = PlotLines(refusals).read(lines(hits, BEGUN_NS).tobytes(), received_ns=BEGUN_NS)
    assert refusals.taken() == ()
    assert [plots.sensor_ids[row] for row in plots.sensor] == [f"radar-{row:02d}" for row in hits.radar]
    assert np.allclose(plots.range_m, hits.range_m, atol=0.051)
    assert np.allclose(plots.elevation_rad, hits.elevation_rad, atol=1e-5)
    assert np.allclose(np.sin(plots.azimuth_rad - hits.azimuth_rad), 0.0, atol=1e-5)
    assert np.array_equal(plots.at_ns, BEGUN_NS + (hits.at_s * 1e9).astype(np.int64))


def test_blocks_say_what_was_measured(scene: Scene) -> None:
    hits = scene.hits(0)
    decoder = AsterixDecoder("test", sensors=scene.sensors, datagrams=True)
    for radar, count, block in datagrams(hits, BEGUN_NS):
        decoded = decoder.decode(block, received_ns=BEGUN_NS)
        own = hits.radar == radar
        assert (len(decoded.plots), decoded.refused) == (count, ())
        assert decoded.plots.sensor_ids == (scene.sensors[radar].sensor_id,)
        assert np.allclose(decoded.plots.range_m, hits.range_m[own], atol=4.0)
        assert np.allclose(decoded.plots.at_ns, BEGUN_NS + hits.at_s[own] * 1e9, atol=8e6)
        assert np.allclose(decoded.plots.altitude_m, hits.height_m[own], atol=4.0)


def test_heights_told_are_those_of_the_places_measured(scene: Scene) -> None:
    errors_m = []
    for hits in whole_turn(scene):
        for row, radar in enumerate(hits.radar):
            site = scene.sensors[int(radar)]
            assert site.lat_deg is not None
            assert site.lon_deg is not None
            assert site.hae_m is not None
            enu = enu_from_spherical(hits.range_m[row], hits.azimuth_rad[row], hits.elevation_rad[row])
            height_m = geodetic_from_ecef(ecef_from_enu(enu, site.lat_deg, site.lon_deg, site.hae_m))[2]
            errors_m.append(float(height_m) - hits.height_m[row])
    assert abs(np.mean(errors_m)) < 100.0
