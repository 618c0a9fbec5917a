"""How large a position's error is by the object's own word: a claim, believed only where nobody knows better."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dronewall.model.accuracy import AXIS_SIGMAS_OF_95_PERCENT, RADIUS_OF_NACP_M, RADIUS_OF_NIC_M

CODES = 16


def _table(radii: dict[int, float]) -> NDArray[np.float64]:
    return np.array([radii.get(code, np.nan) for code in range(CODES)])


_OF_NACP, _OF_NIC = _table(RADIUS_OF_NACP_M), _table(RADIUS_OF_NIC_M)


def sigma_claimed_m(nacp: NDArray[np.int8], nic: NDArray[np.int8]) -> NDArray[np.float64]:
    """Return the 1-σ (n,) per horizontal axis that NACp, else NIC, claims; NaN where neither says anything.

    A NIC's radius is read as if it were a 95 % one, which is wide: it bounds the error rather than measures it.
    """
    radius_m = np.where(np.isfinite(_said(nacp, _OF_NACP)), _said(nacp, _OF_NACP), _said(nic, _OF_NIC))
    return np.asarray(radius_m / AXIS_SIGMAS_OF_95_PERCENT)


def _said(code: NDArray[np.int8], radii: NDArray[np.float64]) -> NDArray[np.float64]:
    return radii[np.where((code >= 0) & (code < CODES), code, 0)]
