"""What was heard of each transponder so far: the state that turns halves of positions into positions.

An explicit object, passed to the reader of messages; bounded in the number of addresses it remembers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from dronewall.wire.mode_s.cpr import Encoded, Place, place_from_pair, place_near

NS_PER_S = 1_000_000_000
PAIR_MAX_S = 10.0
"""An aircraft moves on between two halves; older ones no longer fit together."""
REFERENCE_MAX_S = 60.0
"""For so long an aircraft's last position tells in which zone its next one lies."""
SPEED_MAX_MPS = 1000.0
JUMP_ALLOWANCE_M = 500.0
REPEAT_S = 0.05
"""A transponder never repeats a message so soon: it is one transmission heard by two antennas."""
SURROUNDINGS_M = 1_000_000.0
"""Aircraft on the ground are heard from near by; a position beyond this from the last one in the air is a mistake."""
ADDRESSES_MAX = 20_000


class Unlocated(Enum):
    """Why a message that carries a position gives none. The first two are nobody's fault."""

    WAITS = "position waits for its other half"
    MISFIT = "the halves of a position do not fit together"
    NO_REFERENCE = "surface position without a reference"
    FAR_OFF = "surface position far from everything heard"
    JUMP = "impossible jump of position, not confirmed"
    REPEATED = "message heard twice"

    @property
    def refused(self) -> bool:
        """Whether the message is refused, rather than counted as having no place."""
        return self not in (Unlocated.WAITS, Unlocated.MISFIT)


@dataclass(slots=True)
class Velocity:
    """A velocity over ground as an aircraft told it, m/s."""

    east_mps: float
    north_mps: float
    up_mps: float | None
    nacv: int | None
    at_ns: int


@dataclass(slots=True)
class Heard:
    """One transponder: the halves of its positions, its last accepted one, and what it said of itself."""

    halves: dict[tuple[bool, bool], Encoded] = field(default_factory=dict)
    place: Place | None = None
    place_at_ns: int = 0
    suspect: Place | None = None
    suspect_at_ns: int = 0
    callsign: bytes = b""
    callsign_at_ns: int = 0
    squawk: int = -1
    squawk_at_ns: int = 0
    nacp: int | None = None
    nacp_at_ns: int = 0
    altitude_m: float | None = None
    altitude_at_ns: int = 0
    velocity: Velocity | None = None

    def taken(self, message: Encoded, *, near: Place | None, site: Place | None) -> Place | Unlocated:
        """Return where a message was sent from, and remember it as the aircraft's place.

        Args:
            message: the newest half of a position.
            near: some place in the surroundings of the receiver, for aircraft on the ground.
            site: the receiver's own place if it was declared; ground traffic is within half a zone of it.
        """
        before = self.halves.get((message.surface, message.odd))
        if before is not None and _same(before, message):
            return Unlocated.REPEATED
        self.halves[message.surface, message.odd] = message
        place = self._decoded(message, near=near, site=site)
        if isinstance(place, Unlocated):
            return place
        if message.surface and near is not None and place.distance_m(near) > SURROUNDINGS_M:
            return Unlocated.FAR_OFF
        return self._accepted(place, message.at_ns)

    def _decoded(self, message: Encoded, *, near: Place | None, site: Place | None) -> Place | Unlocated:
        """Return the position by the pair if there is a fresh one, else by the nearest place known."""
        misfit = False
        other = self.halves.get((message.surface, not message.odd))
        if other is not None and abs(message.at_ns - other.at_ns) <= PAIR_MAX_S * NS_PER_S:
            if message.surface and (near := self.place or near) is None:
                return Unlocated.NO_REFERENCE
            if (place := place_from_pair(message, other, near=near)) is not None:
                return place
            misfit = True
        reference = self._reference(message.at_ns) or (site if message.surface else None)
        if reference is not None and (place := place_near(message, reference)) is not None:
            return place
        if misfit:
            return Unlocated.MISFIT
        return Unlocated.NO_REFERENCE if message.surface and near is None and self.place is None else Unlocated.WAITS

    def _reference(self, at_ns: int) -> Place | None:
        return self.place if abs(at_ns - self.place_at_ns) <= REFERENCE_MAX_S * NS_PER_S else None

    def _accepted(self, place: Place, at_ns: int) -> Place | Unlocated:
        """Take a place unless it is out of reach of the last one; a second such place in its reach confirms it."""
        known = self.place is None or _reachable(self.place, place, at_ns - self.place_at_ns)
        if not known:
            confirmed = self.suspect is not None and _reachable(self.suspect, place, at_ns - self.suspect_at_ns)
            if not confirmed:
                self.suspect, self.suspect_at_ns = place, at_ns
                return Unlocated.JUMP
        self.suspect = None
        self.place, self.place_at_ns = place, at_ns
        return place


class Transponders:
    """Every transponder heard, by address, the longest silent first.

    Args:
        site: the receiver's place, if it was declared.
        surroundings: any place near the receiver, if one is known before the first aircraft is heard.
    """

    def __init__(self, *, site: Place | None = None, surroundings: Place | None = None) -> None:
        self.site = site
        self.surroundings = site or surroundings
        self._heard: dict[int, Heard] = {}

    def __len__(self) -> int:
        return len(self._heard)

    def known(self, address: int) -> Heard | None:
        """Return what was heard of an address, or None."""
        return self._heard.get(address)

    def heard(self, address: int) -> Heard:
        """Return what was heard of an address that has just been heard, forgetting the longest silent if need be."""
        heard = self._heard.pop(address, None) or Heard()
        self._heard[address] = heard
        if len(self._heard) > ADDRESSES_MAX:
            del self._heard[next(iter(self._heard))]
        return heard

    def located(self, address: int, message: Encoded) -> Place | Unlocated:
        """Return where a message of an address was sent from."""
        heard = self.heard(address)
        known_before = heard.place is not None
        place = heard.taken(message, near=self.surroundings, site=self.site)
        # Two positions of one aircraft that fit together: one alone may be made up.
        if self.site is None and known_before and not message.surface and isinstance(place, Place):
            self.surroundings = place
        return place


def _same(before: Encoded, now: Encoded) -> bool:
    return before.x == now.x and before.y == now.y and abs(now.at_ns - before.at_ns) < REPEAT_S * NS_PER_S


def _reachable(there: Place, here: Place, elapsed_ns: int) -> bool:
    return there.distance_m(here) <= JUMP_ALLOWANCE_M + SPEED_MAX_MPS * abs(elapsed_ns) / NS_PER_S
