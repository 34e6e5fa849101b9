"""Protobuf's attribute values into JSON-like Python."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from tellwhy_collector.decode.nouns import Decoded, number


def attributes(pairs: Any, into: Decoded) -> dict[str, Any]:
    """Key-value pairs as a dict; of repeated keys the last wins and the others are counted."""
    found: dict[str, Any] = {}
    for pair in pairs:
        value = pair.value
        # To read a field that is not set gives nothing, and costs less than to ask which one is.
        if text := value.string_value:
            found[pair.key] = text
        elif whole := value.int_value:
            found[pair.key] = whole
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


def scopes(
    groups: Iterable[Any], inside: str, into: Decoded
) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Each scope of a request with what it and its resource say of all its records.

    Args:
        groups: ``ResourceSpans`` or their like.
        inside: The field that holds the scopes.
        into: Where overridden pairs are counted.

    Returns:
        The message that holds the records, and fields that all of them share.
    """
    for group in groups:
        resource = attributes(group.resource.attributes, into)
        for inner in getattr(group, inside):
            scope = inner.scope
            yield (
                inner,
                {
                    "resource": resource,
                    "scope_name": scope.name or None,
                    "scope_version": scope.version or None,
                    "scope_attributes": attributes(scope.attributes, into),
                    "resource_schema_url": group.schema_url or None,
                    "scope_schema_url": inner.schema_url or None,
                    "envelope": _envelope(group.resource, scope),
                },
            )


def _envelope(resource: Any, scope: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if resource.dropped_attributes_count:
        found["resource_dropped_attributes"] = resource.dropped_attributes_count
    if resource.entity_refs:
        found["resource_entity_refs"] = [
            {
                "schema_url": entity.schema_url,
                "type": entity.type,
                "id_keys": list(entity.id_keys),
                "description_keys": list(entity.description_keys),
            }
            for entity in resource.entity_refs
        ]
    if scope.dropped_attributes_count:
        found["scope_dropped_attributes"] = scope.dropped_attributes_count
    return found
