"""TLS for links: contexts made from files, at least version 1.2, names and certificates always checked."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from dronewall.model.errors import ConfigError


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """The files of one end of a link, PEM; empty means none.

    `ca` holds whom we believe: without it a dialled server is checked against the system's authorities, and a listener
    asks its peers for no certificate. `certificate` is ours with what leads up to its authority, `key` belongs to it.
    """

    ca: str = ""
    certificate: str = ""
    key: str = ""


def dialling_context(files: TlsFiles) -> ssl.SSLContext:
    """Return the context of who dials; the server's name and certificate are checked.

    Raises:
        ConfigError: a file cannot be used; it is named, with the remedy.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # checks the name and demands a certificate
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if files.ca:
        _believe(context, files.ca)
    else:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    if files.certificate or files.key:
        _identify(context, files)
    return context


def listening_context(files: TlsFiles) -> ssl.SSLContext:
    """Return the context of who listens; with a `ca`, peers must show a certificate that it signed.

    Raises:
        ConfigError: a file is missing or cannot be used; it is named, with the remedy.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _identify(context, files)
    if files.ca:
        _believe(context, files.ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def told(error: ssl.SSLError) -> str:
    """Return what went wrong in a handshake, in words for people."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"TLS: the peer's certificate is not accepted: {error.verify_message.rstrip('.')}"
    return f"TLS: {(error.reason or 'the handshake failed').lower().replace('_', ' ')}"


def _believe(context: ssl.SSLContext, ca: str) -> None:
    _check_there(ca, "tls_ca")
    try:
        context.load_verify_locations(cafile=ca)
    except ssl.SSLError as error:
        raise ConfigError(
            f"{ca} holds no certificate", "Give the authority's certificate as PEM.", field="tls_ca"
        ) from error


def _identify(context: ssl.SSLContext, files: TlsFiles) -> None:
    for path, field in ((files.certificate, "tls_certificate"), (files.key, "tls_key")):
        if not path:
            raise ConfigError("this file is not given", "Certificate and key are given together.", field=field)
        _check_there(path, field)
    try:
        context.load_cert_chain(files.certificate, files.key, password=lambda: b"")  # else it would ask a terminal
    except ssl.SSLError as error:
        reason = (error.reason or "they are not read").lower().replace("_", " ")
        raise ConfigError(
            f"{files.certificate} and {files.key} cannot be used together: {reason}",
            "Give the certificate and its own key as PEM, the key without a pass phrase.",
            field="tls_certificate",
        ) from error


def _check_there(path: str, field: str) -> None:
    try:
        with Path(path).open("rb"):
            return
    except OSError as error:
        reason = (error.strerror or "it cannot be opened").lower()
        raise ConfigError(f"{path}: {reason}", "Check the path and who may read it.", field=field) from error
