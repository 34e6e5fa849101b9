"""Keeps the rows of runs and decisions of traces that rest, so that nobody computes them again.

What the rows say is said by ``runs_of`` and ``decisions_of`` in ``sql/``: the views ask the same of
the traces that do not rest.
"""

from typing import Any, Protocol


class Cursor(Protocol):
    """As much of a DuckDB connection as is used here."""

    def execute(self, query: str, parameters: Any = None, /) -> Any:
        """Run one statement."""


def first_start(cursor: Cursor, trace_ids: list[str]) -> int:
    """No step of these traces starts before this; keeps scans in the newest row groups.

    Returns:
        Unix nanoseconds; 0 when one of the traces is not known to be open or settled.
    """
    known, start = cursor.execute(_FIRST_START, [trace_ids]).fetchone()
    return start if known == len(trace_ids) else 0


def lay_out(cursor: Cursor, trace_ids: list[str], since_ns: int) -> None:
    """Make ``settling_steps``: these traces without their messages, and what `plain` asks of them.

    Args:
        cursor: With a transaction open.
        trace_ids: The traces.
        since_ns: None of their steps starts before.
    """
    cursor.execute(
        f"CREATE OR REPLACE TEMP TABLE settling_steps AS {_SETTLING}", [since_ns, trace_ids]
    )


def lay_out_again(cursor: Cursor, trace_ids: list[str], since_ns: int) -> None:
    """Bring ``settling_steps`` up to date after the steps of these traces were written.

    Of all other traces in it the steps that were inferred before are gone, and nothing is a
    duplicate any more.
    """
    if trace_ids:
        cursor.execute(
            "DELETE FROM settling_steps WHERE trace_id IN (SELECT unnest(?))", [trace_ids]
        )
    cursor.execute("DELETE FROM settling_steps WHERE source = 'steps'")
    cursor.execute("UPDATE settling_steps SET duplicate_of = NULL WHERE duplicate_of IS NOT NULL")
    if trace_ids:
        cursor.execute(f"INSERT INTO settling_steps {_SETTLING}", [since_ns, trace_ids])


def write_rows(cursor: Cursor, trace_ids: list[str], since_ns: int) -> None:
    """Work out runs and decisions of these traces from ``settling_steps`` and close the traces.

    Args:
        cursor: In the transaction that has brought their steps up to date.
        trace_ids: The traces.
        since_ns: None of their steps starts before.
    """
    again = (
        "SELECT 1 FROM settled_traces "
        "WHERE trace_key IN (SELECT md5_number_lower(unnest(?::VARCHAR[]))) LIMIT 1"
    )
    known = cursor.execute(again, [trace_ids]).fetchone()
    for table in () if known is None else ("settled_traces", "run_rows", "decision_rows"):
        cursor.execute(
            f"DELETE FROM {table} WHERE start_ns >= ? AND trace_id IN (SELECT unnest(?))",  # noqa: S608 - our names
            [since_ns, trace_ids],
        )
    for statement in _WRITE:
        cursor.execute(statement)
    cursor.execute("DELETE FROM open_traces WHERE trace_id IN (SELECT unnest(?))", [trace_ids])
    cursor.execute("DROP TABLE settling_steps")


_FIRST_START = """
    WITH asked AS (SELECT unnest($1) AS trace_id)
    SELECT count(DISTINCT trace_id), min(start_ns) FROM (
        SELECT trace_id, start_ns FROM open_traces
        UNION ALL
        SELECT trace_id, start_ns FROM settled_traces
        WHERE trace_key IN (SELECT md5_number_lower(trace_id) FROM asked)
    )
    WHERE trace_id IN (FROM asked)
"""

_SETTLING = """
    SELECT * REPLACE (
        NULL::VARCHAR AS input_messages, NULL::VARCHAR AS output_messages,
        NULL::VARCHAR AS system_instructions
    ),
        input_messages IS NOT NULL AS has_input,
        output_messages IS NOT NULL AS has_output,
        coalesce(contains(input_messages, '"tool_call_response"'), false) AS has_results,
        coalesce(
            chosen NOT LIKE '[%'
            OR len(json_extract(chosen, '$[*].action')) <> json_array_length(chosen),
            false
        )
            AS misshapen,
        coalesce(
            list_has_any(json_extract_string(chosen, '$[*].action'), ['tool_call', 'handoff']), false
        ) AS calls_tools,
        json_extract_string(chosen, '$[*].tool_call_id') AS asked_ids
    FROM steps WHERE start_ns >= ? AND trace_id IN (SELECT unnest(?))
"""
"""Goes into a temporary table, so that it costs the log nothing."""

_WRITE = (
    (
        "INSERT INTO settled_traces SELECT trace_id, md5_number_lower(trace_id), min(start_ns), "
        "max(start_ns) FROM settling_steps GROUP BY ALL"
    ),
    "INSERT INTO run_rows BY NAME SELECT * FROM runs_of('settling_steps')",
    "INSERT INTO decision_rows BY NAME SELECT * FROM decisions_of('settling_steps')",
    "INSERT INTO unexplained SELECT trace_id, min(start_ns) FROM settling_steps GROUP BY ALL",
)
