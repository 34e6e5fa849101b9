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


def write_rows(cursor: Cursor, trace_ids: list[str], since_ns: int) -> None:
    """Work out runs and decisions of these traces and close the traces.

    Args:
        cursor: In the transaction that has brought their steps up to date.
        trace_ids: The traces.
        since_ns: None of their steps starts before.
    """
    cursor.execute(_SETTLING, [since_ns, trace_ids])
    again = "SELECT 1 FROM settled_traces WHERE trace_id IN (SELECT unnest(?)) LIMIT 1"
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
    SELECT count(DISTINCT trace_id), min(start_ns)
    FROM (FROM open_traces UNION ALL FROM settled_traces)
    WHERE trace_id IN (SELECT unnest(?))
"""

_SETTLING = """
    CREATE OR REPLACE TEMP TABLE settling_steps AS
    SELECT * REPLACE (
        NULL::VARCHAR AS input_messages, NULL::VARCHAR AS output_messages,
        NULL::VARCHAR AS system_instructions
    )
    FROM steps WHERE start_ns >= ? AND trace_id IN (SELECT unnest(?))
"""
"""Temporary, so that it costs the log nothing."""

_WRITE = (
    "INSERT INTO settled_traces SELECT trace_id, min(start_ns) FROM settling_steps GROUP BY ALL",
    "INSERT INTO run_rows BY NAME SELECT * FROM runs_of('settling_steps')",
    "INSERT INTO decision_rows BY NAME SELECT * FROM decisions_of('settling_steps')",
)
