"""Arguments against the JSON Schema that was offered, within bounds. Pure.

Schemas come from outside: nothing is fetched, no regular expression of theirs runs, and the work
is counted, so that one that refers to itself ends.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from typing import Any

import jsonschema
import orjson
from jsonschema import validators
from jsonschema_specifications import REGISTRY

MOST_SCHEMA_BYTES = 64 * 1024
MOST_ARGUMENT_BYTES = 64 * 1024
MOST_CHECKS = 20_000
"""Keywords that are applied for one set of arguments; some 50 ms."""
MOST_UNIQUE = 100
"""Elements of a list that are compared each with each."""

PREPARED = 128
"""Schemas that are kept prepared; of 64 KiB at most."""

Broken = list[tuple[str, str]]
"""JSON path, and what is wrong there."""


class _TooMuchError(Exception):
    """The arguments need more checks than are made."""


class Schemas:
    """The schemas of one run, each prepared once."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, Any]] = {}

    def broken(self, schema: Any, arguments: dict[str, Any]) -> Broken:
        """Where *arguments* break *schema*; nothing when that cannot be said.

        Args:
            schema: Not changed while this object lives.
            arguments: An object.
        """
        if not isinstance(schema, dict) or not ("properties" in schema or "type" in schema):
            return []
        if id(schema) not in self._known:
            text = orjson.dumps(schema, default=str)
            self._known[id(schema)] = (schema, _prepared(text))
        validator = self._known[id(schema)][1]
        if validator is None or len(orjson.dumps(arguments, default=str)) > MOST_ARGUMENT_BYTES:
            return []
        _checks.left = MOST_CHECKS
        try:
            errors = sorted(validator.iter_errors(arguments), key=lambda e: e.json_path)
        except Exception:  # noqa: BLE001 - what a broken schema of others raises has many names
            return []
        return [(e.json_path, e.message) for e in errors if not _nullable(e)]


class _Checks(threading.local):
    """How many checks may still be made for the arguments at hand, in each thread."""

    left = 0


_checks = _Checks()


@lru_cache(maxsize=PREPARED)
def _prepared(text: bytes) -> Any:
    """The validator of a schema, shared by runs that offer the same tools; None for none."""
    if len(text) > MOST_SCHEMA_BYTES or b'"patternProperties"' in text:
        return None
    schema = orjson.loads(text)
    named = validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    return _bounded(named)(schema, registry=REGISTRY)


@cache
def _bounded(named: Any) -> Any:
    """A class of jsonschema whose keywords are counted; making one takes a millisecond."""
    rules = {name: _counted(rule) for name, rule in named.VALIDATORS.items()}
    return validators.extend(named, rules | {"pattern": _unchecked})


def _counted(rule: Callable[..., Any]) -> Callable[..., Any]:
    def counted(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
        _checks.left -= 1
        if _checks.left < 0:
            raise _TooMuchError
        if rule.__name__ == "uniqueItems" and _long(instance):
            return
        yield from rule(validator, value, instance, schema) or ()

    return counted


def _unchecked(*_: Any) -> tuple[()]:
    """A schema's own regular expression may run for ever."""
    return ()


def _long(instance: Any) -> bool:
    return isinstance(instance, list) and len(instance) > MOST_UNIQUE


def _nullable(error: Any) -> bool:
    """OpenAPI's word for a value that may be null, which JSON Schema does not know."""
    return (
        error.instance is None
        and isinstance(error.schema, dict)
        and error.schema.get("nullable") is True
    )
