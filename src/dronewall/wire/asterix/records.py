"""Records out of a block: each category's items in the order the standard gives them.

aviconv-asterix brings the layouts and the typed records, in the editions 1.29 (034) and 1.32 (048). One layout is put
right here: I034/050 tells of a Mode S sensor in two octets, not in one; a recording of seven radars bears it out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aviconv_asterix import Cat034Record, Cat048Record
from aviconv_asterix.cat034 import UAP_034
from aviconv_asterix.cat048 import UAP_048
from aviconv_asterix.fspec import UAP, Compound, Fixed, Item, decode_record
from aviconv_core.errors import ParseError

from dronewall.wire.asterix.blocks import HEAD_BYTES, Block

_I034_050 = Compound(
    (
        Item("I034/050/COM", "Common part", Fixed(1)),
        None,
        None,
        Item("I034/050/PSR", "Primary radar", Fixed(1)),
        Item("I034/050/SSR", "Secondary radar", Fixed(1)),
        Item("I034/050/MDS", "Mode S", Fixed(2)),
    )
)


def _corrected(uap: UAP, layouts: Mapping[str, Compound]) -> UAP:
    return tuple(
        Item(item.id, item.name, layouts[item.id], item.parse, item.build) if item and item.id in layouts else item
        for item in uap
    )


_LAYOUTS: dict[int, tuple[UAP, type[Any]]] = {
    34: (_corrected(UAP_034, {"I034/050": _I034_050}), Cat034Record),
    48: (UAP_048, Cat048Record),
}


def records_in(block: Block) -> list[Any] | None:
    """Return the records of a block, or None if they do not fill it exactly or a value cannot be."""
    uap, record_type = _LAYOUTS[block.category]
    records: list[Any] = []
    at = HEAD_BYTES
    try:
        while at < len(block.data):
            fields, raw_items, at = decode_record(block.data, at, uap, category=block.category)
            records.append(record_type(**fields, raw_items=raw_items))
    except (ParseError, ValueError):  # ValueError: an item is there whose value cannot be
        return None
    return records
