"""What a sender is told: export responses and `google.rpc.Status`, in protobuf and JSON.

Source:
    OTLP 1.11, "OTLP/HTTP Response" and "OTLP/gRPC Throttling".
"""

from __future__ import annotations

from typing import Any

import orjson
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from tellwhy_collector.decode import Encoding, Signal
from tellwhy_collector.errors import CollectorError
from tellwhy_collector.ingest import Outcome

MAX_MESSAGE = 1024
"""Characters of a message in an answer; answers stay far below OTLP's 4 MiB."""

_RESPONSES: dict[Signal, tuple[Any, str, str]] = {
    "traces": (ExportTraceServiceResponse, "rejected_spans", "rejectedSpans"),
    "logs": (ExportLogsServiceResponse, "rejected_log_records", "rejectedLogRecords"),
    "metrics": (ExportMetricsServiceResponse, "rejected_data_points", "rejectedDataPoints"),
}


def short(message: str) -> str:
    """*message*, at most `MAX_MESSAGE` characters."""
    return message if len(message) <= MAX_MESSAGE else message[: MAX_MESSAGE - 1] + "…"


def success(outcome: Outcome, signal: Signal, encoding: Encoding) -> bytes:
    """The Export…ServiceResponse; ``partial_success`` is set only when something was refused."""
    make, name, json_name = _RESPONSES[signal]
    message = short(outcome.message or "")
    if encoding == "json":
        if not outcome.rejected:
            return b"{}"
        # proto3 JSON writes 64-bit integers as text.
        partial = {json_name: str(outcome.rejected), "errorMessage": message}
        return orjson.dumps({"partialSuccess": partial})
    response = make()
    if outcome.rejected:
        setattr(response.partial_success, name, outcome.rejected)
        response.partial_success.error_message = message
    return bytes(response.SerializeToString())


def failure(error: CollectorError, encoding: Encoding) -> bytes:
    """The `google.rpc.Status` of *error*."""
    message = short(str(error))
    if encoding == "json":
        return orjson.dumps({"code": error.grpc_code, "message": message})
    return bytes(status(error).SerializeToString())


def status(error: CollectorError) -> Status:
    """The same as a message, with RetryInfo where sending again can succeed."""
    found = Status(code=error.grpc_code, message=short(str(error)))
    if error.retryable:
        found.details.add().Pack(RetryInfo(retry_delay=Duration(seconds=error.retry_after_s)))
    return found
