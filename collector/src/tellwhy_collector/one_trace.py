"""Answers about one trace from the row groups that hold it, where all would be looked through.

There is no index, because it would make storing dearer. But when a trace rests, it is written down
when its first and its last step began, and rows stand in the order of time, more or less. So a
statement about one trace first sees its table between these two moments: at five million steps
`select * from steps where trace_id = …` takes a quarter of the time.

A trace that has changed since is in ``open_traces``; then the statement runs as it was written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tellwhy_collector.newest import Cursor, Params, given, nodes, only_table
from tellwhy_collector.store import DATABASE

TABLES = frozenset({"steps", "runs", "decisions", "failures", "model_calls", "tool_calls"})
"""Those whose every row begins when a step of its trace begins. Spans may be no steps."""


def narrowed(cursor: Cursor, tree: Mapping[str, Any], statement: str, params: Params) -> str | None:
    """*statement* that sees only the time of its trace; None when it is not about one at rest.

    Args:
        cursor: In the transaction in which the statement will run.
        tree: What json_serialize_sql made of the statement.
        statement: Its text.
        params: Values of its placeholders.
    """
    select = tree["statements"][0]["node"]
    table = only_table(select)
    if table not in TABLES:
        return None
    trace_id = _trace(select.get("where_clause"), params)
    if not trace_id or any(
        str(node.get("alias", "")).lower() == "trace_id" for node in nodes(select)
    ):
        return None
    found = cursor.execute(_TIMES, [trace_id]).fetchall()
    if len(found) != 1:
        return None
    first, last = found[0]
    return (
        f"WITH {table} AS (FROM {DATABASE}.main.{table} WHERE start_ns BETWEEN {first} AND {last}) "
        f"{statement}"
    )


_TIMES = """
    SELECT start_ns, last_ns FROM settled_traces
    WHERE trace_key = md5_number_lower($1) AND trace_id = $1
    AND NOT EXISTS (SELECT 1 FROM open_traces WHERE trace_id = $1)
"""


def _trace(where: Mapping[str, Any] | None, params: Params) -> str:
    """The trace that all rows must be of; "" when nothing says so."""
    if not where:
        return ""
    parts = where.get("children") if where.get("type") == "CONJUNCTION_AND" else [where]
    for part in parts or ():
        if part.get("type") != "COMPARE_EQUAL":
            continue
        for column, value in ((part["left"], part["right"]), (part["right"], part["left"])):
            if column.get("class") == "COLUMN_REF" and _is_trace_id(column["column_names"]):
                return given(value, params)
    return ""


def _is_trace_id(names: list[str]) -> bool:
    return len(names) <= 2 and names[-1].lower() == "trace_id"
