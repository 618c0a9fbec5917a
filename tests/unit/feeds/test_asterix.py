from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from dronewall.engine.clock import ManualClock
from dronewall.feeds.asterix import AsterixFeed, AsterixSettings, plugin
from dronewall.feeds.asterix_decoder import AsterixDecoder
from dronewall.model.plots import Datum
from dronewall.model.sensors import Sensor, SensorKind, Sensors, Wire
from dronewall.wire.asterix.time_of_day import BEYOND_MIDNIGHT, DAY_NS, JUMPS, NO_TIME, DayClock
from dronewall.wire.captures.datagrams import Datagram

S = 1_000_000_000
DAY = 19_479 * DAY_NS  # 2023-05-02
NOON = DAY + 43_200 * S


def report(*, time_s: float = 43_200.0, more: str = "", fspec: str = "F0", kind: str = "A0", nm: float = 32.0) -> bytes:
    """A report of 10/11 at 90 degrees."""
    body = bytes.fromhex(f"{fspec}0A0B{round(time_s * 128):06X}{kind}{round(nm * 256):04X}4000{more}".replace(" ", ""))
    return bytes([48]) + (len(body) + 3).to_bytes(2, "big") + body


def north(*, time_s: float, turn_s: float = 4.0) -> bytes:
    body = bytes.fromhex(f"F80A0B01{round(time_s * 128):06X}00{round(turn_s * 128):04X}")
    return bytes([34]) + (len(body) + 3).to_bytes(2, "big") + body


def radar(**given: Any) -> Sensors:
    return Sensors([Sensor("radar-1", SensorKind.RADAR_2D, wire=given.pop("wire", Wire(asterix="10/11")), **given)])


def decoder(sensors: Sensors | None = None, *, datagrams: bool = True) -> AsterixDecoder:
    return AsterixDecoder("test", sensors=sensors or Sensors(), datagrams=datagrams, day_ns=DAY)


def test_a_declared_radar_reports_under_its_own_name() -> None:
    plots = decoder(radar()).decode(report(), received_ns=NOON).plots
    assert plots.sensor_ids == ("radar-1",)
    assert (plots.range_m[0], plots.azimuth_rad[0]) == (32 * 1852.0, math.pi / 2)


def test_a_range_beyond_what_the_radar_declares_is_refused() -> None:
    known = decoder(radar(range_max_m=50_000.0))
    assert [error.reason for error in known.decode(report(), received_ns=NOON).refused] == [
        "range is beyond the radar's own"
    ]
    assert len(known.decode(report(nm=20.0), received_ns=NOON).plots) == 1


@pytest.mark.parametrize(("edition", "plots"), [("1.x", 1), ("1.31", 1), ("2.0", 0)])
def test_the_edition_is_the_one_the_register_says(edition: str, plots: int) -> None:
    sensors = radar(wire=Wire(asterix="10/11", editions=(("48", edition),)))
    decoded = decoder(sensors).decode(report(), received_ns=NOON)
    assert len(decoded.plots) == plots
    assert len(decoded.refused) == 1 - plots


def test_the_height_of_a_3d_radar_stands_in_for_a_missing_flight_level() -> None:
    # FSPEC F1 01 08: items 010 140 020 040, then 110 as the nineteenth.
    plots = decoder().decode(report(fspec="F10108", more="0190"), received_ns=NOON).plots
    assert plots.altitude_m[0] == pytest.approx(400 * 25 * 0.3048)
    assert plots.altitude_datum[0] == Datum.EGM2008


def test_a_field_monitor_is_no_aircraft() -> None:
    refused = decoder().decode(report(kind="A2"), received_ns=NOON).refused
    assert [error.reason for error in refused] == ["report from a field monitor"]


def test_reports_around_midnight_fall_on_the_right_days() -> None:
    stream = report(time_s=86_399.5) + report(time_s=0.5)
    recorded = decoder(datagrams=False).decode(stream, received_ns=None).plots
    assert (recorded.at_ns - DAY).tolist() == [86_399.5 * S, 86_400.5 * S]
    live = decoder()
    late = live.decode(report(time_s=86_399.5), received_ns=DAY + DAY_NS + S).plots
    assert late.at_ns[0] == DAY + DAY_NS - S // 2


def test_a_radar_first_heard_after_midnight_is_on_the_second_day() -> None:
    other = bytearray(report(time_s=1.0))
    other[4] = 99
    plots = decoder(datagrams=False).decode(report(time_s=86_399.0) + bytes(other), received_ns=None).plots
    assert plots.sensor_ids == ("asterix:10/11", "asterix:99/11")
    assert plots.at_ns[1] - plots.at_ns[0] == 2 * S


def test_a_recording_was_received_as_its_latest_report_says() -> None:
    stream = report(time_s=100.0) + report(time_s=99.5) + report(time_s=101.0)
    plots = decoder(datagrams=False).decode(stream, received_ns=None).plots
    assert ((plots.at_ns - DAY) / S).tolist() == [100.0, 99.5, 101.0]
    assert ((plots.received_ns - DAY) / S).tolist() == [100.0, 100.0, 101.0]


def test_damage_in_a_file_costs_only_the_blocks_it_touches() -> None:
    stream = report() + b"\x30\x00\x00\xff\xff" + report(time_s=43_201.0)
    decoded = decoder(datagrams=False).decode(stream, received_ns=None)
    assert decoded.frames == 2
    assert [(error.reason, error.offset) for error in decoded.refused] == [
        ("length of a block is below four bytes", len(report()))
    ]


def test_a_scan_lasts_from_north_to_north() -> None:
    one = decoder()
    stream = north(time_s=43_200) + report(time_s=43_201) + north(time_s=43_204) + report(time_s=43_205)
    plots = one.decode(stream, received_ns=NOON).plots
    first, second = NOON // 1_000_000, NOON // 1_000_000 + 4000
    assert plots.scan.tolist() == [first, first, second]
    assert plots.scan_end.tolist() == [False, True, False]
    assert plots.empty_scan.tolist() == [False, True, False]


def test_the_status_tells_how_fast_antennas_turn() -> None:
    feed = AsterixFeed(AsterixSettings("asterix+udp://127.0.0.1:8600"), sensors=radar(), clock=ManualClock(NOON))
    feed._decoder.decode(north(time_s=43_200, turn_s=4.0), received_ns=NOON)
    assert "radar-1 turns in 4.00 s" in feed.status().detail


def test_a_clock_that_jumps_is_believed_when_a_second_report_agrees_and_never_live() -> None:
    recorded = DayClock(DAY)
    assert recorded.at_ns(100.0, received_ns=None) == DAY + 100 * S
    assert recorded.at_ns(500.0, received_ns=None) == JUMPS
    assert recorded.at_ns(500.5, received_ns=None) == DAY + 500 * S + S // 2
    live = DayClock(0)
    assert live.at_ns(3600.0, received_ns=NOON) == JUMPS
    assert live.at_ns(3600.0, received_ns=NOON) == JUMPS


def test_a_report_without_a_time_has_that_of_its_receipt_or_of_the_one_before() -> None:
    assert DayClock(DAY).at_ns(None, received_ns=NOON) == NOON
    recorded = DayClock(DAY)
    assert recorded.at_ns(None, received_ns=None) == NO_TIME
    recorded.at_ns(7.0, received_ns=None)
    assert recorded.at_ns(None, received_ns=None) == DAY + 7 * S
    assert recorded.at_ns(86_400.0, received_ns=None) == BEYOND_MIDNIGHT


def test_a_mode_s_sensors_status_takes_two_octets() -> None:
    # FSPEC F4: items 010 000 030 and, as the sixth, 050 with the parts COM and MDS.
    status = bytes.fromhex("22 000F E4 0A0B 02 546000 84 40 4600".replace(" ", ""))
    status = status[:2] + bytes([len(status)]) + status[3:]
    decoded = decoder().decode(status, received_ns=NOON)
    assert (decoded.frames, decoded.refused) == (1, ())


def test_a_capture_without_a_date_was_received_as_its_pauses_tell() -> None:
    heard = [Datagram(report(time_s=100.0), 0, 8), Datagram(report(time_s=101.0), 3 * S, 40)]
    first, second = (step.plots for step in decoder().captured(heard, dated=False))
    assert ((first.received_ns[0] - DAY) / S, (second.received_ns[0] - DAY) / S) == (100.0, 103.0)
    assert (second.at_ns[0] - DAY) / S == 101.0


def test_a_capture_with_a_date_is_judged_as_if_it_came_now() -> None:
    heard = [Datagram(report(), NOON + S, 24), Datagram(report(time_s=3600.0), NOON + S + 1, 99)]
    (step,) = decoder().captured(heard, dated=True)
    assert (step.plots.at_ns.tolist(), step.plots.received_ns.tolist()) == ([NOON], [NOON + S])
    assert [(error.reason, error.offset) for error in step.refused] == [(JUMPS, 99)]


def adsb(*, lat: int = 0x200000) -> bytes:
    """A report of aircraft 3C65AB at 22.5 degrees east by station 10/11: items 010 040 071 130 080."""
    body = bytes.fromhex(f"CD10 0A0B 00 546000 {lat:06X} 100000 3C65AB".replace(" ", ""))
    return bytes([21]) + (len(body) + 3).to_bytes(2, "big") + body


def system_track() -> bytes:
    """Track 11929 of tracker 10/11: items 010 070 105 040."""
    body = bytes.fromhex("9908 0A0B 546000 00800000 00400000 2E99".replace(" ", ""))
    return bytes([62]) + (len(body) + 3).to_bytes(2, "big") + body


def declared(kind: SensorKind, **given: Any) -> Sensors:
    wire = Wire(asterix="10/11", editions=given.pop("editions", ()))
    return Sensors([Sensor("one", kind, wire=wire, **given)])


@pytest.mark.parametrize(
    ("block", "sensors", "told"),
    [
        (adsb(), declared(SensorKind.ADSB, editions=(("21", "2.4"),)), None),
        (adsb(), declared(SensorKind.RADAR_3D), "the sensor is not declared with kind adsb"),
        (
            adsb(),
            declared(SensorKind.ADSB, editions=(("021", "0.23"),)),
            "edition 0.23 is not read; set the sender and wire.edition to 2.x",
        ),
        (system_track(), declared(SensorKind.VENDOR_TRACKER, delivers_tracks=True), None),
        (system_track(), declared(SensorKind.VENDOR_TRACKER), "the sensor is not declared with delivers tracks"),
        (adsb(lat=0x500000), declared(SensorKind.ADSB), "position is outside the earth"),
    ],
)
def test_what_a_sender_was_declared_as_decides_what_is_believed_of_it(
    block: bytes, sensors: Sensors, told: str | None
) -> None:
    decoded = decoder(sensors).decode(block, received_ns=NOON)
    if told is None:
        assert (decoded.plots.sensor_ids, len(decoded.plots), decoded.refused) == (("one",), 1, ())
    else:
        assert (decoded.frames, len(decoded.plots)) == (0, 0)
        assert [error.reason.endswith(told) for error in decoded.refused] == [True]


def test_a_selected_altitude_does_not_shift_the_number_of_a_track() -> None:
    # FSPEC 99 18: items 010 070 105 380 040; of 380 the part FSS, which takes two octets.
    body = bytes.fromhex("9918 0A0B 546000 00800000 00400000 02 05C8 142E".replace(" ", ""))
    plots = decoder().decode(bytes([62, 0, len(body) + 3]) + body, received_ns=NOON).plots
    assert plots.track_ref.tolist() == [str(0x142E).encode()]


def test_after_damage_a_file_goes_on_with_categories_that_came_before() -> None:
    stray = b"\x30\x00\x00" + system_track()[:3] + b"\xff" * 40
    decoded = decoder(datagrams=False).decode(report() + stray + report(time_s=43_201.0), received_ns=None)
    assert decoded.frames == 2
    assert len(decoded.refused) == 1


def test_a_recording_implies_the_senders_that_need_no_site(tmp_path: Path) -> None:
    path = tmp_path / "night.ast"
    path.write_bytes(adsb() + system_track().replace(b"\x0a\x0b", b"\x0a\x0c") + report())
    tracker, station = sorted(plugin.assumed_in(path), key=lambda sensor: -sensor.kind)
    assert (station.sensor_id, station.kind, station.delivers_tracks) == ("asterix:10/11", SensorKind.ADSB, False)
    assert (tracker.sensor_id, tracker.kind, tracker.delivers_tracks) == (
        "asterix:10/12",
        SensorKind.VENDOR_TRACKER,
        True,
    )
    assert station.sigma.position_m is not None
    assert tracker.sigma.velocity_mps is not None


def test_datagrams_decoded_together_give_what_they_give_one_by_one() -> None:
    datagrams = [report(time_s=43_200.0 + n, nm=32.0 + n) for n in range(4)] + [north(time_s=43_205.0), b"\x30\x00"]
    heard = [(data, NOON + n * 1_000_000_000) for n, data in enumerate(datagrams)]
    together, one_by_one = decoder(), decoder()
    gathered = together.heard(heard)
    each = [one_by_one.decode(data, received_ns=received_ns) for data, received_ns in heard]
    assert gathered.plots.received_ns.tolist() == [ns for one in each for ns in one.plots.received_ns.tolist()]
    assert gathered.plots.range_m.tolist() == [m for one in each for m in one.plots.range_m.tolist()]
    assert gathered.plots.scan.tolist() == [scan for one in each for scan in one.plots.scan.tolist()]
    assert gathered.frames == sum(one.frames for one in each) > 4
    assert [error.reason for error in gathered.refused] == [error.reason for one in each for error in one.refused] != []
