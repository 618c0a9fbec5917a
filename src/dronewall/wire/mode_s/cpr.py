"""Compact position reporting: how ADS-B squeezes a position into two messages of 2 x 17 bits.

Positions are sent modulo a zone, in an even and an odd grid of zones. Two messages, one of each, give the zone; so does
a place known to be near. ICAO Doc 9871, appendix C, "Compact position reporting"; DO-260B A.1.7. Pure functions,
degrees throughout; the tests hold them against rs1090 and against positions encoded by hand.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

CELLS = 131_072.0
"""2^17: the steps into which a zone is cut."""
ZONES = 15
"""Geographic latitude zones between the equator and a pole."""
METRES_PER_DEGREE = 111_195.0


@dataclass(frozen=True, slots=True)
class Place:
    """A position in degrees."""

    lat_deg: float
    lon_deg: float

    def distance_m(self, other: Place) -> float:
        """Return the distance on a sphere of the earth's mean radius, in metres."""
        lat, lat_there = math.radians(self.lat_deg), math.radians(other.lat_deg)
        half_lat = math.sin((lat_there - lat) / 2)
        half_lon = math.sin(math.radians(other.lon_deg - self.lon_deg) / 2)
        h = half_lat**2 + math.cos(lat) * math.cos(lat_there) * half_lon**2
        return 2 * 6_371_008.8 * math.asin(math.sqrt(min(1.0, h)))


@dataclass(frozen=True, slots=True)
class Encoded:
    """One message's half of a position: fractions of a zone, 0 to 1, in the even or the odd grid."""

    y: float
    x: float
    odd: bool
    surface: bool
    at_ns: int

    @property
    def span_deg(self) -> float:
        """What the grid covers: a quarter of the circle for aircraft on the ground, for a finer step."""
        return 90.0 if self.surface else 360.0


def longitude_zones(lat_deg: float) -> int:
    """Return NL, the number of longitude zones at a latitude: 59 at the equator, 1 at the poles."""
    lat = abs(lat_deg)
    if lat < 1e-9:
        return 59
    if lat > 87.0:
        return 1
    if lat == 87.0:
        return 2
    a = 1.0 - math.cos(math.pi / (2 * ZONES))
    return math.floor(2 * math.pi / math.acos(1.0 - a / math.cos(math.radians(lat)) ** 2))


def place_from_pair(latest: Encoded, other: Encoded, *, near: Place | None = None) -> Place | None:
    """Return where the later of an even and an odd message was sent from, or None if they do not fit together.

    Args:
        latest: the later one; the position is the one it encodes.
        other: of the other parity and the same kind.
        near: for messages from the ground, any place less than 45 degrees of longitude away.
    """
    even, odd = (other, latest) if latest.odd else (latest, other)
    step_even, step_odd = latest.span_deg / (4 * ZONES), latest.span_deg / (4 * ZONES - 1)
    j = math.floor((4 * ZONES - 1) * even.y - 4 * ZONES * odd.y + 0.5)
    lat_even = step_even * (j % (4 * ZONES) + even.y)
    lat_odd = step_odd * (j % (4 * ZONES - 1) + odd.y)
    if latest.surface:
        if near is None:
            return None
        south = abs(lat_even - near.lat_deg) > abs(lat_even - 90.0 - near.lat_deg)
        lat_even, lat_odd = (lat_even - 90.0, lat_odd - 90.0) if south else (lat_even, lat_odd)
    else:
        lat_even, lat_odd = _signed(lat_even), _signed(lat_odd)
    lat = lat_odd if latest.odd else lat_even
    zones = longitude_zones(lat)
    if abs(lat) > 90.0 or longitude_zones(lat_even) != longitude_zones(lat_odd):
        return None
    m = math.floor(even.x * (zones - 1) - odd.x * zones + 0.5)
    count = max(zones - latest.odd, 1)
    lon = latest.span_deg / count * (m % count + latest.x)
    if latest.surface and near is not None:
        lon += 90.0 * round((near.lon_deg - lon) / 90.0)
    return Place(lat, _signed(lon))


def place_near(message: Encoded, reference: Place) -> Place | None:
    """Return the position a single message encodes that lies nearest to `reference`.

    Right if the sender is within half a zone of it: 330 km in the air, 80 km on the ground.
    """
    step = message.span_deg / (4 * ZONES - message.odd)
    lat = step * (math.floor(reference.lat_deg / step - message.y + 0.5) + message.y)
    if abs(lat) > 90.0:
        return None
    step = message.span_deg / max(longitude_zones(lat) - message.odd, 1)
    lon = step * (math.floor(reference.lon_deg / step - message.x + 0.5) + message.x)
    return Place(lat, _signed(lon))


def encoded_place(place: Place, *, odd: bool, surface: bool, at_ns: int = 0) -> Encoded:
    """Return the half of a position that one message carries, rounded to 17 bits."""
    span = 90.0 if surface else 360.0
    step = span / (4 * ZONES - odd)
    y = math.floor(CELLS * (place.lat_deg % step) / step + 0.5)
    lat = step * (y / CELLS + math.floor(place.lat_deg / step))
    step = span / max(longitude_zones(lat) - odd, 1)
    x = math.floor(CELLS * (place.lon_deg % step) / step + 0.5)
    return Encoded(y % CELLS / CELLS, x % CELLS / CELLS, odd, surface, at_ns)


def _signed(angle_deg: float) -> float:
    """Return an angle in -180 (inclusive) to 180."""
    return (angle_deg + 180.0) % 360.0 - 180.0
