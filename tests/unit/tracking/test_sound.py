"""The sound tracker: tracks from bearings alone, wind from tracks, and nothing from what stands."""

import numpy as np
import pytest

from dronewall.engine.entries import PlotsCame, SensorsJoined, Stepped, WeatherTold, content_of, entry_of, state_of
from dronewall.engine.log import Stored
from dronewall.model.picture import TruthDomain
from dronewall.model.tracks import TrackStatus
from dronewall.model.weather import Weather
from dronewall.pipeline import Pipeline
from dronewall.run.reader import Reader
from dronewall.simulation import scenes
from dronewall.simulation.acoustic import AcousticArrays
from dronewall.simulation.laydown_passive import acoustic_array
from dronewall.simulation.night import Scene
from dronewall.simulation.sky import Sky
from dronewall.tracking import sound_wind
from dronewall.tracking.sound_association import explain, places_index
from dronewall.tracking.sound_births import search
from dronewall.tracking.sound_filter import merged, rerun, sound_at
from dronewall.tracking.sound_fixes import find_seeds
from dronewall.tracking.sound_support import support
from dronewall.tracking.sound_wind import Known
from dronewall.tracking.warm import warm_sound

NS = 1_000_000_000


def field(sky: Sky, seed: int = 3, wind_mps: tuple[float, float] = (0.0, 0.0)) -> Scene:
    places = [(6.0 * (c - 2.5), 6.0 * (r - 2.5)) for r in range(6) for c in range(6)]
    arrays = [acoustic_array(f"ears-{i:02d}", *scenes.at(*place)) for i, place in enumerate(places)]
    return Scene(sky, [AcousticArrays(arrays, sky, seed=seed, wind_mps=wind_mps)])


def drone() -> Sky:
    return scenes.flying("drone-001", [(-14.0, 2.0), (40.0, 3.0)], hae_m=400.0, speed_mps=50.0, **scenes.DRONE)


def generator() -> Sky:
    return scenes.flying("pump", [(1.0, 1.0), (1.02, 1.0)], hae_m=5.0, speed_mps=0.02, **scenes.DRONE)


def stepped(pipeline: Pipeline, scene: Scene, from_s: int, to_s: int) -> list:
    pictures = []
    for second in range(from_s, to_s):
        now_ns = scene.epoch_ns + (second + 1) * NS
        plots = scene.plots_between(now_ns - NS, now_ns)
        pictures.append(pipeline.step(plots, now_ns=now_ns, seq=second))
    return pictures


def fresh(scene: Scene) -> Pipeline:
    return Pipeline(scene.sensors, truth_domain=TruthDomain.SIMULATION, reorder_ns=0)


def test_a_drone_that_is_only_heard_becomes_one_confirmed_track_near_the_truth() -> None:
    scene = field(drone())
    picture = stepped(fresh(scene), scene, 0, 200)[-1]
    assert picture.tracks.status.tolist() == [TrackStatus.CONFIRMED]
    truth = scene.truth_at(picture.at_ns)
    place = truth.ecef()[0]
    up = place / np.linalg.norm(place)
    error = picture.tracks.mean[0, :3] - place
    assert np.linalg.norm(error - (error @ up) * up) < 250.0
    assert (picture.at_ns - picture.tracks.updated_ns[0]) / NS > 2.0


def test_a_generator_that_four_arrays_hear_is_no_track() -> None:
    scene = field(generator())
    pictures = stepped(fresh(scene), scene, 0, 300)
    assert sum(len(p.tracks) for p in pictures) == 0


def test_a_restored_tracker_goes_on_as_if_nothing_had_happened() -> None:
    scene = field(drone())
    one = fresh(scene)
    stepped(one, scene, 0, 90)
    other = fresh(scene)
    other.restore(one.checkpoint())
    a, b = stepped(one, scene, 90, 130)[-1], stepped(other, scene, 90, 130)[-1]
    assert len(a.tracks) == 1
    assert a.tracks.mean.tobytes() == b.tracks.mean.tobytes()
    assert a.tracks.covariance.tobytes() == b.tracks.covariance.tobytes()


def forecast(wind_mps: tuple[float, float]) -> Weather:
    lat, lon = scenes.at(0.0, 0.0)
    given = {"lat_deg": lat, "lon_deg": lon, "hae_m": 150.0, "temperature_c": 14.5}
    return Weather.of(1, at_ns=fresh_ns(), wind_e_mps=wind_mps[0], wind_n_mps=wind_mps[1], **given)


def fresh_ns() -> int:
    return field(drone()).epoch_ns


def wind_of_the_first_track(scene: Scene, told: Weather) -> tuple[np.ndarray, float]:
    """Return the wind that a young track believes in, and how sure it is of its easterly part, m/s."""
    pipeline = fresh(scene)
    pipeline.learn_weather(told)
    stepped(pipeline, scene, 0, 60)
    state = pipeline.checkpoint()
    assert len(state["sound.held.track_id"]) == 1
    return state["sound.held.new_mean"][0, 0, 6:], float(np.sqrt(state["sound.held.new_cov"][0, 0, 6, 6]))


def test_a_young_track_believes_a_forecast_of_strong_wind_as_far_as_a_forecast_goes() -> None:
    scene = field(drone(), wind_mps=(0.0, 13.0))
    guessed, unsure = wind_of_the_first_track(scene, Weather.empty())
    believed, surer = wind_of_the_first_track(scene, forecast((1.5, 11.5)))
    assert np.linalg.norm(believed - [0.0, 13.0]) < 3.0 < 6.0 < np.linalg.norm(guessed - [0.0, 13.0])
    assert 1.0 < surer < 0.85 * unsure


def test_a_tracker_that_was_told_the_weather_is_restored_with_it_from_a_journal_too() -> None:
    scene = field(drone(), wind_mps=(0.0, 13.0))
    contents = [SensorsJoined(tuple(scene.sensors)), WeatherTold(forecast((1.5, 11.5)))]
    for second in range(100):
        now_ns = scene.epoch_ns + (second + 1) * NS
        contents += [PlotsCame("ears", scene.plots_between(now_ns - NS, now_ns)), Stepped(now_ns, len(contents) + 1)]
    entries = [Stored(seq, entry_of(content, at_ns=0)) for seq, content in enumerate(contents, 1)]
    whole = Reader(lambda: fresh(Scene(drone(), [])))
    half = Reader(lambda: fresh(Scene(drone(), [])))
    for stored in entries:
        whole.take(stored.seq, content_of(stored, journal="test"))
        if stored.seq == 162:
            assert whole.settled
            half.begin_in(state_of(whole.checkpoint()(), journal="test"), seq=162)
        elif stored.seq > 162:
            half.take(stored.seq, content_of(stored, journal="test"))
    assert len(whole.picture.tracks) == 1
    assert whole.picture.tracks.mean.tobytes() == half.picture.tracks.mean.tobytes()
    state, again = whole.pipeline.checkpoint(), half.pipeline.checkpoint()
    assert all(state[name].tobytes() == again[name].tobytes() for name in state)


def test_nobody_is_told_the_wind_that_only_he_knows() -> None:
    own = Known(np.array([np.eye(2) * 0.5]), np.array([[1.0, -2.0]]))
    cells = np.array([142_202])
    known = sound_wind.told(cells, cells, own, sound_wind.nothing_retired(), sound_wind.prior(1))
    left = sound_wind.without(known, own)
    assert left.info[0] == pytest.approx(sound_wind.prior(1).info[0])
    assert left.pull[0] == pytest.approx([0.0, 0.0])


def test_what_a_track_is_told_of_the_wind_is_what_it_then_knows() -> None:
    prior = sound_wind.prior(1)
    mean, cov = np.zeros((1, 3, 8)), np.tile(np.eye(8) * sound_wind.SIGMA_MPS**2, (1, 3, 1, 1))
    more = Known(np.array([np.eye(2) * 4.0]), np.array([[20.0, -8.0]]))
    told_mean, told_cov = sound_wind.told_to(mean, cov, more)
    assert np.linalg.inv(told_cov[0, 0, 6:, 6:]) == pytest.approx(prior.info[0] + more.info[0])
    expected = np.linalg.solve(prior.info[0] + more.info[0], more.pull[0])
    assert told_mean[0, 0, 6:] == pytest.approx(expected)


def test_the_warm_up_compiles_every_signature_that_real_bearings_use() -> None:
    warm_sound()
    kernels = [find_seeds, search, explain, rerun, sound_at, merged, support, places_index]
    ready = [len(kernel.signatures) for kernel in kernels]
    scene = field(drone(), wind_mps=(6.0, 2.0))
    assert len(stepped(fresh(scene), scene, 0, 120)[-1].tracks) == 1
    assert [len(kernel.signatures) for kernel in kernels] == ready
