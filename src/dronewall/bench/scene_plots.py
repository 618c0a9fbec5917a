"""What the made-up sky of `live_scene` reports, as plots: for measurements that need no socket."""

from __future__ import annotations

import numpy as np

from dronewall.bench.live_scene import Hits
from dronewall.engine.clock import NS_PER_S
from dronewall.model.plots import Plots
from dronewall.model.sensors import Sensors

BEGUN_NS = 1_700_000_000 * NS_PER_S


def plots_of(hits: Hits, sensors: Sensors, received_ns: int) -> Plots:
    """Return reports as plots that were all received at one instant, ns UTC."""
    return Plots.of(
        len(hits.radar),
        sensor=hits.radar.astype(np.int32),
        at_ns=BEGUN_NS + (hits.at_s * NS_PER_S).astype(np.int64),
        received_ns=received_ns,
        range_m=hits.range_m,
        azimuth_rad=hits.azimuth_rad,
        elevation_rad=hits.elevation_rad,
        sensor_ids=tuple(sensor.sensor_id for sensor in sensors),
    )
