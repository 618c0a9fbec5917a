"""Alerts about sensors that read wrong by more than they may, or differently than before."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dronewall.model.biases import BiasSource, BiasState, BiasValues, SensorBias
from dronewall.model.picture import Alert, AlertPriority
from dronewall.registration.bias_model import AZIMUTH, ELEVATION, PRIOR, RANGE, TIME
from dronewall.registration.bias_state import Held

FloatArray = NDArray[np.float64]

SURE = 4.0
"""Sigmas beyond which an error is no accident of the estimate."""
TIME_S = 0.1
"""No sensor declares how late it may be; at 250 m/s this is 25 m."""
ENDS_AT = 0.8
"""An alert ends when the error has fallen to this part of what raised it: it does not come and go at the edge."""
LOOKED_AT = [RANGE, AZIMUTH, ELEVATION, TIME]


def keep_watch(held: Held, slot: int, state: BiasState, allowed: FloatArray, *, now_ns: int) -> None:
    """Let troubles of one sensor begin and end.

    Args:
        held: what is held of the sensors; its alerts are changed in place.
        slot: the sensor.
        state: what its references say.
        allowed: (4,) errors of range m, azimuth rad, elevation rad and time s that raise no alert.
        now_ns: the step's instant.
    """
    b = held
    variance, before = np.diag(b.whole[slot]), np.diag(b.at_first_covariance[slot])
    away = b.estimate[slot] - b.at_first[slot]
    disputed = state is BiasState.DISPUTED
    large = _beyond(b.estimate[slot], variance, allowed, standing=b.trouble_ns[slot] > 0)
    moved = _beyond(away, variance + before, allowed, standing=b.moved_ns[slot] > 0)
    for since_ns, trouble in (
        (b.disputed_ns, disputed),
        (b.trouble_ns, b.known[slot] and large),
        (b.moved_ns, b.known[slot] and b.first_ns[slot] > 0 and moved),
    ):
        since_ns[slot] = (since_ns[slot] or now_ns) if trouble else 0


def _beyond(value: FloatArray, variance: FloatArray, allowed: FloatArray, *, standing: bool) -> bool:
    size = np.abs(value[LOOKED_AT])
    most = allowed / PRIOR[LOOKED_AT] * (ENDS_AT if standing else 1.0)
    return bool(np.any((size > most) & (size > SURE * np.sqrt(variance[LOOKED_AT]))))


def bias_alerts(told: Sequence[SensorBias], held: Held) -> tuple[Alert, ...]:
    """Return the alerts that stand: of errors larger than allowed, of such that moved, of references that quarrel."""
    b = held
    alerts = []
    for slot in np.flatnonzero((b.trouble_ns > 0) | (b.moved_ns > 0) | (b.disputed_ns > 0)).tolist():
        bias = told[slot]
        if b.trouble_ns[slot]:
            detail = f"its plots are corrected, as {agreeing(bias)} agree"
            alerts.append(_alert("bias", bias, int(b.trouble_ns[slot]), f"reads {spoken(bias.estimate)}", detail))
        if b.moved_ns[slot]:
            detail = f"now it reads {spoken(bias.estimate)}; what is corrected follows it"
            alerts.append(_alert("drift", bias, int(b.moved_ns[slot]), f"has moved by {spoken(bias.moved)}", detail))
        if b.disputed_ns[slot]:
            title = f"and {bias.left_out} trusted aircraft contradict each other"
            detail = "either it changed, or their positions are false; nothing is learned from them"
            alerts.append(_alert("references", bias, int(b.disputed_ns[slot]), title, detail))
    return tuple(alerts)


def agreeing(bias: SensorBias) -> str:
    """Return who an estimate comes from, as people say it."""
    said = []
    if bias.references and bias.source is not BiasSource.COMMON_TRACKS:
        said.append(f"{bias.references} aircraft")
    if bias.partners:
        said.append(f"{bias.partners} sensor{'s' if bias.partners > 1 else ''} that see the same objects")
    return " and ".join(said) or "those that it was compared with"


def spoken(values: BiasValues) -> str:
    """Return steady errors as people say them: range, azimuth, elevation and time."""
    azimuth, elevation = math.degrees(values.azimuth_rad), math.degrees(values.elevation_rad)
    return (
        f"{values.range_m:+.0f} m, {azimuth:+.2f}° in azimuth, {elevation:+.2f}° in elevation, {values.time_s:+.2f} s"
    )


def _alert(kind: str, bias: SensorBias, since_ns: int, says: str, detail: str) -> Alert:
    who = bias.sensor_id
    return Alert(f"{kind}:{who}", AlertPriority.WARNING, since_ns, f"{who} {says}", detail, sensor_id=who)
