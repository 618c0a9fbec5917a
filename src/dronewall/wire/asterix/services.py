"""ASTERIX categories 063 and 065: what a tracker tells of its sensors and of itself. Nothing in the air is in them.

    063  sensor status:  010 SAC, SIC   015   030 time   050 sensor   060 status   070 080 081 090 091 092 biases
    065  system status:  010 SAC, SIC   000 message type   015   030 time   020 batch   040 050 status

EUROCONTROL-SPEC-0149, parts 10 (063) and 15 (065), editions 1.x.
"""

from __future__ import annotations

from dataclasses import dataclass

from aviconv_asterix.fspec import UAP, Explicit, Fixed, Item, Variable


@dataclass(frozen=True, slots=True)
class ServiceMessage:
    """One message: whose it is, when it was sent, and its items in hexadecimal."""

    sac: int
    sic: int
    raw_items: dict[str, str]
    time_of_day_s: float | None = None


def _source(raw: bytes) -> dict[str, object]:
    return {"sac": raw[0], "sic": raw[1]}


def _time(raw: bytes) -> dict[str, object]:
    return {"time_of_day_s": int.from_bytes(raw, "big") / 128.0}


UAP_063: UAP = (
    Item("I063/010", "Data source", Fixed(2), _source),
    Item("I063/015", "Service", Fixed(1)),
    Item("I063/030", "Time of message", Fixed(3), _time),
    Item("I063/050", "Sensor", Fixed(2)),
    Item("I063/060", "Sensor's configuration and status", Variable()),
    Item("I063/070", "Time stamping bias", Fixed(2)),
    Item("I063/080", "Mode S range gain and bias", Fixed(4)),
    Item("I063/081", "Mode S azimuth bias", Fixed(2)),
    Item("I063/090", "Primary range gain and bias", Fixed(4)),
    Item("I063/091", "Primary azimuth bias", Fixed(2)),
    Item("I063/092", "Primary elevation bias", Fixed(2)),
    None,
    Item("I063/RE", "Reserved expansion", Explicit()),
    Item("I063/SP", "Special purpose", Explicit()),
)
UAP_065: UAP = (
    Item("I065/010", "Data source", Fixed(2), _source),
    Item("I065/000", "Message type", Fixed(1)),
    Item("I065/015", "Service", Fixed(1)),
    Item("I065/030", "Time of message", Fixed(3), _time),
    Item("I065/020", "Batch number", Fixed(1)),
    Item("I065/040", "System's configuration and status", Fixed(1)),
    Item("I065/050", "Service status report", Fixed(1)),
    None,
    None,
    None,
    None,
    None,
    Item("I065/RE", "Reserved expansion", Explicit()),
    Item("I065/SP", "Special purpose", Explicit()),
)
