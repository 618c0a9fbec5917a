"""Tracking: what moves. Observations start and update tracks; tracks are confirmed, coast and are dropped.

Read `tracker` first; the kernels beside it are one subject each.
"""
