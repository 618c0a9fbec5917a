from __future__ import annotations

import pytest

from dronewall.feeds.plots import PlotsSettings
from dronewall.feeds.receivers import ReceiverSettings
from dronewall.feeds.url import Address, address_of, scheme_of, settings_of
from dronewall.model.errors import ConfigError


def test_options_of_the_url_become_settings() -> None:
    settings = settings_of("plots+tcp://127.0.0.1:7000?listen=true&connections_max=4&name=arrays", PlotsSettings)
    assert settings == PlotsSettings("plots+tcp://127.0.0.1:7000", "arrays", listen=True, connections_max=4)


def test_the_other_keys_of_the_feeds_table_become_settings_too() -> None:
    table = {"url": "beast://a:1", "sensor_id": "receiver-1"}
    assert settings_of("beast://a:1", ReceiverSettings, table=table).sensor_id == "receiver-1"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("plots+tcp://a:1?lisen=true", "there is no option 'lisen'. Did you mean 'listen'?"),
        ("plots+tcp://a:1?listen=maybe", "expected `bool`, got `str`"),
        ("plots+tcp://a:1?connections_max=0", "expected `int` >= 1"),
        ("plots+tcp://a:1?listen", "are not options"),
        ("plots+tcp://a:1?listen=true&listen=true", "option 'listen' is given twice"),
    ],
)
def test_a_wrong_option_is_named(url: str, told: str) -> None:
    with pytest.raises(ConfigError) as raised:
        settings_of(url, PlotsSettings)
    assert told in str(raised.value)
    assert raised.value.field is not None


@pytest.mark.parametrize(
    "url", ["127.0.0.1:30005", "beast://127.0.0.1", "beast://:30005", "beast://a:99999", "beast://a:1/path"]
)
def test_a_url_without_a_usable_address_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(ConfigError, match=r"beast://127\.0\.0\.1:30005"):
        address_of(url)


def test_addresses_of_either_family_are_read() -> None:
    assert address_of("asterix+udp://0.0.0.0:8600") == Address("asterix+udp", "0.0.0.0", 8600)
    assert str(address_of("beast://[::1]:30005")) == "[::1]:30005"
    assert scheme_of("BEAST://a:1") == "beast"
