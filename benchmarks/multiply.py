"""A database of many spans from one of few: every table copied with other ids and earlier times.

The first spans go the whole way through a collector. Their rows are then copied inside DuckDB, the
collector being stopped, once for each stretch of time before them: contents stay as they were sent,
trace, run and conversation get ids that no other copy has, times move back. Rows stand in the order
of time, as ingest puts them.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tellwhy_collector import store
from tellwhy_collector.settings import Settings

TEMPLATE_SPANS = 2 * store.ROW_GROUP_ROWS
"""Whole row groups: halves would all be merged, that is written again, by the checkpoint."""
IDS = ("trace_id", "run_id", "conversation_id")
TIMES_NS = ("start_ns", "end_ns", "decided_ns")
TIMES = ("start_time", "end_time", "decided_time", "received_at")
LARGEST = "spans"
"""About half of the work; the other half is done beside it."""


def tables(cursor) -> list[str]:
    """Our tables that hold something of a trace, in the order in which they were made."""
    found = cursor.execute(
        "SELECT t.table_name FROM duckdb_tables() t WHERE t.database_name = 'tellwhy' "
        "AND EXISTS (FROM duckdb_columns() c WHERE c.table_oid = t.table_oid "
        "AND c.database_name = 'tellwhy' AND c.column_name = 'trace_id') ORDER BY t.table_oid"
    ).fetchall()
    return [name for (name,) in found]


def replaced(columns: list[str], place: int, shift_ns: int) -> str:
    """The select list of a copy that lies *place* stretches of *shift_ns* before the original."""
    if not place:
        return "*"
    shift = place * shift_ns
    changes = [f"md5({name} || '{place}') AS {name}" for name in columns if name in IDS]
    changes += [f"{name} - {shift} AS {name}" for name in columns if name in TIMES_NS]
    changes += [
        f"{name} - INTERVAL {shift // 1000} MICROSECONDS AS {name}"
        for name in columns
        if name in TIMES
    ]
    return f"* REPLACE ({', '.join(changes)})"


def multiply(database: Path, wanted: int) -> int:
    """Copy what *database* holds until there are about *wanted* spans; how many there are then."""
    opened = store.open(database, Settings())
    cursor = opened.cursor()

    def fill(names: list[str]) -> None:
        writer = opened.cursor()
        for name in names:
            columns = [column for (column, *_) in writer.execute(f"DESCRIBE {name}").fetchall()]
            writer.execute("BEGIN")
            for place in range(copies - 1, -1, -1):
                chosen = replaced(columns, place, shift_ns)
                writer.execute(f"INSERT INTO {name} SELECT {chosen} FROM few.{name}")
            writer.execute("COMMIT")
        writer.close()

    try:
        first, last, spans = cursor.execute(
            "SELECT min(start_ns), max(start_ns), count(*) FROM spans"
        ).fetchone()
        copies, shift_ns = max(1, round(wanted / spans)), last - first
        names = tables(cursor)
        cursor.execute(f"ATTACH ':memory:' AS few (ROW_GROUP_SIZE {store.ROW_GROUP_ROWS})")
        for name in names:
            cursor.execute(f"CREATE TABLE few.{name} AS FROM {name}")
            cursor.execute(f"TRUNCATE {name}")
        cursor.execute(f"CHECKPOINT {store.DATABASE}")
        with ThreadPoolExecutor(2) as pool:
            shares = [LARGEST], [name for name in names if name != LARGEST]
            for done in [pool.submit(fill, list(share)) for share in shares]:
                done.result()
        cursor.execute(f"CHECKPOINT {store.DATABASE}")
        return spans * copies
    finally:
        cursor.close()
        opened.close()
