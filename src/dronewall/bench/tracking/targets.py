"""Which figures of which scenes have a target, and what it is."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

Range = tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class Target:
    """A figure of the scenes whose name fits must lie in a range; `shown` is the bound that a line prints."""

    scenes: str
    figure: str
    least: float | None = None
    most: float | None = None

    @property
    def shown(self) -> float | None:
        """The bound to print: the upper one if there is one."""
        return self.most if self.most is not None else self.least

    def holds(self, value: float) -> bool:
        """Whether a value is in the range."""
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)


TARGETS = (
    Target("wall*", "anees", 0.7, 1.5),
    Target("*", "anees", 0.8, 1.3),
    Target("radar-*", "pcrlb_ratio", most=1.10),
    Target("radar-*", "pcrlb_velocity_ratio", most=1.5),
    Target("radar-*", "told_ratio", most=1.25),
    Target("radar-*", "told_turning_ratio", most=1.25),
    Target("radar-*", "id_changes_per_truth", most=0.02),
    Target("radar-*-36*", "scan_p99_ms", most=250.0),
    Target("radar-10000-36*", "plots_per_s", least=100_000.0),
    Target("wall-wind*", "old_median_m", most=85.0),
    Target("wall-wind*", "old_p95_m", most=260.0),
    Target("wall*", "old_median_m", most=60.0),
    Target("wall*", "old_p95_m", most=180.0),
    Target("wall*", "turning_rms_m", most=200.0),
    Target("wall-wind*", "pcrlb_ratio"),
    Target("wall*", "pcrlb_ratio", most=1.3),
    Target("wall*", "spuriousness", most=0.01),
    Target("wall*", "confirm_after_four_s", most=15.0),
    Target("wall-huge", "real_time", least=3.0),
    Target("quiet*", "false_per_h_10000km2", most=0.1),
    Target("swarm-600", "group_count_off", most=0.1),
    Target("swarm-1000", "group_count_off", most=0.1),
    Target("swarm-*", "group_covers", least=0.9),
    Target("swarm-*", "group_unbroken", least=1.0),
    Target("radar-*", "groups_false", most=0.0),
    Target("crossing", "groups_false", most=0.0),
    Target("dense", "groups_false", most=0.0),
    Target("vendor", "anees", 0.8, 1.2),
    Target("*", "dual", most=0.01),
)
"""The first that fits counts."""

UNITS = {
    "gospa_m": "m",
    "gospa_localisation_m2": "m2",
    "gospa_missed_m2": "m2",
    "gospa_false_m2": "m2",
    "t_gospa_m": "m",
    "rmse_m": "m",
    "median_m": "m",
    "p95_m": "m",
    "velocity_rmse_mps": "m/s",
    "confirm_s": "s",
    "confirm_after_four_s": "s",
    "old_rmse_m": "m",
    "old_median_m": "m",
    "old_p95_m": "m",
    "pcrlb_m": "m",
    "straight_rms_m": "m",
    "turning_rms_m": "m",
    "false_per_h_10000km2": "1/h",
    "plots_per_s": "1/s",
    "scan_p50_ms": "ms",
    "scan_p99_ms": "ms",
    "real_time": "x",
    "siap.position_accuracy_m": "m",
    "siap.velocity_accuracy_mps": "m/s",
    "siap.number_changes_per_s": "1/s",
}


def target_of(scene: str, figure: str) -> Target | None:
    """Return the target of a figure in a scene, or None."""
    return next((t for t in TARGETS if t.figure == figure and fnmatchcase(scene, t.scenes)), None)
