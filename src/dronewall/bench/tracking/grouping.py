"""How well a swarm is told: how many objects, whether the interval holds their number, whether it stays one group."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dronewall.engine.clock import NS_PER_S
from dronewall.model.groups import Groups

SETTLED_S = 30.0
"""A count is judged when its group has been there for so long."""
Values = dict[str, float | None]


def group_values(swarm: int, told: Sequence[tuple[int, Groups]]) -> Values:
    """Return figures of the group with the most objects at each step, where `swarm` objects fly as one.

    `group_count_off` is the median of |count - swarm| / swarm, `group_covers` the share of steps whose interval holds
    the number, `group_width` the median of the interval's width over it; `group_unbroken` the share of steps, once a
    group has formed, at which the largest group is that one. Where nothing flies as one, `groups_false` is how many
    groups were told of all the same.
    """
    if not swarm:
        return {"groups_false": float(len({n for _, groups in told for n in groups.group_id.tolist()}))}
    formed = next((i for i, (_, groups) in enumerate(told) if len(groups)), len(told))
    largest = [_largest(groups) for _, groups in told[formed:]]
    if not largest:
        return {"group_count_off": None, "group_covers": 0.0, "group_width": None, "group_unbroken": 0.0}
    since_ns = told[formed][0] + round(SETTLED_S * NS_PER_S)
    settled = [groups for (at_ns, _), groups in zip(told[formed:], largest, strict=True) if at_ns >= since_ns]
    shown = [groups for groups in settled if len(groups)]
    first = int(largest[0].group_id[0])
    return {
        "group_count_off": _median([abs(int(g.count[0]) - swarm) / swarm for g in shown]),
        "group_covers": _mean([len(g) == 1 and g.count_low[0] <= swarm <= g.count_high[0] for g in settled]),
        "group_width": _median([int(g.count_high[0] - g.count_low[0]) / swarm for g in shown]),
        "group_unbroken": _mean([len(g) == 1 and int(g.group_id[0]) == first for g in largest]),
    }


def _largest(groups: Groups) -> Groups:
    """Return the group of the most objects alone; none of none."""
    return groups.take(np.argsort(-groups.count, kind="stable")[:1])


def _median(values: Sequence[float]) -> float | None:
    return float(np.median(values)) if values else None


def _mean(values: Sequence[bool]) -> float:
    return float(np.mean(values)) if values else 0.0
