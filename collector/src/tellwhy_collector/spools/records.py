"""The bytes of a spool: records of a segment, and OTLP requests that are made of them.

Nothing in a span is looked at: protobuf takes a message with further fields behind it as one.

Source: docs/reference/spool.md, "Segments"; protobuf encoding, "Last One Wins".
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span, Status

MAGIC = b"TWSPOOL1"
"""First bytes of a segment."""

CARRIER, START, END, CLOSING = b"C", b"S", b"E", b"X"
"""Kinds of records."""

KEY_BYTES = 28
"""A span message begins with its trace id and span id: so long are the two fields."""

_KINDS = frozenset({CARRIER, START, END, CLOSING})
_HEAD = struct.Struct("<cII")
_START_HEAD, _END_HEAD = struct.Struct("<I"), struct.Struct("<IQ")

_HAS_ASIDE = 1 << 31
"""Bit of an end's carrier number: a length of four bytes stands before the span, whose end is as
long and meant for tellwhy collectors."""

Fact = str | int | bool


class Record(NamedTuple):
    """One whole record."""

    kind: bytes
    payload: bytes
    begin: int
    """Where its payload begins in the segment."""
    end: int
    """Where the next record begins."""


class Carrier(NamedTuple):
    """Resource and scope that spans refer to, as fields of ``ResourceSpans`` and ``ScopeSpans``."""

    resource: bytes = b""
    scope: bytes = b""


def scan(data: bytes, at: int) -> Iterator[Record]:
    """The whole records of *data*, until the first that is cut off or damaged.

    Args:
        data: Bytes that begin where a record begins.
        at: The place of *data* in its segment.
    """
    begin = 0
    while begin + _HEAD.size <= len(data):
        kind, length, crc = _HEAD.unpack_from(data, begin)
        inside, end = begin + _HEAD.size, begin + _HEAD.size + length
        if end > len(data) or kind not in _KINDS:
            return
        payload = data[inside:end]
        if zlib.crc32(payload) != crc:
            return
        yield Record(kind, payload, at + inside, at + end)
        begin = end


def length_of(head: bytes) -> int:
    """How many bytes the record takes that *head* begins; 0 when *head* is none."""
    if len(head) < _HEAD.size:
        return 0
    kind, length, _ = _HEAD.unpack_from(head)
    return _HEAD.size + int(length) if kind in _KINDS else 0


def carrier_of(payload: bytes) -> tuple[int, Carrier]:
    """Number and content of a carrier."""
    number, length = struct.unpack_from("<II", payload)
    return number, Carrier(payload[8 : 8 + length], payload[8 + length :])


def started(payload: bytes) -> tuple[int, bytes]:
    """Carrier number and span of a start."""
    return _START_HEAD.unpack_from(payload)[0], payload[_START_HEAD.size :]


def ended(payload: bytes) -> tuple[int, int, bytes]:
    """Carrier number, sequence number and span of an end, with what is meant for us alone."""
    carrier, sequence = _END_HEAD.unpack_from(payload)
    if not carrier & _HAS_ASIDE:
        return carrier, sequence, payload[_END_HEAD.size :]
    return carrier ^ _HAS_ASIDE, sequence, payload[_END_HEAD.size + 4 :]


def with_facts(span: bytes, facts: Mapping[str, Fact]) -> bytes:
    """*span* with more attributes."""
    return span + bytes(Span(attributes=_attributes(facts)).SerializeToString())


def lost(span: bytes, reason: str, at_ns: int) -> bytes:
    """The start *span* with the end that it did not reach.

    Args:
        span: Its start.
        reason: How the process ended.
        at_ns: The last time at which that was known to live.
    """
    text = f"The process ended before this step did ({reason})."
    facts: dict[str, Fact] = {
        "error.type": "process_died",
        "tellwhy.lost": True,
        "tellwhy.lost.reason": reason,
    }
    end = Span(
        end_time_unix_nano=at_ns,
        status=Status(message=text, code=Status.STATUS_CODE_ERROR),
        attributes=_attributes(facts),
    )
    return span + bytes(end.SerializeToString())


def traces(spans: Iterable[tuple[Carrier, bytes]]) -> bytes:
    """An ``ExportTraceServiceRequest``."""
    together: dict[Carrier, list[bytes]] = {}
    for carrier, span in spans:
        together.setdefault(carrier, []).append(_field(b"\x12", span))
    return b"".join(
        _field(b"\x0a", carrier.resource + _field(b"\x12", carrier.scope + b"".join(inside)))
        for carrier, inside in together.items()
    )


def heartbeat(resource: bytes, facts: Mapping[str, Fact], at_ns: int) -> bytes:
    """An ``ExportLogsServiceRequest`` that tells how a process is.

    Args:
        resource: As in `Carrier`; ``ResourceLogs`` has the same fields.
        facts: The attributes.
        at_ns: Now.
    """
    scoped = ScopeLogs(
        scope=InstrumentationScope(name="tellwhy"),
        log_records=[
            LogRecord(
                time_unix_nano=at_ns,
                observed_time_unix_nano=at_ns,
                event_name="tellwhy.heartbeat",
                attributes=_attributes(facts),
            )
        ],
    )
    return _field(b"\x0a", resource + _field(b"\x12", bytes(scoped.SerializeToString())))


def resource_of(service: str) -> bytes:
    """The resource of a process of which only the name is known; as in `Carrier`."""
    resource = Resource(attributes=_attributes({"service.name": service}))
    return bytes(ResourceSpans(resource=resource).SerializeToString())


def _attributes(facts: Mapping[str, Fact]) -> list[KeyValue]:
    return [KeyValue(key=name, value=_value(value)) for name, value in facts.items()]


def _value(value: Fact) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    return AnyValue(int_value=value) if isinstance(value, int) else AnyValue(string_value=value)


def _field(tag: bytes, content: bytes) -> bytes:
    """A field that holds a message."""
    length, size = len(content), bytearray()
    while length > 0x7F:
        size.append(length & 0x7F | 0x80)
        length >>= 7
    size.append(length)
    return b"".join((tag, size, content))
