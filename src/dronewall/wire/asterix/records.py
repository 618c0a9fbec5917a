"""Records out of a block: each category's items in the order the standard gives them.

aviconv-asterix brings the layouts and the typed records, in the editions 2.6 (021), 1.29 (034), 1.32 (048) and 1.20
(062). Two lengths are put right here. Every length of these four categories was compared with an independent
implementation (libasterix 0.36); those two were the only ones that differed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aviconv_asterix import Cat021Record, Cat034Record, Cat048Record, Cat062Record
from aviconv_asterix.cat021 import UAP_021
from aviconv_asterix.cat034 import UAP_034
from aviconv_asterix.cat048 import UAP_048
from aviconv_asterix.cat062 import UAP_062
from aviconv_asterix.fspec import UAP, Compound, Fixed, Item, Layout, decode_record, read_fspec
from aviconv_core.errors import ParseError

from dronewall.wire.asterix.blocks import HEAD_BYTES, Block
from dronewall.wire.asterix.services import UAP_063, UAP_065, ServiceMessage

CALLSIGN_BYTES = 8

CORRECTIONS: Mapping[str, Layout] = {"I034/050/MDS": Fixed(2), "I062/380/FSS": Fixed(2)}
"""Parts that aviconv-asterix 0.4 gives one octet too few or too many."""


def _corrected(uap: UAP) -> UAP:
    """Return layouts with the lengths put right; a part of another length shifts everything behind it."""
    return tuple(None if one is None else replace(one, layout=_corrected_layout(one)) for one in uap)


def _corrected_layout(of: Item) -> Layout:
    if isinstance(of.layout, Compound):
        return Compound(_corrected(of.layout.subfields))
    return CORRECTIONS.get(of.id, of.layout)


_LAYOUTS: dict[int, tuple[UAP, type[Any]]] = {
    21: (UAP_021, Cat021Record),
    34: (_corrected(UAP_034), Cat034Record),
    48: (UAP_048, Cat048Record),
    62: (_corrected(UAP_062), Cat062Record),
    63: (UAP_063, ServiceMessage),
    65: (UAP_065, ServiceMessage),
}


def source_of(block: Block) -> tuple[int, int] | None:
    """Return SAC and SIC of a block's first record, which stand first in every edition; None if they are not there."""
    try:
        flags, at = read_fspec(block.data, HEAD_BYTES)
    except ParseError:
        return None
    return (block.data[at], block.data[at + 1]) if flags[0] and at + 1 < len(block.data) else None


def records_in(block: Block) -> list[Any] | None:
    """Return the records of a block, or None if they do not fill it exactly or a value cannot be."""
    uap, record_type = _LAYOUTS[block.category]
    records: list[Any] = []
    at = HEAD_BYTES
    try:
        while at < len(block.data):
            fields, raw_items, at = decode_record(block.data, at, uap, category=block.category)
            if "sac" not in fields:
                return None
            records.append(record_type(**fields, raw_items=raw_items))
    except (ParseError, ValueError):  # ValueError: an item is there whose value cannot be
        return None
    return records


def item(record: Any, name: str) -> bytes:
    """Return an item of a record as it came, for instance `I062/040`; empty if it is not there."""
    return bytes.fromhex(record.raw_items.get(name, ""))


def signed(number: bytes) -> int:
    """Return a number in two's complement."""
    return int.from_bytes(number, "big", signed=True)


def text(said: str | None) -> bytes | None:
    """Return an identification without its padding, or None if there is none."""
    return (said or "").strip().encode("ascii", "ignore")[:CALLSIGN_BYTES] or None
