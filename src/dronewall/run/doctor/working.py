"""The wall at work: what it says of itself while it runs, or what its journal tells of its last minutes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dronewall.run.doctor.findings import Finding, Severity, Sign, fine, problem, warning
from dronewall.run.doctor.patient import FeedTail, Patient
from dronewall.run.doctor.room import date
from dronewall.run.health import WORDS, Trouble, trouble_of

REFUSED_SHARE = 0.01
LAG_MS = 1000.0
NAMED_MOST = 12
SIGN_OF = {
    Trouble.SILENT: Sign.SENSOR_SILENT,
    Trouble.SLOW: Sign.SENSOR_SLOW,
    Trouble.NOISY: Sign.SENSOR_NOISY,
    Trouble.STUCK: Sign.SENSOR_STUCK,
    Trouble.CLOCK: Sign.SENSOR_CLOCK,
}
TOLD_OTHERWISE = ("sensors-", "clock:", "disk-", "feed-lost:")
"""Alerts about what other checks tell of, with more detail."""


def wall(patient: Patient) -> Iterator[Finding]:
    """Whether it runs, and what it complains of."""
    if patient.settings is None:
        return
    if patient.writer is None:
        when = f"; it wrote last on {date(patient.tail.until_ns)}" if patient.tail and patient.tail.entries else ""
        yield fine(Sign.WALL_STOPPED, f"no wall writes to this journal now{when}")
        return
    if patient.answers is None:
        what = f"process {patient.writer} writes to the journal, and its page does not answer"
        why = f"[page] listen is {patient.settings.page.listen}"
        remedy = "It is starting, stuck, or has another file of settings: journalctl -u dronewall -n 50"
        yield problem(Sign.WALL_DOES_NOT_ANSWER, what, why, remedy)
        return
    status = patient.answers["status"]
    latency = status.get("latency_p99_ms")
    told = f", latency p99 {latency:.0f} ms" if latency is not None else ""
    yield fine(
        Sign.WALL_RUNNING,
        f"{status['name']} is {status['phase']} as process {patient.writer}: {status['tracks']} tracks{told}",
    )
    yield from _queues(status)
    yield from _feeds_lost(patient.answers["feeds"])
    yield from _alerts(patient.answers["alerts"])


def _queues(status: Mapping[str, Any]) -> Iterator[Finding]:
    if shed := status.get("shed"):
        most = max(shed, key=lambda one: one["plots"])
        what = f"{sum(one['plots'] for one in shed)} plots of {len(shed)} sensors were shed since the start"
        why = f"most of them, {most['plots']}, from {most['sensor_id']}: more came than could be taken"
        yield warning(Sign.PLOTS_SHED, what, why, "Calm that sensor, or give the wall a faster machine.")
    for queue in status.get("queues", ()):
        if queue["worst_lag_ms"] > LAG_MS:
            what = f"the queue {queue['name']} lagged by {queue['worst_lag_ms'] / 1000:.1f} s within the last minute"
            why = f"{queue['waiting']} of {queue['most']} wait in it now"
            yield warning(Sign.QUEUE_LAGS, what, why, "See what takes the processor or the disk: top, iostat -x 1")


def _feeds_lost(feeds: Iterable[Mapping[str, Any]]) -> Iterator[Finding]:
    for feed in feeds:
        if feed["state"] == "lost":
            remedy = f"See that {feed['url']} runs and that nothing stands between."
            yield problem(Sign.FEED_LOST, f"the feed {feed['name']} is lost", feed["detail"], remedy)


def _alerts(alerts: Iterable[Mapping[str, Any]]) -> Iterator[Finding]:
    for alert in alerts:
        ours = alert["track_id"] is None and not alert["alert_id"].startswith(TOLD_OTHERWISE)
        if ours and alert["priority"] != "information":
            make = problem if alert["priority"] == "critical" else warning
            yield make(Sign.ALERT_STANDS, f"alert: {alert['title']}", alert["detail"])


def refused(patient: Patient) -> Iterator[Finding]:
    """Frames that were not understood, with their share and the reason; and plots shed, as the journal has them."""
    for name, frames, reasons, newest in _counts(patient):
        count = sum(reasons.values())
        if count and count >= REFUSED_SHARE * (count + frames):
            why = f"newest reason: {newest}; most often: {max(reasons, key=lambda reason: reasons[reason])}"
            what = f"the feed {name} refused {count} of {count + frames} frames ({count / (count + frames):.0%})"
            remedy = "See that the sender speaks this format and edition; samples stand whole in the journal."
            yield Finding(Sign.FRAMES_REFUSED, _severity(count, frames), what, why, remedy)
    if patient.answers is None and patient.tail is not None:
        shed = sum(
            n for feed in patient.tail.feeds.values() for why, n in feed.refused.items() if why.startswith("shed: ")
        )
        if shed:
            what = f"{shed} plots were shed in the journal's last two minutes"
            remedy = "Find the loudest sensor, or give the wall a faster machine."
            yield warning(Sign.PLOTS_SHED, what, "more came than could be taken", remedy)


def _severity(count: int, frames: int) -> Severity:
    return Severity.PROBLEM if count > frames else Severity.WARNING


def _counts(patient: Patient) -> Iterator[tuple[str, int, dict[str, int], str]]:
    if patient.answers is not None:
        for feed in patient.answers["feeds"]:
            reasons = {one["reason"]: one["count"] for one in feed["refused"]}
            yield feed["name"], feed["decoded"], reasons, max(reasons, key=lambda r: reasons[r], default="")
    elif patient.tail is not None:
        for name, tail in patient.tail.feeds.items():
            yield name, tail.frames, _frames_only(tail), tail.newest


def _frames_only(tail: FeedTail) -> dict[str, int]:
    return {reason: count for reason, count in tail.refused.items() if not reason.startswith("shed: ")}


def sensors(patient: Patient) -> Iterator[Finding]:
    """Sensors that do not do what they declared; one finding for each kind of trouble."""
    problems = _problems(patient)
    if problems is None:
        return
    when = "" if patient.answers is not None or patient.tail is None else f" (as of {date(patient.tail.until_ns)})"
    for trouble in Trouble:
        told = [f"{sensor}: {what}" for sensor, what in problems if trouble_of(what) is trouble]
        if told:
            one, many, remedy = WORDS[trouble]
            what = f"{told[0].partition(':')[0]} {one}{when}" if len(told) == 1 else f"{len(told)} {many}{when}"
            more = f"; and {len(told) - NAMED_MOST} more" if len(told) > NAMED_MOST else ""
            yield warning(SIGN_OF[trouble], what, "; ".join(told[:NAMED_MOST]) + more, remedy)
    undeclared = patient.tail.undeclared if patient.tail is not None else {}
    if undeclared:
        names = ", ".join(sorted(undeclared)[:NAMED_MOST])
        remedy = "Add a line for each to the file of [sensors]."
        yield warning(Sign.SENSOR_UNDECLARED, f"{len(undeclared)} sensors report that nobody declared", names, remedy)
    if not problems and not undeclared:
        yield fine(Sign.SENSORS_FINE, f"every sensor that was heard does what it declared{when}")


def _problems(patient: Patient) -> list[tuple[str, str]] | None:
    """Return each problem with its sensor, None when nothing is known of any."""
    if patient.answers is not None:
        return [(one["sensor_id"], what) for one in patient.answers["sensors"] for what in one.get("problems", ())]
    if patient.tail is None or not patient.tail.entries:
        return None
    return [(health.sensor_id, what) for health in patient.tail.healths for what in health.problems]
