"""`dronewall bench tracking`: the tracker beside the best peer and beside what physics allows, on one set of plots."""
