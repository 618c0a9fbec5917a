"""Staged scenes: the same seed gives the same files, and the files are what every reader takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dronewall.bench.files import read_truth
from dronewall.bench.run import Asked, run_bench
from dronewall.bench.tracking_scenes.catalogue import names, staged
from dronewall.bench.tracking_scenes.staging import write_staged
from dronewall.engine.clock import NS_PER_S
from dronewall.model.errors import InputError
from dronewall.model.sensors import SensorKind
from dronewall.wire.plots_jsonl import PlotLines
from dronewall.wire.refusals import Refusals
from dronewall.wire.sensors_jsonl import sensors_from


def first_plots(name: str, seconds: int, seed: int = 1):
    scene = staged(name, seed).scene
    return scene.plots_between(scene.epoch_ns, scene.epoch_ns + seconds * NS_PER_S)


def test_a_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_staged(staged("radar-10-turns", seed), tmp_path / folder)
    for file in ("sensors.jsonl", "plots.jsonl", "truth.csv"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    assert (tmp_path / "a" / "plots.jsonl").read_bytes() != (tmp_path / "c" / "plots.jsonl").read_bytes()


def test_written_files_are_taken_whole_by_the_readers(tmp_path: Path) -> None:
    written = write_staged(staged("radar-10-doppler"), tmp_path)
    refusals = Refusals("plots.jsonl")
    plots = PlotLines(refusals).read((tmp_path / "plots.jsonl").read_bytes(), received_ns=None)
    assert len(plots) == written.plots
    assert refusals.taken() == ()
    assert len(sensors_from(tmp_path / "sensors.jsonl")) == 1
    assert len(read_truth(tmp_path / "truth.csv")) == written.truths


def test_bare_radars_declare_neither_detection_nor_clutter_and_number_no_scans() -> None:
    (sensor,) = staged("radar-10-bare").scene.sensors
    assert sensor.pd is None and sensor.clutter_per_scan is None
    assert set(first_plots("radar-10-bare", 20).scan.tolist()) == {-1}


def test_a_late_scene_has_the_plots_of_the_one_in_order() -> None:
    in_order, late = first_plots("radar-10", 100), first_plots("late-radar-10", 140)
    known = set(late.range_m.tolist())
    assert set(in_order.range_m.tolist()) <= known
    assert np.all(np.diff(late.received_ns) >= 0)
    assert np.any(np.diff(late.at_ns) < 0)


def test_the_mixed_wall_has_every_kind_of_report() -> None:
    scene = staged("mixed").scene
    plots = scene.plots_between(scene.epoch_ns + 100 * NS_PER_S, scene.epoch_ns + 130 * NS_PER_S)
    kinds = {scene.sensors.get(plots.sensor_ids[row]).kind for row in np.unique(plots.sensor)}
    assert kinds >= {
        SensorKind.RADAR_3D,
        SensorKind.RADAR_2D,
        SensorKind.ACOUSTIC_ARRAY,
        SensorKind.ACOUSTIC_PRESENCE,
        SensorKind.RF_DF,
        SensorKind.ADSB,
        SensorKind.VENDOR_TRACKER,
        SensorKind.PASSIVE_RADAR,
        SensorKind.CAMERA,
    }
    assert np.isfinite(plots.pose_lat_deg).any()


def test_a_quiet_night_has_sounds_of_the_ground_but_no_truth_there() -> None:
    scene = staged("quiet").scene
    truth = scene.truth_at(scene.epoch_ns + 1_000 * NS_PER_S)
    assert {word.split(b"-")[0] for word in truth.object_id.tolist()} <= {b"bird", b"heli"}
    plots = scene.plots_between(scene.epoch_ns + 1_000 * NS_PER_S, scene.epoch_ns + 1_020 * NS_PER_S)
    assert any(word.startswith("ears") for word in plots.sensor_ids)


def test_a_tenth_of_the_arrays_of_a_windy_wall_says_nothing() -> None:
    scene = staged("wall-wind").scene
    plots = scene.plots_between(scene.epoch_ns, scene.epoch_ns + 300 * NS_PER_S)
    silent = 1.0 - len(plots.sensor_ids) / len(scene.sensors)
    assert 0.03 < silent < 0.2


def test_an_unknown_scene_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(InputError, match="radar-N"):
        staged("radar-ten")
    with pytest.raises(InputError, match="mixed"):
        staged("nowhere")


def test_the_benchmark_writes_scenes_instead_of_measuring(tmp_path: Path) -> None:
    (figure,) = run_bench("tracking", Asked(only="radar-10", out=tmp_path))
    assert figure["value"] > 100
    assert (tmp_path / "radar-10" / "truth.csv").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in names() if not name.startswith("real-")])
def test_every_scene_is_told_within_its_time(name: str) -> None:
    scene = staged(name).scene
    plots = scene.plots_between(scene.epoch_ns, scene.epoch_ns + 15 * NS_PER_S)
    assert len(plots)
    assert len(scene.truth_at(scene.epoch_ns + 10 * NS_PER_S))
