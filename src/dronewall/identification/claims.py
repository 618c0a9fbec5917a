"""A first identity from what objects say of themselves, held against what independent sensors see.

A civil transponder that speaks for a while makes a track NEUTRAL, for as long as it speaks; everything else stays
UNKNOWN. A claim is bound to the place it was made at: it reaches a track only through a position that the tracker
associated with it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dronewall.model.identity import Affiliation, Identities, Identity
from dronewall.model.plots import ObjectClass
from dronewall.model.sensors import SensorKind
from dronewall.model.tracks import Tracks

CLAIM_FRESH_S = 60.0
"""A transponder silent for longer no longer speaks for the track."""
CLAIM_STEADY_S = 5.0
"""A claim must have been repeated for so long before it counts."""
CONFIRMING_S = 30.0
"""An independent sensor that saw the object within so long confirms that something is where the claim says."""
EMERGENCIES = {7500: "unlawful interference", 7600: "radio failure", 7700: "emergency"}
CLAIMED_AEROPLANE_P = 0.9
"""Most of what carries a transponder is a crewed aeroplane; the rest keeps its share until a sensor says more."""

_INDEPENDENT = [kind for kind in SensorKind if not kind.cooperative and kind is not SensorKind.ACOUSTIC_PRESENCE]
"""A microphone without direction hears that something is there, not that it is where it says."""


def identify(tracks: Tracks, *, now_ns: int) -> Identities:
    """Return each track's affiliation and likeliest class at `now_ns`."""
    speaks = _speaks(tracks, now_ns)
    probability = tracks.classes
    likeliest = probability.argmax(axis=1) if len(tracks) else np.empty(0, np.int64)
    class_p = probability.max(axis=1, initial=0.0)
    unsaid = class_p <= 0.0
    return Identities(
        track_id=tracks.track_id.copy(),
        affiliation=np.where(speaks, Affiliation.NEUTRAL, Affiliation.UNKNOWN).astype(np.uint8),
        object_class=np.select([~unsaid, speaks], [likeliest, ObjectClass.AEROPLANE], ObjectClass.UNKNOWN).astype(
            np.uint8
        ),
        class_p=np.select([~unsaid, speaks], [class_p, CLAIMED_AEROPLANE_P], 0.0).astype(np.float32),
    )


def explain(tracks: Tracks, row: int, *, now_ns: int) -> Identity:
    """Return one track's identity with its evidence for and against, in words."""
    address = int(tracks.icao24[row])
    if address == 0:
        return Identity(
            Affiliation.UNKNOWN,
            evidence_for=("nothing claims an identity, and the absence of a reply is evidence of nothing",),
        )
    silent_s = (now_ns - int(tracks.claimed_ns[row])) / 1e9
    since_s = (int(tracks.claimed_ns[row]) - int(tracks.claims_since_ns[row])) / 1e9
    callsign = tracks.callsign[row].decode("ascii", "replace").strip()
    named = f"{address:06X}" + (f" ({callsign})" if callsign else "")
    support, doubt = [f"transponder {named} spoke for {since_s:.0f} s, last {silent_s:.0f} s ago"], []
    confirming = _confirming(tracks, row, now_ns)
    if confirming:
        support.append("seen where it says it is by " + ", ".join(confirming))
    else:
        doubt.append("no independent sensor confirms its position: it is the object's own word")
    squawk = int(tracks.squawk[row])
    if squawk in EMERGENCIES:
        support.append(f"squawks {squawk}: {EMERGENCIES[squawk]}")
    if silent_s > CLAIM_FRESH_S:
        doubt.append(f"silent for {silent_s:.0f} s")
    speaks = bool(_speaks(tracks, now_ns)[row])
    return Identity(Affiliation.NEUTRAL if speaks else Affiliation.UNKNOWN, tuple(support), tuple(doubt))


def _speaks(tracks: Tracks, now_ns: int) -> NDArray[np.bool_]:
    fresh = (now_ns - tracks.claimed_ns) / 1e9 <= CLAIM_FRESH_S
    steady = (tracks.claimed_ns - tracks.claims_since_ns) / 1e9 >= CLAIM_STEADY_S
    return np.asarray((tracks.icao24 != 0) & fresh & steady)


def _confirming(tracks: Tracks, row: int, now_ns: int) -> list[str]:
    heard = tracks.heard_ns[row]
    return [
        f"{kind.label} {(now_ns - int(heard[kind])) / 1e9:.0f} s ago"
        for kind in _INDEPENDENT
        if heard[kind] and (now_ns - int(heard[kind])) / 1e9 <= CONFIRMING_S
    ]
