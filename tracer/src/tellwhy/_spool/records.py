"""Framing: ``<type><length><crc32><payload>`` after eight bytes of magic.

A record is written by one call. Where a process died in the middle of it, reading stops: what lies
before counts.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

MAGIC = b"TWSPOOL1"
"""First bytes of a segment."""

CARRIER = b"C"
"""Resource and scope that later records of the segment refer to."""

START = b"S"
"""A span that has begun."""

END = b"E"
"""A span that has ended."""

CLOSING = b"X"
"""How the process said that it ends."""

KINDS = frozenset({CARRIER, START, END, CLOSING})

_HEAD = struct.Struct("<cII")

HEAD_BYTES = _HEAD.size
"""Bytes in front of a payload."""


class Record(NamedTuple):
    """One record as it was read."""

    kind: bytes
    payload: bytes
    end: int
    """Where the next record begins, counted as `scan` was told to count."""


def record(kind: bytes, payload: bytes) -> bytes:
    """The bytes to write."""
    return _HEAD.pack(kind, len(payload), zlib.crc32(payload)) + payload


def scan(data: bytes, at: int = 0) -> Iterator[Record]:
    """The whole records of *data*, until the first that is cut off or damaged.

    Args:
        data: Bytes that begin where a record begins.
        at: What to count `Record.end` from: the place of *data* in its segment.
    """
    begin, size = 0, len(data)
    while begin + HEAD_BYTES <= size:
        kind, length, crc = _HEAD.unpack_from(data, begin)
        end = begin + HEAD_BYTES + length
        if end > size or kind not in KINDS:
            return
        payload = data[begin + HEAD_BYTES : end]
        if zlib.crc32(payload) != crc:
            return
        yield Record(kind, payload, at + end)
        begin = end


def length_of(head: bytes) -> int:
    """How many bytes the record takes that *head* begins; 0 when *head* is none."""
    if len(head) < HEAD_BYTES:
        return 0
    kind, length, _ = _HEAD.unpack_from(head)
    return HEAD_BYTES + int(length) if kind in KINDS else 0
