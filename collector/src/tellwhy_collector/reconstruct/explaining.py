"""Looks at whole runs that came to rest, and writes what they say.

Takes a cursor and says SQL, as `settle` does; opening, committing and when are the explainer's.
"""

import itertools
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

import orjson

from tellwhy_collector.reconstruct import branches
from tellwhy_collector.reconstruct.approvals import approvals_of, effects_without_approval
from tellwhy_collector.reconstruct.case import (
    Approval,
    Case,
    Decision,
    Effect,
    Evidence,
    Finding,
    Suspect,
)
from tellwhy_collector.reconstruct.contexts import Context, Request, contexts_of
from tellwhy_collector.reconstruct.evidence import evidence_of
from tellwhy_collector.reconstruct.findings import findings_of
from tellwhy_collector.reconstruct.following import Place, places_in
from tellwhy_collector.reconstruct.rows import COLUMNS, HEAVY_COLUMNS, json_text, step_of_row
from tellwhy_collector.reconstruct.settled import Cursor
from tellwhy_collector.reconstruct.suspects import suspects_of
from tellwhy_collector.records import Step

REQUESTS_AT_ONCE = 64
"""Rows of requests that are held as text while they are read."""

CALLS_AT_ONCE = 128
"""So many model calls of small runs are read and written together."""

_OF_RUNS = (
    "call_contexts",
    "approvals",
    "effects_without_approval",
    "evidence",
    "findings",
    "suspects",
)
TABLES = (*_OF_RUNS, *branches.TABLES)
"""What is written here."""

_log = logging.getLogger(__name__)

T = TypeVar("T")


class Explained(NamedTuple):
    """What a call of `explain` did."""

    traces: int = 0
    evidence: int = 0
    findings: int = 0
    failed: int = 0
    """Runs of which something could not be made out; what rests on it is missing, the rest is there."""


@dataclass(slots=True)
class _Looked:
    """What was seen in one run. What could not be made out is empty, and the rest is there."""

    case: Case
    failed: bool = False
    places: Mapping[str, Place] = field(init=False)
    effects: Sequence[Effect] = field(init=False)
    evidence: Sequence[Evidence] = field(init=False)
    findings: Sequence[Finding] = field(init=False)
    suspects: Sequence[Suspect] = field(init=False)

    def __post_init__(self) -> None:
        case = self.case
        self.places = self._tried(lambda: places_in(case), {})
        self.effects = self._tried(lambda: tuple(effects_without_approval(case)), ())
        self.evidence = self._tried(lambda: evidence_of(case), ())
        self.findings = self._tried(lambda: findings_of(case, self.evidence), ())
        self.suspects = self._tried(lambda: suspects_of(case, self.evidence, self.findings), ())

    def _tried(self, look: Callable[[], T], otherwise: T) -> T:
        try:
            return look()
        except Exception:  # noqa: BLE001 - whatever it is, the rest and other runs go on
            _log.exception("Run %s could not be looked at as a whole.", self.case.run["run_id"])
            self.failed = True
            return otherwise


def explain(cursor: Cursor, trace_ids: Sequence[str], *, ruled: bool = False) -> Explained:
    """Look at the runs of these traces and replace what was written of them before.

    Args:
        cursor: With a transaction open.
        trace_ids: Traces of ``unexplained``; their rows there go when the transaction commits,
            those that are written meanwhile stay.
        ruled: Whether rules of users are to be asked about them afterwards.
    """
    wanted = list(dict.fromkeys(trace_ids))
    if not wanted:
        return Explained()
    since_ns = _since(cursor, wanted)
    _forget(cursor, wanted, since_ns)
    total = Explained(len(trace_ids))
    for cases in _groups(cursor, wanted, since_ns):
        written = _Written()
        for case in cases:
            looked_at = _Looked(case)
            total = total._replace(failed=total.failed + looked_at.failed)
            written.take(looked_at)
        written.write(cursor)
        total = total._replace(
            evidence=total.evidence + len(written.rows["evidence"]),
            findings=total.findings + len(written.rows["findings"]),
        )
    branches.write_branches(cursor, wanted, since_ns)
    if ruled:
        cursor.execute(
            "INSERT INTO unruled SELECT unnest(?), ?, epoch_us(now())", [wanted, since_ns]
        )
    return total


def cases_of(cursor: Cursor, trace_id: str, since_ns: int = 0) -> Iterator[Case]:
    """The runs of one trace as they stand now, each with its steps, decisions and contexts.

    Args:
        cursor: Of the collector.
        trace_id: The trace.
        since_ns: No step of it starts before.
    """
    for cases in _groups(cursor, [trace_id], since_ns):
        yield from cases


_Run = tuple[str, str]
"""Trace id, run id: a run of a sender may lie in several traces, each is looked at for itself."""


def _groups(cursor: Cursor, traces: Sequence[str], since_ns: int) -> Iterator[list[Case]]:
    """Cases of all these traces, those of several small runs together.

    A question costs a millisecond or more whatever it brings, so many small runs share one; the
    requests of a large run are read alone, because they are what takes memory.
    """
    mine = f"WHERE start_ns >= ? AND {_one_of('trace_id', traces)}"
    given = [since_ns, *traces]
    runs = _rows(cursor, f"SELECT * FROM runs {mine}", given)  # noqa: S608 - our names
    names = ", ".join(f"NULL AS {n}" if n in HEAVY_COLUMNS else n for n in COLUMNS)
    steps: dict[_Run, list[Step]] = {}
    for row in _rows(
        cursor,
        f"SELECT {names} FROM steps {mine}"  # noqa: S608 - our names
        " AND duplicate_of IS NULL ORDER BY start_ns, span_id",
        given,
    ):
        step = step_of_row(row)
        steps.setdefault((step.trace_id, step.run_id), []).append(step)
    decisions: dict[_Run, list[Decision]] = {}
    for row in _rows(
        cursor,
        f"SELECT {_DECISION} FROM decisions {mine}"  # noqa: S608 - our names
        " ORDER BY start_ns, span_id, choice_index",
        given,
    ):
        decision = _decision(row)
        decisions.setdefault((decision.trace_id, decision.run_id), []).append(decision)
    for group in _small_together(runs, steps):
        contexts = _contexts(cursor, [_key(run) for run in group], since_ns)
        yield [
            _case(run, steps.pop(_key(run), []), decisions.pop(_key(run), []), contexts)
            for run in group
        ]


def _case(
    run: dict[str, Any],
    steps: Sequence[Step],
    decisions: Sequence[Decision],
    contexts: dict[_Run, dict[str, Context]],
) -> Case:
    approvals = _approvals(run["run_id"], steps, decisions)
    return Case(run, tuple(steps), tuple(decisions), contexts.pop(_key(run), {}), approvals)


def _small_together(
    runs: Sequence[dict[str, Any]], steps: Mapping[_Run, Sequence[Step]]
) -> Iterator[list[dict[str, Any]]]:
    """Runs in groups of no more than `CALLS_AT_ONCE` model calls; a larger run alone."""
    group: list[dict[str, Any]] = []
    count = 0
    for run in runs:
        calls = sum(step.kind == "model_call" for step in steps.get(_key(run), ()))
        if group and count + calls > CALLS_AT_ONCE:
            yield group
            group, count = [], 0
        group.append(run)
        count += calls
    if group:
        yield group


def _approvals(
    run_id: str, steps: Sequence[Step], decisions: Sequence[Decision]
) -> tuple[Approval, ...]:
    try:
        return approvals_of(steps, decisions)
    except Exception:  # noqa: BLE001 - whatever it is, the rest of the run is looked at
        _log.exception("The approvals of run %s could not be looked at.", run_id)
        return ()


def _key(run: Mapping[str, Any]) -> _Run:
    return run["trace_id"], run["run_id"]


def _contexts(
    cursor: Cursor, runs: Sequence[_Run], since_ns: int
) -> dict[_Run, dict[str, Context]]:
    """What the calls of these runs saw, read as it is worked on: one request is as long as a book."""
    traces = list(dict.fromkeys(trace_id for trace_id, _ in runs))
    run_ids = list(dict.fromkeys(run_id for _, run_id in runs))
    sql = _REQUESTS.format(
        mine=f"start_ns >= ? AND {_one_of('trace_id', traces)} AND {_one_of('run_id', run_ids)}"
    )
    given = [since_ns, *traces, *run_ids]
    result = cursor.execute(sql, [*given, *given])
    rows = _streamed(result)
    return {
        run: contexts_of(Request(*row[2:]) for row in of_run)
        for run, of_run in itertools.groupby(rows, lambda row: (row[0], row[1]))
    }


def _streamed(result: Any) -> Iterator[tuple[Any, ...]]:
    while rows := result.fetchmany(REQUESTS_AT_ONCE):
        yield from rows


def _one_of(column: str, values: Sequence[str]) -> str:
    return f"{column} IN ({', '.join('?' * len(values))})"


def _rows(cursor: Cursor, sql: str, parameters: list[Any]) -> list[dict[str, Any]]:
    result = cursor.execute(sql, parameters)
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _decision(row: dict[str, Any]) -> Decision:
    for name in ("arguments", "offered"):
        row[name] = orjson.loads(row[name]) if row[name] is not None else None
    return Decision(**row)


def _since(cursor: Cursor, traces: Sequence[str]) -> int:
    due = cursor.execute(
        f"SELECT min(start_ns) FROM unexplained WHERE {_one_of('trace_id', traces)}",  # noqa: S608 - our names
        list(traces),
    ).fetchone()
    return due[0] or 0


def _forget(cursor: Cursor, traces: Sequence[str], since_ns: int) -> None:
    for table in (*TABLES, "unexplained", "unruled"):
        cursor.execute(
            f"DELETE FROM {table} WHERE start_ns >= ? AND {_one_of('trace_id', traces)}",  # noqa: S608 - our names
            [since_ns, *traces],
        )


class _Written:
    """Rows of several runs, written together."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {table: [] for table in _OF_RUNS}

    def take(self, looked: _Looked) -> None:
        """The rows of one run."""
        case = looked.case
        run = {"trace_id": case.run["trace_id"], "run_id": case.run["run_id"]}
        start_ns = {step.span_id: step.start_ns for step in case.steps}
        self.rows["call_contexts"] += [
            run
            | {"span_id": span_id, "start_ns": start_ns[span_id]}
            | _context_row(case.contexts.get(span_id), place)
            for span_id, place in looked.places.items()
            if span_id in start_ns
        ]
        self.rows["approvals"] += [run | _approval_row(one) for one in case.approvals]
        self.rows["effects_without_approval"] += [run | _effect_row(one) for one in looked.effects]
        self.rows["evidence"] += [run | one._asdict() for one in looked.evidence]
        self.rows["findings"] += [
            run | one._asdict() | {"proof": json_text(one.proof), "made_by": "tellwhy"}
            for one in looked.findings
        ]
        self.rows["suspects"] += [
            run | one._asdict() | {"reasons": json_text(one.reasons)} for one in looked.suspects
        ]

    def write(self, cursor: Cursor) -> None:
        """Into their tables."""
        for table, rows in self.rows.items():
            _insert(cursor, table, rows)


def _context_row(context: Context | None, place: Place) -> dict[str, Any]:
    before = context and context.previous
    changed = before.system != context.system if context and before else None
    return {
        "previous_span_id": before and before.span_id,
        "kept_messages": context.kept if context and context.has_messages else None,
        "new_messages": len(context.new) if context and context.has_messages else None,
        "tools_added": json_text(context and context.tools_added),
        "tools_removed": json_text(context and context.tools_removed),
        "system_changed": changed,
        "previous_decision_id": place.previous_decision_id,
        "next_decision_id": place.next_decision_id,
        "blocked": json_text(place.blocked),
    }


def _approval_row(approval: Approval) -> dict[str, Any]:
    payloads = ("shown", "arguments", "executed")
    texts = {name: json_text(getattr(approval, name)) for name in payloads}
    decided_ns = approval.decided_ns
    times = {
        "start_time": approval.start_ns // 1000,
        "decided_time": None if decided_ns is None else decided_ns // 1000,
    }
    return approval._asdict() | texts | times


def _effect_row(effect: Effect) -> dict[str, Any]:
    times = {"start_time": effect.start_ns // 1000}
    return effect._asdict() | {"arguments": json_text(effect.arguments)} | times


def _insert(cursor: Cursor, table: str, rows: Sequence[dict[str, Any]]) -> None:
    """Rows as one JSON parameter: as fast as Arrow and without it."""
    if not rows:
        return
    names = list(rows[0])
    types = orjson.dumps([{name: _TYPES.get(name, "VARCHAR") for name in names}]).decode()
    cursor.execute(
        f"INSERT INTO {table} ({', '.join(names)})"  # noqa: S608 - our names
        f" SELECT {', '.join(_value(name) for name in names)}"
        f" FROM (SELECT unnest(from_json(?, '{types}'), recursive := true)) r",
        [orjson.dumps(list(rows), default=str).decode()],
    )


def _value(column: str) -> str:
    return f"make_timestamp(r.{column})" if column.endswith("_time") else f"r.{column}"


_TYPES = {
    "start_time": "BIGINT",
    "decided_time": "BIGINT",
    "start_ns": "BIGINT",
    "decided_ns": "BIGINT",
    "wait_ns": "BIGINT",
    "changed_after_approval": "BOOLEAN",
    "rubber_stamp": "BOOLEAN",
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
    SELECT trace_id, run_id, span_id, input_messages, system_instructions, tools_offered, response_id,
        previous_response_id,
        CASE WHEN (trace_id, run_id, response_id) IN (
            SELECT (trace_id, run_id, previous_response_id) FROM steps
            WHERE {mine} AND previous_response_id IS NOT NULL
        ) THEN output_messages END
    FROM steps
    WHERE {mine} AND kind = 'model_call'
        AND duplicate_of IS NULL AND (input_messages IS NOT NULL OR tools_offered IS NOT NULL)
    ORDER BY trace_id, run_id, start_ns, span_id
"""
