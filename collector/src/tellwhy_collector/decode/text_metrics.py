"""JSON metrics into points, equal to what the same request gives in protobuf."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tellwhy_collector.decode.nouns import Decoded, number
from tellwhy_collector.decode.protobuf_metrics import TEMPORALITY, Reading
from tellwhy_collector.decode.text_scopes import scopes
from tellwhy_collector.decode.text_values import (
    Object,
    attributes,
    double,
    floating,
    identifier,
    integer,
    message,
    messages,
    refuse,
    signed,
    small,
    text,
    truth,
    unsigned,
    values,
    whole,
)
from tellwhy_collector.records import MetricPoint


def points(request: Object, into: Decoded) -> None:
    """Add every data point of *request* to *into*."""
    for inner, shared in scopes(request, "resourceMetrics", "scopeMetrics", into):
        for metric in messages(inner, "metrics"):
            _metric(metric, shared, into)


def _metric(metric: Object, shared: dict[str, Any], into: Decoded) -> None:
    kinds = [key for key in _KINDS if metric.get(key) is not None]
    if len(kinds) > 1:
        refuse("metric", kinds, "one kind of data")
    extra = attributes(metric, "metadata", 3, into)
    name, description = text(metric, "name"), text(metric, "description") or None
    unit = text(metric, "unit") or None
    if not kinds:
        return
    key, (kind, read) = kinds[0], _KINDS[kinds[0]]
    data = message(metric, key)
    temporality = TEMPORALITY.get(signed(data, "aggregationTemporality"))
    for point in messages(data, "dataPoints"):
        value, count, total, detail = read(point, into)
        if extra:
            detail["metadata"] = extra
        exemplars = [] if kind == "summary" else messages(point, "exemplars")
        if exemplars:
            detail["exemplars"] = [_exemplar(item, into) for item in exemplars]
        into.records.append(
            MetricPoint(
                name=name,
                description=description,
                unit=unit,
                kind=kind,
                temporality=None if kind in {"gauge", "summary"} else temporality,
                is_monotonic=truth(data, "isMonotonic") if kind == "sum" else None,
                start_ns=unsigned(point, "startTimeUnixNano") or None,
                time_ns=unsigned(point, "timeUnixNano"),
                value=value,
                count=count,
                sum=total,
                data=detail,
                attributes=attributes(point, "attributes", 5, into),
                flags=small(point, "flags"),
                **shared,
            )
        )


def _value(holder: Object) -> tuple[str, Any]:
    """``as_int`` or ``as_double`` with its number; an empty name when there is neither."""
    if holder.get("asInt") is not None and holder.get("asDouble") is not None:
        refuse("asInt", holder["asInt"], "either asInt or asDouble")
    if holder.get("asInt") is not None:
        return "as_int", whole(holder, "asInt", -(2**63), 2**63 - 1)
    found = double(holder, "asDouble")
    return ("", None) if found is None else ("as_double", found)


def _number(point: Object, _into: Decoded) -> Reading:
    kind, value = _value(point)
    if kind == "as_int":
        return float(value), None, None, {"as_int": value}
    return value, None, None, {}


def _counts(holder: Object, key: str) -> list[int]:
    return [integer(key, item, 0, 2**64 - 1) for item in values(holder, key)]


def _histogram(point: Object, _into: Decoded) -> Reading:
    detail: dict[str, Any] = {}
    if counts := _counts(point, "bucketCounts"):
        detail["bucket_counts"] = counts
    if bounds := [floating("explicitBounds", x) for x in values(point, "explicitBounds")]:
        detail["explicit_bounds"] = [number(bound) for bound in bounds]
    return None, unsigned(point, "count"), _bounds(point, detail), detail


def _exponential(point: Object, _into: Decoded) -> Reading:
    detail: dict[str, Any] = {
        "scale": signed(point, "scale"),
        "zero_count": unsigned(point, "zeroCount"),
    }
    for side in ("positive", "negative"):
        if point.get(side) is not None:
            buckets = message(point, side)
            counts = _counts(buckets, "bucketCounts")
            detail[side] = {"offset": signed(buckets, "offset"), "bucket_counts": counts}
    if threshold := double(point, "zeroThreshold"):
        detail["zero_threshold"] = number(threshold)
    return None, unsigned(point, "count"), _bounds(point, detail), detail


def _bounds(point: Object, detail: dict[str, Any]) -> float | None:
    """Put min and max into *detail* where they were sent; give the sum."""
    for name in ("min", "max"):
        found = double(point, name)
        if found is not None:
            detail[name] = number(found)
    return double(point, "sum")


def _summary(point: Object, _into: Decoded) -> Reading:
    found = [
        {
            "quantile": number(double(item, "quantile") or 0.0),
            "value": number(double(item, "value") or 0.0),
        }
        for item in messages(point, "quantileValues")
    ]
    total = double(point, "sum") or 0.0
    return None, unsigned(point, "count"), total, {"quantile_values": found} if found else {}


def _exemplar(item: Object, into: Decoded) -> dict[str, Any]:
    found: dict[str, Any] = {
        "time_ns": unsigned(item, "timeUnixNano"),
        "filtered_attributes": attributes(item, "filteredAttributes", 6, into),
    }
    kind, value = _value(item)
    if kind:
        found[kind] = number(value) if kind == "as_double" else value
    for name, key in (("trace_id", "traceId"), ("span_id", "spanId")):
        sent = identifier(item, key)
        if sent is None:
            refuse(key, item[key], "hexadecimal text")
        if sent:
            found[name] = sent
    return found


_KINDS: dict[str, tuple[str, Callable[[Object, Decoded], Reading]]] = {
    "gauge": ("gauge", _number),
    "sum": ("sum", _number),
    "histogram": ("histogram", _histogram),
    "exponentialHistogram": ("exponential_histogram", _exponential),
    "summary": ("summary", _summary),
}
