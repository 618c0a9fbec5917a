"""Frames on the WGS84 ellipsoid: geodetic, ECEF, local ENU; altitude datums; lines of sight. Pure.

`wgs84` works on whole columns in NumPy; `kernels` holds the same formulas as scalars for numba.
"""
