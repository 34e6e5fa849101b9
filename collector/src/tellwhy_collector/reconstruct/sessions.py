"""Brings together what several sources tell of one session of Claude Code or codex.

A transcript knows sessions, prompts and the ids of requests and tool calls, and no trace; log events
without a trace know no more. Each such prompt stands in a trace of its own, whose id hangs on session
and prompt, until one of its ids is found in a trace of the program's own spans, or until it lies
within a job of ``tellwhy run`` that printed the same session. Whichever came first.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import orjson

from tellwhy_collector.dialects.reading import derived_id
from tellwhy_collector.reconstruct.settled import Cursor

SECOND_NS = 10**9
LONGEST_NS = 24 * 3600 * SECOND_NS
"""A session is looked back on so far from the traces that are settled. (1 day)"""

SLACK_NS = 5 * SECOND_NS
"""So far outside of its job a step may lie: the clocks are one, but ends are told late."""

PROGRAMS = ("claude_code", "codex")
TRANSCRIPT, JOB = "transcript", "run_job"
AMONG = f"(dialect IN ('{TRANSCRIPT}', 'claude_code', 'codex') OR operation = '{JOB}')"


class Told(NamedTuple):
    """As much of a step as is needed to see where it belongs."""

    trace_id: str
    span_id: str
    run_id: str
    source: str
    dialect: str
    operation: str | None
    conversation_id: str
    turn_id: str | None
    request_id: str | None
    tool_call_id: str | None
    start_ns: int
    end_ns: int | None


class Move(NamedTuple):
    """A trace whose steps belong into another."""

    trace_id: str
    to_trace: str
    to_run: str
    under: str | None
    """Span that its roots come under; None where the trace has a place for them itself."""


def gather(cursor: Cursor, trace_ids: Sequence[str], since_ns: int) -> set[str]:
    """Move what belongs together; gives the traces that changed by it.

    Args:
        cursor: With a transaction open in which all traces concerned are settled afterwards.
        trace_ids: Traces that are about to be settled.
        since_ns: None of their steps starts before.
    """
    sessions = cursor.execute(
        "SELECT DISTINCT conversation_id FROM steps WHERE start_ns >= ?"  # noqa: S608 - our own texts
        f" AND trace_id IN (SELECT unnest(?)) AND conversation_id IS NOT NULL AND {AMONG}",
        [since_ns, list(trace_ids)],
    ).fetchall()
    if not sessions:
        return set()
    rows = cursor.execute(
        f"SELECT {', '.join(Told._fields)} FROM steps WHERE start_ns >= ?"  # noqa: S608
        f" AND conversation_id IN (SELECT unnest(?)) AND source <> 'steps' AND {AMONG}"
        " ORDER BY start_ns, span_id",
        [since_ns - LONGEST_NS, [session for (session,) in sessions]],
    ).fetchall()
    moves = list(moves_of(Told._make(row) for row in rows))
    _move(cursor, moves, since_ns - LONGEST_NS)
    return {trace_id for move in moves for trace_id in (move.trace_id, move.to_trace)}


def moves_of(steps: Iterable[Told]) -> Iterator[Move]:
    """Which traces belong into which, of the *steps* of some sessions, by start. Pure."""
    traces: dict[str, list[Told]] = {}
    own: dict[tuple[str, str], Told] = {}
    jobs: dict[str, list[Told]] = {}
    for step in steps:
        traces.setdefault(step.trace_id, []).append(step)
        if step.operation == JOB:
            jobs.setdefault(step.conversation_id, []).append(step)
        elif step.dialect in PROGRAMS and step.source == "span":
            for key in (step.request_id, step.tool_call_id):
                if key is not None:
                    own.setdefault((step.conversation_id, key), step)
    for trace_id, told in traces.items():
        if not all(_stands_alone(step) for step in told):
            continue
        target = _traced(told, own)
        if target is not None:
            yield Move(trace_id, target.trace_id, target.run_id, None)
        elif (job := _job_of(told, jobs.get(told[0].conversation_id, ()))) is not None:
            yield Move(trace_id, job.trace_id, job.run_id, job.span_id)


def _stands_alone(step: Told) -> bool:
    """Whether the step's trace was made up from its session and prompt."""
    if step.dialect == TRANSCRIPT:
        return True
    if step.source != "log" or step.dialect not in PROGRAMS:
        return False
    turn = [step.turn_id] if step.dialect == "claude_code" else []
    made_up = derived_id(step.dialect, step.conversation_id, *turn, size_bytes=16)
    return step.trace_id == made_up


def _traced(told: Sequence[Told], own: dict[tuple[str, str], Told]) -> Told | None:
    for step in told:
        for key in (step.request_id, step.tool_call_id):
            found = own.get((step.conversation_id, key)) if key is not None else None
            if found is not None and found.trace_id != step.trace_id:
                return found
    return None


def _job_of(told: Sequence[Told], jobs: Iterable[Told]) -> Told | None:
    start_ns = min(step.start_ns for step in told)
    end_ns = max(step.end_ns or step.start_ns for step in told)
    for job in jobs:
        ends = job.end_ns is None or end_ns <= job.end_ns + SLACK_NS
        if job.start_ns - SLACK_NS <= start_ns and ends:
            return job
    return None


def _move(cursor: Cursor, moves: list[Move], since_ns: int) -> None:
    """Put the steps of each trace into the other; one that is there already was sent twice and goes."""
    if not moves:
        return
    told = orjson.dumps([move._asdict() for move in moves]).decode()
    mine = "steps.start_ns >= ? AND steps.trace_id = m.trace_id"
    cursor.execute(
        f"DELETE FROM steps USING {_MOVES} WHERE {mine} AND EXISTS ("  # noqa: S608 - our own texts
        "SELECT 1 FROM steps s WHERE s.start_ns >= ? AND s.trace_id = m.to_trace"
        " AND s.span_id = steps.span_id)",
        [told, since_ns, since_ns],
    )
    cursor.execute(
        "UPDATE steps SET trace_id = m.to_trace, run_id = m.to_run,"  # noqa: S608
        f" parent_span_id = coalesce(steps.parent_span_id, m.under) FROM {_MOVES} WHERE {mine}",
        [told, since_ns],
    )


_MOVES: Any = """(
    SELECT unnest(from_json(?, '[{"trace_id":"VARCHAR","to_trace":"VARCHAR","to_run":"VARCHAR",
    "under":"VARCHAR"}]'), recursive := true)
) m"""
