"""The sets of failed runs in a folder of data: what is sent of each run, and what its steps are called.

Layout of the folder: ``otlp/<set>/<run>.pb.gz`` (gzip of an ``ExportTraceServiceRequest``; chats
carry ``step.index`` on each span), ``agentrx/<set>/<run>.json`` (chats, made into OTLP here).
Annotations are not read here.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import orjson
from chats import request_of
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

CHATS = ("agentrx_magentic", "agentrx_tau")


class Recording(NamedTuple):
    """One recorded run."""

    folder: str
    name: str
    body: bytes
    content_type: str
    trace_id: str
    places: dict[str, int]
    """0-based place of each message in a chat by its span id; empty for traces."""


def recordings(data: Path) -> Iterator[Recording]:
    """Every run of every set in *data*, by set and name."""
    for folder in sorted(path for path in (data / "otlp").glob("*") if path.is_dir()):
        for path in sorted(folder.glob("*.pb.gz")):
            yield _stored(folder.name, path)
    for name in CHATS:
        for path in sorted((data / "agentrx" / name).glob("*.json")):
            yield _chat(name, path)


def _stored(folder: str, path: Path) -> Recording:
    body = gzip.decompress(path.read_bytes())
    request = ExportTraceServiceRequest.FromString(body)
    spans = [s for r in request.resource_spans for scope in r.scope_spans for s in scope.spans]
    places = {
        span.span_id.hex(): attribute.value.int_value
        for span in spans
        for attribute in span.attributes
        if attribute.key == "step.index"
    }
    name = path.name.removesuffix(".pb.gz")
    trace_id = spans[0].trace_id.hex()
    return Recording(folder, name, body, "application/x-protobuf", trace_id, places)


def _chat(folder: str, path: Path) -> Recording:
    told = json.loads(path.read_text(encoding="utf-8"))
    messages = told if isinstance(told, list) else told["traj"]
    request, places = request_of(f"{folder}/{path.stem}", messages)
    trace_id = request["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["traceId"]
    body = orjson.dumps(request)
    return Recording(folder, path.stem, body, "application/json", trace_id, places)
