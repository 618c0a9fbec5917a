"""Alerts about sensors that read wrong by more than they may, or differently than before."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from dronewall.model.biases import BiasState, SensorBias
from dronewall.model.picture import Alert, AlertPriority
from dronewall.registration.bias_state import Beliefs
from dronewall.registration.errors_declared import SensorColumns

SURE = 4.0
"""Sigmas beyond which an error is no accident of the estimate."""
TIME_S = 0.1
"""No sensor declares how late it may be; at 250 m/s this is 25 m."""
_ENDS_AT = 0.8


def bias_alerts(
    told: Sequence[SensorBias], beliefs: Beliefs, declared: SensorColumns, rows: Sequence[int]
) -> tuple[Alert, ...]:
    """Return one alert for each sensor whose errors exceed what it declares as its random ones, or that moved so far.

    `rows` are the sensors' in the register, in the order of `told`.
    """
    return ()
