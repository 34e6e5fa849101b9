"""Arguments against schemas: right about what breaks, and done soon whatever the schema is."""

import pytest

from tellwhy_collector.reconstruct.findings import schemas
from tellwhy_collector.reconstruct.findings.schemas import Schemas

NUMBER = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
DRAFT_4 = {"$schema": "http://json-schema.org/draft-04/schema#"}


def nested(depth):
    value = {}
    for _ in range(depth):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("schema", "arguments", "paths"),
    [
        (NUMBER, {"n": 1}, []),
        (NUMBER, {"n": "1"}, ["$.n"]),
        (NUMBER, {}, ["$"]),
        (NUMBER | {"additionalProperties": False}, {"n": 1, "m": 2}, ["$"]),
        (
            DRAFT_4 | {"properties": {"n": {"minimum": 3, "exclusiveMinimum": True}}},
            {"n": 3},
            ["$.n"],
        ),
        ({"properties": {"l": {"items": NUMBER}}}, {"l": [{"n": 1}, {"n": None}]}, ["$.l[1].n"]),
        (
            {"$defs": {"k": {"enum": ["a"]}}, "properties": {"k": {"$ref": "#/$defs/k"}}},
            {"k": "b"},
            ["$.k"],
        ),
    ],
)
def test_what_breaks_is_named_by_its_path(schema, arguments, paths):
    """Of every draft that the schema may be written in."""
    assert paths == [path for path, _ in Schemas().broken(schema, arguments)]


TWICE = {"properties": {"a": {"$ref": "#"}}}


@pytest.mark.parametrize(
    ("schema", "arguments"),
    [
        ({"type": "object", "allOf": [{"$ref": "#"}]}, {"a": 1}),
        ({"type": "object", "allOf": [TWICE, TWICE], "required": ["b"]}, nested(200)),
        (NUMBER | {"patternProperties": {"(x+x+)+y": {}}}, {"x" * 40: 1}),
        ({"properties": {"s": {"pattern": "(x+x+)+y"}}}, {"s": "x" * 40}),
        ({"properties": {"l": {"uniqueItems": True}}}, {"l": [{"a": [i]} for i in range(5000)]}),
        (NUMBER | {"description": "x" * schemas.MOST_SCHEMA_BYTES}, {}),
        (NUMBER, {"m": "x" * schemas.MOST_ARGUMENT_BYTES}),
        ({"properties": {"n": {"$ref": "file:///etc/passwd"}}}, {"n": 1}),
        ({"properties": {"n": {"type": "INTEGER"}}}, {"n": "a"}),
        ({"properties": {"n": {"minimum": "a"}}}, {"n": 1}),
        ({"properties": 5}, {"n": 1}),
        ({"type": "object", "required": 5}, {"n": 1}),
        (["no", "schema"], {"n": 1}),
        (None, {"n": 1}),
    ],
)
@pytest.mark.timeout(20)
def test_what_cannot_be_said_is_not_said(schema, arguments):
    """Schemas without an end, that are broken, or that would fetch: nothing is found, and soon."""
    assert [] == Schemas().broken(schema, arguments)


def test_a_schema_is_prepared_once():
    """Ten thousand calls of one tool share it, and each has checks of its own."""
    known = Schemas()
    found = [known.broken(NUMBER, {"n": "x"}) for _ in range(schemas.MOST_CHECKS // 4)]

    assert all(found)
