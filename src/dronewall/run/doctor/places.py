"""Settings, files and certificates: whether they are right, and this user may read and write what must be."""

from __future__ import annotations

import importlib.util
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from dronewall.engine.clock import NS_PER_S
from dronewall.run.doctor.findings import Finding, Sign, fine, problem, warning
from dronewall.run.doctor.patient import Patient

EXPIRES_WITHIN = timedelta(days=30)
OTHERS_MAY = stat.S_IRWXO | stat.S_IWGRP


def options_of(feed: dict[str, Any]) -> dict[str, Any]:
    """Return a feed's options, from its table and its URL."""
    return {**dict(parse_qsl(urlsplit(str(feed.get("url", ""))).query)), **feed}


def settings(patient: Patient) -> Iterator[Finding]:
    """What is wrong with wall.toml, its feeds and the file of sensors."""
    for error in patient.wrong:
        place = f"{error.file or 'settings'}{f':{error.line}' if error.line else ''}"
        field = f" [{error.field}]" if error.field else ""
        named = patient.settings.sensors.file if patient.settings else ""
        of_sensors = bool(named) and error.file == str(patient.path(named))
        sign = Sign.SENSORS_FILE_WRONG if of_sensors else Sign.SETTINGS_WRONG
        yield problem(sign, f"{place}{field}: {error.problem}", "the wall does not start with it", error.remedy)
    if patient.settings is not None and not patient.wrong:
        feeds, sensors = len(patient.settings.feeds), len(patient.sensors)
        yield fine(Sign.SETTINGS_FINE, f"the settings are sound: {feeds} feeds, {sensors} sensors declared")


def permissions(patient: Patient) -> Iterator[Finding]:
    """Whether this user may read and write what the wall must, and nobody else may read its keys."""
    findings = [*_journal_files(patient), *_sensors_file(patient), *_keys(patient)]
    yield from findings
    if patient.settings is not None and not findings:
        yield fine(Sign.PERMISSIONS_FINE, "journal, sensors file and keys have the right permissions")


def _journal_files(patient: Patient) -> Iterator[Finding]:
    journal, host = patient.journal, patient.host
    if journal is None:
        return
    folder = journal.absolute().parent
    if not folder.is_dir():
        yield problem(
            Sign.FOLDER_MISSING, f"there is no folder {folder}", "the journal goes there", f"mkdir -p {folder}"
        )
    elif not host.may_write(folder):
        why = f"user {host.user()} must make the journal, its lock and its segments there"
        yield problem(Sign.FOLDER_NOT_WRITABLE, f"{folder} may not be written", why, f"chown {host.user()} {folder}")
    if journal.exists() and not (host.may_read(journal) and host.may_write(journal)):
        why = f"user {host.user()} must write the journal; nothing acts without it"
        remedy = f"chown {host.user()} {journal}*"
        yield problem(Sign.JOURNAL_NOT_WRITABLE, f"{journal} may not be written", why, remedy)


def _sensors_file(patient: Patient) -> Iterator[Finding]:
    if patient.settings is None or not patient.settings.sensors.file:
        return
    path = patient.path(patient.settings.sensors.file)
    if path.exists() and not patient.host.may_read(path):
        why = f"user {patient.host.user()} must read which sensors there are"
        yield problem(Sign.SENSORS_FILE_UNREADABLE, f"{path} may not be read", why, f"chmod a+r {path}")


def _keys(patient: Patient) -> Iterator[Finding]:
    for path in _tls_files(patient, "tls_key"):
        if path.exists() and path.stat().st_mode & OTHERS_MAY:
            why = "whoever has a private key can pass for this wall"
            yield problem(Sign.KEY_EXPOSED, f"{path} may be read or written by others", why, f"chmod 600 {path}")


def _tls_files(patient: Patient, option: str) -> list[Path]:
    feeds = patient.settings.feeds if patient.settings else ()
    named = {str(options[option]) for options in map(options_of, feeds) if options.get(option)}
    return [patient.path(name) for name in sorted(named)]


def certificates(patient: Patient) -> Iterator[Finding]:
    """Whether certificates are valid today and in a month, and belong to their keys."""
    feeds = [options_of(feed) for feed in (patient.settings.feeds if patient.settings else ())]
    named = sorted(
        {str(value) for feed in feeds for key, value in feed.items() if key in ("tls_certificate", "tls_ca")}
    )
    if not named or importlib.util.find_spec("cryptography") is None:
        return
    findings = [finding for name in named for finding in _certificate(patient.path(name), patient.now_ns)]
    for feed in feeds:
        if feed.get("tls_certificate") and feed.get("tls_key"):
            pair = patient.path(str(feed["tls_certificate"])), patient.path(str(feed["tls_key"]))
            findings += _pair(*pair)
    yield from findings
    if not findings:
        yield fine(Sign.CERTIFICATES_FINE, f"{len(named)} files of certificates are valid for a month and more")


def _certificate(path: Path, now_ns: int) -> Iterator[Finding]:
    from cryptography import x509

    try:
        held = x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        why = str(error) or "it holds no certificate"
        yield problem(Sign.CERTIFICATE_UNREADABLE, f"{path} cannot be used", why, "Give the path of a PEM certificate.")
        return
    now = datetime.fromtimestamp(now_ns / NS_PER_S, UTC)
    for one in held:
        name, until, since = one.subject.rfc4514_string(), one.not_valid_after_utc, one.not_valid_before_utc
        remedy = f"Put a new certificate into {path}; to look: openssl x509 -in {path} -noout -dates -subject"
        if until <= now:
            yield problem(
                Sign.CERTIFICATE_EXPIRED, f"{path} ({name}) expired on {until:%Y-%m-%d}", "peers refuse it", remedy
            )
        elif since > now:
            why = "peers refuse it until then, or this machine's clock is wrong"
            yield problem(
                Sign.CERTIFICATE_NOT_YET_VALID, f"{path} ({name}) is valid from {since:%Y-%m-%d}", why, remedy
            )
        elif until - now <= EXPIRES_WITHIN:
            what = f"{path} ({name}) expires on {until:%Y-%m-%d}"
            yield warning(Sign.CERTIFICATE_EXPIRES, what, f"in {(until - now).days} days its link breaks", remedy)


def _pair(certificate: Path, key: Path) -> Iterator[Finding]:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    try:
        ours = x509.load_pem_x509_certificate(certificate.read_bytes()).public_key()
    except (OSError, ValueError):
        return  # told already
    try:
        theirs = load_pem_private_key(key.read_bytes(), None).public_key()
    except (OSError, ValueError, TypeError) as error:
        yield problem(Sign.CERTIFICATE_UNREADABLE, f"{key} cannot be used", str(error), "Give an unencrypted PEM key.")
        return
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    if ours.public_bytes(*form) != theirs.public_bytes(*form):
        what = f"{certificate} does not belong to {key}"
        remedy = "Name the key that the certificate was made for."
        yield problem(Sign.CERTIFICATE_OF_ANOTHER_KEY, what, "no peer accepts the pair", remedy)
