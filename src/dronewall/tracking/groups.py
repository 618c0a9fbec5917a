"""Groups: tracks that fly together, under one number that stays while members come and go, and how many objects.

After the lifecycle's review, once a second of the picture's time, established tracks without an aircraft's identity are
linked if they are near and fly alike; four and more are a group. It is the same group as before if it shares most
tracks with it, or flies where it should be by now. How many objects it holds, `group_count` tells from all radars.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dronewall.model.groups import Groups
from dronewall.model.tracks import TrackStatus
from dronewall.tracking.group_count import Count, count_of, posterior
from dronewall.tracking.group_links import HELD_FARTHER, LINK_MOST_M, Flying, components, near_pairs, of_one_pace
from dronewall.tracking.group_scans import GroupScans, ScanPlots
from dronewall.tracking.parameters import CELL_SIGMA
from dronewall.tracking.sensing import Sensing
from dronewall.tracking.store import TrackStore

LEAST_MEMBERS, LEAST_KEPT = 4, 2
"""So many tracks make a group; one that is known goes on with fewer."""
LOST_AFTER_NS = 20_000_000_000
"""A group of which nothing was found for so long is gone."""
PLACE_SIGMAS_SQ, PLACE_MARGIN_M, PLACE_ALIKE_MPS = 9.0, 500.0, 20.0
"""A cluster that shares no track with a group is still it if its middle is so near to where the group should be."""
SEEN_WITHIN_SCANS = 6
SILENT_REVISITS = 1.5
PACE_MPS = 5.0
"""1-σ by which a member's velocity differs from its group's: told each second to those that are not heard."""
CELL_ASSUMED_M = 150.0
"""Where no radar sees a track."""

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(slots=True, eq=False)
class Group:
    """One group at `at_ns`; `found_ns` is when its members were last found together."""

    group_id: int
    since_ns: int
    at_ns: int
    found_ns: int
    mean: FloatArray
    spread: FloatArray
    members: int
    count: Count

    def mean_at(self, at_ns: int) -> FloatArray:
        """Return the middle's place and velocity (6,) at another instant."""
        mean = self.mean.copy()
        mean[:3] += (at_ns - self.at_ns) / 1e9 * mean[3:]
        return mean


class GroupBook:
    """All groups, and what is counted of them."""

    def __init__(self, *, shard: int = 0) -> None:
        self._groups: dict[int, Group] = {}
        self._scans = GroupScans()
        self.next_id = (shard << 48) + 1
        self._reviewed_s = -1

    def __len__(self) -> int:
        return len(self._groups)

    def count_plots(self, plots: ScanPlots) -> NDArray[np.bool_]:
        """Count new plots (n,) for the groups they lie in; return which lie in one."""
        inside = np.zeros(len(plots.slot), np.bool_)
        for group in self._groups.values() if len(inside) else ():
            inside[self._scans.take(group.group_id, group.mean, group.spread, group.at_ns, plots)] = True
        return inside

    def review(self, store: TrackStore, x: FloatArray, cov: FloatArray, sensing: Sensing, *, now_ns: int) -> Groups:
        """Find groups anew if a second has passed, write them into the store's tracks, return them as they are now.

        Args:
            store: the tracks that the lifecycle kept.
            x: (count, 6) means at `now_ns`.
            cov: (count, 6, 6) their covariances.
            sensing: what is assumed of each sensor.
            now_ns: the picture's instant.
        """
        second = now_ns // 1_000_000_000
        if second != self._reviewed_s:
            self._reviewed_s = second
            self._scans.close_before({a.slot: a.stamp for a in sensing.antennas.values()})
            self._find(store, x, cov, sensing, now_ns)
            self._groups = {n: g for n, g in self._groups.items() if now_ns - g.found_ns < LOST_AFTER_NS}
            self._scans.keep(list(self._groups), now_ns)
            self._recount(sensing)
        return self.as_of(now_ns)

    def _find(self, store: TrackStore, x: FloatArray, cov: FloatArray, sensing: Sensing, now_ns: int) -> None:
        c, n = store.columns, store.count
        before = c.group[:n].copy()
        c.group[:n] = 0
        nameless = (c.status[:n] != TrackStatus.TENTATIVE) & (c.icao24[:n] == 0)
        rows = np.flatnonzero(nameless & np.isfinite(x).all(axis=1))
        pairs = near_pairs(x[rows])
        if not len(pairs):
            return
        some = np.unique(pairs)
        rows, pairs = rows[some], np.searchsorted(some, pairs)
        sigma_mps = np.sqrt(np.trace(cov[rows, 3:, 3:], axis1=1, axis2=2) / 3.0)
        cell_m = _cells(store, rows, x[rows, :3], sensing)
        flying = Flying(x[rows, :3], x[rows, 3:], sigma_mps, before[rows], cell_m)
        label = components(flying, pairs)
        found = [np.flatnonzero(label == one) for one in self._promising(label, flying, now_ns)]
        paced = [some[of_one_pace(flying, some)] for some in found]
        clusters = [rows[some] for some in paced if len(some) >= LEAST_KEPT]
        for group_id, cluster in self._named(clusters, before, x, now_ns):
            c.group[cluster] = group_id
            self._groups[group_id] = self._met(group_id, x[cluster], now_ns)
            silent = now_ns - c.heard_at_ns[cluster] > SILENT_REVISITS * 1e9 * c.revisit_s[cluster]
            keep_pace(store, cluster[silent], np.median(x[cluster, 3:], axis=0))

    def _promising(self, label: IntArray, flying: Flying, now_ns: int) -> IntArray:
        """Return the clusters, of those that tracks are labelled with (n,), that may be a group.

        They are large enough for a new one, or have members of a known one, or are near where one should be.
        """
        size = np.bincount(label)
        met = np.bincount(label, weights=flying.before > 0, minlength=len(size)) > 0
        for group in self._groups.values():
            reach_m = np.sqrt(PLACE_SIGMAS_SQ * np.trace(group.spread) + PLACE_MARGIN_M**2)
            # Its middle lies among its members: one of these is no farther from the place than that and the widest gap.
            off_m = np.linalg.norm(flying.place - group.mean_at(now_ns)[:3], axis=1)
            met[label[off_m < reach_m + LEAST_MEMBERS * HELD_FARTHER * LINK_MOST_M]] = True
        return np.flatnonzero((size >= LEAST_MEMBERS) | (met & (size >= LEAST_KEPT)))

    def _named(
        self, clusters: list[IntArray], before: IntArray, x: FloatArray, now_ns: int
    ) -> Iterable[tuple[int, IntArray]]:
        """Give each cluster of rows the number of the group it goes on with, a new one, or none if it is too small.

        Clusters that were one group, and lie within it still, are one: it has only been seen badly.
        """
        named: dict[int, list[IntArray]] = {}
        left: list[IntArray] = []
        for cluster in sorted(clusters, key=lambda rows: (-len(rows), int(rows[0]))):
            group_id = self._known(before[cluster], before)
            if group_id and (group_id not in named or self._is_within(group_id, x[cluster], now_ns)):
                named.setdefault(group_id, []).append(cluster)
            else:
                left.append(cluster)
        for cluster in left:
            group_id = self._at_place(x[cluster], now_ns)
            if not group_id and len(cluster) >= LEAST_MEMBERS:
                group_id, self.next_id = self.next_id, self.next_id + 1
            if group_id:
                named.setdefault(group_id, []).append(cluster)
        return [(group_id, np.concatenate(parts)) for group_id, parts in named.items()]

    def _known(self, among: IntArray, before: IntArray) -> int:
        """Return the group that tracks which were in the groups `among` go on with, 0 if they were in none.

        It is the oldest of which they are more than half; else that of which most of them are.
        """
        ids, count = np.unique(among[np.isin(among, list(self._groups))], return_counts=True)
        if not len(ids):
            return 0
        whole = np.array([np.count_nonzero(before == group_id) for group_id in ids.tolist()])
        most = np.flatnonzero(2 * count > whole)
        return int(ids[most[0]] if len(most) else ids[np.argmax(count)])

    def _at_place(self, x: FloatArray, now_ns: int) -> int:
        """Return the oldest group that should be where members `x` (k, 6) are, 0 for none."""
        return next((n for n in sorted(self._groups) if self._is_within(n, x, now_ns)), 0)

    def _is_within(self, group_id: int, x: FloatArray, now_ns: int) -> bool:
        """Whether the middle of members `x` (k, 6) lies within a group, and moves as it does."""
        off = x.mean(axis=0) - self._groups[group_id].mean_at(now_ns)
        wide = self._groups[group_id].spread + PLACE_MARGIN_M**2 / PLACE_SIGMAS_SQ * np.eye(3)
        near = off[:3] @ np.linalg.solve(wide, off[:3]) < PLACE_SIGMAS_SQ
        return bool(near and np.linalg.norm(off[3:]) < PLACE_ALIKE_MPS)

    def _met(self, group_id: int, x: FloatArray, now_ns: int) -> Group:
        """Return the group of members `x` (k, 6)."""
        old = self._groups.get(group_id)
        mean = x.mean(axis=0)
        off = x[:, :3] - mean[:3]
        spread = off.T @ off / len(x)
        since_ns = now_ns if old is None else old.since_ns
        count = Count(len(x), len(x), len(x)) if old is None else old.count
        return Group(group_id, since_ns, now_ns, now_ns, mean, spread, len(x), count)

    def _recount(self, sensing: Sensing) -> None:
        pd_of = {a.slot: a.pd_told for a in sensing.antennas.values()}
        for group_id, group in self._groups.items():
            group.count = count_of(posterior(self._scans.seen(group_id, pd_of), group.members))

    def as_of(self, now_ns: int) -> Groups:
        """Return all groups, moved on to `now_ns`."""
        groups = [self._groups[n] for n in sorted(self._groups)]
        return Groups.of(
            len(groups),
            group_id=[g.group_id for g in groups],
            since_ns=[g.since_ns for g in groups],
            mean=np.array([g.mean_at(now_ns) for g in groups]).reshape(-1, 6),
            spread=np.array([g.spread for g in groups]).reshape(-1, 3, 3),
            members=[g.members for g in groups],
            count=[g.count.middle for g in groups],
            count_low=[g.count.low for g in groups],
            count_high=[g.count.high for g in groups],
        )

    def checkpoint(self) -> dict[str, NDArray[Any]]:
        """Return the state as named arrays."""
        groups = list(self._groups.values())
        whole = [
            (g.group_id, g.since_ns, g.at_ns, g.found_ns, g.members, g.count.middle, g.count.low, g.count.high)
            for g in groups
        ]
        return {
            **self._scans.checkpoint(),
            "groups.whole": np.array(whole, np.int64).reshape(-1, 8),
            "groups.mean": np.array([g.mean for g in groups]).reshape(-1, 6),
            "groups.spread": np.array([g.spread for g in groups]).reshape(-1, 3, 3),
            "groups.next": np.array([self.next_id, self._reviewed_s], np.int64),
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Become what `checkpoint` returned."""
        self._scans.restore(state)
        self._groups = {}
        for whole, mean, spread in zip(
            state["groups.whole"].tolist(), state["groups.mean"], state["groups.spread"], strict=True
        ):
            group_id, since_ns, at_ns, found_ns, members, *count = whole
            self._groups[group_id] = Group(
                group_id, since_ns, at_ns, found_ns, mean.copy(), spread.copy(), members, Count(*count)
            )
        self.next_id, self._reviewed_s = (int(value) for value in state["groups.next"])


def _cells(store: TrackStore, rows: NDArray[np.intp], place: FloatArray, sensing: Sensing) -> FloatArray:
    """Return how wide the resolution cell is (n,) at each track: the median of the radars that see it lately."""
    cell_m = np.full((len(sensing.antennas) + 1, len(rows)), np.inf)
    for antenna in sensing.antennas.values():
        hit = store.columns.hit[rows, antenna.slot]
        lately = (hit > 0) & (antenna.stamp - hit <= SEEN_WITHIN_SCANS)
        if lately.any() and antenna.site is not None:
            across = antenna.sigma_azimuth_rad * np.linalg.norm(place[lately] - antenna.site, axis=1)
            cell_m[antenna.slot, lately] = CELL_SIGMA * np.maximum(across, antenna.sigma_range_m)
    seeing = np.isfinite(cell_m).sum(axis=0)
    middle = np.sort(cell_m, axis=0)[np.maximum(seeing - 1, 0) // 2, np.arange(len(rows))]
    return np.where(seeing > 0, middle, CELL_ASSUMED_M)


def keep_pace(store: TrackStore, rows: IntArray, velocity: FloatArray) -> None:
    """Let tracks that are not heard fly as their group does, at `velocity` (3,): they are still in the formation.

    By position they are not drawn to the plot they may share, for all who share it would end in one place.
    """
    mean, cov = store.columns.mean[rows], store.columns.cov[rows]
    across = cov[:, :, :, 3:]
    gain = across @ np.linalg.inv(cov[:, :, 3:, 3:] + PACE_MPS**2 * np.eye(3))
    mean += np.einsum("nkij,nkj->nki", gain, velocity - mean[:, :, 3:])
    cov = cov - gain @ np.swapaxes(across, 2, 3)
    store.columns.mean[rows] = mean
    store.columns.cov[rows] = (cov + np.swapaxes(cov, 2, 3)) / 2.0
