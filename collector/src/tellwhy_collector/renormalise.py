"""Makes all steps again from the raw records: yesterday's records in today's understanding.

Runs alone on a stopped collector's file, in one transaction, in bounded memory. The raw tables
are only read.
"""

import argparse
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TextIO

from tellwhy_collector import settings, store
from tellwhy_collector.dialects import normalise
from tellwhy_collector.errors import CollectorError
from tellwhy_collector.flags import add_arguments
from tellwhy_collector.ingest.columns import STEPS, insertion, step_row, table
from tellwhy_collector.ingest.readback import LOG_SELECT, SPAN_SELECT, log_of, span_of
from tellwhy_collector.ingest.wholes import Wholes, goes_on_of
from tellwhy_collector.reconstruct.settle import settle
from tellwhy_collector.records import Record
from tellwhy_collector.settings import Settings

ROWS_AT_ONCE = 2048
"""Raw records in memory at one time."""

TRACES_AT_ONCE = 500
"""Traces that are reconstructed in one go."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What `rebuild` did to the table ``steps``."""

    spans: int
    logs: int
    before: int
    """Steps that were there."""
    after: int
    """Steps that are there now, inferred ones included."""
    gone: int
    """Steps that are no more: their record is understood as no step."""
    new: int
    """Steps that were not there."""
    changed: int
    """Steps that say something else."""
    kinds: dict[str, int]
    """Steps by kind."""
    duplicates: int


Say = Callable[[str], None]


def run(argv: list[str]) -> int:
    """Read all stored records again and rebuild the steps.

    Returns:
        The exit status: 0, or 1 when the file cannot be opened.
    """
    parser = argparse.ArgumentParser(prog="tellwhy renormalise", description=__doc__)
    add_arguments(parser)
    chosen = vars(parser.parse_args(argv))
    try:
        configured = settings.load(chosen)
        outcome = rebuild(configured, say=lambda line: _say(sys.stderr, line))
    except CollectorError as error:
        _say(sys.stderr, f"tellwhy renormalise: {error}")
        return 1
    _say(sys.stdout, told(outcome))
    return 0


def _say(stream: TextIO, line: str) -> None:
    stream.write(line + "\n")
    stream.flush()


def told(outcome: Outcome) -> str:
    """The outcome in words, for a person."""
    kinds = ", ".join(f"{count} {kind}" for kind, count in outcome.kinds.items())
    return (
        f"{outcome.spans} spans and {outcome.logs} logs read.\n"
        f"{outcome.before} steps before, {outcome.after} now: {outcome.new} new, "
        f"{outcome.changed} changed, {outcome.gone} gone.\n"
        f"{kinds or 'no steps'}; {outcome.duplicates} told twice."
    )


def rebuild(configured: Settings, *, say: Say | None = None) -> Outcome:
    """Make steps again from spans and logs, and all that is worked out from steps.

    Args:
        configured: Names the database, which no collector may have open.
        say: Is told how far it has come, a sentence at a time.

    Raises:
        StoreError: The file cannot be opened; another process may have it.
    """
    tell = say or (lambda _: None)
    opened = store.open(configured.database, configured)
    try:
        cursor = opened.writer()
        try:
            return _in_transaction(cursor, tell)
        finally:
            cursor.close()
    finally:
        opened.close()


def _in_transaction(cursor: Any, tell: Say) -> Outcome:
    cursor.execute("BEGIN")
    try:
        outcome = _rebuild(cursor, tell)
        cursor.execute("COMMIT")
    except BaseException:
        cursor.execute("ROLLBACK")
        raise
    return outcome


def _rebuild(cursor: Any, tell: Say) -> Outcome:
    said = "SELECT trace_id, span_id, hash(s) AS said FROM steps s"
    cursor.execute(f"CREATE TEMP TABLE steps_before AS {said}")
    cursor.execute("DELETE FROM steps")
    for table_ in _DERIVED:
        cursor.execute(f"DELETE FROM {table_}")  # noqa: S608 - our own names
    spans = _read_all(cursor, "spans", SPAN_SELECT, span_of, tell)
    logs = _read_all(cursor, "logs", LOG_SELECT, log_of, tell)
    cursor.execute(_KEEP_ONE)
    traces = [row[0] for row in cursor.execute("SELECT DISTINCT trace_id FROM steps").fetchall()]
    duplicates = 0
    for place in range(0, len(traces), TRACES_AT_ONCE):
        duplicates += settle(cursor, traces[place : place + TRACES_AT_ONCE]).duplicates
    tell(f"{len(traces)} traces reconstructed")
    outcome = _compare(cursor, spans, logs, duplicates)
    cursor.execute("DROP TABLE steps_before")
    return outcome


def _read_all(
    cursor: Any, source: str, select: str, record_of: Callable[[Any], Record], tell: Say
) -> int:
    """Read *source* from end to end into steps; how many rows it has."""
    reader = cursor.cursor()
    count, wholes = 0, Wholes()
    try:
        reader.execute(f"USE {store.DATABASE}")
        reader.execute(f"SELECT {select} FROM {source}")  # noqa: S608 - our own names
        while rows := reader.fetchmany(ROWS_AT_ONCE):
            _insert(cursor, (record_of(row) for row in rows), wholes)
            count += len(rows)
            if count % (ROWS_AT_ONCE * 50) == 0:
                tell(f"{count} {source} read")
    finally:
        reader.close()
    tell(f"{count} {source} read")
    return count


_DERIVED = (
    "step_duplicates",
    "run_rows",
    "decision_rows",
    "settled_traces",
    "open_traces",
    "call_contexts",
    "approvals",
    "effects_without_approval",
    "evidence",
    "findings",
    "suspects",
    "branches",
    "branch_decisions",
    "unexplained",
    "unruled",
)
"""What is worked out from steps; the last ten when a collector runs again."""

_KEEP_ONE = """
    DELETE FROM steps WHERE rowid IN (
        SELECT rowid FROM steps QUALIFY row_number() OVER (
            PARTITION BY trace_id, span_id ORDER BY end_ns IS NULL, rowid DESC
        ) > 1
    )
"""
"""Of a repeated id the ended record counts, and the later of two."""


def _insert(cursor: Any, records: Iterable[Record], wholes: Wholes) -> None:
    rows, goes_on = [], {}
    for record in records:
        step = normalise(record)
        if step is not None:
            rows.append(step_row(step))
            if (whole_from := goes_on_of(record)) is not None:
                goes_on[step.span_id] = whole_from
    if not rows:
        return
    rows = wholes.complete(cursor, rows, goes_on)
    cursor.register("incoming", table(rows, STEPS))
    try:
        cursor.execute(insertion("steps", STEPS))
    finally:
        cursor.unregister("incoming")


def _compare(cursor: Any, spans: int, logs: int, duplicates: int) -> Outcome:
    """Count what is different from before."""
    before, after, gone, new, changed = cursor.execute(
        """
        WITH old AS (SELECT * FROM steps_before),
             now AS (SELECT trace_id, span_id, hash(s) AS said FROM steps s)
        SELECT (SELECT count(*) FROM old), (SELECT count(*) FROM now),
               count(*) FILTER (now.said IS NULL), count(*) FILTER (old.said IS NULL),
               count(*) FILTER (old.said <> now.said)
        FROM old FULL JOIN now USING (trace_id, span_id)
        """
    ).fetchone()
    kinds = cursor.execute(
        "SELECT kind, count(*) FROM steps GROUP BY kind ORDER BY kind"
    ).fetchall()
    return Outcome(spans, logs, before, after, gone, new, changed, dict(kinds), duplicates)
