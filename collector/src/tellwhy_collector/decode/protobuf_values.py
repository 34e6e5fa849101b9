"""Protobuf's attribute values into JSON-like Python."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from tellwhy_collector.decode.nouns import Decoded, number


def attributes(pairs: Any, into: Decoded) -> dict[str, Any]:
    """Key-value pairs as a dict; of repeated keys the last wins and the others are counted."""
    found: dict[str, Any] = {}
    for pair in pairs:
        value = pair.value
        kind = value.WhichOneof("value")
        if kind == "string_value":
            found[pair.key] = value.string_value
        elif kind == "int_value":
            found[pair.key] = value.int_value
        else:
            found[pair.key] = any_value(value, into)
    if len(found) != len(pairs):
        into.repeated_keys += len(pairs) - len(found)
    return found


def any_value(value: AnyValue, into: Decoded) -> Any:
    """One AnyValue as JSON-like Python; an index into a profile's string table counts as absent."""
    kind = value.WhichOneof("value")
    if kind in {"string_value", "int_value", "bool_value"}:
        return getattr(value, kind)
    if kind == "double_value":
        return number(value.double_value)
    if kind == "array_value":
        return [any_value(item, into) for item in value.array_value.values]
    if kind == "kvlist_value":
        return attributes(value.kvlist_value.values, into)
    if kind == "bytes_value":
        return b64encode(value.bytes_value).decode()
    return None


def scope_of(scope: Any, into: Decoded) -> tuple[str | None, str | None, dict[str, Any]]:
    """Name, version and attributes of an instrumentation scope."""
    return scope.name or None, scope.version or None, attributes(scope.attributes, into)
