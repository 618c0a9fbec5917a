"""The real recordings, frame by frame: nothing is dropped without a counted reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dronewall.engine.plugins import Plugins
from dronewall.feeds.asterix import plugin as asterix
from dronewall.feeds.avr import plugin as avr
from dronewall.feeds.beast import plugin as beast
from dronewall.feeds.feed import Decoded, FeedPlugin
from dronewall.feeds.plots import plugin as plots
from dronewall.feeds.sbs import plugin as sbs
from dronewall.geodesy.wgs84 import ecef_from_geodetic
from dronewall.model.errors import InputError
from dronewall.model.plots import Datum, Plots
from dronewall.model.sensors import Sensor, SensorKind, Sensors, Wire
from dronewall.wire.plots_jsonl import encoded
from dronewall.wire.sensors_jsonl import sensors_from

S = 1_000_000_000


class Counted:
    """A recording read to its end."""

    def __init__(self, steps: Iterable[Decoded]) -> None:
        self.frames = 0
        self.refused: Counter[str] = Counter()
        self.unplaceable: Counter[str] = Counter()
        self.longest_s = 0.0
        tables: list[Plots] = []
        for step in steps:
            self.frames += step.frames
            self.refused.update(error.reason for error in step.refused)
            self.unplaceable.update(dict(step.unplaceable))
            if len(step.plots):
                tables.append(step.plots)
                received_ns = step.plots.received_ns
                self.longest_s = max(self.longest_s, (received_ns[-1] - received_ns[0]) / S)
        self.plots = Plots.concat(tables)


def heard_over_toulouse(recordings: Path, sensors: Sensors) -> Counted:
    path = recordings / "adsb" / "toulouse_20240606.beast"
    return Counted(beast.recording(path, sensors=sensors, date=date(2024, 6, 6)))


@pytest.fixture(scope="module")
def toulouse(recordings: Path) -> Counted:
    """The hour over Toulouse and on to London, heard by a receiver nobody declared."""
    return heard_over_toulouse(recordings, Sensors())


def test_every_frame_over_toulouse_is_counted(toulouse: Counted) -> None:
    heard = toulouse
    assert heard.frames == 71_021
    assert dict(heard.refused) == {"message heard twice": 918}
    assert heard.frames + sum(heard.refused.values()) == 71_939
    assert dict(heard.unplaceable) == {"position waits for its other half": 16}
    assert len(heard.plots) == 12_535
    assert heard.longest_s <= 1.0
    assert heard.plots.sensor_ids == ("adsb:toulouse_20240606",)


def test_five_aircraft_over_toulouse_fly_as_aircraft_do(toulouse: Counted) -> None:
    told = toulouse.plots
    counts = Counter(f"{address:06x}" for address in told.icao24.tolist())
    assert counts == {"400f99": 12_188, "4ca216": 284, "4863db": 46, "4d226a": 9, "4067d6": 8}
    for address in np.unique(told.icao24):
        one = told.take(told.icao24 == address)
        position = ecef_from_geodetic(one.lat_deg, one.lon_deg, 0.0)
        moved_m = np.linalg.norm(np.diff(position, axis=0), axis=1)
        elapsed_s = np.diff(one.at_ns) / S
        assert (moved_m <= 350.0 * elapsed_s + 300.0).all()
    assert b"BAW3AK" in told.callsign
    assert told.at_ns[0] // S == 1_717_632_201  # 201 s after midnight of 2024-06-06
    assert (told.at_ns == told.received_ns).all()


def test_positions_over_toulouse_agree_with_a_second_implementation(recordings: Path, toulouse: Counted) -> None:
    """rs1090 keeps halves of positions by itself when it is given a whole recording at once."""
    import rs1090

    from dronewall.wire.beast.framing import BeastFraming
    from dronewall.wire.refusals import Refusals

    stream = (recordings / "adsb" / "toulouse_20240606.beast").read_bytes()
    frames = BeastFraming(Refusals("x")).frames(stream)[:20_000]
    decoded: list[Any] = list(rs1090.decode([f.message.hex() for f in frames], [f.ticks / 12e6 for f in frames]))
    theirs = {round(d["timestamp"] * 1e6): d for d in decoded if d.get("latitude") is not None and d["bds"] == "05"}
    ours = toulouse.plots
    seen = 0
    midnight_ns = 1_717_632_000 * S
    for row in range(len(ours)):
        their = theirs.get(round((int(ours.at_ns[row]) - midnight_ns) / 1000))
        if their is not None:
            seen += 1
            assert ours.lat_deg[row] == pytest.approx(their["latitude"], abs=2e-5)
            assert ours.lon_deg[row] == pytest.approx(their["longitude"], abs=2e-5)
    assert seen > 2_000


def test_the_same_messages_as_lines_of_text_give_the_same_positions(recordings: Path, toulouse: Counted) -> None:
    path = recordings / "adsb" / "toulouse_20240606.ts_avr"
    heard = Counted(avr.recording(path, sensors=Sensors(), date=date(1970, 1, 1)))
    assert heard.frames + sum(heard.refused.values()) == 71_939
    assert Counter(heard.plots.icao24.tolist()) == Counter(toulouse.plots.icao24.tolist())
    assert heard.plots.lat_deg == pytest.approx(toulouse.plots.lat_deg)
    assert heard.plots.at_ns[0] // S == 1_717_664_319 + 201  # the lines carry their own date and time


def test_a_receiver_whose_site_is_known_places_ground_traffic_from_the_first_message(recordings: Path) -> None:
    receiver = Sensor(
        "tower", SensorKind.ADSB, lat_deg=43.63, lon_deg=1.37, hae_m=150.0, wire=Wire(feed="toulouse_20240606")
    )
    heard = heard_over_toulouse(recordings, Sensors([receiver]))
    assert heard.plots.sensor_ids == ("tower",)
    counts = Counter(f"{address:06x}" for address in heard.plots.icao24.tolist())
    assert counts["4ca216"] > 284


def test_what_another_decoder_made_of_the_same_messages_is_read(recordings: Path, toulouse: Counted) -> None:
    path = recordings / "adsb" / "toulouse_20240606.sbs"
    heard = Counted(sbs.recording(path, sensors=Sensors(), date=date(1970, 1, 1)))
    assert (heard.frames, dict(heard.refused)) == (67_322, {"address is not six hexadecimal digits": 5})
    assert dict(heard.unplaceable) == {"position is not told": 6_157}
    assert len(heard.plots) == 7_311
    assert b"BAW3AK" in heard.plots.callsign
    assert heard.longest_s <= 1.0
    # The same flight, squeezed into 18 s: its places are the same, its times are not.
    ours = toulouse.plots.take(toulouse.plots.icao24 == 0x400F99)
    theirs = heard.plots.take(heard.plots.icao24 == 0x400F99)
    places = {(round(lat, 2), round(lon, 2)) for lat, lon in zip(ours.lat_deg, ours.lon_deg, strict=True)}
    known = [(round(lat, 2), round(lon, 2)) in places for lat, lon in zip(theirs.lat_deg, theirs.lon_deg, strict=True)]
    assert np.mean(known) > 0.9


def test_a_recording_whose_lines_carry_no_time_is_refused_with_a_remedy(recordings: Path) -> None:
    with pytest.raises(InputError, match="carry no time") as raised:
        avr.recording(recordings / "adsb" / "dump1090_modes1.avr", sensors=Sensors(), date=date(1970, 1, 1))
    assert ".ts_avr" in raised.value.remedy


def test_every_block_over_barcelona_is_counted(recordings: Path) -> None:
    path = recordings / "asterix" / "cat048_bcn_20230502_0800.ast"
    sensors = sensors_from(recordings / "asterix" / "sensors.jsonl")
    heard = Counted(asterix.recording(path, sensors=sensors, date=date(2023, 5, 2)))
    assert (heard.frames, dict(heard.refused)) == (44_085, {})
    assert dict(heard.unplaceable) == {"no measured position": 172}
    assert len(heard.plots) == 43_913
    assert heard.plots.sensor_ids == ("barcelona-ssr",)
    assert heard.plots.at_ns[0] == 1_683_014_400_851_562_500  # 08:00:00.85 on 2023-05-02
    assert (np.diff(heard.plots.received_ns) >= 0).all()
    assert (heard.plots.received_ns - heard.plots.at_ns).max() < S
    assert heard.longest_s < 2.0
    assert (heard.plots.altitude_datum[np.isfinite(heard.plots.altitude_m)] == Datum.PRESSURE).all()


def test_a_capture_of_seven_radars_is_dated_by_itself(recordings: Path) -> None:
    path = recordings / "asterix" / "croatia_cat_034_048.pcap"
    heard = Counted(asterix.recording(path, sensors=Sensors(), date=date(1970, 1, 1)))
    assert (heard.frames, dict(heard.refused)) == (162, {})
    assert dict(heard.unplaceable) == {"no measured position": 2}
    assert (len(heard.plots), len(heard.plots.sensor_ids)) == (127, 7)
    assert heard.plots.received_ns[0] == 1_462_433_756_508_910_000  # 2016-05-05 07:35:56.5
    delay_s = (heard.plots.received_ns - heard.plots.at_ns) / S
    assert (delay_s > 0.0).all()
    assert (delay_s < 2.5).all()


@pytest.mark.parametrize("file", ["artas_cat062.ast", "artas_cat062.rply"])
def test_tracks_of_another_tracker_come_with_their_numbers(recordings: Path, file: str) -> None:
    heard = Counted(asterix.recording(recordings / "asterix" / file, sensors=Sensors(), date=date(2020, 1, 1)))
    assert (heard.frames, dict(heard.refused), dict(heard.unplaceable)) == (573, {}, {})
    tracks = heard.plots
    assert (len(tracks), tracks.sensor_ids) == (346, ("asterix:25/100",))
    numbers = np.unique(tracks.track_ref)
    assert len(numbers) == 78
    off_m: list[float] = []
    for number in numbers:
        one = tracks.take(tracks.track_ref == number)
        assert len(set(one.icao24.tolist())) == 1  # a number stays with its aircraft
        position = ecef_from_geodetic(one.lat_deg, one.lon_deg, one.altitude_m)
        speed_mps = np.hypot(one.velocity_east_mps, one.velocity_north_mps)
        moved_m = np.linalg.norm(np.diff(position, axis=0), axis=1)
        off_m += np.abs(moved_m - speed_mps[1:] * np.abs(np.diff(one.at_ns)) / S).tolist()
    assert len(off_m) == 346 - 78
    assert np.median(off_m) < 20.0
    assert max(off_m) < 300.0  # tracks are corrected at times


def test_ads_b_of_a_ground_station_is_read_to_the_last_report(recordings: Path) -> None:
    path = recordings / "asterix" / "cat021_v24_adsb_alicante.ast"
    heard = Counted(asterix.recording(path, sensors=Sensors(), date=date(2020, 1, 1)))
    assert (heard.frames, dict(heard.refused), dict(heard.unplaceable)) == (20_090, {}, {})
    told = heard.plots
    assert (len(told), told.sensor_ids) == (20_090, ("asterix:20/206",))
    assert ((told.lat_deg > 35.0) & (told.lat_deg < 43.0)).all()
    assert ((told.lon_deg > -6.0) & (told.lon_deg < 6.0)).all()
    assert (told.icao24 > 0).all()
    assert np.isfinite(told.sigma_position_m).mean() > 0.9
    assert {sensor.sensor_id for sensor in asterix.assumed_in(path)} == {"asterix:20/206"}


def test_ads_b_with_expansion_fields_is_read(recordings: Path) -> None:
    path = recordings / "asterix" / "croatia_cat21_re.ast"
    heard = Counted(asterix.recording(path, sensors=Sensors(), date=date(2020, 1, 1)))
    assert (heard.frames, dict(heard.refused), heard.plots.icao24.tolist()) == (2, {}, [1, 2])


def test_a_replay_file_holds_what_the_same_blocks_hold(recordings: Path) -> None:
    there = recordings / "asterix"
    blocks = Counted(asterix.recording(there / "artas_cat062.ast", sensors=Sensors(), date=date(2020, 1, 1)))
    replay = Counted(asterix.recording(there / "artas_cat062.rply", sensors=Sensors(), date=date(2020, 1, 1)))
    assert (replay.frames, replay.refused, replay.plots.at_ns.tolist()) == (
        blocks.frames,
        blocks.refused,
        blocks.plots.at_ns.tolist(),
    )


@pytest.mark.parametrize(
    ("file", "refused"),
    [
        ("cat010_smr_lebl_20160510_2200.ast", {"010": 77_345}),
    ],
)
def test_categories_that_are_not_read_are_counted_block_by_block(
    recordings: Path, file: str, refused: dict[str, int]
) -> None:
    heard = Counted(asterix.recording(recordings / "asterix" / file, sensors=Sensors(), date=date(2016, 5, 10)))
    assert (heard.frames, len(heard.plots)) == (0, 0)
    assert dict(heard.refused) == {f"category {number} is not read": count for number, count in refused.items()}


def test_a_radar_nobody_declared_is_named_by_its_codes(recordings: Path) -> None:
    path = recordings / "asterix" / "croatia_cat048.raw"
    heard = Counted(asterix.recording(path, sensors=Sensors(), date=date(2009, 3, 25)))
    assert (heard.frames, heard.plots.sensor_ids) == (1, ("asterix:25/201",))


def test_recorded_lines_come_in_pieces_of_their_own_time(tmp_path: Path) -> None:
    path = tmp_path / "plots.jsonl"
    at_ns = np.arange(500) * 10_000_000 + 1_700_000_000 * S
    written = Plots.of(500, at_ns=at_ns, received_ns=at_ns, azimuth_rad=1.0, sensor_ids=("array-1",))
    path.write_bytes(encoded(written) + b"nonsense\n" + b'{"sensor_id":"a"')
    steps = list(plots.recording(path, sensors=Sensors(), date=date(1970, 1, 1)))
    heard = Counted(steps)
    assert heard.frames == 500
    assert dict(heard.refused) == {"line is not JSON": 1, "line is cut short": 1}
    assert (heard.plots.at_ns == at_ns).all()
    assert heard.longest_s < 0.5
    assert len(steps) >= 10


@pytest.mark.parametrize("plugin", [beast, avr, sbs, asterix, plots], ids=["beast", "avr", "sbs", "asterix", "plots"])
def test_a_missing_recording_is_told_at_once_with_its_name(plugin: FeedPlugin, tmp_path: Path) -> None:
    missing = tmp_path / f"none{plugin.suffixes[0]}"
    with pytest.raises(InputError) as raised:
        plugin.recording(missing, sensors=Sensors(), date=date(1970, 1, 1))
    assert raised.value.file == str(missing)
    assert raised.value.remedy
    with pytest.raises(InputError, match="this is a folder"):
        plugin.recording(tmp_path, sensors=Sensors(), date=date(1970, 1, 1))


@pytest.mark.parametrize("plugin", [beast, avr, sbs, asterix, plots], ids=["beast", "avr", "sbs", "asterix", "plots"])
def test_an_empty_recording_holds_nothing(plugin: FeedPlugin, tmp_path: Path) -> None:
    path = tmp_path / f"empty{plugin.suffixes[0]}"
    path.touch()
    heard = Counted(plugin.recording(path, sensors=Sensors(), date=date(1970, 1, 1)))
    assert (heard.frames, dict(heard.refused), len(heard.plots)) == (0, {}, 0)


@pytest.mark.parametrize(
    "ending",
    [".beast", ".avr", ".ts_avr", ".sbs", ".ast", ".raw", ".rply", ".pcap", "plots.jsonl", "plots.parquet"],
)
def test_every_ending_that_replay_promises_has_a_feed_that_reads_it(ending: str) -> None:
    assert Plugins("dronewall.feeds").for_file(f"NIGHT{ending}".upper()).recording
