"""A step as a row of the table ``steps`` and back: structures as JSON text."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import orjson

from tellwhy_collector.records import Step

COLUMNS = tuple(field.name for field in fields(Step))
"""Fields of `Step`; the table has the derived times besides."""

JSON_COLUMNS = frozenset(
    [
        "system_instructions",
        "input_messages",
        "output_messages",
        "tools_offered",
        "tool_choice",
        "request_parameters",
        "chosen",
        "tool_arguments",
        "tool_result",
        "input",
        "output",
    ]
)
"""Structures that stand in the table as JSON text."""

PASSED_ON = frozenset(
    [
        "tool_choice",
        "request_parameters",
        "tool_result",
        "input",
    ]
)
"""Of these no rule looks inside, or asks whether they are empty: their text is not parsed."""


class JsonText(str):
    """JSON as it stands in the table, told apart from a text that has to be written as JSON."""

    __slots__ = ()


HEAVY_COLUMNS = ("input_messages", "system_instructions", "tools_offered")
"""What makes a long trace large: it is repeated by every call."""


def json_text(value: Any) -> str | None:
    """*value* as JSON text, None for None; numbers beyond 64 bits become text."""
    if value is None:
        return None
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def step_of_row(row: Mapping[str, Any]) -> Step:
    """The step that a row holds."""
    values = {name: row[name] for name in COLUMNS}
    for name in JSON_COLUMNS:
        if values[name] is not None:
            text = values[name]
            values[name] = JsonText(text) if name in PASSED_ON else orjson.loads(text)
    return Step(**values)


def value_of(cell: Any) -> Any:
    """A value of `step_of_row` that may not be parsed yet."""
    return orjson.loads(cell.encode()) if isinstance(cell, JsonText) else cell


def cell_of(step: Step, column: str) -> Any:
    """The value of *column* as it stands in the table, the derived times included."""
    if column == "duration_ns":
        ended = step.end_ns is not None and step.end_ns >= step.start_ns
        return step.end_ns - step.start_ns if ended and step.end_ns is not None else None
    if column in ("start_time", "end_time"):
        ns = step.start_ns if column == "start_time" else step.end_ns
        return None if ns is None else ns // 1000
    value = getattr(step, column)
    as_it_stands = column not in JSON_COLUMNS or isinstance(value, JsonText)
    return value if as_it_stands else json_text(value)
