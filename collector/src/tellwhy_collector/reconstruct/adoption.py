"""Brings events that were sent without a trace into the trace of the call they tell of.

The answer's id and the time tell. Until the call's span comes, such an event is a call of its own
in a trace of its own, which is found from either side: its id is made of the answer's.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import orjson

from tellwhy_collector.dialects.genai_events import EVENTS, lone_trace
from tellwhy_collector.reconstruct.events import AFTER_NS, BEFORE_NS, near
from tellwhy_collector.reconstruct.settled import Cursor

LONGEST_NS = 3600 * 10**9
"""A call that took longer is not looked for. (1 h)"""


class Told(NamedTuple):
    """As much of a model call, or of an event, as is needed to find the other."""

    trace_id: str
    span_id: str
    parent_span_id: str | None
    run_id: str
    source: str
    name: str
    response_id: str
    start_ns: int
    end_ns: int | None


def adopt(cursor: Cursor, trace_ids: list[str], since_ns: int) -> set[str]:
    """Move what belongs into, or out of, these traces.

    Args:
        cursor: With a transaction open in which all traces concerned are settled afterwards.
        trace_ids: Traces that are about to be settled.
        since_ns: None of their steps starts before.

    Returns:
        The traces that changed by it.
    """
    answers = _lone_answers(cursor, since_ns - BEFORE_NS)
    if not answers:
        return set()
    told = _told(
        cursor, f"{_AMONG} AND response_id IN (SELECT unnest(?))", [since_ns, trace_ids, answers]
    )
    events = {event.span_id: event for event in told if _is_lone(event)}
    calls = [call for call in told if call.source == "span"]
    if calls:
        first = min(call.start_ns for call in calls) - BEFORE_NS
        waiting = {lone_trace(call.response_id) for call in calls}
        found = _told(cursor, _AMONG, [first, [*waiting]])
        events |= {event.span_id: event for event in found if _is_lone(event)}
    if not events:
        return set()
    times = [event.start_ns for event in events.values()]
    ids = sorted({event.response_id for event in events.values()})
    calls = _told(
        cursor,
        "start_ns BETWEEN ? AND ? AND response_id IN (SELECT unnest(?)) AND source = 'span'",
        [min(times) - LONGEST_NS - AFTER_NS, max(times) + BEFORE_NS, ids],
    )
    moves = [(event, call) for event in events.values() if (call := _call_of(event, calls))]
    _move(cursor, moves)
    return {trace_id for event, call in moves for trace_id in (event.trace_id, call.trace_id)}


def _told(cursor: Cursor, where: str, parameters: list[Any]) -> list[Told]:
    rows = cursor.execute(
        f"SELECT {', '.join(Told._fields)} FROM steps WHERE {where}"  # noqa: S608 - our own texts
        " AND kind = 'model_call' AND response_id IS NOT NULL",
        parameters,
    ).fetchall()
    return [Told._make(row) for row in rows]


def _is_lone(told: Told) -> bool:
    if told.source != "log" or told.name not in EVENTS or told.parent_span_id is not None:
        return False
    return told.trace_id == lone_trace(told.response_id)


def _lone_answers(cursor: Cursor, since_ns: int) -> list[str]:
    """What events without a call answer since then; most collectors never see one."""
    rows = cursor.execute(
        "SELECT DISTINCT response_id FROM steps WHERE start_ns >= ? AND source = 'log'"
        " AND kind = 'model_call' AND parent_span_id IS NULL AND response_id IS NOT NULL",
        [since_ns],
    ).fetchall()
    return [response_id for (response_id,) in rows]


_AMONG = "start_ns >= ? AND trace_id IN (SELECT unnest(?))"


def _call_of(event: Told, calls: Iterable[Told]) -> Told | None:
    same = (
        call
        for call in calls
        if call.response_id == event.response_id
        and near(event.start_ns, call.start_ns, call.end_ns)
    )
    return min(
        same,
        key=lambda c: (abs(event.start_ns - (c.end_ns or c.start_ns)), c.span_id),
        default=None,
    )


def _move(cursor: Cursor, moves: list[tuple[Told, Told]]) -> None:
    """Put each event under its call; one that is there already was sent twice and goes."""
    if not moves:
        return
    rows = [
        {
            "trace_id": event.trace_id,
            "span_id": event.span_id,
            "to_trace": call.trace_id,
            "to_run": call.run_id,
            "under": call.span_id,
        }
        for event, call in moves
    ]
    told = orjson.dumps(rows).decode()
    first = min(event.start_ns for event, _ in moves)
    mine = "steps.start_ns >= ? AND steps.trace_id = r.trace_id AND steps.span_id = r.span_id"
    there = (
        "EXISTS (SELECT 1 FROM steps s WHERE s.start_ns >= ? AND s.trace_id = r.to_trace"
        " AND s.span_id = r.span_id)"
    )
    again = f"DELETE FROM steps USING {_MOVES} WHERE {mine} AND {there}"  # noqa: S608 - our texts
    cursor.execute(again, [told, first, first])
    cursor.execute(
        "UPDATE steps SET trace_id = r.to_trace, run_id = r.to_run, parent_span_id = r.under"  # noqa: S608
        f" FROM {_MOVES} WHERE {mine}",
        [told, first],
    )


_MOVES = """(
    SELECT unnest(from_json(?, '[{"trace_id":"VARCHAR","span_id":"VARCHAR","to_trace":"VARCHAR",
    "to_run":"VARCHAR","under":"VARCHAR"}]'), recursive := true)
) r"""
