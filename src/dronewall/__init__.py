"""dronewall: one identified air picture from every sensor, with honest uncertainty.

Start at `dronewall.pipeline`: it tells the whole flow on one page.
"""

__version__ = "0.1.0"
