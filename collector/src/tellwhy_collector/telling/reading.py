"""Brings a run out of the store and tells it. Takes a cursor with a transaction open; says SQL."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import orjson

from tellwhy_collector.errors import NotFound
from tellwhy_collector.reconstruct.case import Case, Decision, Evidence, Finding
from tellwhy_collector.reconstruct.rows import COLUMNS, JSON_COLUMNS, step_of_row
from tellwhy_collector.reconstruct.settled import Cursor
from tellwhy_collector.records import Step
from tellwhy_collector.telling.checking import Stored, text_at
from tellwhy_collector.telling.decision import decision_told
from tellwhy_collector.telling.paths import NoSuchPlace
from tellwhy_collector.telling.run import run_told
from tellwhy_collector.telling.scene import Cause, Order, Proof, Scene, Seen
from tellwhy_collector.telling.sentences import Citation, Explanation

SOURCES = 12
"""Most columns of other steps that are read to name where values came from."""


EXCERPT = 600
"""Most characters of what a citation shows of its place."""


class Told(NamedTuple):
    """An explanation, and whether all that it looks at has been worked out."""

    explanation: Explanation
    complete: bool
    """False while the trace changes, or waits to be looked at as a whole."""


def tell(cursor: Cursor, run_id: str, which: str | None = None) -> Told:
    """A run, or one of its decisions, in words.

    Args:
        cursor: With a transaction open, so that everything is of one moment.
        run_id: The run.
        which: A decision's id, its number in the run from 1, or the id of a step that belongs to
            it; None for the whole run.

    Raises:
        NotFound: There is no such run, or no such decision in it.
    """
    return Reading(cursor, run_id).told(which)


def tell_json(
    cursor: Cursor, run_id: str, which: str | None = None, *, excerpts: bool = False
) -> dict[str, Any]:
    """What `tell` gives as the API tells it; with *excerpts* also what the citations show."""
    told, complete = tell(cursor, run_id, which)
    shown = with_excerpts(cursor, told) if excerpts else told.as_json()
    return {"complete": complete, **shown}


class Reading:
    """One run as it stands in the store; what is asked for twice is read once."""

    def __init__(self, cursor: Cursor, run_id: str) -> None:
        """Find the run.

        Raises:
            NotFound: There is none.
        """
        self._cursor = cursor
        self.run = _run(cursor, run_id)
        trace_id = self.run["trace_id"]
        last = cursor.execute(_LAST, [trace_id]).fetchone()[0]
        until = 2**63 - 1 if last is None else last
        self._mine = [min(self.run["start_ns"], until), until, trace_id, self.run["run_id"]]

    def told(self, which: str | None = None) -> Told:
        """The whole run or the decision that *which* names, as `tell` gives it."""
        if which is None:
            case = Case(self.run, self._steps(()), self.decisions, {})
            scene = Scene(
                case,
                (),
                self.findings,
                proofs=self._proofs(),
                looked_at=self._looked_at(),
                complete=self.complete,
            )
            return Told(run_told(scene), self.complete)
        decision = self._wanted(which)
        shown = [decision.span_id, decision.outcome_span_id, decision.approval_span_id]
        evidence = self._evidence(decision.decision_id)
        tests = [one for one in self._proofs() if one.decision_id == decision.decision_id]
        proofs = [proof.get("span_id") for one in self.findings for proof in one.proof]
        proofs += [one.span_id for one in self.findings]
        scene = Scene(
            Case(self.run, self._steps([one for one in shown if one], proofs), self.decisions, {}),
            evidence,
            self.findings,
            seen=self._seen(decision.span_id),
            texts=self._texts(decision.span_id, evidence),
            proofs=tests,
            causes=self._causes(tests[0]) if tests else (),
            complete=self.complete,
        )
        return Told(decision_told(scene, decision), self.complete)

    @cached_property
    def complete(self) -> bool:
        """Whether the trace rests and has been looked at."""
        due = (
            "SELECT EXISTS (FROM unexplained WHERE trace_id = $1) "
            "OR EXISTS (FROM open_traces WHERE trace_id = $1)"
        )
        return not self._cursor.execute(due, [self.run["trace_id"]]).fetchone()[0]

    @cached_property
    def decisions(self) -> tuple[Decision, ...]:
        """All choices of the run."""
        names = ", ".join(Decision.__dataclass_fields__)
        rows = self._of("decisions", names, "ORDER BY start_ns, span_id, choice_index")
        return tuple(Decision(**_loaded(row, ("arguments", "offered"))) for row in rows)

    @cached_property
    def findings(self) -> list[Finding]:
        """All problems that rules see in the run."""
        names = ", ".join(Finding._fields)
        rows = self._of("findings", names, "ORDER BY start_ns, span_id, rule")
        return [Finding(**row | {"proof": _proof(row["proof"])}) for row in rows]

    def _proofs(self) -> tuple[Proof, ...]:
        """The tests of the run's decisions that count, in the order of the decisions' calls."""
        names = ", ".join(Proof.__dataclass_fields__)
        sql = (
            f"SELECT {names} FROM newest_proofs WHERE run_id = ? AND trace_id = ?"  # noqa: S608 - our names
            " ORDER BY start_ns, decision_id"
        )
        rows = _rows(self._cursor, sql, [self.run["run_id"], self.run["trace_id"]])
        return tuple(Proof(**row) for row in rows)

    def _causes(self, proof: Proof) -> tuple[Cause, ...]:
        names = ", ".join(Cause.__dataclass_fields__)
        sql = f"SELECT {names} FROM causes WHERE proof_id = ? ORDER BY place"  # noqa: S608 - our names
        return tuple(Cause(**row) for row in _rows(self._cursor, sql, [proof.proof_id]))

    def _wanted(self, which: str) -> Decision:
        """The decision that is meant."""
        order = Order(Case(self.run, (), self.decisions, {}))
        for one in order.decisions:
            if which in (one.decision_id, one.span_id, one.outcome_span_id, one.approval_span_id):
                return one
        if which.isdecimal() and len(which) < 10 and 1 <= int(which) <= len(order.decisions):
            return order.decisions[int(which) - 1]
        above = {step.span_id: step.parent_span_id for step in self._steps(())}
        at = above.get(which)
        while at is not None:  # a step inside a tool belongs to the tool's decision
            for one in order.decisions:
                if at in (one.outcome_span_id, one.approval_span_id, one.span_id):
                    return one
            at = above.pop(at, None)
        count = len(order.decisions)
        told = f"its decisions are numbered 1 to {count}" if count else "it has none"
        raise NotFound(
            f"There is no decision {which[:200]!r} in this run; {told}. Name one by its number, by "
            "its decision_id or by the span_id of a step that belongs to it."
        )

    def _looked_at(self) -> bool:
        sql = f"SELECT EXISTS (FROM call_contexts WHERE {_MINE})"
        return bool(self._cursor.execute(sql, self._mine).fetchone()[0])

    def _steps(
        self, content: Sequence[str], others: Sequence[Any] | None = None
    ) -> tuple[Step, ...]:
        """Steps with what was said where *content* names them, and without it.

        Args:
            content: Ids of steps.
            others: Ids of more; None for all of the run.
        """
        names = ", ".join(
            f"CASE WHEN span_id IN (SELECT unnest($5::VARCHAR[])) THEN {name} END AS {name}"
            if name in _CONTENT
            else name
            for name in COLUMNS
        )
        sql = (
            f"SELECT {names} FROM steps WHERE {_MINE} AND duplicate_of IS NULL"  # noqa: S608 - our names
            " AND ($6::VARCHAR[] IS NULL OR span_id IN (SELECT unnest($6::VARCHAR[])))"
            " ORDER BY start_ns, span_id"
        )
        wanted = (
            None if others is None else [*content, *(one for one in others if isinstance(one, str))]
        )
        given = [*self._mine, list(content), wanted]
        return tuple(map(step_of_row, _rows(self._cursor, sql, given)))

    def _evidence(self, decision_id: str) -> list[Evidence]:
        names = ", ".join(Evidence._fields)
        sql = (
            f"SELECT {names} FROM evidence WHERE {_MINE} AND decision_id = $5"  # noqa: S608 - our names
            " ORDER BY argument, rank"
        )
        rows = _rows(self._cursor, sql, [*self._mine, decision_id])
        return [Evidence(**row | {"value": row["value"] or "null"}) for row in rows]

    def _seen(self, span_id: str) -> Seen | None:
        names = ", ".join(Seen.__dataclass_fields__)
        sql = f"SELECT {names} FROM call_contexts WHERE {_MINE} AND span_id = $5"  # noqa: S608 - our names
        for row in _rows(self._cursor, sql, [*self._mine, span_id]):
            return Seen(**_loaded(row, ("tools_added", "tools_removed")))
        return None

    def _texts(self, span_id: str, evidence: Sequence[Evidence]) -> dict[tuple[str, str], Any]:
        """What the sentences look into: the call's own messages, and those that hold sources."""
        wanted = dict.fromkeys([(span_id, "input_messages"), (span_id, "system_instructions")])
        for one in evidence:
            if one.source_span_id and one.source_column in JSON_COLUMNS and one.rank == 0:
                wanted[one.source_span_id, one.source_column] = None
        found = {}
        for at, column in list(wanted)[: SOURCES + 2]:
            text = _value(self._cursor, self._mine, at, column)
            if text is not None:
                found[at, column] = orjson.loads(text)
        return found

    def _of(self, table: str, names: str, order: str) -> list[dict[str, Any]]:
        sql = f"SELECT {names} FROM {table} WHERE {_MINE} {order}"  # noqa: S608 - our names
        return _rows(self._cursor, sql, self._mine)


def _run(cursor: Cursor, run_id: str) -> dict[str, Any]:
    found = _rows(cursor, "SELECT * FROM runs WHERE run_id = ? ORDER BY start_ns LIMIT 1", [run_id])
    if not found:
        raise NotFound(
            f"There is no run {run_id[:200]!r}. The column run_id of the table runs has the ids."
        )
    return found[0]


def stored_in(cursor: Cursor, explanation: Explanation) -> Stored:
    """Reads what sentences of *explanation* cite, for `check_citations`."""
    run = _run(cursor, explanation.run_id)
    mine = [0, 2**63 - 1, explanation.trace_id, explanation.run_id]
    known: dict[tuple[str, str], Any] = {}

    def stored(citation: Citation) -> Any:
        if citation.table == "runs":
            return run.get(citation.column)
        if citation.table in ("proofs", "causes"):
            return _tested_value(cursor, citation)
        if citation.column not in COLUMNS or citation.span_id is None:
            return None
        key = citation.span_id, citation.column
        if key not in known:
            known[key] = _value(cursor, mine, *key)
        return known[key]

    return stored


def with_excerpts(cursor: Cursor, explanation: Explanation) -> dict[str, Any]:
    """An explanation as JSON, with what stands at each place that it cites."""
    stored = stored_in(cursor, explanation)
    told = explanation.as_json()
    for sentence, shown in zip(explanation.sentences, told["sentences"], strict=True):
        for citation, place in zip(sentence.citations, shown["citations"], strict=True):
            with contextlib.suppress(NoSuchPlace):
                place["excerpt"] = text_at(citation, stored)[:EXCERPT]
    return told


def _tested_value(cursor: Cursor, citation: Citation) -> Any:
    """A column of a test, or of a thing that a test compared; None when there is none."""
    noun, keys = (
        (Proof, ["proof_id"]) if citation.table == "proofs" else (Cause, ["proof_id", "place"])
    )
    if citation.column not in noun.__dataclass_fields__:
        return None
    where = " AND ".join(f"{key} = ?" for key in keys)
    sql = f"SELECT {citation.column} FROM {citation.table} WHERE {where}"  # noqa: S608 - our names
    row = cursor.execute(sql, [getattr(citation, key) for key in keys]).fetchone()
    return row[0] if row else None


def _value(cursor: Cursor, mine: Sequence[Any], span_id: str, column: str) -> Any:
    sql = f"SELECT {column} FROM steps WHERE {_MINE} AND span_id = $5 AND duplicate_of IS NULL"  # noqa: S608 - one of our columns
    row = cursor.execute(sql, [*mine, span_id]).fetchone()
    return row[0] if row else None


def _rows(cursor: Cursor, sql: str, parameters: Sequence[Any]) -> list[dict[str, Any]]:
    result = cursor.execute(sql, list(parameters))
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _loaded(row: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    parsed = {name: orjson.loads(row[name]) for name in names if row[name] is not None}
    return row | parsed


def _proof(text: str | None) -> tuple[dict[str, Any], ...]:
    """Rules of users write what they like."""
    try:
        found = orjson.loads(text or "[]")
    except ValueError:
        return ()
    return tuple(one for one in found if isinstance(one, dict)) if isinstance(found, list) else ()


_CONTENT = JSON_COLUMNS | {"stated_reason"}
"""What makes a row long."""

_MINE = "start_ns BETWEEN $1 AND $2 AND trace_id = $3 AND run_id = $4"

_LAST = """
    SELECT max(last_ns) FROM settled_traces
    WHERE trace_key = md5_number_lower($1) AND trace_id = $1
        AND NOT EXISTS (FROM open_traces WHERE trace_id = $1)
"""
