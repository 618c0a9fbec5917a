#!/usr/bin/env python
"""Build src/dronewall/geodesy/egm96.npz from the EGM96 15-minute grid in Debian's `proj-data`.

usage: apt-get download proj-data && dpkg-deb -x proj-data_*.deb DIR
       scripts/build_geoid.py DIR/usr/share/proj/egm96_15.gtx

EGM96 was computed by NIMA and NASA GSFC, works of the United States government in the public domain. The result holds
undulations in centimetres: Europe at 0.25 degrees, the world at 1 degree. NOTICE names the source.
"""

import struct
import sys
from pathlib import Path

import numpy as np

TARGET = Path(__file__).parent.parent / "src/dronewall/geodesy/egm96.npz"


def gtx_grid(path: Path) -> np.ndarray:
    """Return the world grid (721, 1440) in m, rows from the south pole, columns from 180 degrees west."""
    raw = path.read_bytes()
    lat0, lon0, dlat, dlon, rows, columns = struct.unpack(">4d2i", raw[:40])
    if (lat0, lon0, dlat, dlon, rows, columns) != (-90.0, -180.0, 0.25, 0.25, 721, 1440):
        sys.exit(f"{path} is not the EGM96 15-minute grid: {lat0, lon0, dlat, dlon, rows, columns}")
    return np.frombuffer(raw, ">f4", rows * columns, 40).reshape(rows, columns)


def main() -> None:
    """Cut, round to centimetres, write."""
    grid = gtx_grid(Path(sys.argv[1]))
    centimetres = np.round(grid * 100).astype("<i2")
    wrapped = np.concatenate([centimetres, centimetres[:, :1]], axis=1)
    south, north, west, east = 30, 75, -30, 65
    np.savez_compressed(
        TARGET,
        world=wrapped[::4, ::4],
        europe=centimetres[(south + 90) * 4 : (north + 90) * 4 + 1, (west + 180) * 4 : (east + 180) * 4 + 1],
        europe_origin=np.array([south, west], "<i2"),
    )
    print(f"{TARGET}: {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
