"""What an aircraft's claims of accuracy mean, as radii in metres.

NACp is the 95 % radius of the horizontal error, NIC a radius that the position is in with near certainty, as DO-260B
(ED-102A) defines them.
"""

from __future__ import annotations

RADIUS_OF_NACP_M = {
    11: 3.0, 10: 10.0, 9: 30.0, 8: 92.6, 7: 185.2, 6: 555.6, 5: 926.0, 4: 1_852.0, 3: 3_704.0, 2: 7_408.0, 1: 18_520.0,
}  # fmt: skip
RADIUS_OF_NIC_M = {
    11: 7.5, 10: 25.0, 9: 75.0, 8: 185.2, 7: 370.4, 6: 926.0, 5: 1_852.0, 4: 3_704.0, 3: 7_408.0,
    2: 14_816.0, 1: 37_040.0,
}  # fmt: skip
AXIS_SIGMAS_OF_95_PERCENT = 2.448
"""An error spread evenly over two axes lies within so many sigmas in 95 of 100 cases."""
