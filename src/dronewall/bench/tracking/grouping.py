"""How well a swarm is told: how many objects, whether the interval holds their number, whether it stays one group."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dronewall.engine.clock import NS_PER_S
from dronewall.model.groups import Groups

SETTLED_S = 30.0
"""A swarm is judged when its first group has been there for so long: at first it is found in patches."""
Values = dict[str, float | None]


def group_values(swarm: int, told: Sequence[tuple[int, Groups]]) -> Values:
    """Return figures of the group with the most objects at each step, where `swarm` objects fly as one.

    `group_count_off` is the median of |count - swarm| / swarm, `group_covers` the share of steps whose interval holds
    the number, `group_width` the median of the interval's width over it; `group_unbroken` the share of steps at which
    the largest group is the one that was it when settled. `group_numbers` is how many groups were told of from the
    first on, 1 at best. Where nothing flies as one, `groups_false` is how many were told of all the same.
    """
    numbers = float(len({n for _, groups in told for n in groups.group_id.tolist()}))
    if not swarm:
        return {"groups_false": numbers}
    formed = next((i for i, (_, groups) in enumerate(told) if len(groups)), len(told))
    since_ns = told[formed][0] + round(SETTLED_S * NS_PER_S) if formed < len(told) else 0
    settled = [_largest(groups) for at_ns, groups in told[formed:] if at_ns >= since_ns]
    shown = [groups for groups in settled if len(groups)]
    first = int(shown[0].group_id[0]) if shown else 0
    return {
        "group_count_off": _median([abs(int(g.count[0]) - swarm) / swarm for g in shown]),
        "group_covers": _mean([len(g) == 1 and g.count_low[0] <= swarm <= g.count_high[0] for g in settled]),
        "group_width": _median([int(g.count_high[0] - g.count_low[0]) / swarm for g in shown]),
        "group_unbroken": _mean([len(g) == 1 and int(g.group_id[0]) == first for g in settled]),
        "group_numbers": numbers,
    }


def _largest(groups: Groups) -> Groups:
    """Return the group of the most objects alone; none of none."""
    return groups.take(np.argsort(-groups.count, kind="stable")[:1])


def _median(values: Sequence[float]) -> float | None:
    return float(np.median(values)) if values else None


def _mean(values: Sequence[bool]) -> float:
    return float(np.mean(values)) if values else 0.0
