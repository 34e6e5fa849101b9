"""Looks at whole runs that came to rest, and writes contexts, evidence, findings and suspects.

Takes a cursor and says SQL, as `settle` does; opening, committing and when are the explainer's.
"""

import logging
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import orjson

from tellwhy_collector.reconstruct.case import Case, Decision, Evidence, Finding, Suspect
from tellwhy_collector.reconstruct.contexts import Context, Request, contexts_of
from tellwhy_collector.reconstruct.evidence import evidence_of
from tellwhy_collector.reconstruct.findings import findings_of
from tellwhy_collector.reconstruct.rows import COLUMNS, HEAVY_COLUMNS, json_text, step_of_row
from tellwhy_collector.reconstruct.settled import Cursor
from tellwhy_collector.reconstruct.suspects import suspects_of
from tellwhy_collector.records import Step

REQUESTS_AT_ONCE = 64
"""Rows of requests that are held as text while they are read."""

_log = logging.getLogger(__name__)


class Explained(NamedTuple):
    """What a call of `explain` did."""

    traces: int = 0
    evidence: int = 0
    findings: int = 0
    failed: int = 0
    """Runs that could not be looked at; they have no evidence and no findings."""


def explain(cursor: Cursor, trace_ids: Sequence[str]) -> Explained:
    """Look at the runs of these traces and replace what was written of them before.

    Args:
        cursor: With a transaction open.
        trace_ids: Traces of ``unexplained``; their rows there go when the transaction commits,
            those that are written meanwhile stay.
    """
    total, failed = Explained(), 0
    for trace_id in dict.fromkeys(trace_ids):
        due = cursor.execute(
            "SELECT min(start_ns) FROM unexplained WHERE trace_id = ?", [trace_id]
        ).fetchone()
        since_ns = due[0] or 0
        _forget(cursor, trace_id, since_ns)
        for case in cases_of(cursor, trace_id, since_ns):
            try:
                evidence = evidence_of(case)
                findings = findings_of(case, evidence)
                suspects = suspects_of(case, evidence, findings)
            except Exception:  # noqa: BLE001 - whatever it is, the other runs go on
                _log.exception("Run %s could not be looked at.", case.run["run_id"])
                failed += 1
                continue
            _write(cursor, case, evidence, findings, suspects)
            total = Explained(0, total.evidence + len(evidence), total.findings + len(findings))
    return total._replace(traces=len(trace_ids), failed=failed)


def cases_of(cursor: Cursor, trace_id: str, since_ns: int = 0) -> Iterator[Case]:
    """The runs of one trace as they stand now, each with its steps, decisions and contexts.

    Args:
        cursor: Of the collector.
        trace_id: The trace.
        since_ns: No step of it starts before.
    """
    mine = [since_ns, trace_id]
    runs = _rows(cursor, "SELECT * FROM runs WHERE start_ns >= ? AND trace_id = ?", mine)
    names = ", ".join(f"NULL AS {n}" if n in HEAVY_COLUMNS else n for n in COLUMNS)
    steps: dict[str, list[Step]] = {}
    for row in _rows(
        cursor,
        f"SELECT {names} FROM steps WHERE start_ns >= ? AND trace_id = ?"  # noqa: S608 - our names
        " AND duplicate_of IS NULL ORDER BY start_ns, span_id",
        mine,
    ):
        step = step_of_row(row)
        steps.setdefault(step.run_id, []).append(step)
    decisions: dict[str, list[Decision]] = {}
    for row in _rows(
        cursor,
        f"SELECT {_DECISION} FROM decisions WHERE start_ns >= ? AND trace_id = ?"  # noqa: S608 - our names
        " ORDER BY start_ns, span_id, choice_index",
        mine,
    ):
        decision = _decision(row)
        decisions.setdefault(decision.run_id, []).append(decision)
    for run in runs:
        run_id = run["run_id"]
        contexts = contexts_of(_requests(cursor, trace_id, run_id, since_ns))
        yield Case(run, tuple(steps.get(run_id, ())), tuple(decisions.get(run_id, ())), contexts)


def _requests(cursor: Cursor, trace_id: str, run_id: str, since_ns: int) -> Iterator[Request]:
    result = cursor.execute(_REQUESTS, [since_ns, trace_id, run_id])
    while rows := result.fetchmany(REQUESTS_AT_ONCE):
        yield from (Request(*row) for row in rows)


def _rows(cursor: Cursor, sql: str, parameters: list[Any]) -> list[dict[str, Any]]:
    result = cursor.execute(sql, parameters)
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _decision(row: dict[str, Any]) -> Decision:
    for name in ("arguments", "offered"):
        row[name] = orjson.loads(row[name]) if row[name] is not None else None
    return Decision(**row)


def _forget(cursor: Cursor, trace_id: str, since_ns: int) -> None:
    for table in ("call_contexts", "evidence", "findings", "suspects", "unexplained"):
        cursor.execute(
            f"DELETE FROM {table} WHERE start_ns >= ? AND trace_id = ?",  # noqa: S608 - our names
            [since_ns, trace_id],
        )


def _write(
    cursor: Cursor,
    case: Case,
    evidence: Sequence[Evidence],
    findings: Sequence[Finding],
    suspects: Sequence[Suspect],
) -> None:
    run = {"trace_id": case.run["trace_id"], "run_id": case.run["run_id"]}
    start_ns = {step.span_id: step.start_ns for step in case.steps}
    contexts = [
        run | {"span_id": span_id, "start_ns": start_ns[span_id]} | _context_row(context)
        for span_id, context in case.contexts.items()
    ]
    _insert(cursor, "call_contexts", contexts)
    _insert(cursor, "evidence", [run | one._asdict() for one in evidence])
    rows = [
        run | one._asdict() | {"proof": json_text(one.proof), "made_by": "tellwhy"}
        for one in findings
    ]
    _insert(cursor, "findings", rows)
    ranked = [run | one._asdict() | {"reasons": json_text(one.reasons)} for one in suspects]
    _insert(cursor, "suspects", ranked)


def _context_row(context: Context) -> dict[str, Any]:
    before = context.previous
    return {
        "previous_span_id": before and before.span_id,
        "kept_messages": context.kept,
        "new_messages": len(context.new),
        "tools_added": json_text(context.tools_added),
        "tools_removed": json_text(context.tools_removed),
        "system_changed": None if before is None else before.system != context.system,
    }


def _insert(cursor: Cursor, table: str, rows: Sequence[dict[str, Any]]) -> None:
    """Rows as one JSON parameter: as fast as Arrow and without it."""
    if not rows:
        return
    names = list(rows[0])
    types = orjson.dumps([{name: _TYPES.get(name, "VARCHAR") for name in names}]).decode()
    cursor.execute(
        f"INSERT INTO {table} ({', '.join(names)})"  # noqa: S608 - our names
        f" SELECT {', '.join('r.' + name for name in names)}"
        f" FROM (SELECT unnest(from_json(?, '{types}'), recursive := true)) r",
        [orjson.dumps(list(rows), default=str).decode()],
    )


_TYPES = {
    "start_ns": "BIGINT",
    "kept_messages": "INTEGER",
    "new_messages": "INTEGER",
    "system_changed": "BOOLEAN",
    "rank": "INTEGER",
    "share": "DOUBLE",
    "weak": "BOOLEAN",
    "source_from": "INTEGER",
    "source_to": "INTEGER",
}

_DECISION = ", ".join(Decision.__dataclass_fields__)

_REQUESTS = """
    SELECT span_id, input_messages, system_instructions, tools_offered, response_id,
        previous_response_id,
        CASE WHEN response_id IN (
            SELECT previous_response_id FROM steps
            WHERE start_ns >= $1 AND trace_id = $2 AND run_id = $3
        ) THEN output_messages END
    FROM steps
    WHERE start_ns >= $1 AND trace_id = $2 AND run_id = $3 AND kind = 'model_call'
        AND duplicate_of IS NULL AND (input_messages IS NOT NULL OR tools_offered IS NOT NULL)
    ORDER BY start_ns, span_id
"""
