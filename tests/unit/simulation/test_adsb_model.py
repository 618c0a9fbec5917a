"""ADS-B: claims are one aircraft's own, errors are as said, one message is one message."""

from __future__ import annotations

import numpy as np

from dronewall.geodesy.wgs84 import ecef_from_geodetic, enu_axes, geodetic_from_ecef
from dronewall.model.plots import Datum
from dronewall.simulation import scenes
from dronewall.simulation.adsb import AdsbReceivers, pressure_offset_m
from dronewall.simulation.laydown import adsb_receiver
from dronewall.simulation.night import Scene
from dronewall.simulation.source import NS


def heard(seconds: int = 600) -> tuple[Scene, object]:
    sky = scenes.flying(
        "airliner-001", [(-60.0, 0.0), (120.0, 0.0)], hae_m=10_000.0, speed_mps=230.0, **scenes.AIRLINER
    )
    receivers = [
        adsb_receiver("adsb-a", *scenes.at(-20.0, 0.0), 30.0),
        adsb_receiver("adsb-b", *scenes.at(30.0, 0.0), 30.0),
    ]
    scene = Scene(sky, [AdsbReceivers(receivers, sky, seed=2)])
    return scene, scene.plots_between(scene.epoch_ns, scene.epoch_ns + seconds * NS)


def test_every_receiver_hears_the_same_message_with_the_same_error() -> None:
    _, plots = heard()
    instants, counts = np.unique(plots.at_ns, return_counts=True)
    assert set(counts) == {1, 2}
    for instant in instants[counts == 2][:50]:
        a, b = np.flatnonzero(plots.at_ns == instant)
        assert plots.lat_deg[a] == plots.lat_deg[b]
        assert plots.sensor[a] != plots.sensor[b]
    assert abs((counts == 2).mean() - 0.81 / 0.99) < 0.08


def test_position_and_velocity_errors_are_as_large_as_said() -> None:
    scene, plots = heard()
    _, first = np.unique(plots.at_ns, return_index=True)
    plots = plots.take(first)
    rows = np.zeros(len(plots), np.int64)
    position, velocity = scene.sky.movers.state(rows, (plots.at_ns - scene.epoch_ns) / NS)
    lat, lon, hae = geodetic_from_ecef(position)
    axes = enu_axes(lat, lon)
    off = np.einsum("nij,nj->ni", axes, ecef_from_geodetic(plots.lat_deg, plots.lon_deg, hae) - position)
    n = len(plots)
    assert n > 500
    assert np.abs(((off[:, :2] / plots.sigma_position_m[:, None]) ** 2).mean(axis=0) - 1).max() < 5 * np.sqrt(2 / n)
    said = np.stack([plots.velocity_east_mps, plots.velocity_north_mps, plots.velocity_up_mps], axis=1)
    error = said - np.einsum("nij,nj->ni", axes, velocity)
    assert (error.std(axis=0) < plots.sigma_velocity_mps[0]).all()
    assert (plots.altitude_datum == Datum.PRESSURE).all()
    assert np.abs(plots.altitude_m - hae - pressure_offset_m(lat, lon, hae)).max() < 8.0


def test_the_pressure_map_stays_within_what_registration_allows_for() -> None:
    lat, lon, hae = np.meshgrid(np.linspace(43, 71, 30), np.linspace(16, 33, 20), np.linspace(0, 12_500, 20))
    offset = pressure_offset_m(lat, lon, hae)
    assert np.abs(offset).max() < 260.0
    assert np.sqrt(np.mean(offset**2)) < 120.0


def test_an_aircraft_without_transponder_says_nothing() -> None:
    silent = {**scenes.AIRLINER, "icao24": 0}
    sky = scenes.flying("airliner-001", [(-60.0, 0.0), (120.0, 0.0)], hae_m=10_000.0, speed_mps=230.0, **silent)
    source = AdsbReceivers([adsb_receiver("adsb-a", *scenes.at(0.0, 0.0), 30.0)], sky, seed=2)
    assert all(len(source.plots(second)) == 0 for second in range(100))
