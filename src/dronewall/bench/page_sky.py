"""A sky of many moving tracks for the page's benchmark and its tests: pictures without a wall behind them. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dronewall.geodesy.wgs84 import ecef_from_geodetic, enu_axes
from dronewall.model.identity import Affiliation, Identities
from dronewall.model.picture import Alert, AlertPriority, Bearings, Picture, TruthDomain
from dronewall.model.plots import CLASS_COUNT, ObjectClass
from dronewall.model.sensors import Sensor, SensorKind, Sensors, Wire
from dronewall.model.status import FeedState, FeedStatus, WallPhase, WallStatus
from dronewall.model.tracks import KIND_COUNT, RemoteTracks, Tracks, TrackStatus

FloatArray = NDArray[np.float64]

METRES_PER_DEGREE = 111_320.0
SHARES = {
    Affiliation.PENDING: 0.02,
    Affiliation.UNKNOWN: 0.45,
    Affiliation.ASSUMED_FRIEND: 0.05,
    Affiliation.FRIEND: 0.06,
    Affiliation.NEUTRAL: 0.38,
    Affiliation.SUSPECT: 0.03,
    Affiliation.HOSTILE: 0.01,
}
COASTING_SHARE = 0.08
DEAF_AFTER_NS = 20_000_000_000
SOUTH, NORTH, WEST, EAST = 46.0, 57.0, 20.0, 32.0


@dataclass(frozen=True, slots=True, eq=False)
class Sky:
    """Objects that fly straight from where they were at `begun_ns`. Degrees, m, m/s; one row per object."""

    begun_ns: int
    lat_deg: FloatArray
    lon_deg: FloatArray
    hae_m: FloatArray
    course_rad: FloatArray
    speed_mps: FloatArray
    affiliation: NDArray[np.uint8]
    object_class: NDArray[np.uint8]
    coasting: NDArray[np.bool_]
    sigma_m: FloatArray
    sensors: Sensors

    def __len__(self) -> int:
        return len(self.lat_deg)


def made_up_sky(count: int, *, begun_ns: int, seed: int = 1, arrays: int = 420) -> Sky:
    """Return a sky of `count` objects over the east of Europe, watched by 30 radars and `arrays` acoustic arrays."""
    rng = np.random.default_rng(seed)
    affiliation = rng.choice(np.array(list(SHARES), np.uint8), count, p=list(SHARES.values()))
    civil = affiliation == Affiliation.NEUTRAL
    classes = rng.integers(0, len(ObjectClass), count).astype(np.uint8)
    return Sky(
        begun_ns=begun_ns,
        lat_deg=rng.uniform(SOUTH, NORTH, count),
        lon_deg=rng.uniform(WEST, EAST, count),
        hae_m=np.where(civil, rng.uniform(3000, 11_500, count), rng.uniform(80, 3000, count)),
        course_rad=rng.uniform(0, 2 * np.pi, count),
        speed_mps=np.where(civil, rng.uniform(120, 250, count), rng.uniform(20, 90, count)),
        affiliation=affiliation,
        object_class=np.where(civil, ObjectClass.AEROPLANE, classes).astype(np.uint8),
        coasting=rng.random(count) < COASTING_SHARE,
        sigma_m=rng.uniform(20, 400, count),
        sensors=made_up_sensors(rng, arrays),
    )


def made_up_sensors(rng: np.random.Generator, arrays: int) -> Sensors:
    """Return radars, radio direction finders, a receiver, and arrays in a band along a border that does not exist."""
    radars = [_sensor(f"radar-{i:02d}", SensorKind.RADAR_3D, rng, 80_000.0, 4.0) for i in range(30)]
    finders = [_sensor(f"rf-{i}", SensorKind.RF_DF, rng, 40_000.0, 2.0) for i in range(8)]
    heard = [
        Sensor(
            f"array-{i:03d}",
            SensorKind.ACOUSTIC_ARRAY,
            lat_deg=float(47.0 + 9.0 * i / max(arrays, 1)),
            lon_deg=float(25.5 + 0.12 * (i % 7) + rng.normal(0, 0.02)),
            hae_m=150.0,
            range_max_m=8000.0,
            wire=Wire(feed="arrays"),
        )
        for i in range(arrays)
    ]
    receiver = Sensor("receiver-1", SensorKind.ADSB, 50.06, 19.95, 260.0, wire=Wire(feed="receiver"))
    return Sensors([*radars, *finders, *heard, receiver])


def _sensor(sensor_id: str, kind: SensorKind, rng: np.random.Generator, reach_m: float, period_s: float) -> Sensor:
    lat, lon = float(rng.uniform(SOUTH, NORTH)), float(rng.uniform(WEST, EAST))
    return Sensor(sensor_id, kind, lat, lon, 180.0, range_max_m=reach_m, period_s=period_s, wire=Wire(feed="radars"))


def picture_of(sky: Sky, *, at_ns: int, seq: int, domain: TruthDomain = TruthDomain.SIMULATION) -> Picture:
    """Return the picture of a sky at an instant; a tenth of its tracks has news in any tenth of a second."""
    tracks = tracks_of(sky, at_ns)
    return Picture(
        seq=seq,
        at_ns=at_ns,
        truth_domain=domain,
        tracks=tracks,
        identities=Identities.of(
            len(sky),
            track_id=tracks.track_id,
            affiliation=sky.affiliation,
            object_class=sky.object_class,
            class_p=np.where(sky.object_class == ObjectClass.UNKNOWN, 0.0, 0.8),
        ),
        remote_tracks=remote_tracks_of(sky, at_ns),
        bearings=bearings_of(sky, at_ns),
        alerts=alerts_of(sky, tracks),
        plots_total=1000 + seq * 25,
        confirmed_total=len(sky),
        unplaceable=(("asterix:20/129", "site unknown", 3),),
    )


def tracks_of(sky: Sky, at_ns: int) -> Tracks:
    """Return every object of a sky as a track at an instant."""
    count = len(sky)
    elapsed_s = (at_ns - sky.begun_ns) / 1e9
    east, north = np.sin(sky.course_rad) * sky.speed_mps, np.cos(sky.course_rad) * sky.speed_mps
    lat = sky.lat_deg + north * elapsed_s / METRES_PER_DEGREE
    lon = sky.lon_deg + east * elapsed_s / (METRES_PER_DEGREE * np.cos(np.radians(lat)))
    axes = enu_axes(lat, lon)
    velocity = np.einsum("nji,nj->ni", axes, np.stack([east, north, np.zeros(count)], axis=-1))
    turn = ((at_ns // 100_000_000) - np.arange(count)) % 10
    updated = np.where(sky.coasting, at_ns - DEAF_AFTER_NS, at_ns - turn * 100_000_000)
    heard = np.zeros((count, KIND_COUNT), np.int64)
    heard[:, SensorKind.RADAR_3D] = updated
    civil = sky.affiliation == Affiliation.NEUTRAL
    heard[civil, SensorKind.ADSB] = updated[civil]
    return Tracks.of(
        count,
        track_id=np.arange(1, count + 1),
        status=np.where(sky.coasting, TrackStatus.COASTING, TrackStatus.CONFIRMED),
        mean=np.concatenate([ecef_from_geodetic(lat, lon, sky.hae_m), velocity], axis=1),
        covariance=covariances(sky, axes),
        existence=0.97,
        born_ns=sky.begun_ns - 60_000_000_000,
        updated_ns=updated,
        heard_ns=heard,
        quality=np.where(sky.coasting, 4, 11),
        classes=np.eye(CLASS_COUNT)[sky.object_class] * 0.8,
        icao24=np.where(civil, 0x480000 + np.arange(count), 0),
        callsign=np.array([f"MU{i:05d}" if neutral else "" for i, neutral in enumerate(civil)], "S8"),
    )


def covariances(sky: Sky, axes: FloatArray) -> FloatArray:
    """Return (n, 6, 6) covariances, three times as long along the course as across it."""
    count = len(sky)
    sin, cos = np.sin(sky.course_rad), np.cos(sky.course_rad)
    local = np.zeros((count, 3, 3))
    along, across = sky.sigma_m**2, (sky.sigma_m / 3.0) ** 2
    local[:, 0, 0] = along * sin**2 + across * cos**2
    local[:, 1, 1] = along * cos**2 + across * sin**2
    local[:, 0, 1] = local[:, 1, 0] = (along - across) * sin * cos
    local[:, 2, 2] = 60.0**2
    result = np.zeros((count, 6, 6))
    result[:, :3, :3] = axes.transpose(0, 2, 1) @ local @ axes
    result[:, 3:, 3:] = np.eye(3) * 4.0
    return result


def bearings_of(sky: Sky, at_ns: int) -> Bearings:
    """Return what a third of the arrays and every direction finder heard in the last half minute."""
    rows = [
        row
        for row, sensor in enumerate(sky.sensors)
        if sensor.kind is SensorKind.RF_DF or (sensor.kind is SensorKind.ACOUSTIC_ARRAY and row % 3 == 0)
    ]
    sensors = [sky.sensors[row] for row in rows]
    acoustic = np.array([sensor.kind is SensorKind.ACOUSTIC_ARRAY for sensor in sensors], bool)
    return Bearings.of(
        len(rows),
        sensor=rows,
        kind=[sensor.kind for sensor in sensors],
        at_ns=at_ns - (np.array(rows, np.int64) * 1_700_000_000) % 25_000_000_000,
        lat_deg=[sensor.lat_deg for sensor in sensors],
        lon_deg=[sensor.lon_deg for sensor in sensors],
        azimuth_rad=(np.array(rows) * 0.7) % (2 * np.pi),
        sigma_azimuth_rad=np.radians(np.where(acoustic, 2.0, 3.0)),
        reach_m=[sensor.range_max_m for sensor in sensors],
    )


def remote_tracks_of(sky: Sky, at_ns: int, *, count: int = 12) -> RemoteTracks:
    """Return the first tracks again, as somebody else tells them: four kilometres off and a little older."""
    own = tracks_of(sky, at_ns).mean[:count]
    count = len(own)
    return RemoteTracks.of(
        count,
        sensor=0,
        track_ref=[f"P-{i:03d}".encode() for i in range(count)],
        at_ns=at_ns - 3_000_000_000,
        received_ns=at_ns - 2_500_000_000,
        mean=own + np.array([4000.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
        sigma_position_m=150.0,
    )


def alerts_of(sky: Sky, tracks: Tracks) -> tuple[Alert, ...]:
    """Return one alert about the first suspect."""
    suspects = np.flatnonzero(sky.affiliation == Affiliation.SUSPECT)
    if len(suspects) == 0:
        return ()
    about = int(tracks.track_id[suspects[0]])
    return (Alert("a-1", AlertPriority.WARNING, sky.begun_ns, "New suspect", "Turned toward an asset", track_id=about),)


def status_of(
    sky: Sky,
    *,
    at_ns: int,
    domain: TruthDomain = TruthDomain.SIMULATION,
    replay: bool = False,
    phase: WallPhase = WallPhase.RUNNING,
) -> WallStatus:
    """Return the health of a wall that is well, but for one feed that is not."""
    heard = tuple(at_ns - (row % 40) * 700_000_000 if row % 3 == 0 else 0 for row in range(len(sky.sensors)))
    return WallStatus(
        name="made-up",
        version="0",
        truth_domain=domain,
        replay=replay,
        phase=phase,
        compiled=7 if phase is WallPhase.COMPILING else 21,
        to_compile=21,
        feeds=(
            FeedStatus("radars", "simulation://radars", FeedState.CONNECTED, 120_345, (), 3, 812.0, at_ns),
            FeedStatus("arrays", "simulation://arrays", FeedState.CONNECTED, 48_211, (), 0, 96.5, at_ns),
            FeedStatus(
                "receiver",
                "beast://127.0.0.1:30005",
                FeedState.LOST,
                9_120,
                (("checksum", 41), ("unknown downlink format", 3)),
                0,
                0.0,
                at_ns - 95_000_000_000,
                "connection refused; trying again in 8 s",
            ),
        ),
        latency_p50_ms=38.0,
        latency_p99_ms=141.0,
        journal="made-up.journal, 12 MB",
        heard_ns=heard,
    )
