"""Answers of the API, made from the model. Pure: the picture and the health come in, views go out."""

from __future__ import annotations

import math

import numpy as np

from dronewall.model.groups import Groups, shown_group_id
from dronewall.model.identity import Affiliation, Identity
from dronewall.model.picture import Alert, Picture
from dronewall.model.plots import ObjectClass
from dronewall.model.sensors import Sensor, SensorKind, Sensors
from dronewall.model.status import FeedState, FeedStatus, SensorHealth, WallStatus
from dronewall.model.track_acts import NOBODY, TrackEvent, TrackEventKind
from dronewall.model.tracks import Tracks, TrackStatus, shown_id
from dronewall.outlets.web.display import Shown, kinematics_from_mean, spread_from_covariance
from dronewall.outlets.web.frames import FED_WITHIN_S
from dronewall.outlets.web.views import (
    AlertView,
    ClassView,
    FeedView,
    GroupView,
    QueueView,
    RefusalView,
    RemoteTrackView,
    SensorView,
    ShedView,
    SourceView,
    StatusView,
    TrackDetailView,
    TrackEventView,
    TracksView,
    TrackView,
    UnplaceableView,
)


def tracks_view(picture: Picture, shown: Shown, sensors: Sensors) -> TracksView:
    """Return every track that people see."""
    return TracksView(
        seq=picture.seq,
        at_ns=picture.at_ns,
        truth_domain=picture.truth_domain.value,
        tentative=shown.tentative,
        tracks=track_views(shown, picture.at_ns),
        remote_tracks=remote_views(picture, sensors),
        groups=group_views(picture.groups),
    )


def track_views(shown: Shown, at_ns: int) -> tuple[TrackView, ...]:
    """Return tracks in the vocabulary of `tracks.csv`."""
    tracks, identities = shown.tracks, shown.identities
    place = kinematics_from_mean(tracks.mean)
    spread = spread_from_covariance(tracks.covariance, place.lat_deg, place.lon_deg)
    return tuple(
        TrackView(
            track_id=int(tracks.track_id[row]),
            id=shown_id(int(tracks.track_id[row])),
            status=TrackStatus(tracks.status[row]).name.lower(),
            lat_deg=float(place.lat_deg[row]),
            lon_deg=float(place.lon_deg[row]),
            hae_m=float(place.hae_m[row]),
            ve_mps=float(place.velocity_mps[row, 0]),
            vn_mps=float(place.velocity_mps[row, 1]),
            vu_mps=float(place.velocity_mps[row, 2]),
            sigma_e_m=float(spread.sigma_enu_m[row, 0]),
            sigma_n_m=float(spread.sigma_enu_m[row, 1]),
            sigma_u_m=float(spread.sigma_enu_m[row, 2]),
            existence=float(tracks.existence[row]),
            object_class=ObjectClass(identities.object_class[row]).label,
            class_p=float(identities.class_p[row]),
            affiliation=Affiliation(identities.affiliation[row]).label,
            updated_ns=int(tracks.updated_ns[row]),
            quality=int(tracks.quality[row]),
            sensors=tuple(source.kind for source in sources(tracks, row, at_ns) if source.age_s <= FED_WITHIN_S),
            alternate_ids=alternate_ids(tracks, row),
            group_id=int(tracks.group_id[row]) or None,
        )
        for row in range(len(tracks))
    )


def track_detail(picture: Picture, shown: Shown, track_id: int, identity: Identity | None) -> TrackDetailView | None:
    """Return one track with its evidence, or None if the picture does not hold it."""
    rows = np.flatnonzero(shown.tracks.track_id == track_id)
    if len(rows) == 0:
        return None
    one = shown.take(rows[:1])
    view = track_views(one, picture.at_ns)[0]
    tracks = one.tracks
    return TrackDetailView(
        at_ns=picture.at_ns,
        track=view,
        speed_mps=math.hypot(view.ve_mps, view.vn_mps),
        course_deg=math.degrees(math.atan2(view.ve_mps, view.vn_mps)) % 360.0,
        born_ns=int(tracks.born_ns[0]),
        age_s=(picture.at_ns - view.updated_ns) / 1e9,
        sources=sources(tracks, 0, picture.at_ns),
        classes=class_views(tracks),
        claims=claims(tracks, 0),
        claims_since_ns=int(tracks.claims_since_ns[0]),
        claimed_ns=int(tracks.claimed_ns[0]),
        evidence_for=() if identity is None else identity.evidence_for,
        evidence_against=() if identity is None else identity.evidence_against,
        events=tuple(
            event_view(event) for event in picture.track_events if track_id in (event.track_id, event.other_id)
        ),
        group=next(iter(group_views(picture.groups.take(picture.groups.group_id == (view.group_id or 0)))), None),
    )


def event_view(event: TrackEvent) -> TrackEventView:
    """Return what became of a track."""
    return TrackEventView(
        number=event.number,
        at_ns=event.at_ns,
        kind=event.kind.value,
        track_id=event.track_id,
        id=shown_id(event.track_id),
        other_id=None if event.other_id == NOBODY else event.other_id,
        reason=event.reason,
        by=event.by,
        declared_seq=event.declared_seq,
    )


def ended_view(picture: Picture, track_id: int) -> str:
    """Return in words what became of a track that a picture does not hold, "" if that is not known."""
    ended = (TrackEventKind.MERGED, TrackEventKind.DROPPED, TrackEventKind.SPLIT)
    for event in reversed(picture.track_events):
        if event.track_id == track_id and event.kind in ended:
            goes_on = "" if event.other_id == NOBODY else f" and goes on as {shown_id(event.other_id)}"
            by = f" by {event.by}" if event.by else ""
            return f"it was {event.kind.value}{goes_on}{by}: {event.reason}"
    return ""


def class_views(tracks: Tracks) -> tuple[ClassView, ...]:
    """Return the classes of the first track that have a probability, likeliest first."""
    p = tracks.classes[0]
    likeliest = np.argsort(-p, kind="stable")
    return tuple(ClassView(ObjectClass(i).label, float(p[i])) for i in likeliest if p[i] >= 0.01)


def sources(tracks: Tracks, row: int, at_ns: int) -> tuple[SourceView, ...]:
    """Return the kinds of sensors that ever fed a track, newest first."""
    heard = tracks.heard_ns[row]
    kinds = sorted(np.flatnonzero(heard > 0).tolist(), key=lambda kind: -int(heard[kind]))
    return tuple(
        SourceView(SensorKind(kind).label, int(heard[kind]), max(0.0, (at_ns - int(heard[kind])) / 1e9))
        for kind in kinds
    )


def claims(tracks: Tracks, row: int) -> dict[str, str]:
    """Return what the object says of itself, by the names of `plots.jsonl`."""
    said: dict[str, str] = {}
    if tracks.icao24[row]:
        said["icao24"] = f"{int(tracks.icao24[row]):06X}"
    if callsign := text(tracks.callsign[row]):
        said["callsign"] = callsign
    if tracks.squawk[row] >= 0:
        said["squawk"] = f"{int(tracks.squawk[row]):04d}"
    if uas_id := text(tracks.uas_id[row]):
        said["uas_id"] = uas_id
    return said


def alternate_ids(tracks: Tracks, row: int) -> tuple[str, ...]:
    """Return what else the object is called: what it says of itself, and numbers that were merged into this one."""
    numbers = (shown_id(number) for number in tracks.also[row].tolist() if number)
    return (*claims(tracks, row).values(), *numbers)


def text(value: bytes) -> str:
    """Return what an object says of itself as printable text: it may say anything."""
    return "".join(c for c in bytes(value).decode("ascii", "replace") if c.isprintable()).strip()


def remote_views(picture: Picture, sensors: Sensors) -> tuple[RemoteTrackView, ...]:
    """Return the tracks estimated elsewhere."""
    remote = picture.remote_tracks
    place = kinematics_from_mean(remote.mean)
    return tuple(
        RemoteTrackView(
            sensor_id=sensors[int(remote.sensor[row])].sensor_id if 0 <= remote.sensor[row] < len(sensors) else "",
            track_ref=text(remote.track_ref[row]),
            at_ns=int(remote.at_ns[row]),
            lat_deg=float(place.lat_deg[row]),
            lon_deg=float(place.lon_deg[row]),
            hae_m=float(place.hae_m[row]),
            ve_mps=float(place.velocity_mps[row, 0]),
            vn_mps=float(place.velocity_mps[row, 1]),
            vu_mps=float(place.velocity_mps[row, 2]),
            sigma_position_m=finite(float(remote.sigma_position_m[row])),
            callsign=text(remote.callsign[row]),
        )
        for row in range(len(remote))
    )


def group_views(groups: Groups) -> tuple[GroupView, ...]:
    """Return groups, each with how many objects it is thought to hold."""
    place = kinematics_from_mean(groups.mean)
    spread = spread_from_covariance(groups.spread, place.lat_deg, place.lon_deg)
    return tuple(
        GroupView(
            group_id=int(groups.group_id[row]),
            id=shown_group_id(int(groups.group_id[row])),
            since_ns=int(groups.since_ns[row]),
            lat_deg=float(place.lat_deg[row]),
            lon_deg=float(place.lon_deg[row]),
            hae_m=float(place.hae_m[row]),
            ve_mps=float(place.velocity_mps[row, 0]),
            vn_mps=float(place.velocity_mps[row, 1]),
            vu_mps=float(place.velocity_mps[row, 2]),
            major_m=float(spread.major_m[row]),
            minor_m=float(spread.minor_m[row]),
            azimuth_deg=float(spread.azimuth_deg[row]),
            members=int(groups.members[row]),
            count=int(groups.count[row]),
            count_low=int(groups.count_low[row]),
            count_high=int(groups.count_high[row]),
        )
        for row in range(len(groups))
    )


def finite(value: float) -> float | None:
    """Return a value that JSON can hold: absent for what was not measured."""
    return value if math.isfinite(value) else None


def sensor_views(sensors: Sensors, status: WallStatus | None, at_ns: int) -> tuple[SensorView, ...]:
    """Return every sensor with its health at `at_ns`."""
    heard = () if status is None else status.heard_ns
    lost = set() if status is None else {f.name for f in status.feeds if f.state is FeedState.LOST}
    known = {} if status is None else {health.sensor_id: health for health in status.sensors}
    return tuple(
        _sensor_view(row, sensor, heard[row] if row < len(heard) else -1, at_ns, lost, known.get(sensor.sensor_id))
        for row, sensor in enumerate(sensors)
    )


def _sensor_view(
    row: int, sensor: Sensor, heard_ns: int, at_ns: int, lost: set[str], known: SensorHealth | None
) -> SensorView:
    return SensorView(
        row=row,
        sensor_id=sensor.sensor_id,
        kind=sensor.kind.label,
        lat_deg=sensor.lat_deg,
        lon_deg=sensor.lon_deg,
        hae_m=sensor.hae_m,
        range_max_m=sensor.range_max_m,
        azimuth_from_deg=sensor.azimuth_from_deg,
        azimuth_to_deg=sensor.azimuth_to_deg,
        period_s=sensor.period_s,
        delivers="tracks" if sensor.delivers_tracks else "plots",
        owner=sensor.owner,
        vendor=sensor.vendor,
        model=sensor.model,
        feed=sensor.wire.feed or "",
        health=health_of(sensor, heard_ns, at_ns, feed_lost=sensor.wire.feed in lost, silent=_is_silent(known)),
        heard_ns=max(heard_ns, 0),
        plots_per_s=known.plots_per_s if known else 0.0,
        clock_offset_s=finite(known.clock_offset_s) if known else None,
        problems=known.problems if known else (),
    )


def _is_silent(known: SensorHealth | None) -> bool:
    return known is not None and any(problem.startswith("silent") for problem in known.problems)


def health_of(sensor: Sensor, heard_ns: int, at_ns: int, *, feed_lost: bool, silent: bool = False) -> str:
    """Return a sensor's health in one word.

    `heard_ns` is -1 when nobody counts it, 0 when it never reported; `silent` tells that it should have by now.
    """
    if feed_lost:
        return "lost"
    if heard_ns < 0:
        return "unknown"
    if heard_ns and (at_ns - heard_ns) / 1e9 <= sensor.silent_after_s:
        return "heard"
    return "late" if silent or (sensor.kind.regular and heard_ns) else "quiet"


def feed_view(feed: FeedStatus) -> FeedView:
    """Return one feed's health."""
    return FeedView(
        name=feed.name,
        url=feed.url,
        state=feed.state.value,
        decoded=feed.decoded,
        refused=tuple(RefusalView(reason, count) for reason, count in feed.refused),
        unplaceable=feed.unplaceable,
        plots_per_s=feed.plots_per_s,
        last_received_ns=feed.last_received_ns,
        detail=feed.detail,
    )


def alert_view(alert: Alert) -> AlertView:
    """Return one alert."""
    return AlertView(
        alert_id=alert.alert_id,
        priority=alert.priority.name.lower(),
        raised_at=alert.raised_at,
        title=alert.title,
        detail=alert.detail,
        state=alert.state.value,
        track_id=alert.track_id if alert.track_id >= 0 else None,
        sensor_id=alert.sensor_id,
    )


def status_view(
    status: WallStatus, picture: Picture | None, shown: Shown | None, *, now_ns: int, published_ns: int, clients: int
) -> StatusView:
    """Return how the wall is doing."""
    return StatusView(
        name=status.name,
        version=status.version,
        truth_domain=status.truth_domain.value,
        replay=status.replay,
        phase=status.phase.value,
        compiled=status.compiled,
        to_compile=status.to_compile,
        now_ns=now_ns,
        published_ns=published_ns,
        seq=picture.seq if picture else 0,
        at_ns=picture.at_ns if picture else 0,
        tracks=len(shown.tracks) if shown else 0,
        tentative=shown.tentative if shown else 0,
        remote_tracks=len(picture.remote_tracks) if picture else 0,
        plots_total=picture.plots_total if picture else 0,
        confirmed_total=picture.confirmed_total if picture else 0,
        latency_p50_ms=status.latency_p50_ms,
        latency_p99_ms=status.latency_p99_ms,
        journal=status.journal,
        detail=status.detail,
        clients=clients,
        unplaceable=tuple(UnplaceableView(*row) for row in picture.unplaceable) if picture else (),
        queues=tuple(QueueView(q.name, q.waiting, q.most, q.lag_ms, q.worst_lag_ms) for q in status.queues),
        shed=tuple(ShedView(sensor_id, plots) for sensor_id, plots in status.shed),
        repeated=status.repeated,
        journal_bytes=status.journal_bytes,
        disk_free_bytes=status.disk_free_bytes,
        disk_full_ns=status.disk_full_ns,
        started_ns=status.started_ns,
    )
