"""Every line that `dronewall doctor` can say is produced here by breaking that very thing."""

from __future__ import annotations

import ast
import importlib
import json
import os
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from dronewall.cli.doctor import lines_of, patient_of
from dronewall.engine.clock import ManualClock
from dronewall.engine.entries import Content, FramesRefused, PlotsCame, SensorsJoined, Stepped, WallBegan, entry_of
from dronewall.engine.sqlite_log import SqliteLog
from dronewall.engine.writer_lock import WriterLock
from dronewall.model.errors import ConfigError
from dronewall.model.picture import Alert, AlertPriority, TruthDomain
from dronewall.model.plots import Plots
from dronewall.model.sensors import Sensor, SensorKind, Sensors
from dronewall.model.status import FeedState, FeedStatus, QueueStatus, SensorHealth, WallPhase, WallStatus
from dronewall.outlets.web.answers import alert_view, feed_view, sensor_views, status_view
from dronewall.run import doctor
from dronewall.run.doctor import findings
from dronewall.run.doctor.findings import Finding, Severity, Sign
from dronewall.run.doctor.host import DiskRoom, Host
from dronewall.run.doctor.installation import kernels
from dronewall.wire.sensors_jsonl import encoded

NOW_NS = 1_750_000_000_000_000_000
DAY_NS = 86_400_000_000_000
NOBODY = 65534
RADAR = Sensor("radar-1", SensorKind.RADAR_3D, 54.0, 25.0, 100.0, period_s=4.0, clutter_per_scan=20.0)


class SoundHost(Host):
    """This machine, with sound answers for what a test cannot break; each may be told otherwise."""

    def __init__(self, **told: Any) -> None:
        self.told = {
            "disk": DiskRoom(500 * 10**9, 1000 * 10**9),
            "free_memory_bytes": (8 * 10**9, 16 * 10**9),
            "process": None,
            "udp_buffer_max_bytes": 8_000_000,
            "open_files_max": 65_536,
            "clock_synchronised": True,
            **told,
        }

    def disk(self, folder: Path) -> DiskRoom:
        return self.told["disk"]

    def free_memory_bytes(self) -> tuple[int, int]:
        return self.told["free_memory_bytes"]

    def process(self, number: int) -> tuple[int, int] | None:
        return self.told["process"]

    def udp_buffer_max_bytes(self) -> int | None:
        return self.told["udp_buffer_max_bytes"]

    def open_files_max(self) -> int:
        return self.told["open_files_max"]

    def clock_synchronised(self) -> bool | None:
        return self.told["clock_synchronised"]

    def python(self) -> str:
        return self.told.get("python") or super().python()

    def package(self, name: str) -> str | None:
        return self.told["package"](name) if "package" in self.told else super().package(name)


@dataclass
class Ground:
    """A wall's folder with everything sound, until somebody breaks it."""

    folder: Path
    open: ExitStack
    url: str = ""
    wall: dict[str, str] = field(default_factory=dict)
    journal: dict[str, str] = field(default_factory=dict)
    feed: dict[str, str] = field(default_factory=dict)
    page: str = ""
    host: SoundHost = field(default_factory=SoundHost)

    def __post_init__(self) -> None:
        self.url = f"plots+tcp://127.0.0.1:{free_port()}?listen=true"
        self.page = f"127.0.0.1:{free_port()}"
        (self.folder / "sensors.jsonl").write_bytes(encoded([RADAR]))

    @property
    def journal_path(self) -> Path:
        return self.folder / "wall.journal"

    def found(self) -> list[Finding]:
        """Write the settings, examine, return what was found."""
        tables = {"wall": self.wall, "journal": self.journal, "sensors": {"file": "sensors.jsonl"}}
        text = "".join(f"[{name}]\n" + "".join(_line(*pair) for pair in keys.items()) for name, keys in tables.items())
        text += f'[page]\nlisten = "{self.page}"\n[[feeds]]\n' + _line("url", self.url)
        text += "".join(_line(*pair) for pair in self.feed.items())
        file = self.folder / "wall.toml"
        file.write_text(text)
        return findings(patient_of(file, clock=ManualClock(NOW_NS), host=self.host))

    def keep(self, *timed: tuple[int, Content], began_ns: int = NOW_NS - DAY_NS) -> None:
        """Write a journal that begins as all do."""
        domain = self.wall.get("held", "LIVE")
        with closing(SqliteLog(self.journal_path)) as log:
            began = WallBegan("0.1.0", "wall", domain)
            log.append([entry_of(began, at_ns=began_ns), entry_of(SensorsJoined((RADAR,)), at_ns=began_ns)])
            for at_ns, content in timed:
                log.append([entry_of(content, at_ns=at_ns)])

    def keep_turns(self, *, until_s: float = 0.0, every_s: float = 4.0, ahead_s: float = 0.0, **how: Any) -> None:
        """Write a journal in which the radar reports, up to `until_s` before now; steps go on to now."""
        rng, turns = np.random.default_rng(1), []
        for number, second in enumerate(np.arange(-118.0, -until_s, every_s).tolist()):
            at_ns = NOW_NS + round(second * 1e9)
            rng = np.random.default_rng(7) if how.get("frozen") else rng
            plots = how.get("plots", 30)
            turn = Plots.of(
                plots,
                sensor=0,
                at_ns=at_ns + round(ahead_s * 1e9),
                received_ns=at_ns,
                scan=number,
                range_m=rng.uniform(1e3, 1e5, plots),
                sensor_ids=(how.get("sensor_id", "radar-1"),),
            )
            turns.append((at_ns, PlotsCame("feed", turn, frames=plots)))
        steps = [(NOW_NS + s * 10**9, Stepped(NOW_NS + s * 10**9, 0)) for s in range(-118, 1)]
        self.keep(*sorted([*turns, *steps], key=lambda pair: pair[0]))

    def runs(self, status: WallStatus, *alerts: Alert) -> None:
        """Let a wall be running: its lock is held, and its page answers."""
        self.open.callback(WriterLock(self.journal_path).release)
        register = Sensors([RADAR])
        answers = {
            "status": status_view(status, None, None, now_ns=NOW_NS, published_ns=NOW_NS, clients=1),
            "sensors": sensor_views(register, status, NOW_NS),
            "feeds": [feed_view(feed) for feed in status.feeds],
            "alerts": [alert_view(alert) for alert in alerts],
        }
        self.page = self.open.enter_context(answering({k: msgspec.json.encode(v) for k, v in answers.items()}))


def _line(key: str, value: str) -> str:
    return "" if key == "held" else f"{key} = {value if value.replace('.', '').isdigit() else json.dumps(value)}\n"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextmanager
def answering(answers: dict[str, bytes]) -> Iterator[str]:
    """A page's interface at an address of this machine."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = answers[self.path.rpartition("/")[2]]
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def as_nobody() -> Iterator[None]:
    """Be a user whom permissions bind: root is bound by none."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(before)


@contextmanager
def a_ground() -> Iterator[Ground]:
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o777)  # a user without rights stands in this folder too
        yield Ground(folder, stack)


@pytest.fixture
def ground() -> Iterator[Ground]:
    with a_ground() as made:
        yield made


RUNNING = WallStatus("north", "0.1.0", TruthDomain.LIVE, replay=False, phase=WallPhase.RUNNING)
BREAKS: list[tuple[Sign, Callable[[Ground], list[Finding]]]] = []


def breaks(sign: Sign) -> Callable[[Callable[[Ground], list[Finding]]], Callable[[Ground], list[Finding]]]:
    """Mark what breaks (or leaves sound) the very thing that a sign is about; some can be broken in several ways."""

    def marked(scene: Callable[[Ground], list[Finding]]) -> Callable[[Ground], list[Finding]]:
        BREAKS.append((sign, scene))
        return scene

    return marked


# What is sound.

SOUND = [
    Sign.INSTALLATION_FINE,
    Sign.CLOCK_FINE,
    Sign.SETTINGS_FINE,
    Sign.PERMISSIONS_FINE,
    Sign.JOURNAL_FINE,
    Sign.DISK_FINE,
    Sign.MEMORY_FINE,
    Sign.NETWORK_FINE,
    Sign.WALL_STOPPED,
    Sign.SENSORS_FINE,
    Sign.KERNELS_FINE,
]


def all_is_sound(ground: Ground) -> list[Finding]:
    ground.keep_turns()
    found = [one for one in ground.found() if one.sign.value.partition("-")[0] != "kernels"]
    return found + kernel_findings(ground, compiled=True)


BREAKS += [(sign, all_is_sound) for sign in SOUND]


@breaks(Sign.WALL_RUNNING)
def a_wall_is_running(ground: Ground) -> list[Finding]:
    ground.runs(RUNNING)
    return ground.found()


@breaks(Sign.JOURNAL_ABSENT)
def nothing_was_ever_written(ground: Ground) -> list[Finding]:
    return ground.found()


# The installation.


@breaks(Sign.PYTHON_OLD)
def python_is_of_yesterday(ground: Ground) -> list[Finding]:
    ground.host = SoundHost(python="3.10.4")
    return ground.found()


def without_package(ground: Ground, name: str, version: str | None) -> list[Finding]:
    ground.host = SoundHost(package=lambda asked: version if asked == name else Host().package(asked))
    return ground.found()


@breaks(Sign.PACKAGE_MISSING)
def a_package_is_gone(ground: Ground) -> list[Finding]:
    return without_package(ground, "scipy", None)


@breaks(Sign.PACKAGE_OLD)
def a_package_is_too_old(ground: Ground) -> list[Finding]:
    return without_package(ground, "msgspec", "0.9.1")


@breaks(Sign.EXTRA_MISSING)
def duckdb_is_not_installed(ground: Ground) -> list[Finding]:
    return without_package(ground, "duckdb", None)


def kernel_findings(ground: Ground, *, compiled: bool) -> list[Finding]:
    package = ground.folder / "package"
    (package / "__pycache__").mkdir(parents=True)
    (package / "motion.py").write_text("@kernel\ndef move(): ...\n")
    if compiled:
        (package / "__pycache__" / "motion.nbi").write_bytes(b"")
    return list(kernels(patient_of(None, clock=ManualClock(NOW_NS), host=ground.host), package))


@breaks(Sign.KERNELS_COLD)
def no_kernel_was_ever_compiled(ground: Ground) -> list[Finding]:
    return kernel_findings(ground, compiled=False)


@breaks(Sign.KERNEL_CACHE_READ_ONLY)
def the_package_belongs_to_another_user(ground: Ground) -> list[Finding]:
    kernel_findings(ground, compiled=True)
    package = ground.folder / "package"
    (package / "__pycache__").chmod(0o555)
    with as_nobody():
        return list(kernels(patient_of(None, clock=ManualClock(NOW_NS), host=ground.host), package))


@breaks(Sign.CLOCK_NOT_SYNCHRONISED)
def nobody_keeps_the_clock(ground: Ground) -> list[Finding]:
    ground.host = SoundHost(clock_synchronised=False)
    return ground.found()


# Settings and permissions.


@breaks(Sign.SETTINGS_WRONG)
def a_key_is_misspelt(ground: Ground) -> list[Finding]:
    ground.wall["nmae"] = "north"
    return ground.found()


@breaks(Sign.SENSORS_FILE_WRONG)
def a_sensor_stands_beyond_the_pole(ground: Ground) -> list[Finding]:
    (ground.folder / "sensors.jsonl").write_text('{"sensor_id": "a", "kind": "radar_3d", "lat_deg": 99}\n')
    return ground.found()


@breaks(Sign.SENSORS_FILE_UNREADABLE)
def the_sensors_file_may_not_be_read(ground: Ground) -> list[Finding]:
    ground.found()
    (ground.folder / "sensors.jsonl").chmod(0o000)
    with as_nobody():
        return found_without_writing(ground)


def found_without_writing(ground: Ground) -> list[Finding]:
    return findings(patient_of(ground.folder / "wall.toml", clock=ManualClock(NOW_NS), host=ground.host))


@breaks(Sign.FOLDER_MISSING)
def the_journals_folder_is_not_there(ground: Ground) -> list[Finding]:
    ground.journal["path"] = "gone/wall.journal"
    return ground.found()


@breaks(Sign.FOLDER_NOT_WRITABLE)
def the_journals_folder_is_closed(ground: Ground) -> list[Finding]:
    ground.found()
    ground.folder.chmod(0o555)
    with as_nobody():
        return found_without_writing(ground)


@breaks(Sign.JOURNAL_NOT_WRITABLE)
def the_journal_belongs_to_another_user(ground: Ground) -> list[Finding]:
    ground.keep()
    ground.found()
    ground.journal_path.chmod(0o444)
    with as_nobody():
        return found_without_writing(ground)


# Certificates.


def certified(ground: Ground, *, since_days: float = -10.0, until_days: float = 365.0, other_key: bool = False) -> None:
    """Write a certificate with its key, and name them in the feed."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.fromtimestamp(NOW_NS / 1e9, UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "wall.example")])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now + timedelta(days=since_days)).not_valid_after(now + timedelta(days=until_days))
    kept = ec.generate_private_key(ec.SECP256R1()) if other_key else key
    (ground.folder / "wall.pem").write_bytes(made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    written = kept.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (ground.folder / "wall.key").write_bytes(written)
    (ground.folder / "wall.key").chmod(0o600)
    ground.feed.update(tls_certificate="wall.pem", tls_key="wall.key")


@breaks(Sign.CERTIFICATES_FINE)
def a_certificate_is_valid_for_a_year(ground: Ground) -> list[Finding]:
    certified(ground)
    return ground.found()


@breaks(Sign.CERTIFICATE_EXPIRED)
def a_certificate_expired_yesterday(ground: Ground) -> list[Finding]:
    certified(ground, until_days=-1.0)
    return ground.found()


@breaks(Sign.CERTIFICATE_EXPIRES)
def a_certificate_expires_in_twelve_days(ground: Ground) -> list[Finding]:
    certified(ground, until_days=12.5)
    return ground.found()


@breaks(Sign.CERTIFICATE_NOT_YET_VALID)
def a_certificate_is_of_tomorrow(ground: Ground) -> list[Finding]:
    certified(ground, since_days=1.0)
    return ground.found()


@breaks(Sign.CERTIFICATE_OF_ANOTHER_KEY)
def a_certificate_came_with_the_wrong_key(ground: Ground) -> list[Finding]:
    certified(ground, other_key=True)
    return ground.found()


@breaks(Sign.CERTIFICATE_UNREADABLE)
def a_certificate_is_no_certificate(ground: Ground) -> list[Finding]:
    certified(ground)
    (ground.folder / "wall.pem").write_text("this is not PEM")
    return ground.found()


@breaks(Sign.CERTIFICATE_UNREADABLE)
def a_private_key_is_no_key(ground: Ground) -> list[Finding]:
    certified(ground)
    (ground.folder / "wall.key").write_text("this is not PEM")
    return ground.found()


@breaks(Sign.KEY_EXPOSED)
def everybody_may_read_the_private_key(ground: Ground) -> list[Finding]:
    certified(ground)
    (ground.folder / "wall.key").chmod(0o644)
    return ground.found()


# The journal, the disk, the memory.


@breaks(Sign.JOURNAL_UNUSABLE)
def the_journal_is_damaged(ground: Ground) -> list[Finding]:
    ground.keep_turns()
    with ground.journal_path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096)
    return ground.found()


@breaks(Sign.JOURNAL_OF_ANOTHER_DOMAIN)
def the_journal_holds_an_exercise(ground: Ground) -> list[Finding]:
    ground.wall["held"] = "EXERCISE"
    ground.keep()
    return ground.found()


@breaks(Sign.JOURNAL_KEEPS_LESS)
def the_journal_grows_faster_than_its_limit_allows(ground: Ground) -> list[Finding]:
    ground.journal.update(max_gb="0.0001", keep_days="700")
    ground.keep_turns()
    return ground.found()


@breaks(Sign.DISK_LOW)
def the_disk_is_nearly_full(ground: Ground) -> list[Finding]:
    ground.host = SoundHost(disk=DiskRoom(5 * 10**9, 1000 * 10**9))
    return ground.found()


@breaks(Sign.DISK_FULL_SOON)
def the_disk_is_full_within_hours(ground: Ground) -> list[Finding]:
    ground.host = SoundHost(disk=DiskRoom(20_000, 1000 * 10**9))
    ground.keep_turns()
    return ground.found()


@breaks(Sign.MEMORY_LOW)
def the_memory_is_nearly_gone(ground: Ground) -> list[Finding]:
    ground.host = SoundHost(free_memory_bytes=(200 * 10**6, 16 * 10**9))
    return ground.found()


@breaks(Sign.MEMORY_RUNS_OUT)
def a_wall_has_grown_by_gigabytes_since_yesterday(ground: Ground) -> list[Finding]:
    ground.host = SoundHost(process=(9 * 10**9, NOW_NS - DAY_NS))
    ground.runs(RUNNING)
    return ground.found()


# The network.


@breaks(Sign.PAGE_PORT_TAKEN)
def another_program_has_the_pages_port(ground: Ground) -> list[Finding]:
    taken = ground.open.enter_context(socket.socket())
    taken.bind(("127.0.0.1", 0))
    taken.listen()
    ground.page = f"127.0.0.1:{taken.getsockname()[1]}"
    return ground.found()


@breaks(Sign.FEED_PORT_TAKEN)
def another_program_has_the_feeds_port(ground: Ground) -> list[Finding]:
    taken = ground.open.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    taken.bind(("127.0.0.1", 0))
    ground.url = f"asterix+udp://127.0.0.1:{taken.getsockname()[1]}"
    return ground.found()


@breaks(Sign.FEED_UNREACHABLE)
def nobody_listens_where_a_feed_dials(ground: Ground) -> list[Finding]:
    ground.url = f"beast://127.0.0.1:{free_port()}"
    return ground.found()


@breaks(Sign.UDP_BUFFER_SMALL)
def the_system_gives_datagrams_little_room(ground: Ground) -> list[Finding]:
    ground.url = f"asterix+udp://127.0.0.1:{free_port()}"
    ground.host = SoundHost(udp_buffer_max_bytes=212_992)
    return ground.found()


@breaks(Sign.FILES_FEW)
def few_files_may_be_open(ground: Ground) -> list[Finding]:
    ground.host = SoundHost(open_files_max=256)
    return ground.found()


# The wall at work.


@breaks(Sign.WALL_DOES_NOT_ANSWER)
def something_holds_the_journal_and_answers_nobody(ground: Ground) -> list[Finding]:
    ground.open.callback(WriterLock(ground.journal_path).release)
    return ground.found()


@breaks(Sign.FEED_LOST)
def a_running_wall_has_lost_a_feed(ground: Ground) -> list[Finding]:
    feed = FeedStatus("north", "beast://10.0.0.7:30005", FeedState.LOST, detail="no answer; next attempt in 30 s")
    ground.runs(replace(RUNNING, feeds=(feed,)))
    return ground.found()


@breaks(Sign.QUEUE_LAGS)
def a_queue_lags_by_seconds(ground: Ground) -> list[Finding]:
    ground.runs(replace(RUNNING, queues=(QueueStatus("intake", 150_000, 200_000, 900.0, 4200.0),)))
    return ground.found()


@breaks(Sign.ALERT_STANDS)
def a_running_wall_raises_an_alert(ground: Ground) -> list[Finding]:
    ground.runs(
        RUNNING, Alert("intake-shed", AlertPriority.CRITICAL, NOW_NS, "More plots arrive than can be taken", "4000.")
    )
    return ground.found()


@breaks(Sign.PLOTS_SHED)
def plots_were_shed_before_the_wall_ended(ground: Ground) -> list[Finding]:
    ground.keep((NOW_NS, FramesRefused("feed", (("shed: radar-1", 4000),))))
    return ground.found()


@breaks(Sign.PLOTS_SHED)
def a_running_wall_sheds_plots(ground: Ground) -> list[Finding]:
    ground.runs(replace(RUNNING, shed=(("radar-1", 4000), ("radar-2", 3))))
    return ground.found()


@breaks(Sign.FRAMES_REFUSED)
def a_feed_speaks_another_edition(ground: Ground) -> list[Finding]:
    refused = FramesRefused("feed", (("records do not fill the block; check the edition", 60),))
    ground.keep((NOW_NS - 10**9, PlotsCame("feed", Plots.empty(), frames=40)), (NOW_NS, refused))
    return ground.found()


@breaks(Sign.SENSOR_SILENT)
def a_radar_fell_silent_before_the_end(ground: Ground) -> list[Finding]:
    ground.keep_turns(until_s=50.0)
    return ground.found()


@breaks(Sign.SENSOR_SLOW)
def a_radar_turns_at_half_its_speed(ground: Ground) -> list[Finding]:
    ground.keep_turns(every_s=8.0)
    return ground.found()


@breaks(Sign.SENSOR_NOISY)
def a_radar_is_jammed(ground: Ground) -> list[Finding]:
    ground.keep_turns(plots=900)
    return ground.found()


@breaks(Sign.SENSOR_STUCK)
def a_radar_repeats_itself(ground: Ground) -> list[Finding]:
    ground.keep_turns(frozen=True)
    return ground.found()


@breaks(Sign.SENSOR_CLOCK)
def a_radars_clock_is_three_seconds_ahead(ground: Ground) -> list[Finding]:
    ground.keep_turns(ahead_s=3.0)
    return ground.found()


@breaks(Sign.SENSOR_UNDECLARED)
def a_sensor_reports_that_nobody_declared(ground: Ground) -> list[Finding]:
    ground.keep_turns(sensor_id="stranger")
    return ground.found()


# The laws.

SAYING = {"fine", "warning", "problem"}
ROOMS = ("installation", "network", "patient", "places", "room", "working")


@pytest.mark.parametrize(
    ("sign", "scene"), BREAKS, ids=[f"{sign.value}, {scene.__name__.replace('_', ' ')}" for sign, scene in BREAKS]
)
def test_every_line_is_said_when_that_very_thing_is_broken(
    sign: Sign, scene: Callable[[Ground], list[Finding]], ground: Ground
) -> None:
    said = [finding for finding in scene(ground) if finding.sign is sign]
    assert said, f"{scene.__name__} did not lead to {sign.value}"
    for finding in said:
        fine = sign in SOUND or sign in (Sign.WALL_RUNNING, Sign.JOURNAL_ABSENT, Sign.CERTIFICATES_FINE)
        assert (finding.severity is Severity.OK) == fine
        assert fine or sign is Sign.ALERT_STANDS or (finding.why or sign is Sign.PYTHON_OLD)
        assert fine or sign is Sign.ALERT_STANDS or finding.remedy


def test_every_sign_can_be_produced() -> None:
    assert {sign for sign, _ in BREAKS} == set(Sign)


def test_no_line_of_the_code_that_says_something_is_without_a_scene(monkeypatch: pytest.MonkeyPatch) -> None:
    said: set[tuple[str, int]] = set()

    def noted(say: Callable[..., Finding]) -> Callable[..., Finding]:
        def noting(*words: Any, **more: Any) -> Finding:
            caller = sys._getframe(1)
            said.add((caller.f_code.co_filename, caller.f_lineno))
            return say(*words, **more)

        return noting

    written: list[tuple[str, int, int]] = []
    for module in (importlib.import_module(f"{doctor.__name__}.{name}") for name in ROOMS):
        for name in SAYING & vars(module).keys():
            monkeypatch.setattr(module, name, noted(getattr(module, name)))
        written += _calls_in(Path(module.__file__ or ""))
    for scene in dict.fromkeys(scene for _, scene in BREAKS):
        with a_ground() as made:
            scene(made)
    unsaid = [call for call in written if not any(file == call[0] and call[1] <= at <= call[2] for file, at in said)]
    assert written
    assert unsaid == []


def _calls_in(file: Path) -> list[tuple[str, int, int]]:
    """Return where a file says something: its path, the call's first line and its last."""
    calls = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
    saying = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id in SAYING]
    return [(str(file), call.lineno, call.end_lineno or call.lineno) for call in saying]


def test_a_sound_wall_has_nothing_but_sound_lines(ground: Ground) -> None:
    assert {finding.sign for finding in all_is_sound(ground) if finding.severity is not Severity.OK} == set()


def test_what_is_broken_is_said_first_and_with_its_remedy(ground: Ground) -> None:
    lines = lines_of(a_certificate_expired_yesterday(ground))
    assert lines[0].startswith("PROBLEM  ")
    assert lines[2].strip().startswith("→ ")
    assert lines[-1].endswith("warnings")


def test_a_wrong_setting_is_named_with_file_line_and_field(ground: Ground) -> None:
    (said,) = [finding for finding in a_key_is_misspelt(ground) if finding.sign is Sign.SETTINGS_WRONG]
    assert f"{ground.folder}/wall.toml:2 [wall.nmae]" in said.what
    assert "Did you mean 'name'?" in said.remedy


def test_a_running_wall_is_asked_about_its_sensors(ground: Ground) -> None:
    health = SensorHealth("radar-1", 0.0, NOW_NS, float("nan"), ("silent for 42 s; it declared a report every 4 s",))
    ground.runs(replace(RUNNING, sensors=(health,), heard_ns=(NOW_NS,)))
    (said,) = [finding for finding in ground.found() if finding.sign is Sign.SENSOR_SILENT]
    assert (said.what, said.why) == ("radar-1 is silent", "radar-1: silent for 42 s; it declared a report every 4 s")


def test_the_program_that_has_a_port_is_named_where_that_may_be_known(ground: Ground) -> None:
    (said,) = [f for f in another_program_has_the_pages_port(ground) if f.sign is Sign.PAGE_PORT_TAKEN]
    assert f"process {os.getpid()}" in said.why


def test_without_settings_the_machine_alone_is_examined() -> None:
    signs = {finding.sign for finding in findings(patient_of(None, clock=ManualClock(NOW_NS), host=SoundHost()))}
    assert {Sign.CLOCK_FINE, Sign.DISK_FINE, Sign.MEMORY_FINE, Sign.INSTALLATION_FINE} <= signs
    assert not signs & {Sign.SETTINGS_FINE, Sign.WALL_STOPPED, Sign.NETWORK_FINE, Sign.PERMISSIONS_FINE}


def test_a_file_of_settings_that_is_not_there_is_a_wrong_request(ground: Ground) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        patient_of(ground.folder / "none.toml", clock=ManualClock(NOW_NS), host=SoundHost())


def test_the_machine_answers_every_question_itself(tmp_path: Path) -> None:
    host = Host()
    assert host.disk(tmp_path).total_bytes > 0
    assert host.free_memory_bytes()[1] > 0
    assert host.process(os.getpid()) is not None
    assert host.process(2**30) is None
    assert host.open_files_max() > 0
    assert host.clock_synchronised() in (True, False, None)
    assert any(one.startswith("numpy") for one in host.requirements())
