"""Steady errors of a radar: which there are, how large they may be, how fast they wander; and of the references.

Estimates are kept in units of these priors, so that every unknown begins as N(0, 1). The last two unknowns are not the
sensor's: they are how far pressure altitude stands from geometric height around it, which must not be taken for an
error of elevation.

These values are compiled into every `@kernel` that uses them; naming it makes this file count among theirs.

Source:
    Bar-Shalom, Li, Kirubarajan, Estimation with Applications to Tracking and Navigation (2001), for the information
    form. The sizes are engineering judgement: alignment to north within half a degree, range clocks and the air's
    refractive index within some 1e-4, sites by satellite navigation.
"""

from __future__ import annotations

import numpy as np

from dronewall.model.sensors import SensorKind

RANGE, GAIN, AZIMUTH, ELEVATION, TILT_EAST, TILT_NORTH, TIME, SITE_EAST, SITE_NORTH, HEIGHT, HEIGHT_GAIN = range(11)
UNKNOWNS = 11
OWN = 9
"""So many of the unknowns are the sensor's own."""
PRIOR = np.array(
    [
        100.0,
        1e-4,
        np.radians(0.5),
        np.radians(0.3),
        np.radians(0.05),
        np.radians(0.05),
        0.4,
        5.0,
        5.0,
        150.0,
        0.03,
    ]
)
"""1-σ before anything is known: m, part, rad, rad, rad, rad, s, m, m, m, part of height."""
WANDER = np.array([0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.0, 0.0, 0.4, 0.4])
"""How far each wanders in an hour unwatched, in units of its prior: a random walk, drawn back to the prior."""

REGISTERED = (SensorKind.RADAR_3D, SensorKind.RADAR_2D, SensorKind.SSR)
"""Kinds that measure range and azimuth from a fixed site."""

LATENCY_S = 0.05
"""1-σ of what one aircraft's reports are late or early all the time; encoders may leave up to 0.2 s uncompensated."""
SLOW_PART = 0.5
"""Share of an aircraft's own position error that stays for minutes; satellite errors change slowly."""
ALTIMETER_M = 30.0
"""1-σ of one aircraft's altimeter beside the day's pressure."""
MANOEUVRE_MPS2 = 3.0
"""A reference carried on by its velocity is off by this acceleration."""
