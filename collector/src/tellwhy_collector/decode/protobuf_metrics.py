"""Protobuf metrics into points: one record for each data point of each metric."""

from __future__ import annotations

from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import Exemplar, Metric

from tellwhy_collector.decode.nouns import Decoded, number
from tellwhy_collector.decode.protobuf_values import attributes, scopes
from tellwhy_collector.records import MetricPoint

TEMPORALITY = {1: "delta", 2: "cumulative"}
"""OTLP AggregationTemporality; 0 and what we do not know is None."""


def points(request: ExportMetricsServiceRequest, into: Decoded) -> None:
    """Add every data point of *request* to *into*."""
    for inner, shared in scopes(request.resource_metrics, "scope_metrics", into):
        for metric in inner.metrics:
            _metric(metric, shared, into)


def _metric(metric: Metric, shared: dict[str, Any], into: Decoded) -> None:
    extra = attributes(metric.metadata, into)
    kind = metric.WhichOneof("data")
    if kind is None:
        return
    data = getattr(metric, kind)
    for point in data.data_points:
        value, count, total, detail = _KINDS[kind](point, into)
        if extra:
            detail["metadata"] = extra
        if kind != "summary" and point.exemplars:
            detail["exemplars"] = [_exemplar(item, into) for item in point.exemplars]
        into.records.append(
            MetricPoint(
                name=metric.name,
                description=metric.description or None,
                unit=metric.unit or None,
                kind=kind,
                temporality=TEMPORALITY.get(getattr(data, "aggregation_temporality", 0)),
                is_monotonic=data.is_monotonic if kind == "sum" else None,
                start_ns=point.start_time_unix_nano or None,
                time_ns=point.time_unix_nano,
                value=value,
                count=count,
                sum=total,
                data=detail,
                attributes=attributes(point.attributes, into),
                flags=point.flags,
                **shared,
            )
        )


Reading = tuple[float | None, int | None, float | None, dict[str, Any]]
"""Value, count, sum and the rest of one data point."""


def _number(point: Any, _into: Decoded) -> Reading:
    kind = point.WhichOneof("value")
    if kind == "as_int":
        # A double holds integers up to 2^53 only.
        return float(point.as_int), None, None, {"as_int": point.as_int}
    return (point.as_double if kind else None), None, None, {}


def _histogram(point: Any, _into: Decoded) -> Reading:
    detail: dict[str, Any] = {}
    if point.bucket_counts:
        detail["bucket_counts"] = list(point.bucket_counts)
    if point.explicit_bounds:
        detail["explicit_bounds"] = [number(bound) for bound in point.explicit_bounds]
    return None, point.count, _bounds(point, detail), detail


def _exponential(point: Any, _into: Decoded) -> Reading:
    detail: dict[str, Any] = {"scale": point.scale, "zero_count": point.zero_count}
    for side in ("positive", "negative"):
        if point.HasField(side):
            buckets = getattr(point, side)
            detail[side] = {"offset": buckets.offset, "bucket_counts": list(buckets.bucket_counts)}
    if point.zero_threshold:
        detail["zero_threshold"] = number(point.zero_threshold)
    return None, point.count, _bounds(point, detail), detail


def _bounds(point: Any, detail: dict[str, Any]) -> float | None:
    """Put min and max into *detail* where they were sent; give the sum."""
    for name in ("min", "max"):
        if point.HasField(name):
            detail[name] = number(getattr(point, name))
    return point.sum if point.HasField("sum") else None


def _summary(point: Any, _into: Decoded) -> Reading:
    values = [
        {"quantile": number(item.quantile), "value": number(item.value)}
        for item in point.quantile_values
    ]
    return None, point.count, point.sum, {"quantile_values": values} if values else {}


def _exemplar(item: Exemplar, into: Decoded) -> dict[str, Any]:
    found: dict[str, Any] = {
        "time_ns": item.time_unix_nano,
        "filtered_attributes": attributes(item.filtered_attributes, into),
    }
    kind = item.WhichOneof("value")
    if kind == "as_int":
        found["as_int"] = item.as_int
    elif kind == "as_double":
        found["as_double"] = number(item.as_double)
    for name in ("trace_id", "span_id"):
        if getattr(item, name):
            found[name] = getattr(item, name).hex()
    return found


_KINDS = {
    "gauge": _number,
    "sum": _number,
    "histogram": _histogram,
    "exponential_histogram": _exponential,
    "summary": _summary,
}
