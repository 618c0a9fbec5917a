"""Settings are read strictly: every error names file, line and field, and says how to mend it."""

from __future__ import annotations

from pathlib import Path

import pytest

from dronewall.config import Settings, Source, address_of, decoded, read_settings
from dronewall.model.errors import ConfigError
from dronewall.model.picture import TruthDomain

GOOD = """
[wall]
name = "example"
truth_domain = "EXERCISE"

[journal]
path = "a.journal"
keep_days = 3

[[feeds]]
url = "beast://127.0.0.1:30005"

[[feeds]]
url = "plots+tcp://127.0.0.1:9000"
colour = "red"

[page]
listen = "127.0.0.1:8081"

[[outlets]]
url = "tracks+tcp://127.0.0.1:9200"
"""


def refused(tmp_path: Path, text: str) -> ConfigError:
    path = tmp_path / "wall.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_settings(path)
    assert caught.value.file == str(path)
    assert caught.value.remedy
    return caught.value


def test_a_good_file_becomes_frozen_settings(tmp_path: Path) -> None:
    path = tmp_path / "wall.toml"
    path.write_text(GOOD)
    settings, _ = read_settings(path)
    assert settings.wall.truth_domain is TruthDomain.EXERCISE
    assert (settings.journal.path, settings.journal.keep_days, settings.journal.max_gb) == ("a.journal", 3.0, 50.0)
    assert [feed["url"] for feed in settings.feeds] == ["beast://127.0.0.1:30005", "plots+tcp://127.0.0.1:9000"]
    assert (settings.journal.segment_hours, settings.journal.segment_mb, settings.journal.reserve_mb) == (1, 256, 512)
    assert [outlet["url"] for outlet in settings.outlets] == ["tracks+tcp://127.0.0.1:9200"]
    with pytest.raises(AttributeError):
        settings.wall.name = "other"  # type: ignore[misc]


def test_a_wrong_word_is_answered_with_the_words_there_are(tmp_path: Path) -> None:
    error = refused(tmp_path, '[wall]\ntruth_domain = "LIFE"\n')
    assert (error.line, error.field) == (2, "wall.truth_domain")
    assert error.remedy == "Write one of: LIVE, EXERCISE, SIMULATION."


def test_an_empty_file_means_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "wall.toml"
    path.write_text("")
    assert read_settings(path)[0] == Settings()


@pytest.mark.parametrize(
    ("wrong", "right", "line", "field", "says"),
    [
        ("keep_days", "keep_day", 8, "journal.keep_day", "Did you mean 'keep_days'?"),
        ("[page]", "[pages]", 17, "pages", "Did you mean 'page'?"),
        ("keep_days = 3", "keep_days = 'three'", 8, "journal.keep_days", "expected a number, got text"),
        ("keep_days = 3", "keep_days = 0", 8, "journal.keep_days", "expected a number > 0"),
        ("keep_days = 3", "max_gb = -1", 8, "journal.max_gb", "expected a number > 0"),
        ("keep_days = 3", "segment_hours = 25", 8, "journal.segment_hours", "expected a number <= 24"),
        ("keep_days = 3", "segment_mb = 0.5", 8, "journal.segment_mb", "expected a number >= 1"),
        ("keep_days = 3", "reserve_mb = 1", 8, "journal.reserve_mb", "expected a number >= 16"),
        ("keep_days = 3", "segments_mb = 9", 8, "journal.segments_mb", "Did you mean 'segment_mb'?"),
        ('url = "tracks+tcp', 'uri = "tracks+tcp', 20, "outlets[0].url", "an outlet needs its url"),
        ('"EXERCISE"', '"DRILL"', 4, "wall.truth_domain", "DRILL"),
        ('name = "example"', "name = 7", 3, "wall.name", "expected text, got a whole number"),
        ("127.0.0.1:8081", "0.0.0.0:8081", 18, "page.listen", "may only be served at 127.0.0.1"),
        ("127.0.0.1:8081", "127.0.0.1:http", 18, "page.listen", "not a port"),
        ('url = "plots+tcp://127.0.0.1:9000"', "speed = 3", 13, "feeds[1].url", "a feed needs its url"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(
    tmp_path: Path, wrong: str, right: str, line: int, field: str, says: str
) -> None:
    assert wrong in GOOD
    error = refused(tmp_path, GOOD.replace(wrong, right))
    assert (error.line, error.field) == (line, field)
    assert says in str(error)


def test_a_key_like_no_other_is_answered_with_all_that_are_known(tmp_path: Path) -> None:
    assert "Known here: keep_days, max_gb, path, reserve_mb, segment_hours, segment_mb." in str(
        refused(tmp_path, "[journal]\nzzz = 1")
    )


def test_a_line_that_is_no_toml_is_named(tmp_path: Path) -> None:
    error = refused(tmp_path, "[wall]\nname = \n")
    assert error.line == 2


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        read_settings(tmp_path / "absent.toml")


def test_a_feeds_own_table_is_decoded_with_the_lines_of_the_file() -> None:
    import msgspec

    class BeastSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        url: str
        sensor_id: str = ""
        speed: float | None = None

    source = Source("wall.toml", GOOD)
    with pytest.raises(ConfigError) as caught:
        decoded({"url": "x", "colour": "red"}, BeastSettings, source, at="feeds[1]")
    assert (caught.value.line, caught.value.field) == (15, "feeds[1].colour")
    with pytest.raises(ConfigError) as caught:
        decoded({"sensor_id": "a"}, BeastSettings, source, at="feeds[1]")
    assert caught.value.field == "feeds[1].url"
    assert decoded({"url": "x", "speed": 2}, BeastSettings, source).speed == 2.0


def test_port_zero_asks_for_any_free_port() -> None:
    assert address_of("127.0.0.1:0", Source(None)) == ("127.0.0.1", 0)


def test_the_example_is_read_without_complaint() -> None:
    example = Path(__file__).parents[2] / "examples" / "wall.toml"
    settings, _ = read_settings(example)
    assert settings.feeds[0]["url"] == "beast://127.0.0.1:30005"
    assert (example.parent / settings.sensors.file).is_file()
