"""The registrar: places every plot in the common time and frame, with its uncertainty, or says why it cannot."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dronewall.geodesy.altitude import hae_from_altitude
from dronewall.geodesy.wgs84 import ecef_from_geodetic, enu_axes, enu_from_spherical, geodetic_from_ecef
from dronewall.model.observations import ObservationKind, Observations
from dronewall.model.plots import Datum, Plots
from dronewall.model.sensors import Sensor, SensorKind, Sensors
from dronewall.model.tracks import RemoteTracks
from dronewall.registration.bistatic import Bistatic, covariance_through
from dronewall.registration.errors_claimed import sigma_claimed_m
from dronewall.registration.errors_declared import LEAST, MOST, SensorColumns, sensor_columns, sigma_of
from dronewall.registration.faults import PLACEABLE, counted, faults_of
from dronewall.registration.plot_sites import lit_up, picked, sites_of, transmitters_of
from dronewall.registration.remote_covariance import remote_covariances

FloatArray = NDArray[np.float64]
Rows = NDArray[np.intp]

UNKNOWN_HEIGHT_M, UNKNOWN_HEIGHT_SIGMA_M = 1500.0, 2000.0
"""Where height was not measured: most of what a low-level wall looks for lies here, and the sigma admits the rest."""
UNKNOWN_SLOPE, UNKNOWN_SLOPE_SIGMA = 0.2, 0.25
"""The same near a radar, whose beam does not reach far up: height over range."""
REPEATED_GUESS = 4.0
"""A guess is no news when it comes again with each plot: its sigma as a reading is so many times wider."""
PRESSURE_FLOOR_M = 100.0
"""A day's pressure error does not average out, however many reports repeat it."""
FASTEST_MPS = 4_000.0
"""A velocity beyond this is not measured but garbled; the rest of the plot may still be sound."""


@dataclass(frozen=True, slots=True, eq=False)
class Registered:
    """What became of a batch: observations, tracks of others, and the plots left out, counted by sensor and reason."""

    observations: Observations
    remote_tracks: RemoteTracks
    unplaceable: tuple[tuple[str, str, int], ...]


NOTHING = Registered(Observations.empty(), RemoteTracks.empty(), ())


class Registrar:
    """Places plots by the register of sensors."""

    def __init__(self, sensors: Sensors) -> None:
        self.sensors = sensors
        self._columns = sensor_columns(sensors)

    def learn(self, sensors: Iterable[Sensor]) -> None:
        """Add sensors to the register; those known already keep their first word."""
        self.sensors = self.sensors.joined_by(sensors)
        self._columns = sensor_columns(self.sensors)

    def register(self, plots: Plots, *, now_ns: int) -> Registered:
        """Return the plots as observations and remote tracks, in the order received."""
        if not len(plots):
            return NOTHING
        rows = np.array([self.sensors.row_of(sensor_id) for sensor_id in plots.sensor_ids], np.int32)
        sensor = rows[plots.sensor] if len(plots) else np.empty(0, np.int32)
        fault = faults_of(plots, sensor, self._columns, now_ns)
        sound = fault == PLACEABLE
        told = sound & self._columns.delivers_tracks[np.maximum(sensor, 0)] if len(self.sensors) else sound & False
        remote = np.flatnonzero(told & np.isfinite(plots.lat_deg))
        return Registered(
            observations=_observations(plots, sensor, self._columns, np.flatnonzero(sound & ~told)),
            remote_tracks=_remote_tracks(plots, sensor, self._columns, remote),
            unplaceable=counted(plots, fault),
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Draft:
    """The columns of observations that depend on what was measured, while they are filled in kind by kind."""

    z: FloatArray
    noise: FloatArray
    place: FloatArray
    spread: FloatArray
    floor_m: FloatArray
    velocity: FloatArray
    transmitter: FloatArray

    @classmethod
    def of(cls, count: int) -> _Draft:
        return cls(
            z=np.full((count, 3), np.nan),
            noise=np.zeros((count, 3, 3)),
            place=np.full((count, 3), np.nan),
            spread=np.full((count, 3, 3), np.nan),
            floor_m=np.zeros(count),
            velocity=np.full((count, 3), np.nan),
            transmitter=np.full((count, 3), np.nan),
        )


def _observations(plots: Plots, sensor: NDArray[np.int32], columns: SensorColumns, rows: Rows) -> Observations:
    """Return the placeable plots `rows` as observations."""
    p, s = picked(plots, rows), sensor[rows]
    count = len(p)
    site, axes, pose_spread = sites_of(p, s, columns)
    positioned = np.isfinite(p.lat_deg) & np.isfinite(p.lon_deg)
    measured = ~positioned & np.isfinite(p.range_m) & np.isfinite(p.azimuth_rad)
    summed = ~positioned & ~np.isfinite(p.range_m) & np.isfinite(p.range_sum_m) & lit_up(p)
    lit = summed & np.isfinite(p.azimuth_rad)
    ranged = measured | lit
    directed = ~positioned & ~ranged & np.isfinite(p.azimuth_rad)
    raised = ranged & np.isfinite(p.elevation_rad)
    present = (columns.kind[s] == SensorKind.ACOUSTIC_PRESENCE) & ~(positioned | ranged | directed | summed)
    acoustic = np.isin(columns.kind[s], (SensorKind.ACOUSTIC_ARRAY, SensorKind.ACOUSTIC_PRESENCE))
    kind = np.select(
        [positioned, raised, ranged, directed & acoustic, directed, summed, present & ~p.empty_scan],
        [
            ObservationKind.POSITION,
            ObservationKind.RANGE_AZIMUTH_ELEVATION,
            ObservationKind.RANGE_AZIMUTH_ALTITUDE,
            ObservationKind.SOUND_DIRECTION,
            ObservationKind.DIRECTION,
            ObservationKind.RANGE_SUM,
            ObservationKind.PRESENCE,
        ],
        ObservationKind.NOTHING,
    ).astype(np.uint8)
    draft = _Draft.of(count)
    _place_positions(p, s, columns, np.flatnonzero(positioned), draft)
    _place_ranges(p, s, columns, site, axes, np.flatnonzero(measured), kind, draft)
    _place_sums(p, s, columns, site, axes, np.flatnonzero(lit), kind, draft)
    _place_directions(p, s, columns, np.flatnonzero(directed), draft)
    posed = np.flatnonzero(ranged & np.any(pose_spread > 0.0, axis=1))
    distance_m = np.linalg.norm(draft.place[posed] - site[posed], axis=1)
    draft.noise[posed] += _noise_of_pose(pose_spread[posed], distance_m)
    if summed.any():
        _place_bare_sums(p, s, columns, pose_spread, np.flatnonzero(summed), lit, draft)
    rate = np.where(summed, p.range_rate_sum_mps, np.where(ranged, p.range_rate_mps, np.nan))
    fastest = np.where(summed, 2.0, 1.0) * FASTEST_MPS
    return Observations(
        plot=rows.astype(np.int32),
        sensor=s.astype(np.int32),
        kind=kind,
        at_ns=p.at_ns.copy(),
        scan=p.scan.copy(),
        scan_end=p.scan_end | p.empty_scan,
        site=site,
        transmitter=draft.transmitter,
        z=draft.z,
        noise=draft.noise,
        place=draft.place,
        spread=draft.spread,
        floor_m=draft.floor_m,
        # What moves under a platform of unknown velocity says nothing of the object's.
        range_rate_mps=np.where((np.abs(rate) < fastest) & ~np.isfinite(p.pose_lat_deg), rate, np.nan),
        sigma_range_rate_mps=sigma_of(p.sigma_range_rate_mps, columns.range_rate_mps[s], "range_rate_mps"),
        velocity=draft.velocity,
        sigma_velocity_mps=sigma_of(p.sigma_velocity_mps, columns.velocity_mps[s], "velocity_mps"),
        icao24=p.icao24.copy(),
        callsign=p.callsign.copy(),
        squawk=p.squawk.copy(),
        uas_id=p.uas_id.copy(),
        classes=p.classes.copy(),
    )


def _noise_of_pose(pose_spread: FloatArray, range_m: FloatArray) -> FloatArray:
    """Return what a moving platform's pose errors add to the covariance of range, azimuth, elevation."""
    extra = np.zeros((len(pose_spread), 3, 3))
    across = pose_spread[:, 0] / np.maximum(range_m, 1.0) ** 2
    extra[:, 0, 0] = pose_spread[:, 0]
    extra[:, 1, 1] = across + pose_spread[:, 1]
    extra[:, 2, 2] = np.where(pose_spread[:, 0] > 0, across, 0.0)
    return extra


def _heights(p: Plots, lat_deg: FloatArray, lon_deg: FloatArray, sigma_m: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return heights above the ellipsoid and their 1-σ; where none was measured, the honest unknown."""
    hae, datum_sigma = hae_from_altitude(p.altitude_m, p.altitude_datum, lat_deg, lon_deg)
    known = np.isfinite(hae)
    return (
        np.where(known, hae, UNKNOWN_HEIGHT_M),
        np.where(known, np.hypot(sigma_m, np.nan_to_num(datum_sigma)), UNKNOWN_HEIGHT_SIGMA_M),
    )


def _floors(p: Plots) -> FloatArray:
    return np.where(p.altitude_datum == Datum.PRESSURE, PRESSURE_FLOOR_M, 0.0)


def _place_positions(p: Plots, s: NDArray[np.int32], columns: SensorColumns, at: Rows, draft: _Draft) -> None:
    """Fill in the rows `at`, whose plots say where the object is."""
    if not len(at):
        return
    q, sensor = picked(p, at), s[at]
    hae, sigma_up = _heights(
        q, q.lat_deg, q.lon_deg, sigma_of(q.sigma_altitude_m, columns.altitude_m[sensor], "altitude_m")
    )
    claimed = np.maximum(sigma_claimed_m(q.nacp, q.nic), columns.position_declared_m[sensor])
    known = np.where(np.isfinite(claimed), claimed, columns.position_m[sensor])
    sigma = sigma_of(q.sigma_position_m, known, "position_m")
    enu = np.zeros((len(at), 3, 3))
    enu[:, 0, 0] = enu[:, 1, 1] = sigma**2
    enu[:, 2, 2] = sigma_up**2
    stated, covariance = _stated_covariance(q)
    enu[stated] = covariance
    axes = enu_axes(q.lat_deg, q.lon_deg)
    draft.z[at] = draft.place[at] = ecef_from_geodetic(q.lat_deg, q.lon_deg, hae)
    draft.noise[at] = draft.spread[at] = np.einsum("nki,nkl,nlj->nij", axes, enu, axes)
    draft.floor_m[at] = _floors(q)
    enu_mps = np.stack([q.velocity_east_mps, q.velocity_north_mps, np.nan_to_num(q.velocity_up_mps)], axis=1)
    velocity = np.einsum("nji,nj->ni", axes, enu_mps)
    draft.velocity[at] = np.where((np.linalg.norm(velocity, axis=1) < FASTEST_MPS)[:, None], velocity, np.nan)


def _stated_covariance(p: Plots) -> tuple[Rows, FloatArray]:
    """Return the rows whose sender stated a covariance of position that can be one, and those covariances (k, 3, 3)."""
    cells = {(0, 0): 0, (0, 1): 1, (0, 2): 2, (1, 1): 6, (1, 2): 7, (2, 2): 11}
    rows = np.flatnonzero(np.all(np.isfinite(p.covariance[:, list(cells.values())]), axis=1))
    covariance = np.zeros((len(rows), 3, 3))
    for (i, j), cell in cells.items():
        covariance[:, i, j] = covariance[:, j, i] = p.covariance[rows, cell]
    variances = np.linalg.eigvalsh(covariance)
    sound = (variances[:, 0] > LEAST["position_m"] ** 2) & (variances[:, 2] < MOST["position_m"] ** 2)
    return rows[sound], covariance[sound]


def _place_ranges(
    p: Plots,
    s: NDArray[np.int32],
    columns: SensorColumns,
    site: FloatArray,
    axes: FloatArray,
    at: Rows,
    kind: NDArray[np.uint8],
    draft: _Draft,
) -> None:
    """Fill in the rows `at`, whose plots give range and azimuth, and elevation or altitude or neither."""
    if not len(at):
        return
    q, sensor, here, turn = picked(p, at), s[at], site[at], axes[at]
    sigma_r = sigma_of(q.sigma_range_m, columns.range_m[sensor], "range_m")
    sigma_a = sigma_of(q.sigma_azimuth_rad, columns.azimuth_rad[sensor], "azimuth_deg")
    sigma_e = sigma_of(q.sigma_elevation_rad, columns.elevation_rad[sensor], "elevation_deg")
    raised = kind[at] == ObservationKind.RANGE_AZIMUTH_ELEVATION
    lat, lon, site_hae = geodetic_from_ecef(here)
    hae, sigma_h = _heights(q, lat, lon, sigma_of(q.sigma_altitude_m, columns.altitude_m[sensor], "altitude_m"))
    guessed = (q.altitude_datum == Datum.ABSENT) | ~np.isfinite(q.altitude_m)
    hae = np.where(guessed, np.minimum(UNKNOWN_HEIGHT_M, site_hae + UNKNOWN_SLOPE * q.range_m), hae)
    sigma_h = np.where(guessed, np.minimum(UNKNOWN_HEIGHT_SIGMA_M, UNKNOWN_SLOPE_SIGMA * q.range_m), sigma_h)
    sigma_read = np.where(guessed, REPEATED_GUESS * sigma_h, sigma_h)
    elevation = np.where(raised, q.elevation_rad, _elevation_of_height(q.range_m, hae, here, site_hae))
    draft.z[at, 0], draft.z[at, 1] = q.range_m, q.azimuth_rad
    draft.z[at, 2] = np.where(raised, q.elevation_rad, hae)
    draft.noise[at, 0, 0], draft.noise[at, 1, 1] = sigma_r**2, sigma_a**2
    draft.noise[at, 2, 2] = np.where(raised, sigma_e**2, sigma_read**2)
    draft.place[at] = here + np.einsum("nji,nj->ni", turn, enu_from_spherical(q.range_m, q.azimuth_rad, elevation))
    across_e = np.where(raised, q.range_m * sigma_e, sigma_h)
    draft.spread[at] = _spherical_spread(turn, q.azimuth_rad, elevation, sigma_r, q.range_m * sigma_a, across_e)
    draft.floor_m[at] = np.where(raised, 0.0, _floors(q))


def _place_sums(
    p: Plots,
    s: NDArray[np.int32],
    columns: SensorColumns,
    site: FloatArray,
    axes: FloatArray,
    at: Rows,
    kind: NDArray[np.uint8],
    draft: _Draft,
) -> None:
    """Fill in the rows `at`, whose plots give a range sum and azimuth, and elevation or not."""
    if not len(at):
        return
    q, sensor, here, turn = picked(p, at), s[at], site[at], axes[at]
    raised = kind[at] == ObservationKind.RANGE_AZIMUTH_ELEVATION
    site_hae = geodetic_from_ecef(here)[2]

    def elevation_of(range_m: FloatArray, third: FloatArray) -> FloatArray:
        return np.where(raised, third, _elevation_of_height(range_m, third, here, site_hae))

    pair = Bistatic(here, turn, np.einsum("nij,nj->ni", turn, transmitters_of(q) - here), elevation_of)
    level_m = pair.range_m(q.range_sum_m, q.azimuth_rad, np.zeros(len(at)))
    guess = np.minimum(UNKNOWN_HEIGHT_M, site_hae + UNKNOWN_SLOPE * level_m)
    sigma_h = np.minimum(UNKNOWN_HEIGHT_SIGMA_M, UNKNOWN_SLOPE_SIGMA * level_m)
    sigma_e = sigma_of(q.sigma_elevation_rad, columns.elevation_rad[sensor], "elevation_deg")
    sigma_s = sigma_of(q.sigma_range_m, columns.range_m[sensor], "range_m")
    sigma_a = sigma_of(q.sigma_azimuth_rad, columns.azimuth_rad[sensor], "azimuth_deg")
    measured = np.stack([q.range_sum_m, q.azimuth_rad, np.where(raised, q.elevation_rad, guess)], axis=1)
    once = np.stack([sigma_s, sigma_a, np.where(raised, sigma_e, sigma_h)], axis=1)
    again = np.stack([sigma_s, sigma_a, np.where(raised, sigma_e, REPEATED_GUESS * sigma_h)], axis=1)
    draft.z[at], draft.noise[at] = measured, again[:, :, None] ** 2 * np.eye(3)
    draft.place[at], draft.spread[at] = pair.place(measured), covariance_through(pair.place, measured, once)


def _place_bare_sums(
    p: Plots,
    s: NDArray[np.int32],
    columns: SensorColumns,
    pose_spread: FloatArray,
    at: Rows,
    lit: NDArray[np.bool_],
    draft: _Draft,
) -> None:
    """Fill in where the transmitters of the rows `at` stand, and the sums of those that are not `lit` by an azimuth."""
    draft.transmitter[at] = transmitters_of(picked(p, at))
    alone = at[~lit[at]]
    sigma_s = sigma_of(p.sigma_range_m[alone], columns.range_m[s[alone]], "range_m")
    draft.z[alone, 0] = p.range_sum_m[alone]
    draft.noise[alone, 0, 0] = sigma_s**2 + pose_spread[alone, 0]


def _elevation_of_height(range_m: FloatArray, hae: FloatArray, site: FloatArray, site_hae: FloatArray) -> FloatArray:
    """Return the elevation at which a slant range reaches a height, on the sphere through the site.

    The law of cosines in the triangle earth's centre, site, object; clipped where the range cannot reach the height.
    """
    radius = np.linalg.norm(site, axis=1)
    aloft = radius + (hae - site_hae)
    sine = (aloft**2 - radius**2 - range_m**2) / (2.0 * radius * range_m)
    return np.arcsin(np.clip(sine, -0.2, 1.0))


def _spherical_spread(
    turn: FloatArray,
    azimuth: FloatArray,
    elevation: FloatArray,
    along: FloatArray,
    cross: FloatArray,
    above: FloatArray,
) -> FloatArray:
    """Return ECEF covariances (n, 3, 3) of 1-σ along the line of sight, across it level, and across it upright."""
    ce, se, ca, sa = np.cos(elevation), np.sin(elevation), np.cos(azimuth), np.sin(azimuth)
    zero = np.zeros_like(ce)
    rays = np.stack(
        [np.stack([ce * sa, ce * ca, se], -1), np.stack([ca, -sa, zero], -1), np.stack([-se * sa, -se * ca, ce], -1)], 1
    )
    scaled = np.einsum("nki,nij->nkj", rays, turn) * np.stack([along, cross, above], axis=1)[:, :, None]
    return np.asarray(np.einsum("nki,nkj->nij", scaled, scaled), float)


def _place_directions(p: Plots, s: NDArray[np.int32], columns: SensorColumns, at: Rows, draft: _Draft) -> None:
    """Fill in the rows `at`, whose plots give a direction only."""
    if not len(at):
        return
    q, sensor = picked(p, at), s[at]
    draft.z[at, 0], draft.z[at, 1] = q.azimuth_rad, q.elevation_rad
    draft.noise[at, 0, 0] = sigma_of(q.sigma_azimuth_rad, columns.azimuth_rad[sensor], "azimuth_deg") ** 2
    draft.noise[at, 1, 1] = sigma_of(q.sigma_elevation_rad, columns.elevation_rad[sensor], "elevation_deg") ** 2
    heading = np.nan_to_num(q.pose_sigma_heading_rad)
    draft.noise[at, 0, 0] += heading**2


def _remote_tracks(plots: Plots, sensor: NDArray[np.int32], columns: SensorColumns, rows: Rows) -> RemoteTracks:
    """Return what sources that deliver tracks said, as remote tracks."""
    if not len(rows):
        return NOTHING.remote_tracks
    p, s = picked(plots, rows), sensor[rows]
    hae, sigma_up = _heights(p, p.lat_deg, p.lon_deg, sigma_of(p.sigma_altitude_m, columns.altitude_m[s], "altitude_m"))
    velocity = np.stack([p.velocity_east_mps, p.velocity_north_mps, np.nan_to_num(p.velocity_up_mps)], axis=1)
    axes = enu_axes(p.lat_deg, p.lon_deg)
    mean = np.concatenate(
        [ecef_from_geodetic(p.lat_deg, p.lon_deg, hae), np.einsum("nji,nj->ni", axes, velocity)], axis=1
    )
    return RemoteTracks(
        sensor=s.astype(np.int32),
        track_ref=p.track_ref.copy(),
        at_ns=p.at_ns.copy(),
        received_ns=p.received_ns.copy(),
        mean=mean,
        sigma_position_m=sigma_of(p.sigma_position_m, columns.position_m[s], "position_m"),
        sigma_altitude_m=sigma_up,
        sigma_velocity_mps=sigma_of(p.sigma_velocity_mps, columns.velocity_mps[s], "velocity_mps"),
        covariance=remote_covariances(
            p.covariance, axes, heights_known=np.isfinite(p.altitude_m) & (p.altitude_datum != Datum.ABSENT)
        ),
        icao24=p.icao24.copy(),
        callsign=p.callsign.copy(),
        classes=p.classes.copy(),
        track_id=np.full(len(p), -1, np.int64),
    )
