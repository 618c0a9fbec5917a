"""Who may knock at the page's door."""

from __future__ import annotations

import socket

import pytest

from dronewall.model.errors import ConfigError, RequestError
from dronewall.outlets.loopback import bound_socket, loopback_address
from dronewall.outlets.web.guard import refusal_of


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.8.8", "[::1]"])
def test_loopback_addresses_are_accepted(host: str) -> None:
    assert loopback_address(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "example.org", "", "127.0.0.1.example.org"])
def test_any_other_address_is_refused_with_a_remedy(host: str) -> None:
    with pytest.raises(ConfigError, match="until people and TLS are set up") as refused:
        loopback_address(host)
    assert "127.0.0.1" in refused.value.remedy


def test_a_port_in_use_is_named_with_a_remedy() -> None:
    with bound_socket("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(RequestError, match=str(port)) as refused:
            bound_socket("127.0.0.1", port)
    assert "--port" in refused.value.remedy


@pytest.mark.parametrize("port", [-1, 70_000])
def test_a_port_that_cannot_be_is_refused(port: int) -> None:
    with pytest.raises(RequestError, match=str(port)):
        bound_socket("127.0.0.1", port)


def test_a_port_is_free_again_after_use() -> None:
    first = bound_socket("127.0.0.1", 0)
    port = first.getsockname()[1]
    first.close()
    with bound_socket("127.0.0.1", port) as second:
        assert second.family is socket.AF_INET


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:9000", "[::1]:8080", "localhost"])
def test_this_computer_may_come_in(host: str) -> None:
    assert refusal_of({"host": host}) is None
    assert refusal_of({"host": host, "origin": f"http://{host}"}) is None


@pytest.mark.parametrize("host", ["rebound.example:8080", "", "localhost.example", "127.0.0.1.example:80", "[::1"])
def test_a_name_that_was_rebound_to_this_computer_is_refused(host: str) -> None:
    assert refusal_of({"host": host}) is not None


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:1", "file://", ""])
def test_a_script_from_another_page_is_refused(origin: str) -> None:
    assert refusal_of({"host": "localhost:8080", "origin": origin}) is not None
