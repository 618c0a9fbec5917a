"""Sensors' clocks are told from when reports come, corrected when they are known, and never on one report's word."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dronewall.model.clocks import ClockState, SensorClock
from dronewall.model.plots import Plots
from dronewall.model.sensors import Sensor, SensorKind, Sensors
from dronewall.registration.clock_alerts import clock_alerts, duration
from dronewall.registration.clocks import FAR_AHEAD, FAR_OFF, SensorClocks, Timed

NS = 1_000_000_000
T0 = 1_800_000_000 * NS
YEAR_S = 365.25 * 86_400.0
SENSORS = Sensors(
    [
        Sensor("radar", SensorKind.RADAR_3D, 54.0, 24.0, 100.0, period_s=2.0),
        Sensor("ears", SensorKind.ACOUSTIC_ARRAY, 54.05, 24.1, 90.0),
        Sensor("receiver", SensorKind.ADSB),
        Sensor("second", SensorKind.RADAR_3D, 54.2, 24.0, 100.0),
        Sensor("third", SensorKind.RADAR_3D, 54.3, 24.0, 100.0),
    ]
)
IDS = tuple(sensor.sensor_id for sensor in SENSORS)


class Bench:
    """One second after the other of reports from sensors whose clocks are off by what the test says."""

    def __init__(self, seed: int = 1) -> None:
        self.clocks = SensorClocks(SENSORS)
        self.rng = np.random.default_rng(seed)
        self.now_ns = T0

    def hear(self, *delays_s: float, sensor: str = "radar", steps: int = 1) -> Timed:
        """Take one step with reports of one sensor, so much later than their times of validity."""
        self.now_ns += NS // steps
        at_ns = [self.now_ns - round(delay_s * NS) for delay_s in delays_s]
        plots = Plots.of(
            len(at_ns), sensor=IDS.index(sensor), at_ns=at_ns, received_ns=self.now_ns, sensor_ids=IDS, range_m=1.0
        )
        return self.clocks.step(plots, now_ns=self.now_ns)

    def run(
        self, seconds: int, *, ahead_s: float, jitter_s: float = 0.05, rate: int = 10, sensor: str = "radar"
    ) -> Timed:
        """Let a sensor report for so long; return what became of the last second's reports."""
        timed = Timed(Plots.empty(), ())
        for _ in range(seconds):
            timed = self.hear(*(self.rng.uniform(0.0, jitter_s, rate) - ahead_s), sensor=sensor)
        return timed

    def told(self, sensor: str = "radar") -> SensorClock:
        return self.clocks.told()[IDS.index(sensor)]


def late_s(timed: Timed) -> np.ndarray:
    return np.asarray((timed.plots.received_ns - timed.plots.at_ns) / NS)


def test_nothing_is_said_before_there_is_evidence() -> None:
    bench = Bench()
    bench.run(2, ahead_s=5.0, rate=9)
    clock = bench.told()
    assert clock.state is ClockState.UNKNOWN
    assert math.isnan(clock.offset_s)
    assert bench.clocks.alerts() == ()


@given(st.integers(0, 2**32 - 1), st.floats(-3_600.0, 3_600.0), st.floats(0.0, 0.2))
def test_an_offset_of_up_to_an_hour_is_known_to_20_ms(seed: int, ahead_s: float, jitter_s: float) -> None:
    bench = Bench(seed)
    bench.run(20, ahead_s=ahead_s, jitter_s=jitter_s, rate=20)
    clock = bench.told()
    assert abs(clock.offset_s - ahead_s) < 0.02
    assert clock.state is (
        ClockState.AHEAD if clock.offset_s > 0.25 else ClockState.BEHIND if clock.offset_s < -7.0 else ClockState.OK
    )
    assert clock.spread_s <= 0.2


@pytest.mark.parametrize("ahead_s", [0.4, 20.0, 3_000.0, -30.0, -3_000.0, 56 * YEAR_S, -43 * YEAR_S])
def test_a_clock_that_is_off_is_corrected_and_counted(ahead_s: float) -> None:
    bench = Bench()
    timed = bench.run(10, ahead_s=ahead_s)
    assert len(timed.plots) == 10
    assert np.all((late_s(timed) > -0.05) & (late_s(timed) < 0.1))
    assert bench.told().corrected >= 50
    assert timed.unplaceable == ()


@pytest.mark.parametrize("ahead_s", [0.0, 0.2, -1.0, -6.9])
def test_what_may_be_delay_is_left_alone(ahead_s: float) -> None:
    bench = Bench()
    timed = bench.run(10, ahead_s=ahead_s)
    assert np.all(late_s(timed) >= -ahead_s - 1e-6)
    assert (bench.told().state, bench.told().corrected) == (ClockState.OK, 0)
    assert bench.clocks.alerts() == ()


@pytest.mark.parametrize("year", [1970, 2100])
def test_a_sensor_whose_clock_was_never_set_is_left_out_until_its_clock_is_known(year: int) -> None:
    bench = Bench()
    ahead_s = (year - 1970) * YEAR_S - T0 / NS
    first = bench.run(1, ahead_s=ahead_s)
    assert len(first.plots) == 0
    assert first.unplaceable == (("radar", FAR_OFF, 10),)
    assert len(bench.run(4, ahead_s=ahead_s).plots) == 10
    alert = bench.clocks.alerts()[0]
    years = round(abs(ahead_s) / YEAR_S)
    assert alert.title == f"The clock of radar is {years} years {'ahead' if ahead_s > 0 else 'behind'}"
    assert (alert.sensor_id, alert.alert_id) == ("radar", "clock:radar")


def test_reports_from_seconds_ahead_are_left_out_while_the_clock_is_not_known() -> None:
    timed = Bench().hear(-5.0, -0.5, 0.1)
    assert len(timed.plots) == 2
    assert timed.unplaceable == (("radar", FAR_AHEAD, 1),)


@pytest.mark.parametrize("odd_s", [-1e9, -20.0, 20.0, 1e9])
def test_one_odd_report_now_and_then_changes_nothing(odd_s: float) -> None:
    bench = Bench()
    for _ in range(30):
        bench.run(1, ahead_s=0.0)
        bench.hear(*[0.03] * 9, odd_s)
        assert abs(bench.told().offset_s) < 0.05 or bench.told().state is ClockState.UNKNOWN
    assert (bench.told().state, bench.told().jumps) == (ClockState.OK, 0)


@pytest.mark.parametrize(("before_s", "after_s"), [(0.0, 30.0), (0.0, -30.0), (20.0, -20.0), (-3_000.0, 0.0)])
def test_a_clock_that_jumps_is_known_again_within_five_seconds(before_s: float, after_s: float) -> None:
    bench = Bench()
    bench.run(30, ahead_s=before_s)
    timed = bench.run(5, ahead_s=after_s)
    clock = bench.told()
    assert abs(clock.offset_s - after_s) < 0.05
    assert (clock.forward, clock.back) == ((1, 0) if after_s > before_s else (0, 1))
    assert np.all(np.abs(late_s(timed)) < 0.1)
    assert len(timed.plots) == 10


def test_a_clock_that_is_set_right_is_believed_at_once() -> None:
    bench = Bench()
    bench.run(30, ahead_s=-56 * YEAR_S)
    timed = bench.run(1, ahead_s=0.0)
    assert np.all(np.abs(late_s(timed)) < 0.1)
    assert len(timed.plots) == 10


def test_a_backlog_that_is_worked_off_is_no_clock() -> None:
    bench = Bench()
    bench.run(30, ahead_s=0.0)
    for behind in range(60, 0, -3):
        timed = bench.hear(*(behind + bench.rng.uniform(0.0, 3.0, 40)))
        assert np.all(late_s(timed) >= behind)
    bench.run(5, ahead_s=0.0)
    assert (bench.told().state, bench.told().corrected) == (ClockState.OK, 0)


def test_scans_delivered_whole_are_no_clock() -> None:
    bench = Bench()
    for _ in range(40):
        bench.hear(*bench.rng.uniform(0.0, 2.0, 12))
        bench.hear()
    assert bench.told().state is ClockState.OK


def test_times_without_any_order_are_not_trusted() -> None:
    bench = Bench()
    for _ in range(60):
        bench.hear(*(bench.rng.uniform(-3_000.0, 3_000.0) + bench.rng.uniform(0.0, 0.1, 12)))
    assert bench.told().state is ClockState.UNTRUSTED
    assert bench.clocks.alerts()[0].title == "The clock of radar cannot be trusted"


@pytest.mark.parametrize("ppm", [100.0, -40.0, 500.0])
def test_a_drift_is_measured_over_minutes(ppm: float) -> None:
    bench = Bench()
    for second in range(400):
        bench.run(1, ahead_s=ppm * 1e-6 * second, rate=30, jitter_s=0.1)
    assert bench.told().drift_ppm == pytest.approx(ppm, abs=60.0)
    assert bench.told().jumps == 0


def test_a_smeared_leap_second_is_followed_without_a_word() -> None:
    bench = Bench()
    for second in range(2_000):
        bench.run(1, ahead_s=min(second * 500e-6, 0.2), rate=6)
    assert (bench.told().state, bench.told().jumps) == (ClockState.OK, 0)


def test_what_objects_say_of_themselves_keeps_its_time() -> None:
    bench = Bench()
    timed = bench.run(10, ahead_s=30.0, sensor="receiver")
    assert np.all(late_s(timed) < -29.0)
    assert bench.clocks.alerts() == ()


def test_an_alert_does_not_flap_and_ends_some_time_after_its_cause() -> None:
    bench = Bench()
    bench.run(10, ahead_s=0.4)
    raised_at = bench.clocks.alerts()[0].raised_at
    for turn in range(20):
        bench.run(2, ahead_s=0.24 + 0.02 * (turn % 2), jitter_s=0.01)
        assert [alert.raised_at for alert in bench.clocks.alerts()] == [raised_at]
    bench.run(30, ahead_s=0.0)
    assert bench.clocks.alerts() == ()


def test_sensors_that_go_wrong_together_accuse_the_wall() -> None:
    bench = Bench()
    for _ in range(12):
        for sensor in ("radar", "ears", "second"):
            bench.hear(*(3_600.0 + bench.rng.uniform(0.0, 0.1, 10)), sensor=sensor, steps=4)
        bench.hear(*bench.rng.uniform(0.0, 0.1, 10), sensor="third", steps=4)
    (alert,) = bench.clocks.alerts()
    assert alert.title == "This machine's clock is 60 min ahead of its sensors"
    assert "3 of 4 sensors" in alert.detail


def test_a_register_that_grows_keeps_what_is_known() -> None:
    bench = Bench()
    bench.run(10, ahead_s=30.0)
    bench.clocks.learn(SENSORS.joined_by([Sensor("new", SensorKind.RADAR_2D)]))
    assert bench.told().offset_s == pytest.approx(30.0, abs=0.02)
    assert bench.clocks.told()[-1].state is ClockState.UNKNOWN


@settings(max_examples=max(100, settings().max_examples // 5))  # each is a life of many clocks
@given(st.integers(0, 2**32 - 1))
def test_whatever_times_come_nothing_breaks_and_a_clock_put_away_goes_on_alike(seed: int) -> None:
    rng = np.random.default_rng(seed)
    here, there = SensorClocks(SENSORS), SensorClocks(SENSORS)
    for second in range(12):
        count = int(rng.integers(0, 60))
        now_ns = T0 + second * NS
        offset_ns = rng.choice([0, 0, 0, NS, -5 * NS, 40 * NS, T0, -T0, 2**62, -(2**62), 2**63 - 1, -(2**63)], count)
        at_ns = np.where(np.abs(offset_ns.astype(float)) > 2e18, offset_ns, now_ns + offset_ns // 2)
        plots = Plots.of(
            count,
            sensor=rng.integers(0, len(IDS) + 1, count),
            at_ns=at_ns,
            received_ns=rng.choice([now_ns, now_ns, now_ns, 0, 2**63 - 1], count),
            empty_scan=rng.random(count) < 0.1,
            sensor_ids=(*IDS, "nobody"),
        )
        first = here.step(plots, now_ns=now_ns)
        second_time = there.step(plots, now_ns=now_ns)
        assert len(first.plots) + sum(n for *_, n in first.unplaceable) == count
        assert first.plots.at_ns.tobytes() == second_time.plots.at_ns.tobytes()
        again = SensorClocks(SENSORS)
        again.restore({name: values.copy() for name, values in here.checkpoint().items()})
        there = again
        for clock in here.told():
            known = clock.state is not ClockState.UNKNOWN
            assert math.isfinite(clock.offset_s) == math.isfinite(clock.spread_s) == known
    assert here.told()[2:3] == there.told()[2:3] or math.isnan(here.told()[2].drift_ppm)


def test_a_known_clock_is_not_unknown_again() -> None:
    for state in ClockState:
        assert state.may_become(ClockState.UNKNOWN) is (state is ClockState.UNKNOWN)
        assert state.may_become(ClockState.AHEAD)


def test_durations_are_said_in_units_that_fit() -> None:
    told = [duration(s) for s in (3.24, -150.0, 7_300.0, 200_000.0, 56 * YEAR_S)]
    assert told == ["3.2 s", "2 min", "2 h", "2 days", "56 years"]
    assert clock_alerts([], known=0) == ()
