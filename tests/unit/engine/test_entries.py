"""Contents of the journal come back as they were."""

from __future__ import annotations

import numpy as np
import pytest

from dronewall.engine.entries import (
    Content,
    Declared,
    FramesRefused,
    PlotsCame,
    Refusal,
    SensorsJoined,
    State,
    Stepped,
    WallBegan,
    WeatherTold,
    checkpoint_of,
    content_of,
    entry_of,
    state_of,
)
from dronewall.engine.log import Stored
from dronewall.model.errors import FrameError, JournalError
from dronewall.model.plots import Plots
from dronewall.model.sensors import Sensor, SensorKind, Sigma, Wire
from dronewall.model.weather import Weather

SENSOR = Sensor(
    "radar-1", SensorKind.RADAR_3D, 54.0, 25.0, 120.0, Sigma(range_m=30.0), wire=Wire(editions=(("48", "1.x"),))
)


@pytest.mark.parametrize(
    "content",
    [
        WallBegan("0.1.0", "example", "LIVE"),
        SensorsJoined((SENSOR, Sensor("b", SensorKind.ADSB))),
        Stepped(1_700_000_000_000_000_000, 12),
        FramesRefused("feed", (("too short", 3),), (Refusal("too short", 17, b"\x00\xff"),)),
        Declared("kalnina", b'{"track": 7}', b"\x01" * 64),
    ],
)
def test_a_content_comes_back_as_it_was(content: Content) -> None:
    assert content_of(Stored(3, entry_of(content, at_ns=5)), journal="test") == content


def test_plots_come_back_with_their_feed_and_their_sensors() -> None:
    came = PlotsCame("beast", Plots.of(2, sensor=[1, 0], sensor_ids=("a", "b")), 9, (("no position", 4),))
    back = content_of(Stored(3, entry_of(came, at_ns=5)), journal="test")
    assert isinstance(back, PlotsCame)
    assert (back.feed, back.frames, back.unplaceable) == ("beast", 9, (("no position", 4),))
    assert back.plots.sensor_ids == ("a", "b")
    assert back.plots.sensor.tolist() == [1, 0]


def test_the_weather_comes_back_as_it_was_told() -> None:
    told = WeatherTold(
        Weather.of(2, at_ns=[5, 6], lat_deg=52.0, lon_deg=[21.0, 22.0], hae_m=100.0, wind_e_mps=[3.0, 4.0])
    )
    back = content_of(Stored(3, entry_of(told, at_ns=5)), journal="test")
    assert isinstance(back, WeatherTold)
    for name, values in told.weather.columns():
        assert getattr(back.weather, name).tobytes() == values.tobytes()


def test_damage_names_the_journal_and_the_entry() -> None:
    entry = entry_of(Stepped(1, 2), at_ns=0)
    with pytest.raises(JournalError, match=r"wall\.journal, entry 7"):
        content_of(Stored(7, type(entry)(entry.kind, 0, entry.body[:-1])), journal="wall.journal")


def test_refused_frames_are_all_counted_and_some_kept_cut_to_size() -> None:
    errors = tuple(FrameError("f", "garbage", i, b"x" * 9000) for i in range(100))
    refused = FramesRefused.of("f", (*errors, FrameError("f", "too short", 0)))
    assert refused.counts == (("garbage", 100), ("too short", 1))
    assert len(refused.samples) == 16
    assert all(len(sample.frame) == 4096 for sample in refused.samples)


def test_a_state_comes_back_from_its_checkpoint() -> None:
    state = State("0.1.0", (SENSOR,), {"tracks.mean": np.arange(6.0).reshape(1, 6), "next": np.array(4)})
    back = state_of(checkpoint_of(state, seq=9), journal="test")
    assert (back.version, back.sensors) == ("0.1.0", (SENSOR,))
    assert back.arrays["tracks.mean"].tolist() == [[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]]
    assert back.arrays["next"] == 4
