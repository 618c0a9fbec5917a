"""Envelopes: how tables and messages become bytes in the journal, and tables again.

    b"dwe1" · CRC-32 of all that follows (u32) · length of the head (u32) · head (MessagePack) · padding · columns

All little-endian. The head names each column with its type and shape; columns are raw and begin at multiples of eight
bytes, so that they can be used where they lie. A column that holds nothing but its absent value is left out.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from dronewall.model.errors import JournalError
from dronewall.model.table import ColumnSpec, Table, column_specs

MAGIC = b"dwe1"
PREFIX = struct.Struct("<4sII")
ALIGNMENT = 8

M = TypeVar("M")
T = TypeVar("T", bound=Table)


class _Head(msgspec.Struct, array_like=True, frozen=True):
    """`columns` are (name, NumPy type, shape); `rows` counts a table's rows; `message` is whatever goes with it."""

    rows: int
    columns: tuple[tuple[str, str, tuple[int, ...]], ...]
    message: msgspec.Raw


_HEAD = msgspec.msgpack.Decoder(_Head)


def pack(message: object, arrays: Mapping[str, NDArray[Any]] | None = None, *, rows: int = 0) -> bytes:
    """Return a message (anything msgspec encodes) and named little-endian arrays as one body."""
    arrays = arrays or {}
    head = msgspec.msgpack.encode(
        _Head(
            rows,
            tuple((name, values.dtype.str, values.shape) for name, values in arrays.items()),
            msgspec.Raw(msgspec.msgpack.encode(message)),
        )
    )
    parts: list[bytes | memoryview] = [head, bytes(-(PREFIX.size + len(head)) % ALIGNMENT)]
    for values in arrays.values():
        parts += [_raw(values), bytes(-values.nbytes % ALIGNMENT)]
    crc = 0
    for part in parts:
        crc = zlib.crc32(part, crc)
    return b"".join([PREFIX.pack(MAGIC, crc, len(head)), *parts])


def pack_table(message: object, table: Table) -> bytes:
    """Return a message and a table as one body; what a subclass keeps beside its columns is for the message."""
    kept = {spec.name: getattr(table, spec.name) for spec in column_specs(type(table)) if _tells(table, spec)}
    return pack(message, kept, rows=len(table))


def unpack(body: bytes, message_type: type[M], *, where: str) -> tuple[M, dict[str, NDArray[Any]]]:
    """Return the message and the arrays of a body; the arrays are read-only views of it.

    Args:
        body: what `pack` made.
        message_type: what the message is.
        where: whose body it is, for the error.

    Raises:
        JournalError: it is damaged or not of this kind.
    """
    head, arrays = _opened(body, where)
    return _message(head, message_type, where), arrays


def unpack_table(body: bytes, message_type: type[M], table_type: type[T], *, where: str) -> tuple[M, T]:
    """Return the message and the table of a body; what stands beside the columns is taken from fields of the message.

    Raises:
        JournalError: it is damaged, or its columns are not those of the table.
    """
    head, arrays = _opened(body, where)
    message = _message(head, message_type, where)
    columns: dict[str, Any] = {}
    for spec in column_specs(table_type):
        values = arrays.pop(spec.name, None)
        if values is None:
            values = np.full((head.rows, *spec.cell), spec.absent, dtype=spec.dtype)
        columns[spec.name] = values
    if arrays:
        raise JournalError(where, f"unknown columns {', '.join(arrays)}", "It may be of a newer dronewall: install it.")
    beside = {name: getattr(message, name) for name in _beside(table_type) if hasattr(message, name)}
    try:
        return message, table_type(**columns, **beside)
    except (TypeError, ValueError) as error:
        raise JournalError(where, f"a column does not fit: {error}", "It may be of another version.") from error


def is_sound(body: bytes) -> bool:
    """Whether a body is a whole envelope, by its checksum."""
    if len(body) < PREFIX.size:
        return False
    magic, crc, _ = PREFIX.unpack_from(body)
    return bool(magic == MAGIC and zlib.crc32(memoryview(body)[PREFIX.size :]) == crc)


def _raw(values: NDArray[Any]) -> memoryview:
    return np.ascontiguousarray(values).reshape(-1).view(np.uint8).data


def _tells(table: Table, spec: ColumnSpec) -> bool:
    """Whether a column holds anything but its absent value, to the bit."""
    values: NDArray[Any] = getattr(table, spec.name)
    if values.size == 0:
        return False
    word = next(size for size in (8, 4, 2, 1) if spec.dtype.itemsize % size == 0)
    absent = np.full(1, spec.absent, dtype=spec.dtype).view(f"u{word}")
    words = np.ascontiguousarray(values).reshape(-1).view(f"u{word}").reshape(-1, len(absent))
    return bool((words[0] != absent).any() or (words != absent).any())


def _beside(table_type: type[Table]) -> Iterable[str]:
    columns = {spec.name for spec in column_specs(table_type)}
    return (name for name in table_type.__dataclass_fields__ if name not in columns)


def _opened(body: bytes, where: str) -> tuple[_Head, dict[str, NDArray[Any]]]:
    if len(body) < PREFIX.size:
        raise _damaged(where, "it is cut short")
    magic, crc, head_bytes = PREFIX.unpack_from(body)
    if magic != MAGIC:
        raise _damaged(where, "it does not begin as an entry does")
    if zlib.crc32(memoryview(body)[PREFIX.size :]) != crc:
        raise _damaged(where, "its checksum does not match")
    try:
        head = _HEAD.decode(memoryview(body)[PREFIX.size : PREFIX.size + head_bytes])
    except msgspec.MsgspecError as error:
        raise _damaged(where, f"its head cannot be read ({error})") from error
    return head, _arrays(body, head, _aligned(PREFIX.size + head_bytes), where)


def _arrays(body: bytes, head: _Head, offset: int, where: str) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {}
    for name, type_string, shape in head.columns:
        dtype = np.dtype(type_string)
        count = int(np.prod(shape, dtype=np.int64))
        if dtype.hasobject or offset + count * dtype.itemsize > len(body):
            raise _damaged(where, f"column {name} is cut short")
        values = np.frombuffer(body, dtype, count, offset).reshape(shape)
        # Kernels are compiled for aligned columns; a body that lies askew in memory is copied straight.
        arrays[name] = values if values.flags.aligned else values.copy()
        offset = _aligned(offset + values.nbytes)
    return arrays


def _aligned(offset: int) -> int:
    return offset + -offset % ALIGNMENT


def _message(head: _Head, message_type: type[M], where: str) -> M:
    try:
        return msgspec.msgpack.decode(head.message, type=message_type)
    except msgspec.MsgspecError as error:
        raise _damaged(where, f"its message cannot be read ({error})") from error


def _damaged(where: str, problem: str) -> JournalError:
    return JournalError(
        where, f"the entry is damaged: {problem}", "`dronewall recover` saves what is whole into a new journal."
    )
