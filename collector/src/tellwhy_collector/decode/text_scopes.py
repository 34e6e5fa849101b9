"""What a JSON request says once for many records: resource, scope and what stands beside them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tellwhy_collector.decode.nouns import Decoded
from tellwhy_collector.decode.text_values import (
    Object,
    attributes,
    message,
    messages,
    refuse,
    small,
    text,
    values,
)


def scopes(
    request: Object, groups: str, inside: str, into: Decoded
) -> Iterator[tuple[Object, dict[str, Any]]]:
    """Each scope of *request* with what it and its resource say of all its records.

    Args:
        request: One export request.
        groups: The key of its resources.
        inside: The key of a resource's scopes.
        into: Where overridden pairs are counted.

    Returns:
        The object that holds the records, and fields that all of them share.
    """
    for group in messages(request, groups):
        sender = message(group, "resource")
        resource, envelope = attributes(sender, "attributes", 2, into), _envelope(sender)
        resource_schema_url = text(group, "schemaUrl") or None
        for inner in messages(group, inside):
            scope = message(inner, "scope")
            dropped = small(scope, "droppedAttributesCount")
            yield (
                inner,
                {
                    "resource": resource,
                    "scope_name": text(scope, "name") or None,
                    "scope_version": text(scope, "version") or None,
                    "scope_attributes": attributes(scope, "attributes", 3, into),
                    "resource_schema_url": resource_schema_url,
                    "scope_schema_url": text(inner, "schemaUrl") or None,
                    "envelope": envelope | {"scope_dropped_attributes": dropped}
                    if dropped
                    else envelope,
                },
            )


def _envelope(resource: Object) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if dropped := small(resource, "droppedAttributesCount"):
        found["resource_dropped_attributes"] = dropped
    if entities := messages(resource, "entityRefs"):
        found["resource_entity_refs"] = [
            {
                "schema_url": text(entity, "schemaUrl"),
                "type": text(entity, "type"),
                "id_keys": _texts(entity, "idKeys"),
                "description_keys": _texts(entity, "descriptionKeys"),
            }
            for entity in entities
        ]
    return found


def _texts(holder: Object, key: str) -> list[str]:
    found = values(holder, key)
    for value in found:
        if type(value) is not str:
            refuse(key, value, "a list of texts")
    return found
