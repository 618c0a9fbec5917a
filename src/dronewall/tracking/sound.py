"""The sound tracker: begins tracks from bearings that nobody explains and keeps those that only sound supports.

A track that radar, radio or its own word supports is kept by the main tracker, which takes its bearings too. A track
that nothing but sound has supported for a while is held here, in emission time, and its row in the store is written
anew each second. Both are one track with one number: who keeps it changes with who hears it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dronewall.model.observations import ObservationKind, Observations
from dronewall.model.sensors import SensorKind, Sensors
from dronewall.model.tracks import TrackStatus
from dronewall.model.weather import Weather
from dronewall.tracking import sound_standing, sound_wind
from dronewall.tracking.classes import CLASSES, class_probabilities
from dronewall.tracking.parameters import CRUISE, HOVER, TURN, Parameters
from dronewall.tracking.sound_arrays import Ears, ears_of, learned, relearn
from dronewall.tracking.sound_association import HEAD_BITS, explain, places_index
from dronewall.tracking.sound_births import MOVING, STANDING, search
from dronewall.tracking.sound_filter import MODES, SoundParameters, merged, rerun, sound_at
from dronewall.tracking.sound_fixes import Heard, SearchParameters, find_seeds
from dronewall.tracking.sound_starts import Start, added, is_known, place_of, start_of
from dronewall.tracking.sound_support import support
from dronewall.tracking.sound_tables import (
    EXISTENCE,
    Edges,
    Held,
    joined,
    no_bearings,
    no_edges,
    no_tracks,
    rows_of,
    taken,
    together,
)
from dronewall.tracking.sound_weather import Skies
from dronewall.tracking.store import TrackStore

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

NS = 1_000_000_000
SETTLED_AFTER_S = 36.0
"""Sound older than this has passed the farthest array that could still hear it."""
REMEMBERED_S = 45.0
"""How long a bearing that nobody explains is kept."""
REMEMBERED_MOST = 400_000
"""How many such bearings are kept; the oldest go first, and are counted."""
ALONE_AFTER_S = 12.0
"""A track that no other sensor has supported for so long is held here."""
EXPLAINED = 0.5
MOST_BIRTHS = 256
"""New tracks in one second; more wait for the next."""
SUPPORT_S, SUPPORT_ARRAYS, SUPPORT_SHARE = 15.0, 2, 0.5
"""A track is supported while so many arrays heard it within so long, and so large a share of what was due came."""
SHARE_MEMORY, SHARE_AT_FIRST = 0.1, 0.8
FADING_S = 15.0
STILL_MPS, STILL_S = 9.0, 25.0
"""What has been slower for so long stands on the ground."""
NORTH_CORRELATED, NORTH_LEAST_RAD = 8.0, math.radians(0.25)
"""Bearings of one pass share the track's error, so that so many of them count as one; no array is known better."""
WEIGHTS_AT_FIRST = (0.8, 0.1, 0.1)


class SoundTracker:
    """Keeps, once a second, the tracks that only sound supports, in the rows of the main tracker's store."""

    def __init__(self, sensors: Sensors, parameters: Parameters) -> None:
        self._main, self._p, self._s = parameters, SoundParameters(), SearchParameters()
        self._held, self._edges = no_tracks(), no_edges()
        self._retired = sound_wind.nothing_retired()
        self._standing = sound_standing.nothing_stands()
        self._waiting, self._unexplained = no_bearings(), no_bearings()
        self._skies = Skies()
        self._second = -1
        self.dropped = 0
        self._ears: Ears = ears_of(Sensors())
        self.learn(sensors)

    def learn(self, sensors: Sensors) -> None:
        """Take over a register that has grown."""
        known = learned(self._ears)
        self._ears = ears_of(sensors)
        relearn(self._ears, known)
        self._ear_cell = sound_wind.cell_of_place(self._ears.site)
        self._skies.begin_again()

    @property
    def weather(self) -> Weather:
        """All that was told of the weather."""
        return self._skies.weather

    def learn_weather(self, weather: Weather) -> None:
        """Take over all that is told of the weather, instead of what was told before."""
        self._skies = Skies(weather)

    def step(self, o: Observations, free: BoolArray, store: TrackStore, *, now_ns: int) -> None:
        """Take a step's observations; once a second, bring the tracks held here up to `now_ns`.

        Args:
            o: observations of the step.
            free: (n,) which of them no track of the main tracker took, or only one held here.
            store: the main tracker's; rows are written and added.
            now_ns: the picture's instant.
        """
        self._collect(o, free)
        second = now_ns // NS
        if second == self._second or not (len(self._waiting.at_ns) or len(self._held.at_ns)):
            return
        self._retired = sound_wind.faded(self._retired, float(second - self._second) if self._second >= 0 else 0.0)
        self._second = second
        if self._skies.turn_to(now_ns):
            self._ears.sound_mps[:] = self._skies.over(self._ear_cell).sound_mps
        self._take_over(store, now_ns)
        self._hear(store, now_ns)
        self._follow(store, now_ns)
        self._begin(store, now_ns)

    def holds(self, track_id: IntArray) -> BoolArray:
        """Return which tracks are held here."""
        return np.isin(track_id, self._held.track_id)

    def rename(self, old: int, new: int) -> None:
        """Let track `old` be known as `new`; of two that were held, the one heard last is."""
        heard_ns = dict(zip(self._held.track_id.tolist(), self._held.heard_ns.tolist(), strict=True))
        gone = new if heard_ns.get(old, -1) > heard_ns.get(new, -1) else old
        self._let_go(self._held.track_id == gone)
        self._edges = taken(self._edges, np.flatnonzero(self._edges.track_id != gone))
        for track_id in (self._held.track_id, self._edges.track_id):
            track_id[track_id == old] = new
        self._held = _by_number(self._held)

    def _collect(self, o: Observations, free: BoolArray) -> None:
        rows = np.flatnonzero((o.kind == ObservationKind.SOUND_DIRECTION) & free & (self._ears.reach_m[o.sensor] > 0))
        if not len(rows):
            return
        count = len(rows)
        new = Heard(
            *(o.at_ns[rows], o.sensor[rows], o.z[rows, 0], o.z[rows, 1], o.noise[rows, 0, 0], o.noise[rows, 1, 1]),
            *(o.classes[rows], np.ones(count, np.bool_), np.ones(count, np.bool_), np.zeros(0, np.int64)),
        )
        self._waiting = together(self._waiting, new)

    def _take_over(self, store: TrackStore, now_ns: int) -> None:
        """Let go of tracks that others support again, and take those that nobody but arrays has heard lately."""
        n, c = store.count, store.columns
        others = np.delete(c.heard_ns[:n], [SensorKind.ACOUSTIC_ARRAY, SensorKind.ACOUSTIC_PRESENCE], axis=1)
        newest_ns = others.max(axis=1) if n else np.empty(0, np.int64)
        alone = (now_ns - newest_ns) / 1e9 > ALONE_AFTER_S
        mine = self.holds(c.track_id[:n])
        kept = np.isin(self._held.track_id, c.track_id[:n][alone])
        self._let_go(~kept)
        heard = (now_ns - c.heard_ns[:n, SensorKind.ACOUSTIC_ARRAY]) / 1e9 < ALONE_AFTER_S
        rows = np.flatnonzero(alone & ~mine & heard & (c.status[:n] != TrackStatus.TENTATIVE))
        if len(rows):
            mean = np.einsum("nk,nki->ni", c.weight[rows], c.mean[rows])
            apart = c.mean[rows] - mean[:, None]
            cov = np.einsum("nk,nkij->nij", c.weight[rows], c.cov[rows] + apart[..., :, None] * apart[..., None, :])
            new = self._newly_held(c.track_id[rows], c.at_ns[rows], mean, cov, now_ns)
            self._held = _by_number(joined(self._held, new))

    def _let_go(self, gone: BoolArray) -> None:
        """Forget tracks, but not what they learned of the wind."""
        if gone.any():
            cells, own = self._own_wind()
            self._retired = sound_wind.retire(
                self._retired, cells[gone], sound_wind.Known(own.info[gone], own.pull[gone])
            )
            self._held = taken(self._held, np.flatnonzero(~gone))

    def _newly_held(self, track_id: IntArray, at_ns: IntArray, mean: FloatArray, cov: FloatArray, now_ns: int) -> Held:
        """Return tracks to hold whose state is `mean` (n, 6), `cov` (n, 6, 6) at `at_ns`."""
        count = len(track_id)
        x, c = np.zeros((count, MODES, 8)), np.zeros((count, MODES, 8, 8))
        x[:, :, :6], c[:, :, :6, :6] = mean[:, None], cov[:, None]
        given = sound_wind.limited(self._told(sound_wind.cell_of_place(mean[:, :3])))
        x[:, :, 6:] = sound_wind.wind_of(given)[0][:, None]
        c[:, :, 6:, 6:] = np.linalg.inv(given.info)[:, None]
        modes = (x, c, np.tile(WEIGHTS_AT_FIRST, (count, 1)))
        return Held._make(
            (
                *(track_id.copy(), at_ns.copy(), *modes),
                *(at_ns.copy(), *(column.copy() for column in modes)),
                *(np.full(count, now_ns) for _ in range(3)),
                *(np.full(count, SHARE_AT_FIRST), given.info, given.pull),
            )
        )

    def _hear(self, store: TrackStore, now_ns: int) -> None:
        """Share the bearings that came among the tracks held here; keep what none of them explains."""
        new = self._waiting
        order = np.lexsort((new.azimuth, new.at_ns, new.sensor))
        new = rows_of(new, order)
        self._waiting = no_bearings()
        explained = np.zeros(len(order))
        if len(self._held.at_ns) and len(order):
            self._share(new, explained, self._classes(store))
        fresh = rows_of(new, np.flatnonzero(explained < EXPLAINED))
        kept = rows_of(self._unexplained, np.flatnonzero(self._unexplained.free))
        kept.fresh[:] = False
        known = together(kept, fresh)
        recent = (now_ns - known.at_ns) / 1e9 < REMEMBERED_S
        known = rows_of(known, np.flatnonzero(recent))
        surplus = len(known.at_ns) - REMEMBERED_MOST
        if surplus > 0:
            self.dropped += surplus
            known = rows_of(known, np.sort(np.argsort(known.at_ns, kind="stable")[surplus:]))
        order = np.lexsort((known.azimuth, known.at_ns, known.sensor))
        known = rows_of(known, order)
        first = np.searchsorted(known.sensor, np.arange(len(self._ears.reach_m) + 1)).astype(np.int64)
        self._unexplained = known._replace(first=first)

    def _classes(self, store: TrackStore) -> NDArray[np.float32]:
        """Return what is known of the classes (tracks, classes) of the tracks held here."""
        score = np.zeros((len(self._held.track_id), CLASSES))
        rows = np.flatnonzero(self.holds(store.columns.track_id[: store.count]))
        at = np.searchsorted(self._held.track_id, store.columns.track_id[rows])
        score[at] = store.columns.class_score[rows]
        return class_probabilities(score)

    def _share(self, new: Heard, explained: FloatArray, known: NDArray[np.float32]) -> None:
        held = self._held
        x, c = np.empty((len(held.at_ns), 8)), np.empty((len(held.at_ns), 8, 8))
        merged(held.new_mean, held.new_cov, held.new_weight, x, c)
        heads, links = np.empty(1 << HEAD_BITS, np.int64), np.empty(len(x), np.int64)
        places_index(x, heads, links)
        edges = np.empty((4 * len(new.at_ns) + 64, 4))
        count = explain(new, held, x, c, known, heads, links, self._ears, self._p, explained, edges)
        bearing, track = edges[:count, 0].astype(np.int64), edges[:count, 1].astype(np.int64)
        emitted_ns = held.new_at_ns[track] + np.rint(1e9 * edges[:count, 3]).astype(np.int64)
        self._add(new, bearing, held.track_id[track], emitted_ns, edges[:count, 2].copy())
        np.maximum.at(held.heard_ns, track[edges[:count, 2] > 0.3], new.at_ns[bearing[edges[:count, 2] > 0.3]])

    def _add(self, b: Heard, bearing: IntArray, track_id: IntArray, emitted_ns: IntArray, share: FloatArray) -> None:
        more = Edges(
            *(track_id, emitted_ns, b.at_ns[bearing], b.sensor[bearing], b.azimuth[bearing], b.elevation[bearing]),
            *(b.var_azimuth[bearing], b.var_elevation[bearing], share),
        )
        self._edges = joined(self._edges, more)

    def _rerun(self, now_ns: int) -> tuple[Edges, FloatArray]:
        """Bring every track held here to its newest bearing; forget the bearings that are settled."""
        e = taken(self._edges, np.flatnonzero(np.isin(self._edges.track_id, self._held.track_id)))
        e = taken(e, np.lexsort((e.sensor, e.emitted_ns, e.track_id)))
        first = np.searchsorted(e.track_id, np.append(self._held.track_id, np.iinfo(np.int64).max)).astype(np.int64)
        settled = np.empty((len(e.at_ns), 2))
        horizon_ns = now_ns - round(SETTLED_AFTER_S * NS)
        rerun(self._held, e, first, horizon_ns, self._ears, self._p, settled)
        self._support(e, first, now_ns)
        self._edges = taken(e, np.flatnonzero(np.isnan(settled[:, 0]) & (e.emitted_ns > horizon_ns)))
        return e, settled

    def _support(self, e: Edges, first: IntArray, now_ns: int) -> None:
        """Note which tracks enough arrays have heard lately, and which are fast enough to fly."""
        held = self._held
        x, c = np.empty((len(held.at_ns), 8)), np.empty((len(held.at_ns), 8, 8))
        merged(held.new_mean, held.new_cov, held.new_weight, x, c)
        arrays, share = np.zeros(len(x), np.int64), np.zeros(len(x))
        support(e, first, x, self._ears, now_ns, SUPPORT_S, arrays, share)
        held.share[:] += SHARE_MEMORY * (np.minimum(share, 1.0) - held.share)
        held.supported_ns[(arrays >= SUPPORT_ARRAYS) & (held.share > SUPPORT_SHARE)] = now_ns
        mode = np.argmax(held.new_weight, axis=1)
        speed = np.linalg.norm(held.new_mean[np.arange(len(mode)), mode, 3:6], axis=1)
        held.moved_ns[speed > STILL_MPS] = now_ns

    def _follow(self, store: TrackStore, now_ns: int) -> None:
        """Update the tracks held here and write their rows in the store."""
        if not len(self._held.at_ns):
            return
        self._learn_north(*self._rerun(now_ns))
        self._share_wind()
        self._write(store, now_ns)

    def _write(self, store: TrackStore, now_ns: int) -> None:
        held, c = self._held, store.columns
        x, cov = np.empty((len(held.at_ns), 8)), np.empty((len(held.at_ns), 8, 8))
        sound_at(held, now_ns, self._p, x, cov)
        rows = np.flatnonzero(self.holds(c.track_id[: store.count]))
        at = np.searchsorted(held.track_id, c.track_id[rows])
        c.mean[rows] = x[at, None, :6]
        c.cov[rows] = cov[at, None, :6, :6]
        c.at_ns[rows] = now_ns
        c.weight[rows, CRUISE] = held.new_weight[at, 0]
        c.weight[rows, TURN] = 1.0 - held.new_weight[at, 0]
        c.weight[rows, HOVER] = 0.0
        unheard_s = (now_ns - held.supported_ns[at]) / 1e9
        c.existence[rows] = np.where(
            (now_ns - held.moved_ns[at]) / 1e9 > STILL_S, 0.0, EXISTENCE * np.exp(-unheard_s / FADING_S)
        )
        c.heard_at_ns[rows] = held.heard_ns[at]
        c.heard_ns[rows, SensorKind.ACOUSTIC_ARRAY] = held.heard_ns[at]
        c.updated_ns[rows] = held.new_at_ns[at]

    def _learn_north(self, e: Edges, settled: FloatArray) -> None:
        """Let arrays that are turned from north show it in the bearings that were settled."""
        ears = self._ears
        fit = (e.share > 0.8) & (settled[:, 0] ** 2 < 9.0 * settled[:, 1])
        sensor, worth = e.sensor[fit], 1.0 / (NORTH_CORRELATED * settled[fit, 1])
        info = np.bincount(sensor, worth, minlength=len(ears.north))
        pull = np.bincount(sensor, worth * settled[fit, 0], minlength=len(ears.north))
        ears.north_var[:] = np.maximum(1.0 / (1.0 / ears.north_var + info), NORTH_LEAST_RAD**2)
        ears.north[:] += ears.north_var * pull

    def _own_wind(self) -> tuple[IntArray, sound_wind.Known]:
        """Return the cells of the tracks held here and what each has learned of the wind by itself."""
        held = self._held
        x, c = np.empty((len(held.at_ns), 8)), np.empty((len(held.at_ns), 8, 8))
        merged(held.mean, held.cov, held.weight, x, c)
        own = sound_wind.learned_by(x[:, 6:], c[:, 6:, 6:], sound_wind.Known(held.given_info, held.given_pull))
        return sound_wind.cell_of_place(x[:, :3]), own

    def _told(self, cells: IntArray) -> sound_wind.Known:
        learner, own = self._own_wind()
        return sound_wind.told(cells, learner, own, self._retired, self._foretold(cells))

    def _foretold(self, cells: IntArray) -> sound_wind.Known:
        """Return what is known of the wind in cells before anything is heard."""
        air = self._skies.over(cells)
        return sound_wind.foretold(air.wind, air.variance)

    def _share_wind(self) -> None:
        """Give each track what the others have learned of the wind."""
        held = self._held
        cells, own = self._own_wind()
        known = sound_wind.told(cells, cells, own, self._retired, self._foretold(cells))
        target = sound_wind.without(known, own)
        rows, more = sound_wind.news(target, sound_wind.Known(held.given_info, held.given_pull))
        if len(rows):
            held.mean[rows], held.cov[rows] = sound_wind.told_to(held.mean[rows], held.cov[rows], more)
            held.given_info[rows] += more.info
            held.given_pull[rows] += more.pull

    def _wind_at_ears(self) -> tuple[FloatArray, FloatArray]:
        cells, at = np.unique(self._ear_cell, return_inverse=True)
        wind, variance = sound_wind.wind_of(sound_wind.limited(self._told(cells)))
        return wind[at], variance[at]

    def _begin(self, store: TrackStore, now_ns: int) -> None:
        """Begin tracks where bearings that nobody explains agree."""
        heard, ears = self._unexplained, self._ears
        if not heard.fresh.any():
            return
        wind, wind_var = self._wind_at_ears()
        seeds = np.zeros((len(heard.at_ns), 4))
        find_seeds(heard, ears, wind, wind_var, now_ns, self._s, seeds)
        order = np.flatnonzero(seeds[:, 3] > self._s.least_evidence)
        if not len(order):
            return
        order = order[np.argsort(-seeds[order, 3], kind="stable")]
        births, owner = np.zeros((MOST_BIRTHS, 23)), np.full(len(heard.at_ns), -1)
        emitted_ns = np.zeros(len(heard.at_ns), np.int64)
        count = search(heard, ears, wind, wind_var, now_ns, self._s, seeds, order, births, owner, emitted_ns)
        places = [place_of(heard, ears, births[n], self._s.height_m) for n in range(count)]
        for n in np.flatnonzero(births[:count, 1] == STANDING).tolist():
            self._standing = sound_standing.noted(self._standing, places[n], now_ns)
        starts = []
        for n in np.flatnonzero(births[:count, 1] == MOVING).tolist():
            if not sound_standing.is_near(self._standing, places[n]):
                own, seed = np.flatnonzero(owner == n), seeds[int(births[n, 0])]
                starts.append(start_of(heard, ears, births[n], seed, own, emitted_ns[own], self._p, self._s))
        self._bear(store, [start for start in starts if not is_known(store, start, now_ns, self._s.apart_m)], now_ns)

    def _bear(self, store: TrackStore, starts: list[Start], now_ns: int) -> None:
        """Begin tracks, and bring them alone through their bearings to now."""
        if not starts:
            return
        track_id = added(store, starts, now_ns, self._main)
        at_ns = np.array([start.at_ns for start in starts], np.int64)
        mean, cov = np.stack([start.mean for start in starts]), np.stack([start.cov for start in starts])
        begun = self._newly_held(track_id, at_ns, mean, cov, now_ns)
        held, edges = self._held, self._edges
        self._held, self._edges = begun, no_edges()
        for number, start in zip(track_id, starts, strict=True):
            count = len(start.own)
            self._add(self._unexplained, start.own, np.full(count, number), start.emitted_ns, np.ones(count))
        self._rerun(now_ns)
        self._write(store, now_ns)
        self._held, self._edges = _by_number(joined(held, self._held)), joined(edges, self._edges)

    def checkpoint(self) -> dict[str, NDArray[Any]]:
        """Return the state as named arrays."""
        tables: dict[str, Any] = {
            "standing": self._standing,
            "held": self._held,
            "edges": self._edges,
            "waiting": self._waiting,
            "unheard": self._unexplained,
        }
        named = {f"sound.{t}.{name}": c.copy() for t, table in tables.items() for name, c in table._asdict().items()}
        return {
            **named,
            **learned(self._ears),
            **sound_wind.checkpointed(self._retired),
            **{f"sound.weather.{name}": values.copy() for name, values in self._skies.weather.columns()},
            "sound": np.array([self._second, self.dropped], np.int64),
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Become what `checkpoint` returned."""

        def table(kind: Any, name: str) -> Any:
            return kind(*(state[f"sound.{name}.{field}"].copy() for field in kind._fields))

        self._held, self._edges = table(Held, "held"), table(Edges, "edges")
        self._standing = table(sound_standing.Standing, "standing")
        self._waiting, self._unexplained = table(Heard, "waiting"), table(Heard, "unheard")
        self._second, self.dropped = (int(value) for value in state["sound"])
        relearn(self._ears, state)
        self._retired = sound_wind.retired_from(state)
        told = {name: state[f"sound.weather.{name}"] for name, _ in Weather.empty().columns()}
        self._skies = Skies(Weather.of(len(told["at_ns"]), **told))


def _by_number(held: Held) -> Held:
    """Return tracks in the order of their numbers."""
    return Held._make(taken(held, np.argsort(held.track_id, kind="stable")))
