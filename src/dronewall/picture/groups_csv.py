"""`groups.csv`: every group at a sample instant, with how many objects it holds, for other people's programs."""

from __future__ import annotations

import numpy as np

from dronewall.geodesy.wgs84 import enu_axes, geodetic_from_ecef
from dronewall.model.picture import Picture

HEADER = "at_ns,group_id,lat_deg,lon_deg,hae_m,ve_mps,vn_mps,vu_mps,members,count,count_low,count_high\n"


def rows(picture: Picture) -> str:
    """Return the lines of one sample, each with its end, in the order of `HEADER`."""
    groups = picture.groups
    lat_deg, lon_deg, hae_m = geodetic_from_ecef(groups.mean[:, :3])
    velocity = np.einsum("nij,nj->ni", enu_axes(lat_deg, lon_deg), groups.mean[:, 3:])
    lines = []
    for row in range(len(groups)):
        place = f"{lat_deg[row]:.8f},{lon_deg[row]:.8f},{hae_m[row]:.2f}"
        speed = ",".join(f"{part:.3f}" for part in velocity[row])
        held = f"{groups.members[row]},{groups.count[row]},{groups.count_low[row]},{groups.count_high[row]}"
        lines.append(f"{picture.at_ns},{groups.group_id[row]},{place},{speed},{held}\n")
    return "".join(lines)
