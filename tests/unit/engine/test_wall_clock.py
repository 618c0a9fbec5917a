"""The wall's own clock tells a step from a nap and from a slew, says so, and never goes back."""

from __future__ import annotations

import pytest

from dronewall.engine.clock import NS_PER_S, WallClock, WallClockEventKind
from dronewall.engine.clock_alerts import clock_alerts
from dronewall.model.picture import AlertPriority

T0 = 1_800_000_000 * NS_PER_S
BACK, FORWARD, SUSPENDED = (
    WallClockEventKind.STEPPED_BACK,
    WallClockEventKind.STEPPED_FORWARD,
    WallClockEventKind.SUSPENDED,
)


class Computer:
    """A computer's three clocks, and a wall clock on them."""

    def __init__(self, *, floor_s: float = 0.0) -> None:
        self.system_ns, self.monotonic_ns, self.boot_ns = T0, 5 * NS_PER_S, 5 * NS_PER_S
        self.clock = WallClock(
            floor_ns=T0 + round(floor_s * NS_PER_S) if floor_s else 0,
            time_ns=lambda: self.system_ns,
            monotonic_ns=lambda: self.monotonic_ns,
            boottime_ns=lambda: self.boot_ns,
        )
        self.told()

    def told(self) -> float:
        """Return the wall's time, seconds after the start."""
        return (self.clock.now_ns() - T0) / NS_PER_S

    def passes(self, seconds: float, *, every_s: float = 0.1, ppm: float = 0.0) -> list[float]:
        """Let time pass, the system's clock slewed by so much; return what was told on the way."""
        told = []
        for _ in range(round(seconds / every_s)):
            self.monotonic_ns += round(every_s * NS_PER_S)
            self.boot_ns += round(every_s * NS_PER_S)
            self.system_ns += round(every_s * NS_PER_S * (1.0 + ppm * 1e-6))
            told.append(self.told())
        assert told == sorted(told)
        return told

    def is_set(self, by_s: float) -> None:
        self.system_ns += round(by_s * NS_PER_S)

    def sleeps(self, seconds: float) -> None:
        self.boot_ns += round(seconds * NS_PER_S)
        self.system_ns += round(seconds * NS_PER_S)

    def happened(self) -> list[tuple[WallClockEventKind, float]]:
        return [(event.kind, pytest.approx(event.size_s, abs=0.2)) for event in self.clock.events]


def test_time_passes() -> None:
    computer = Computer()
    assert computer.passes(10.0)[-1] == pytest.approx(10.0)
    assert (computer.happened(), computer.clock.apart_s) == ([], 0.0)


def test_a_small_step_back_is_stood_out() -> None:
    computer = Computer()
    computer.passes(10.0)
    computer.is_set(-1.5)
    assert computer.passes(1.4)[-1] == pytest.approx(10.0)
    assert computer.passes(1.0)[-1] == pytest.approx(10.9)
    assert computer.happened() == [(BACK, 1.5)]


def test_after_a_large_step_back_time_runs_on_by_itself() -> None:
    computer = Computer()
    computer.passes(10.0)
    computer.is_set(-3_600.0)
    told = computer.passes(60.0)
    assert told[0] == pytest.approx(10.1)
    assert told[-1] == pytest.approx(70.0)
    assert computer.clock.apart_s == pytest.approx(3_600.0)
    assert computer.happened() == [(BACK, 3_600.0)]


def test_it_follows_the_system_again_when_that_has_caught_up() -> None:
    computer = Computer()
    computer.passes(10.0)
    computer.is_set(-3_600.0)
    computer.passes(60.0)
    computer.is_set(3_599.0)
    assert computer.passes(5.0)[-1] == pytest.approx(74.0)
    assert computer.clock.apart_s == 0.0
    assert computer.happened() == [(BACK, 3_600.0), (FORWARD, 3_599.0)]


def test_a_step_forward_is_followed_and_told() -> None:
    computer = Computer()
    computer.passes(10.0)
    computer.is_set(3_600.0)
    assert computer.passes(1.0)[-1] == pytest.approx(3_611.0)
    assert computer.happened() == [(FORWARD, 3_600.0)]


def test_a_suspension_is_no_step() -> None:
    computer = Computer()
    computer.passes(10.0)
    computer.sleeps(3_600.0)
    assert computer.passes(1.0)[-1] == pytest.approx(3_611.0)
    assert computer.happened() == [(SUSPENDED, 3_600.0)]


def test_a_clock_that_is_set_while_the_machine_sleeps_is_both() -> None:
    computer = Computer()
    computer.passes(10.0)
    computer.sleeps(3_600.0)
    computer.is_set(-60.0)
    computer.passes(1.0)
    assert computer.happened() == [(SUSPENDED, 3_600.0), (BACK, 60.0)]


@pytest.mark.parametrize("ppm", [500.0, -500.0])
@pytest.mark.parametrize("every_s", [0.1, 600.0])
def test_a_leap_second_smeared_over_hours_is_nothing(ppm: float, every_s: float) -> None:
    computer = Computer()
    computer.passes(6_000.0, every_s=every_s, ppm=ppm)
    assert (computer.happened(), computer.clock.apart_s) == ([], 0.0)


def test_a_leap_second_stepped_back_is_stood_out() -> None:
    computer = Computer()
    computer.passes(10.0)
    computer.is_set(-1.0)
    computer.passes(5.0)
    assert (computer.happened(), computer.clock.apart_s) == ([(BACK, 1.0)], 0.0)


def test_a_start_before_the_journals_newest_time_goes_on_from_there() -> None:
    computer = Computer(floor_s=86_400.0)
    assert computer.passes(10.0)[-1] == pytest.approx(86_410.0)
    assert computer.happened() == [(BACK, 86_400.0)]
    assert computer.clock.apart_s == pytest.approx(86_400.0)


def test_a_floor_that_becomes_known_later_holds_from_then_on() -> None:
    computer = Computer()
    computer.clock.not_before(T0 + 60 * NS_PER_S)
    assert computer.passes(1.0)[-1] == pytest.approx(60.9)
    assert computer.clock.apart_s == pytest.approx(60.0, abs=0.2)


def test_a_floor_in_the_past_changes_nothing() -> None:
    computer = Computer(floor_s=-60.0)
    assert computer.passes(1.0)[-1] == pytest.approx(1.0)
    assert computer.happened() == []


def test_without_a_clock_that_counts_sleep_a_suspension_looks_like_a_step() -> None:
    now = {"system": T0, "monotonic": 0}
    clock = WallClock(
        time_ns=lambda: now["system"], monotonic_ns=lambda: now["monotonic"], boottime_ns=lambda: now["monotonic"]
    )
    clock.now_ns()
    now["system"] += 60 * NS_PER_S
    assert clock.now_ns() == T0 + 60 * NS_PER_S
    assert [event.kind for event in clock.events] == [FORWARD]


def test_a_reading_that_was_held_up_is_taken_again() -> None:
    held_up = 900_000_000
    boots, monotonics = iter([0, 0, 0, held_up, held_up, held_up]), iter([0, 0, held_up])
    systems = iter([T0, T0 + held_up, T0 + held_up])
    clock = WallClock(
        time_ns=lambda: next(systems), monotonic_ns=lambda: next(monotonics), boottime_ns=lambda: next(boots)
    )
    assert [clock.now_ns(), clock.now_ns()] == [T0, T0 + held_up]
    assert clock.events == ()


def test_alerts_name_the_newest_of_each_kind_for_ten_minutes() -> None:
    computer = Computer()
    computer.is_set(1.0)
    computer.passes(1.0)
    computer.is_set(3_600.0)
    computer.passes(1.0)
    now_ns = computer.clock.now_ns()
    (alert,) = clock_alerts(computer.clock.events, now_ns)
    assert (alert.alert_id, alert.priority) == ("clock-stepped-forward", AlertPriority.CRITICAL)
    assert alert.title == "This machine's clock leapt forward by 3600.0 s"
    assert clock_alerts(computer.clock.events, now_ns + 601 * NS_PER_S) == ()


def test_an_alert_stands_as_long_as_the_wall_runs_on_by_itself() -> None:
    computer = Computer()
    computer.passes(1.0)
    computer.is_set(-3_600.0)
    computer.passes(1_000.0, every_s=1.0)
    alerts = clock_alerts(computer.clock.events, computer.clock.now_ns(), apart_s=computer.clock.apart_s)
    assert [alert.alert_id for alert in alerts] == ["clock-apart"]
    assert alerts[0].title == "The wall's time is 3600 s ahead of this machine's clock"
