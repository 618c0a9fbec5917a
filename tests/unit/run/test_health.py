"""Sensors that are silent, slow, noisy, stuck or out of time are told, and healthy ones are left alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from dronewall.model.plots import Plots
from dronewall.model.sensors import Sensor, SensorKind, Sensors
from dronewall.model.status import SensorHealth
from dronewall.run.health import SensorAlerts, SensorWatch, Trouble, trouble_of

T0_NS = 1_700_000_000_000_000_000
RADAR = Sensor("radar-1", SensorKind.RADAR_3D, 54.0, 25.0, 100.0, period_s=4.0, clutter_per_scan=20.0)
OTHER = replace(RADAR, sensor_id="radar-2")
ARRAY = Sensor("mic-1", SensorKind.ACOUSTIC_ARRAY, 54.0, 25.0, 100.0)


def at(seconds: float) -> int:
    return T0_NS + round(seconds * 1e9)


def turn(sensor: Sensor, seconds: float, plots: int = 30, *, scan: int = -1, seed: int | None = None) -> Plots:
    """One turn of a sensor whose readings differ from turn to turn unless a seed is given."""
    rng = np.random.default_rng(seed if seed is not None else round(seconds * 1000))
    return Plots.of(
        plots,
        sensor=0,
        at_ns=at(seconds),
        received_ns=at(seconds),
        scan=scan,
        range_m=rng.uniform(1e3, 1e5, plots),
        azimuth_rad=rng.uniform(0, 6, plots),
        sensor_ids=(sensor.sensor_id,),
    )


def watched(
    sensor: Sensor, until_s: float, *, every_s: float = 4.0, made: Callable[[float], Plots] | None = None
) -> SensorWatch:
    """A watch that heard one sensor regularly, asked for its health every second as the wall does."""
    watch = SensorWatch()
    due_s = 0.0
    for second in range(int(until_s) + 1):
        while due_s <= second:
            watch.hear(made(due_s) if made else turn(sensor, due_s, scan=round(due_s / every_s)))
            due_s += every_s
        watch.health(Sensors([sensor]), at(second), {})
    return watch


def troubles(health: SensorHealth) -> list[Trouble]:
    return [trouble_of(problem) for problem in health.problems]


def test_a_radar_that_keeps_its_word_has_no_problem_and_a_true_rate() -> None:
    watch = watched(RADAR, 120.0)
    (health,) = watch.health(Sensors([RADAR]), at(121.0), {"radar-1": 0.2})
    assert health.problems == ()
    assert health.plots_per_s == pytest.approx(7.5, abs=0.6)
    assert health.heard_ns == at(120.0)
    assert health.clock_offset_s == 0.2


def test_a_radar_not_heard_for_three_periods_and_fifteen_seconds_is_silent() -> None:
    watch = watched(RADAR, 120.0)
    assert watch.health(Sensors([RADAR]), at(134.0))[0].problems == ()
    (health,) = watch.health(Sensors([RADAR]), at(162.0))
    assert health.problems == ("silent for 42 s; it declared a report every 4 s",)


def test_a_silent_microphone_hears_nothing_and_that_is_no_fault() -> None:
    watch = watched(ARRAY, 60.0)
    assert watch.health(Sensors([ARRAY]), at(4000.0))[0].problems == ()


def test_a_radar_never_heard_has_a_minute_to_begin_and_is_silent_then() -> None:
    watch = SensorWatch()
    (health,) = watch.health(Sensors([RADAR]), at(1000.0))
    assert (health.problems, health.heard_ns) == ((), 0)
    assert math.isnan(health.clock_offset_s)
    assert watch.health(Sensors([RADAR]), at(1059.0))[0].problems == ()
    (health,) = watch.health(Sensors([RADAR]), at(1120.0))
    told = "silent for 2 min, not heard since the wall started; it declared a report every 4 s"
    assert health.problems == (told,)


def test_a_microphone_never_heard_may_have_heard_nothing() -> None:
    watch = SensorWatch()
    watch.health(Sensors([ARRAY]), at(1000.0))
    assert watch.health(Sensors([ARRAY]), at(5000.0))[0].problems == ()


@pytest.mark.parametrize("counts_scans", [True, False])
def test_a_radar_at_half_its_declared_rate_is_slow(counts_scans: bool) -> None:
    def made(seconds: float) -> Plots:
        return turn(RADAR, seconds, scan=round(seconds / 8.0) if counts_scans else -1)

    watch = watched(RADAR, 120.0, every_s=8.0, made=made)
    (health,) = watch.health(Sensors([RADAR]), at(121.0))
    assert troubles(health) == [Trouble.SLOW]
    assert "it declared 15, one every 4 s" in health.problems[0]


def test_a_radar_with_far_more_plots_than_clutter_and_traffic_explain_is_noisy() -> None:
    watch = watched(RADAR, 70.0, made=lambda seconds: turn(RADAR, seconds, 500))
    (health,) = watch.health(Sensors([RADAR]), at(71.0))
    assert troubles(health) == [Trouble.NOISY]
    assert "it declared 20 of clutter" in health.problems[0]


def test_a_sensor_that_declared_no_clutter_is_noisy_against_its_own_last_ten_minutes() -> None:
    receiver = Sensor("adsb-1", SensorKind.ADSB)

    def made(seconds: float) -> Plots:
        return turn(receiver, seconds, 4 if seconds < 600 else 200)

    watch = watched(receiver, 660.0, every_s=2.0, made=made)
    (health,) = watch.health(Sensors([receiver]), at(661.0))
    assert troubles(health) == [Trouble.NOISY]
    assert "120 are usual for it" in health.problems[0]


def test_a_radar_that_repeats_its_readings_turn_after_turn_is_stuck() -> None:
    def made(seconds: float) -> Plots:
        return turn(RADAR, seconds, scan=round(seconds / 4), seed=None if seconds < 60 else 7)

    watch = watched(RADAR, 110.0, made=made)
    (health,) = watch.health(Sensors([RADAR]), at(111.0))
    assert troubles(health) == [Trouble.STUCK]


def test_a_turn_cut_over_batches_is_still_one_turn() -> None:
    """A frozen turn of thirty plots, each time cut at another place, is the same turn."""
    watch = SensorWatch()
    watch.health(Sensors([RADAR]), at(0.0))
    for number in range(30):
        whole = turn(RADAR, number * 4.0, scan=number, seed=3)
        cut = 1 + number % 28
        watch.hear(whole.take(slice(0, cut)))
        watch.hear(whole.take(slice(cut, None)))
    (health,) = watch.health(Sensors([RADAR]), at(117.0))
    assert troubles(health) == [Trouble.STUCK]


@pytest.mark.parametrize(("offset_s", "told"), [(2.5, "clock 2.5 s ahead of ours"), (-90.0, "clock 90 s behind ours")])
def test_a_clock_more_than_a_second_off_is_told_with_its_sign(offset_s: float, told: str) -> None:
    watch = watched(RADAR, 20.0)
    assert watch.health(Sensors([RADAR]), at(22.0), {"radar-1": offset_s})[0].problems == (told,)


def test_a_clock_within_a_second_is_no_problem() -> None:
    watch = watched(RADAR, 20.0)
    assert watch.health(Sensors([RADAR]), at(22.0), {"radar-1": -0.9})[0].problems == ()


def test_when_each_sensor_was_heard_follows_the_register() -> None:
    watch = watched(OTHER, 8.0)
    assert watch.heard_ns(Sensors([RADAR, OTHER])) == (0, at(8.0))


def test_a_batch_of_many_sensors_counts_for_each() -> None:
    sensors = [replace(RADAR, sensor_id=f"r{i}") for i in range(1000)]
    watch = SensorWatch()
    rng = np.random.default_rng(1)
    rows = rng.permutation(np.repeat(np.arange(1000), 3)).astype(np.int32)
    ids = tuple(sensor.sensor_id for sensor in sensors)
    for tick in range(100):
        watch.hear(Plots.of(3000, sensor=rows, received_ns=at(tick / 10), range_m=rng.random(3000), sensor_ids=ids))
    healths = watch.health(Sensors(sensors), at(9.95))
    assert {health.plots_per_s for health in healths} == {30.0}


def silent(*names: str) -> tuple[SensorHealth, ...]:
    return tuple(SensorHealth(name, 0.0, T0_NS, math.nan, ("silent for 42 s",)) for name in names)


def looks(alerts: SensorAlerts, healths: tuple[SensorHealth, ...], seconds: range) -> Iterator[int]:
    for second in seconds:
        yield len(alerts.look(healths, now_ns=at(second)))


def test_thirty_silent_radars_are_one_alert_that_names_them() -> None:
    names = [f"radar-{i:02}" for i in range(30)]
    alerts = SensorAlerts()
    assert list(looks(alerts, silent(*names), range(5))) == [0] * 5
    (alert,) = alerts.look(silent(*names), now_ns=at(5))
    assert alert.alert_id == "sensors-silent"
    assert alert.title == "30 sensors are silent"
    assert all(name in alert.detail for name in names)


def test_an_alert_about_one_sensor_names_it_and_its_problem() -> None:
    alerts = SensorAlerts()
    list(looks(alerts, silent("radar-1"), range(6)))
    (alert,) = alerts.look(silent("radar-1"), now_ns=at(6))
    assert (alert.title, alert.sensor_id, alert.raised_at) == ("radar-1 is silent", "radar-1", at(5))
    assert "silent for 42 s" in alert.detail


def test_wrong_clocks_are_left_to_those_who_correct_them() -> None:
    off = (SensorHealth("radar-1", 1.0, T0_NS, 3.0, ("clock 3.0 s ahead of ours",)),)
    assert set(looks(SensorAlerts(), off, range(60))) == {0}


def test_a_trouble_that_comes_and_goes_is_no_alert_and_one_that_flutters_stays_one() -> None:
    passing = SensorAlerts()
    assert list(looks(passing, silent("radar-1"), range(4))) == [0] * 4
    assert list(looks(passing, (), range(4, 60))) == [0] * 56
    fluttering = SensorAlerts()
    list(looks(fluttering, silent("radar-1"), range(10)))
    assert set(looks(fluttering, (), range(10, 38))) == {1}
    assert fluttering.look(silent("radar-1"), now_ns=at(38))[0].raised_at == at(5)
    assert fluttering.look((), now_ns=at(100)) == ()
