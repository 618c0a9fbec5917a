"""Scenes for measuring a tracker: seeded, on the ellipsoid, in the files that people exchange."""
