"""Records back from a segment, one bounded piece after the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tellwhy._spool.records import END, HEAD_BYTES, Record, length_of, scan
from tellwhy._spool.segments import Readable

WINDOW_BYTES = 1024 * 1024
"""How much is read at once; more only when one record is longer."""


class Chunk(NamedTuple):
    """Ended spans that are sent together."""

    payloads: list[bytes]
    carriers: Mapping[int, bytes]
    segment: Readable
    end: int
    """Offset in the segment up to which they reach."""


class Damaged(Exception):  # noqa: N818 - says what happened
    """A segment ends in the middle of a record, or before it should."""


def window(segment: Readable, offset: int, size: int) -> list[Record]:
    """The next whole records of *segment* from *offset* on, about a window full.

    Args:
        segment: Where to read.
        offset: Where a record begins.
        size: Where reading ends at the latest.

    Raises:
        Damaged: There are bytes, and no whole record in them.
    """
    try:
        data = segment.read(offset, min(WINDOW_BYTES, size - offset))
        wanted = length_of(data[:HEAD_BYTES])
        if len(data) < wanted <= size - offset:
            data = segment.read(offset, wanted)
    except OSError as error:
        raise Damaged(str(error)) from error
    found = list(scan(data, offset))
    if not found:
        raise Damaged(f"no whole record at {offset}")
    return found


def ended_spans(records: list[Record], max_spans: int, max_bytes: int) -> tuple[list[bytes], int]:
    """Payloads of the end records that make up one batch, and the offset behind the last of them.

    At least one is taken, however long it is.
    """
    payloads: list[bytes] = []
    size, end = 0, records[0].end
    for each in records:
        if each.kind == END:
            if payloads and (len(payloads) >= max_spans or size + len(each.payload) > max_bytes):
                break
            payloads.append(each.payload)
            size += len(each.payload)
        end = each.end
    return payloads, end
