"""What REST and the event stream answer, as types: the API's schema is made from these. Names are those of files.

Latitude and longitude in degrees, heights above the WGS84 ellipsoid, velocities east, north, up; sigmas are 1-σ.
"""

from __future__ import annotations

import msgspec


class View(msgspec.Struct, frozen=True):
    """Base of all answers."""


class SourceView(View, frozen=True):
    """One kind of sensor that has fed a track, and how old its newest information is."""

    kind: str
    heard_ns: int
    age_s: float


class TrackView(View, frozen=True):
    """One track, as `tracks.csv` names it; `id` is the number as people see it, `group_id` the group it flies in."""

    track_id: int
    id: str
    status: str
    lat_deg: float
    lon_deg: float
    hae_m: float
    ve_mps: float
    vn_mps: float
    vu_mps: float
    sigma_e_m: float
    sigma_n_m: float
    sigma_u_m: float
    existence: float
    object_class: str = msgspec.field(name="class")
    class_p: float
    affiliation: str
    updated_ns: int
    quality: int
    sensors: tuple[str, ...]
    alternate_ids: tuple[str, ...]
    group_id: int | None = None


class ClassView(View, frozen=True):
    """One class with its probability."""

    object_class: str = msgspec.field(name="class")
    p: float


class GroupView(View, frozen=True):
    """Objects that fly together, closer than sensors tell apart; `id` is the number as people see it.

    `count` is the median of how many there are, with 90 % `count_low` to `count_high`; `members` how many tracks tell
    `group_id`. The ellipse is the 1-σ one of the members' places, `azimuth_deg` the direction of its longer half-axis.
    """

    group_id: int
    id: str
    since_ns: int
    lat_deg: float
    lon_deg: float
    hae_m: float
    ve_mps: float
    vn_mps: float
    vu_mps: float
    major_m: float
    minor_m: float
    azimuth_deg: float
    members: int
    count: int
    count_low: int
    count_high: int


class TrackDetailView(View, frozen=True):
    """One track with everything a person needs to weigh it."""

    at_ns: int
    track: TrackView
    speed_mps: float
    course_deg: float
    born_ns: int
    age_s: float
    sources: tuple[SourceView, ...]
    classes: tuple[ClassView, ...]
    claims: dict[str, str]
    claims_since_ns: int
    claimed_ns: int
    evidence_for: tuple[str, ...]
    evidence_against: tuple[str, ...]
    events: tuple[TrackEventView, ...] = ()
    group: GroupView | None = None


class TrackEventView(View, frozen=True):
    """What became of a track: merged, split, dropped, or an act on it that was refused when its step came.

    `other_id` is the track that goes on, null for none; `by` the person whose act it was, "" for the tracker itself;
    `declared_seq` the journal's entry of the act, 0 for none.
    """

    number: int
    at_ns: int
    kind: str
    track_id: int
    id: str
    other_id: int | None
    reason: str
    by: str
    declared_seq: int


class RemoteTrackView(View, frozen=True):
    """A track estimated elsewhere, as last told."""

    sensor_id: str
    track_ref: str
    at_ns: int
    lat_deg: float
    lon_deg: float
    hae_m: float
    ve_mps: float
    vn_mps: float
    vu_mps: float
    sigma_position_m: float | None
    callsign: str


class TracksView(View, frozen=True):
    """Every track that is confirmed or coasting; `tentative` ones are counted only."""

    seq: int
    at_ns: int
    truth_domain: str
    tentative: int
    tracks: tuple[TrackView, ...]
    remote_tracks: tuple[RemoteTrackView, ...]
    groups: tuple[GroupView, ...] = ()


class SensorView(View, frozen=True):
    """One sensor: `row` is its number in frames; `health` is heard, quiet, late, lost or unknown.

    `problems` tells in words what is wrong with it against what it declared; `plots_per_s` is over the last minute;
    `clock_offset_s` how far its clock is ahead of ours, null before it is known.
    """

    row: int
    sensor_id: str
    kind: str
    lat_deg: float | None
    lon_deg: float | None
    hae_m: float | None
    range_max_m: float | None
    azimuth_from_deg: float | None
    azimuth_to_deg: float | None
    period_s: float | None
    delivers: str
    owner: str
    vendor: str
    model: str
    feed: str
    health: str
    heard_ns: int
    plots_per_s: float = 0.0
    clock_offset_s: float | None = None
    problems: tuple[str, ...] = ()


class RefusalView(View, frozen=True):
    """Why frames were refused, and how many."""

    reason: str
    count: int


class FeedView(View, frozen=True):
    """One feed's health; the rate is over the last ten seconds."""

    name: str
    url: str
    state: str
    decoded: int
    refused: tuple[RefusalView, ...]
    unplaceable: int
    plots_per_s: float
    last_received_ns: int
    detail: str


class AlertView(View, frozen=True):
    """Something a person must look at."""

    alert_id: str
    priority: str
    raised_at: int
    title: str
    detail: str
    state: str
    track_id: int | None
    sensor_id: str


class ZoneView(View, frozen=True):
    """An airspace control measure."""

    zone_id: str


class UnplaceableView(View, frozen=True):
    """Plots that were left out, and why."""

    sensor_id: str
    reason: str
    count: int


class QueueView(View, frozen=True):
    """One bounded queue: what waits in it, what may, and the age of the oldest thing in it."""

    name: str
    waiting: int
    most: int
    lag_ms: float
    worst_lag_ms: float


class ShedView(View, frozen=True):
    """Plots of one sensor that were left out before they were acknowledged, since the start."""

    sensor_id: str
    plots: int


class StatusView(View, frozen=True):
    """How the wall is doing; `now_ns` is the server's clock, `published_ns` when it last published a picture.

    `disk_full_ns` is when the disk will be full if it goes on like this, 0 when that is not in sight.
    """

    name: str
    version: str
    truth_domain: str
    replay: bool
    phase: str
    compiled: int
    to_compile: int
    now_ns: int
    published_ns: int
    seq: int
    at_ns: int
    tracks: int
    tentative: int
    remote_tracks: int
    plots_total: int
    confirmed_total: int
    latency_p50_ms: float | None
    latency_p99_ms: float | None
    journal: str
    detail: str
    clients: int
    unplaceable: tuple[UnplaceableView, ...]
    queues: tuple[QueueView, ...] = ()
    shed: tuple[ShedView, ...] = ()
    repeated: int = 0
    journal_bytes: int = 0
    disk_free_bytes: int = 0
    disk_full_ns: int = 0
    started_ns: int = 0


class ErrorView(View, frozen=True):
    """What was wrong with a request, and what to do about it."""

    status: int
    problem: str
    remedy: str


class WaitingEvent(View, frozen=True, tag="waiting", tag_field="event"):
    """Sent every second while the wall has not said anything: the link is up, there is only nothing to tell."""


class StatusEvent(View, frozen=True, tag="status", tag_field="event"):
    """Sent every second, and at once when the phase changes."""

    status: StatusView


class FeedsEvent(View, frozen=True, tag="feeds", tag_field="event"):
    """Sent when a feed's health or counts change."""

    feeds: tuple[FeedView, ...]


class SensorsEvent(View, frozen=True, tag="sensors", tag_field="event"):
    """Sent when the register or any sensor's health changes."""

    sensors: tuple[SensorView, ...]


class TrackEventsEvent(View, frozen=True, tag="track_events", tag_field="event"):
    """Sent when tracks were merged, split or dropped: those events that were not sent yet."""

    track_events: tuple[TrackEventView, ...]


class AlertsEvent(View, frozen=True, tag="alerts", tag_field="event"):
    """Sent when the alerts change."""

    alerts: tuple[AlertView, ...]
