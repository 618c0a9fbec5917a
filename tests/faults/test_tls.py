"""TLS on links, over the loopback: peers that are who they say, and peers that are not."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from dronewall.engine.clock import ManualClock
from dronewall.engine.links import Chunk, Pauses, dial_tcp, listen_tcp
from dronewall.engine.tls import TlsFiles, dialling_context, listening_context
from dronewall.feeds.plots import PlotsSettings, plugin
from dronewall.feeds.url import settings_of
from dronewall.model.errors import ConfigError
from dronewall.model.sensors import Sensors
from dronewall.model.status import FeedState

x509 = pytest.importorskip("cryptography.x509", reason="needs the extra [tls]")
from cryptography.hazmat.primitives import hashes, serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec  # noqa: E402

LINE = b'{"sensor_id":"a","at_ns":1683028801000000000,"azimuth_deg":7}\n'


@dataclass(frozen=True)
class Authority:
    """Signs certificates into a folder."""

    folder: Path
    name: str
    key: Any
    certificate: Any

    @classmethod
    def founded(cls, folder: Path, name: str) -> Authority:
        key = ec.generate_private_key(ec.SECP256R1())
        made = _certificate(name, key, name, key, days=30, ca=True)
        (folder / f"{name}.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
        return cls(folder, name, key, made)

    @property
    def file(self) -> str:
        return str(self.folder / f"{self.name}.pem")

    def signed(self, whom: str, *, days: int = 30, pass_phrase: bytes = b"") -> TlsFiles:
        """Return the files of somebody at 127.0.0.1; negative days are long past."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = _certificate(whom, key, self.name, self.key, days=days, ca=False)
        stem = self.folder / f"{self.name}-{whom}{days}"
        stem.with_suffix(".crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
        how = serialization.BestAvailableEncryption(pass_phrase) if pass_phrase else serialization.NoEncryption()
        written = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how)
        stem.with_suffix(".key").write_bytes(written)
        return TlsFiles(self.file, str(stem.with_suffix(".crt")), str(stem.with_suffix(".key")))


def _certificate(whom: str, key: Any, issuer: str, issuer_key: Any, *, days: int, ca: bool) -> Any:
    def named(name: str) -> Any:
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])

    now = datetime.now(UTC)  # noqa: TID251  certificates are judged by the time of day
    ends = now + timedelta(days=days)
    builder = (
        x509.CertificateBuilder()
        .subject_name(named(whom))
        .issuer_name(named(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(now, ends) - timedelta(days=1))
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if not ca:
        names = x509.SubjectAlternativeName([x509.DNSName(whom), x509.IPAddress(ip_address("127.0.0.1"))])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    return Authority.founded(tmp_path, "ours")


@pytest.fixture
def strangers(tmp_path: Path) -> Authority:
    return Authority.founded(tmp_path, "strangers")


class States:
    def __init__(self) -> None:
        self.told: list[tuple[FeedState, str]] = []

    def __call__(self, state: FeedState, detail: str) -> None:
        self.told.append((state, detail))

    async def until(self, words: str) -> None:
        for _ in range(2000):
            if any(words in detail for _, detail in self.told):
                return
            await asyncio.sleep(0.001)
        raise AssertionError(f"nobody said {words!r}: {self.told}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def serving(files: TlsFiles) -> AsyncIterator[int]:
    """A server somewhere else, with TLS, that says one word and waits."""

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"plots")
        await writer.drain()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=listening_context(files))
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def first_words(port: int, files: TlsFiles, server_name: str = "") -> bytes:
    """What a dialled server says; whether it says anything, or its state why it does not."""
    states = States()
    chunks = dial_tcp(
        "127.0.0.1",
        port,
        clock=ManualClock(),
        pauses=Pauses(),
        on_state=states,
        tls=dialling_context(files),
        tls_server_name=server_name,
    )
    data = asyncio.ensure_future(_data(chunks))
    lost = asyncio.ensure_future(states.until("next attempt"))
    try:
        done, _ = await asyncio.wait({data, lost}, return_when=asyncio.FIRST_COMPLETED, timeout=5.0)
        return data.result() if data in done else states.told[-1][1].encode()
    finally:
        for task in (data, lost):
            task.cancel()
        await asyncio.gather(data, lost, return_exceptions=True)
        await chunks.aclose()


async def _data(chunks: AsyncGenerator[Chunk, None]) -> bytes:
    async for chunk in chunks:
        if chunk.data:
            return chunk.data
    raise AssertionError("a dialled link never ends")


async def test_a_server_that_our_authority_signed_is_heard(ours: Authority) -> None:
    async with serving(TlsFiles("", *_pair(ours.signed("radar")))) as port:
        assert await first_words(port, TlsFiles(ours.file)) == b"plots"
        assert await first_words(port, TlsFiles(ours.file), "radar") == b"plots"


def _pair(files: TlsFiles) -> tuple[str, str]:
    return files.certificate, files.key


async def test_a_server_that_strangers_signed_is_not_believed(ours: Authority, strangers: Authority) -> None:
    async with serving(TlsFiles("", *_pair(strangers.signed("radar")))) as port:
        said = await first_words(port, TlsFiles(ours.file))
    assert b"certificate is not accepted" in said
    assert b"next attempt in 0.5 s" in said


async def test_a_certificate_that_has_expired_is_not_believed(ours: Authority) -> None:
    async with serving(TlsFiles("", *_pair(ours.signed("radar", days=-5)))) as port:
        assert b"certificate has expired" in await first_words(port, TlsFiles(ours.file))


async def test_a_server_of_another_name_is_not_believed(ours: Authority) -> None:
    async with serving(TlsFiles("", *_pair(ours.signed("radar")))) as port:
        assert b"Hostname mismatch" in await first_words(port, TlsFiles(ours.file), "camera")


async def test_a_server_without_tls_is_lost_and_dialled_again() -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"plain words\n")

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    said = await first_words(server.sockets[0].getsockname()[1], TlsFiles())
    server.close()
    assert said.startswith(b"TLS: ")


async def test_a_server_that_wants_our_certificate_gets_it(ours: Authority) -> None:
    async with serving(ours.signed("radar")) as port:
        assert await first_words(port, ours.signed("wall")) == b"plots"
        assert b"next attempt" in await first_words(port, TlsFiles(ours.file))


@asynccontextmanager
async def listening(files: TlsFiles) -> AsyncIterator[tuple[int, AsyncGenerator[Chunk, None], States]]:
    """Our link, listening, with TLS."""
    port, states = free_port(), States()
    chunks = listen_tcp("127.0.0.1", port, clock=ManualClock(), on_state=states, tls=listening_context(files))
    first = asyncio.ensure_future(anext(chunks))
    await states.until("listening on")

    async def all_of_them() -> AsyncGenerator[Chunk, None]:
        yield await asyncio.wait_for(first, 5.0)
        while True:
            yield await asyncio.wait_for(anext(chunks), 5.0)

    yield port, all_of_them(), states
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    await chunks.aclose()


async def spoken_to(port: int, files: TlsFiles, words: bytes) -> asyncio.StreamWriter:
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=dialling_context(files))
    writer.write(words)
    await writer.drain()
    return writer


async def test_a_sender_with_our_authoritys_certificate_is_heard(ours: Authority) -> None:
    async with listening(ours.signed("wall")) as (port, chunks, _):
        writer = await spoken_to(port, ours.signed("array"), LINE)
        assert await _data(chunks) == LINE
        writer.close()


async def test_much_is_heard_in_order_through_tls(ours: Authority) -> None:
    async with listening(ours.signed("wall")) as (port, chunks, _):
        sent = bytes(range(256)) * 8192

        async def send() -> None:
            (await spoken_to(port, ours.signed("array"), sent)).close()

        sending, heard = asyncio.create_task(send()), b""
        async for chunk in chunks:
            heard += chunk.data
            if chunk.closed:
                break
        await sending
        assert heard == sent


@pytest.mark.parametrize("who", ["nobody", "stranger", "expired", "plain"])
async def test_a_sender_who_is_not_ours_is_refused_counted_and_the_next_is_heard(
    ours: Authority, strangers: Authority, who: str
) -> None:
    async with listening(ours.signed("wall")) as (port, chunks, states):
        if who == "plain":
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(LINE)
        else:
            pair = {
                "nobody": ("", ""),
                "stranger": _pair(strangers.signed("array")),
                "expired": _pair(ours.signed("array", days=-5)),
            }[who]
            try:
                writer = await spoken_to(port, TlsFiles(ours.file, *pair), LINE)
            except (ssl.SSLError, ConnectionError):
                writer = None
        await states.until("1 refused (the last: TLS: ")
        good = await spoken_to(port, ours.signed("array"), LINE)
        assert await _data(chunks) == LINE
        assert "1 connected" in states.told[-1][1]
        assert "1 refused" in states.told[-1][1]
        for end in (writer, good):
            if end is not None:
                end.close()


async def test_no_older_version_is_spoken(ours: Authority) -> None:
    for context in (dialling_context(TlsFiles(ours.file)), listening_context(ours.signed("wall"))):
        assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def opened(**options: Any) -> Any:
    settings = PlotsSettings("plots+tcp://127.0.0.1:7000", **options)
    return plugin.open(settings, sensors=Sensors(), clock=ManualClock())


def test_files_that_cannot_be_used_are_named_with_the_remedy(ours: Authority, tmp_path: Path) -> None:
    files = ours.signed("wall")
    other, locked = ours.signed("other"), ours.signed("locked", pass_phrase=b"secret")
    absent, text = str(tmp_path / "absent.pem"), tmp_path / "text.pem"
    text.write_text("no certificate")
    pair = {"tls_certificate": files.certificate, "tls_key": files.key}
    for options, field, says in [
        ({"tls_ca": absent}, "tls_ca", "absent.pem: no such file"),
        ({"tls_ca": str(text)}, "tls_ca", "holds no certificate"),
        ({"tls_certificate": files.certificate}, "tls_key", "given together"),
        ({**pair, "tls_key": other.key}, "tls_certificate", "cannot be used together: key values mismatch"),
        ({"tls_certificate": locked.certificate, "tls_key": locked.key}, "tls_certificate", "without a pass phrase"),
        ({"listen": True}, "tls_certificate", "this file is not given"),
        ({"listen": True, **pair, "tls_server_name": "x"}, "tls_server_name", "for dialled servers"),
    ]:
        with pytest.raises(ConfigError) as caught:
            opened(tls=True, **options)
        assert caught.value.field == field
        assert says in str(caught.value)
    with pytest.raises(ConfigError, match="tls_ca is given and tls is not"):
        opened(tls_ca=ours.file)


def test_a_file_of_tls_is_named_from_the_folder_of_the_settings(ours: Authority, tmp_path: Path) -> None:
    table = {"tls": True, "tls_ca": "ours.pem"}
    settings = settings_of("plots+tcp://h:1", PlotsSettings, table=table, file=str(tmp_path / "wall.toml"))
    assert settings.tls_ca == ours.file
    assert settings_of("plots+tcp://h:1", PlotsSettings, table=table).tls_ca == "ours.pem"


async def test_a_feed_hears_lines_through_tls(ours: Authority) -> None:
    port, files = free_port(), ours.signed("wall")
    asked = f"?listen=true&tls=true&tls_ca={files.ca}&tls_certificate={files.certificate}&tls_key={files.key}"
    settings = settings_of(f"plots+tcp://127.0.0.1:{port}{asked}", PlotsSettings)
    batches = plugin.open(settings, sensors=Sensors(), clock=ManualClock(5)).batches()
    first = asyncio.ensure_future(anext(batches))
    for _ in range(200):
        try:
            writer = await spoken_to(port, ours.signed("array"), LINE)
            break
        except ConnectionError:
            await asyncio.sleep(0.01)
    batch = await asyncio.wait_for(first, 5.0)
    assert batch.decoded.plots.sensor_ids == ("a",)
    writer.close()
    await batches.aclose()
