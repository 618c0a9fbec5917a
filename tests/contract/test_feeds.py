"""The laws of feeds, for every feed there is, over the loopback."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

import pytest

from dronewall.engine.clock import ManualClock
from dronewall.engine.plugins import Plugins
from dronewall.feeds.feed import FeedPlugin
from dronewall.feeds.laws import NOW_NS, Case, Law, LawBroken, Listener, free_port, laws_for, opened
from dronewall.feeds.simple import line_feed
from dronewall.model.errors import ConfigError, InputError
from dronewall.wire.beast.framing import BeastFrame, encoded
from dronewall.wire.mode_s.cpr import Place, encoded_place


def squitter(*, odd: bool) -> bytes:
    """One half of a position over Lviv as aircraft 3C65AB sends it, with its checksum."""
    half = encoded_place(Place(49.8, 24.0), odd=odd, surface=False)
    position = (odd << 34) | (round(half.y * 131_072) << 17) | round(half.x * 131_072)
    body = bytes.fromhex("8D3C65AB58C3") + b"\0\0\0\0\0"
    body = (int.from_bytes(body, "big") | position).to_bytes(11, "big")
    remainder = 0
    for byte in body:
        remainder ^= byte << 16
        for _ in range(8):
            remainder = (remainder << 1) ^ (0x1FFF409 if remainder & 0x800000 else 0)
    return body + remainder.to_bytes(3, "big")


BEAST = b"".join(encoded(BeastFrame(0x33, odd, 1, squitter(odd=odd), 0)) for odd in (True, False))
AVR = b"*%s;\n@0000000000FF%s;\n" % tuple(squitter(odd=odd).hex().encode() for odd in (True, False))
SBS = b"MSG,3,1,1,3C65AB,1,2023/05/02,12:00:01.500,2023/05/02,12:00:01.500,,38000,,,49.8,24.0,,,0,0,0,0\n"
REPORT = bytes.fromhex("30000EF00A0B546000A020004000")
LINE = b'{"sensor_id":"a","at_ns":1683028801000000000,"azimuth_deg":7}\n'


OURS = [
    Case("beast://127.0.0.1:{port}", BEAST, b"\x1a3stray", frames=2),
    Case("avr://127.0.0.1:{port}", AVR, b"*8D3C65;\n", frames=2),
    Case("sbs://127.0.0.1:{port}", SBS, b"MSG,3,1,1,nobody\n"),
    Case("asterix+udp://127.0.0.1:{port}", REPORT, REPORT[:-1], listens=True, datagrams=True),
    Case("plots+tcp://127.0.0.1:{port}", LINE, b"half a line", acknowledges=True),
    Case("plots+tcp://127.0.0.1:{port}?listen=true", LINE, b"half a line", listens=True, acknowledges=True),
]
WORD, DAMAGED = b"a;1683028801000;7.5\n", b"a;1683028801000;north\n"
FROM_ONE_FUNCTION = [
    Case("words+tcp://127.0.0.1:{port}", WORD * 2, DAMAGED, frames=2, plots=2),
    Case("words+tcp://127.0.0.1:{port}?listen=true", WORD, DAMAGED, listens=True),
    Case("words+udp://127.0.0.1:{port}", WORD.strip(), DAMAGED, listens=True, datagrams=True),
]
CASES = [*OURS, *FROM_ONE_FUNCTION]


def parsed(line: bytes) -> dict[str, Any]:
    sensor_id, at_ms, azimuth_deg = line.split(b";")
    return {"sensor_id": sensor_id.decode(), "at_ns": int(at_ms) * 1_000_000, "azimuth_deg": float(azimuth_deg)}


words = line_feed(parsed, schemes=("words+tcp", "words+udp"))


def plugin_of(case: Case) -> FeedPlugin:
    return words if case in FROM_ONE_FUNCTION else Plugins("dronewall.feeds").named(case.scheme)


@pytest.mark.parametrize(
    ("case", "law"),
    [
        pytest.param(case, law, id=f"{case}: {law.__name__.replace('_', ' ')}")
        for case in CASES
        for law in laws_for(case)
    ],
)
async def test_every_feed_keeps_every_law_that_can_be_asked_of_it(case: Case, law: Law) -> None:
    await law(plugin_of(case), case)


class Fault:
    """A plugin that is like `words` but for one fault."""

    def __init__(self, change: Callable[[Any], None]) -> None:
        self._change = change

    def __getattr__(self, name: str) -> Any:
        return getattr(words, name)

    def open(self, settings: Any, *, sensors: Any, clock: Any) -> Any:
        feed = words.open(settings, sensors=sensors, clock=clock)
        self._change(feed)
        return feed


def counts_nothing(feed: Any) -> None:
    feed._tally.count = lambda decoded, received_ns: None


def has_no_name(feed: Any) -> None:
    feed.name = ""


def cuts_where_packets_end(feed: Any) -> None:
    feed._datagrams = True
    feed._chunks = lambda: feed._link.dialled(feed._tally.moved)


def says_every_port_is_free(feed: Any) -> None:
    async def nothing_ever() -> Any:
        yield feed

    feed.batches = nothing_ever


def never_dials_again(feed: Any) -> None:
    dialled = feed._link.dialled

    async def once(on_state: Any) -> Any:
        async for chunk in dialled(on_state):
            yield chunk
            if chunk.closed:
                await asyncio.Event().wait()

    feed._link.dialled = once


@pytest.mark.parametrize(
    ("fault", "case", "broken"),
    [
        (counts_nothing, 0, "what_is_sent_comes_out_decoded_and_counted"),
        (counts_nothing, 0, "damage_is_refused_counted_and_survived"),
        (has_no_name, 0, "a_feed_says_where_it_comes_from_before_it_is_connected"),
        (cuts_where_packets_end, 0, "where_the_stream_is_cut_changes_nothing"),
        (cuts_where_packets_end, 0, "a_half_frame_is_refused_when_the_connection_ends"),
        (says_every_port_is_free, 1, "a_port_in_use_is_told_as_an_error_with_a_remedy"),
        (never_dials_again, 0, "a_lost_connection_is_taken_up_again"),
    ],
)
async def test_a_feed_that_breaks_a_law_is_told_so(
    fault: Callable[[Any], None], case: int, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dronewall.feeds.laws.PATIENCE_S", 0.3)
    chosen = FROM_ONE_FUNCTION[case]
    law = next(law for law in laws_for(chosen) if law.__name__ == broken)
    with pytest.raises(LawBroken):
        await law(Fault(fault), chosen)


GROUP = "239.255.77.5"


def send_to_group(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        sender.sendto(REPORT, (GROUP, port))


@pytest.mark.parametrize("interface", ["127.0.0.1", "lo"])
async def test_a_group_is_heard_on_the_interface_that_was_named(interface: str) -> None:
    case = Case(f"asterix+udp://{GROUP}:{{port}}?interface={interface}", REPORT, b"")
    port = free_port(socket.SOCK_DGRAM)
    listener = Listener(opened(plugin_of(case), case, port, ManualClock(NOW_NS)))

    async def sending() -> None:
        while True:
            send_to_group(port)
            await asyncio.sleep(0.02)

    task = asyncio.create_task(sending())
    try:
        await listener.until(lambda: listener.plots >= 1)
    finally:
        task.cancel()
        await listener.batches.aclose()


@pytest.mark.parametrize("interface", ["192.0.2.99", "nowhere0"])
async def test_an_interface_that_is_not_there_is_told_with_a_remedy(interface: str) -> None:
    case = Case(f"asterix+udp://{GROUP}:{{port}}?interface={interface}", REPORT, b"")
    listener = Listener(opened(plugin_of(case), case, free_port(socket.SOCK_DGRAM), ManualClock(NOW_NS)))
    with pytest.raises(InputError, match=interface) as raised:
        await asyncio.wait_for(anext(listener.batches), 5.0)
    assert "interface of this machine" in raised.value.remedy


def test_an_interface_without_a_group_is_refused() -> None:
    case = Case("asterix+udp://127.0.0.1:{port}?interface=lo", REPORT, b"")
    with pytest.raises(ConfigError, match="no multicast group"):
        opened(plugin_of(case), case, 4711, ManualClock(NOW_NS))


def test_every_plugin_is_in_this_suite() -> None:
    assert {point.name for point in entry_points(group="dronewall.feeds")} == {case.scheme for case in OURS}
