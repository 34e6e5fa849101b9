"""Good requests of all three signals, small, in both encodings."""

from __future__ import annotations

import json
import random
import time

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

PROTOBUF = {"Content-Type": "application/x-protobuf"}
TEXTS = ("so be it", "Grüße, 你好 🙂", "", "a" * 3000, '{"order": [1, 2, {"x": null}]}', "\u202e")
KEYS = ("gen_ai.request.model", "gen_ai.input.messages", "app.tenant", "error.type", "n.ü")
OPERATIONS = ("chat", "execute_tool", "invoke_agent", "embeddings", "other")


def fill(attributes: list[KeyValue], chance: random.Random) -> None:
    """A few attributes of several types."""
    for key in chance.sample(KEYS, 3):
        value = attributes.add(key=key).value
        if chance.random() < 0.6:
            value.string_value = chance.choice(TEXTS)
        elif chance.random() < 0.5:
            value.int_value = chance.getrandbits(62)
        else:
            value.kvlist_value.values.add(key="inner").value.double_value = chance.random()


def traces(chance: random.Random, spans: int = 3) -> ExportTraceServiceRequest:
    """Spans of one trace."""
    request, trace = ExportTraceServiceRequest(), chance.randbytes(16)
    group = request.resource_spans.add()
    group.resource.attributes.add(key="service.name").value.string_value = "good"
    scope = group.scope_spans.add()
    scope.scope.name = "good"
    for _ in range(spans):
        now = time.time_ns()
        span = scope.spans.add(trace_id=trace, span_id=chance.randbytes(8), name="chat good")
        span.start_time_unix_nano, span.end_time_unix_nano = now - 10**9, now
        operation = chance.choice(OPERATIONS)
        span.attributes.add(key="gen_ai.operation.name").value.string_value = operation
        fill(span.attributes, chance)
        fill(span.events.add(name="event", time_unix_nano=now).attributes, chance)
    return request


def logs(chance: random.Random) -> ExportLogsServiceRequest:
    """Two log records."""
    request = ExportLogsServiceRequest()
    scope = request.resource_logs.add().scope_logs.add()
    for _ in range(2):
        record = scope.log_records.add(time_unix_nano=time.time_ns(), event_name="e")
        record.body.string_value = chance.choice(TEXTS)
        fill(record.attributes, chance)
    return request


def metrics(chance: random.Random) -> ExportMetricsServiceRequest:
    """A sum, a gauge and a histogram."""
    request = ExportMetricsServiceRequest()
    scope = request.resource_metrics.add().scope_metrics.add()
    now = time.time_ns()
    point = scope.metrics.add(name="calls").sum.data_points.add(time_unix_nano=now, as_int=3)
    fill(point.attributes, chance)
    scope.metrics.add(name="load").gauge.data_points.add(time_unix_nano=now, as_double=0.5)
    histogram = scope.metrics.add(name="time").histogram.data_points.add(time_unix_nano=now)
    histogram.bucket_counts.extend([1, 2])
    histogram.explicit_bounds.extend([0.5])
    return request


def as_json(request: Message) -> bytes:
    """OTLP/JSON: as protobuf's own JSON, but with ids in hex."""
    told = MessageToDict(request)
    for group in told.get("resourceSpans", []):
        for span in group["scopeSpans"][0]["spans"]:
            span["traceId"], span["spanId"] = "5" * 32, f"{random.getrandbits(64):016x}"
    return json.dumps(told).encode()


def one_span() -> bytes:
    """A request with one good span that nobody sent before, as protobuf."""
    return traces(random.Random(), 1).SerializeToString()
