"""Conversations of `workload` again and again under new ids and times, for next to no work.

Making spans costs as much as storing them; so a few requests are made once, and the places where ids
and times stand in their bytes are remembered and written over for each request.
"""

from __future__ import annotations

import random
import re
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from workload import Agents

PAYLOADS = ("gen_ai.input.messages", "gen_ai.system_instructions", "gen_ai.tool.definitions")
"""What a lean span does not have."""
START_NS = 10**18


class Template(NamedTuple):
    """A request, and where in its bytes ids and times stand."""

    body: bytes
    spans: int
    ids: list[tuple[int, bytes]]
    """Trace and span ids as bytes."""
    texts: list[tuple[int, bytes]]
    """Trace ids as text."""
    times: list[tuple[int, int]]


def lean(body: bytes) -> bytes:
    """A request without the long texts of its model calls."""
    request = ExportTraceServiceRequest.FromString(body)
    for group in request.resource_spans:
        for scope in group.scope_spans:
            for span in scope.spans:
                kept = [one for one in span.attributes if one.key not in PAYLOADS]
                del span.attributes[:]
                span.attributes.extend(kept)
    return request.SerializeToString()


def places(body: bytes, sought: set[bytes]) -> list[tuple[int, bytes]]:
    """Where each of *sought* stands."""
    pattern = re.compile(b"|".join(re.escape(one) for one in sought), re.DOTALL)
    return [(found.start(), found.group()) for found in pattern.finditer(body)]


def template(body: bytes) -> Template:
    """Remember the places in a request."""
    request = ExportTraceServiceRequest.FromString(body)
    spans = [x for r in request.resource_spans for s in r.scope_spans for x in s.spans]
    ids = {one.trace_id for one in spans}
    texts = places(body, {one.hex().encode() for one in ids})
    ids |= {one.span_id for one in spans} | {one.parent_span_id for one in spans} - {b""}
    moments = {one.start_time_unix_nano for one in spans} | {
        one.end_time_unix_nano for one in spans
    }
    fields = {tag + struct.pack("<Q", one) for one in moments for tag in (b"\x39", b"\x41")}
    times = [(at + 1, struct.unpack("<Q", f[1:])[0]) for at, f in places(body, fields)]
    return Template(body, len(spans), places(body, ids), texts, times)


def templates(seed: int, requests: int, spans: int, *, is_lean: bool) -> list[Template]:
    """So many requests of one sending process, one after the other."""
    agents = Agents(seed, start_ns=START_NS, spans_s=1000)
    bodies = (agents.request(spans).body for _ in range(requests))
    return [template(lean(one) if is_lean else one) for one in bodies]


def renewed(
    made: list[Template], chance: random.Random, now_ns: int
) -> Iterator[tuple[bytes, int]]:
    """All of *made* once, as if they had ended about *now_ns*; body and spans.

    An id is new, and the same in all requests of this round: a run may lie in several.
    """
    key = chance.getrandbits(64)
    for one in made:
        last = max(moment for _, moment in one.times)
        body = bytearray(one.body)
        for at, before in one.ids:
            number = int.from_bytes(before[:8], "big") ^ key
            body[at : at + 8] = number.to_bytes(8, "big")
        for at, before in one.texts:
            number = int(before[:16], 16) ^ key
            body[at : at + 16] = b"%016x" % number
        for at, moment in one.times:
            body[at : at + 8] = struct.pack("<Q", now_ns - last + moment)
        yield bytes(body), one.spans
