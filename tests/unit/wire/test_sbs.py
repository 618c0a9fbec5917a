from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from dronewall.model.plots import Datum, Plots
from dronewall.wire.refusals import Refusals
from dronewall.wire.rows import PlotRows
from dronewall.wire.sbs import (
    LINE_MAX_BYTES,
    MULTILATERATION,
    NO_ADDRESS,
    NO_NUMBER,
    NO_POSITION,
    NO_TIME,
    NOT_SBS,
    OUTSIDE,
    SbsMessages,
    SbsReader,
)

S = 1_000_000_000
AT = 1_717_664_319 * S
"""2024-06-06 08:58:39 UTC."""


def line(kind: int, *, second: float = 39.0, address: str = "400F99", flags: str = "0,0,0,0", **said: object) -> bytes:
    """A message of a type with the fields named; the others are empty, as receivers leave them."""
    names = ("callsign", "altitude", "speed", "track", "lat", "lon", "climb", "squawk")
    filled = ",".join(str(said.get(name, "")) for name in names)
    when = f"2024/06/06,08:58:{second:06.3f}"
    return f"MSG,{kind},1,1,{address},1,{when},{when},{filled},{flags}\r\n".encode()


POSITION = line(3, altitude=38000, lat=51.5, lon=-0.5)


def read(stream: bytes, received_ns: int | None = None) -> tuple[Plots, int, list[str], dict[str, int]]:
    refusals, rows, unplaceable = Refusals("test"), PlotRows(), Counter[str]()
    messages, reader = SbsMessages(refusals), SbsReader("receiver", refusals)
    frames = reader.read(messages.timed(stream, received_ns), rows, unplaceable)
    messages.finish()
    return rows.plots(), frames, [error.reason for error in refusals.taken()], dict(unplaceable)


def test_what_an_aircraft_said_lately_is_joined_to_its_position() -> None:
    said = (
        line(1, callsign="BAW3AK  ") + line(4, speed=100, track=90, climb=600) + line(6, squawk="2312", altitude=38000)
    )
    plots, frames, refused, _ = read(said + line(3, altitude=38025, lat=51.5, lon=-0.5))
    assert (frames, refused, len(plots)) == (4, [], 1)
    plot = plots.row(0)
    assert (plot["icao24"], plot["callsign"], plot["squawk"]) == (0x400F99, b"BAW3AK", 2312)
    assert (plot["lat_deg"], plot["lon_deg"]) == (51.5, -0.5)
    assert (plot["altitude_m"], plot["altitude_datum"]) == (pytest.approx(38025 * 0.3048), Datum.PRESSURE)
    assert plot["velocity_east_mps"] == pytest.approx(51.444, abs=1e-3)
    assert plot["velocity_north_mps"] == pytest.approx(0.0, abs=1e-9)
    assert plot["velocity_up_mps"] == pytest.approx(3.048)


def test_what_another_aircraft_said_or_what_was_said_long_ago_is_not() -> None:
    other = line(1, callsign="OTHER", address="4CA216")
    old = line(4, second=10.0, speed=100, track=90)
    plots, *_ = read(other + old + POSITION)
    assert plots.callsign.tolist() == [b""]
    assert np.isnan(plots.velocity_east_mps).all()


def test_times_are_taken_as_utc() -> None:
    plots, *_ = read(line(3, second=39.25, lat=51.5, lon=-0.5))
    assert plots.at_ns.tolist() == plots.received_ns.tolist() == [AT + S // 4]


@pytest.mark.parametrize(("received_ns", "at_ns"), [(AT + 2 * S, AT), (AT + 3600 * S, AT + 3600 * S)])
def test_live_a_clock_of_another_zone_gives_way_to_the_time_of_receipt(received_ns: int, at_ns: int) -> None:
    plots, *_ = read(POSITION, received_ns)
    assert (plots.at_ns.tolist(), plots.received_ns.tolist()) == ([at_ns], [received_ns])


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"nonsense\n", NOT_SBS),
        (b"MSG,3,1,1,400F99,1\n", NOT_SBS),
        (line(3, address="~2A1B3", lat=1, lon=1), NO_ADDRESS),
        (line(3, address="000000", lat=1, lon=1), NO_ADDRESS),
        (POSITION.replace(b"2024/06/06", b"2024/06/31"), NO_TIME),
        (POSITION.replace(b"08:58", b"08-58"), NO_TIME),
        (line(3, lat="north", lon=1), NO_NUMBER),
        (line(3, lat="nan", lon=1), NO_NUMBER),
        (line(3, altitude="1e300", lat=1, lon=1), NO_NUMBER),
        (line(3, lat=91, lon=1), OUTSIDE),
        (POSITION.replace(b"MSG", b"MLAT"), MULTILATERATION),
        (b"x" * (LINE_MAX_BYTES + 1) + b"\n", NOT_SBS),
    ],
)
def test_a_bad_line_is_refused_and_its_neighbours_are_kept(bad: bytes, reason: str) -> None:
    plots, frames, refused, _ = read(POSITION + bad + POSITION)
    assert (len(plots), frames, refused) == (2, 2, [reason])


def test_a_position_that_the_receiver_does_not_tell_is_counted() -> None:
    _, frames, refused, unplaceable = read(line(3, altitude=38000) + line(3, lat=0, lon=0) + line(5, altitude=1))
    assert (frames, refused, unplaceable) == (3, [], {NO_POSITION: 2})


def test_lines_about_the_receivers_own_list_are_understood() -> None:
    _, frames, refused, unplaceable = read(b"AIR,,1,1,400F99,1,2024/06/06,08:58:39.147,2024/06/06,08:58:39.147\n")
    assert (frames, refused, unplaceable) == (1, [], {})


def test_a_half_line_at_the_end_is_refused() -> None:
    plots, _, refused, _ = read(POSITION + POSITION[:30])
    assert (len(plots), refused) == (1, ["line is cut short"])
