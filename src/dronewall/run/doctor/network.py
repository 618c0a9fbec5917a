"""Ports, peers, buffers: whether the page can be served and the feeds can be heard."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from dronewall.engine.datagrams import UDP_BUFFER_BYTES
from dronewall.run.doctor.findings import Finding, Sign, fine, problem, warning
from dronewall.run.doctor.patient import Patient
from dronewall.run.doctor.places import options_of

FILES_BESIDES = 64
FILES_PER_FEED = 40
FILES_OF_BROWSERS = 256


def network(patient: Patient) -> Iterator[Finding]:
    """What stands between the wall and its page and feeds. One that runs has its ports and tells of its feeds."""
    if patient.settings is None:
        return
    feeds = [options_of(feed) for feed in patient.settings.feeds if _address(feed)]
    findings = [*_limits(patient, feeds)]
    if patient.writer is None:
        findings += [*_page_port(patient), *(f for feed in feeds for f in _feed(patient, feed))]
    yield from findings
    if not findings:
        yield fine(Sign.NETWORK_FINE, "ports are free, peers answer, buffers and limits suffice")


def _page_port(patient: Patient) -> Iterator[Finding]:
    listen = patient.settings.page.listen if patient.settings else ""
    host, _, port = listen.rpartition(":")
    if not port.isdecimal() or int(port) == 0:
        return
    error = patient.host.bind(socket.SOCK_STREAM, host.strip("[]"), int(port))
    if error is not None:
        yield _taken(patient, Sign.PAGE_PORT_TAKEN, socket.SOCK_STREAM, "the page's port", int(port), error)


def _feed(patient: Patient, feed: dict[str, Any]) -> Iterator[Finding]:
    address = _address(feed)
    if address is None:
        return
    host, port = address
    name, udp = str(feed.get("name") or f"{host}:{port}"), "+udp" in str(feed["url"])
    kind = socket.SOCK_DGRAM if udp else socket.SOCK_STREAM
    if udp or str(feed.get("listen", "")).lower() in ("true", "1", "yes"):
        error = patient.host.bind(kind, host, port)
        if error is not None and error.errno != errno.EADDRNOTAVAIL:
            yield _taken(patient, Sign.FEED_PORT_TAKEN, kind, f"the port of the feed {name}", port, error)
        return
    error = patient.host.dial(host, port)
    if error is not None:
        why = (error.strerror or str(error)).lower()
        remedy = f"See that it runs and that nothing stands between: nc -vz {host} {port}"
        yield problem(Sign.FEED_UNREACHABLE, f"nobody answers for the feed {name} at {host}:{port}", why, remedy)


def _taken(patient: Patient, sign: Sign, kind: socket.SocketKind, which: str, port: int, error: OSError) -> Finding:
    letter = "u" if kind is socket.SOCK_DGRAM else "t"
    owner = patient.host.owner_of_port(kind, port) if error.errno == errno.EADDRINUSE else ""
    why = f"{owner} has it" if owner else (error.strerror or str(error)).lower()
    remedy = f"End that program or choose another port; to look: ss -l{letter}np 'sport = :{port}'"
    return problem(sign, f"{which}, {port}, cannot be had", why, remedy)


def _limits(patient: Patient, feeds: list[dict[str, Any]]) -> Iterator[Finding]:
    most = patient.host.udp_buffer_max_bytes()
    if most is not None and most < UDP_BUFFER_BYTES and any("+udp" in str(feed["url"]) for feed in feeds):
        why = (
            f"net.core.rmem_max allows {most} bytes, a feed asks for {UDP_BUFFER_BYTES}: bursts are lost before we read"
        )
        remedy = f"sysctl -w net.core.rmem_max={UDP_BUFFER_BYTES} (and the same line in /etc/sysctl.d/)"
        yield warning(Sign.UDP_BUFFER_SMALL, "the system gives datagrams too little room", why, remedy)
    needed = FILES_BESIDES + FILES_PER_FEED * len(feeds) + FILES_OF_BROWSERS
    allowed = patient.host.open_files_max()
    if allowed < needed:
        why = f"{allowed} are allowed; these feeds and 256 browsers may need {needed}"
        remedy = f"ulimit -n {needed}, or LimitNOFILE={needed} in the systemd unit"
        yield warning(Sign.FILES_FEW, "too few files and sockets may be open", why, remedy)


def _address(feed: dict[str, Any]) -> tuple[str, int] | None:
    try:
        parts = urlsplit(str(feed.get("url", "")))
        return (parts.hostname, parts.port) if parts.hostname and parts.port else None
    except ValueError:
        return None  # the settings' own check tells
