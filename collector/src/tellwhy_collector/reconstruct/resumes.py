"""What came of decisions in a later run of their conversation: an agent that paused goes on elsewhere.

A resume in another process, or in a function that is called anew, is a run of its own. It carries the
model's id of the call that waited, and no model call of its own has chosen that: so it belongs to the
decision that is pending under this id in the same conversation. Ids of other conversations say
nothing, for providers use them again.
"""

from typing import Any

import orjson

from tellwhy_collector.reconstruct.settled import Cursor


def carry_over(cursor: Cursor, trace_ids: list[str], since_ns: int) -> None:
    """Let decisions that wait know what these traces bring, and those of these what others brought.

    Args:
        cursor: In the transaction that has written the rows of these traces.
        trace_ids: The traces.
        since_ns: None of their steps starts before.
    """
    found = cursor.execute(_CONCERNED, [since_ns, trace_ids]).fetchall()
    if not found:
        return
    concerned = [
        {"conversation_id": conversation, "tool_call_id": call} for conversation, call in found
    ]
    parameters: list[Any] = [orjson.dumps(concerned).decode()]
    cursor.execute(_CARRY_OVER, parameters)


_ANSWERS = """
    kind IN ('tool_call', 'human') AND duplicate_of IS NULL AND tool_call_id IS NOT NULL
    AND conversation_id IS NOT NULL AND approval_decision IS DISTINCT FROM 'asked'
"""

_CONCERNED = f"""
    WITH settled AS MATERIALIZED (
        SELECT trace_id, run_id, kind, duplicate_of, tool_call_id, conversation_id, approval_decision
        FROM steps WHERE start_ns >= $1 AND trace_id IN (SELECT unnest($2))
    ),
    chosen AS MATERIALIZED (
        SELECT trace_id, run_id, tool_call_id, conversation_id, outcome FROM decision_rows
        WHERE start_ns >= $1 AND trace_id IN (SELECT unnest($2)) AND tool_call_id IS NOT NULL
    )
    SELECT conversation_id, tool_call_id FROM settled s
    WHERE {_ANSWERS} AND NOT EXISTS (
        SELECT 1 FROM chosen c
        WHERE c.trace_id = s.trace_id AND c.run_id = s.run_id AND c.tool_call_id = s.tool_call_id
    )
    UNION
    SELECT conversation_id, tool_call_id FROM chosen
    WHERE outcome = 'pending' AND conversation_id IS NOT NULL
"""  # noqa: S608 - our own texts
"""Conversations with the ids under which something waits or was brought; of most traces none."""

_CARRY_OVER = f"""
    UPDATE decision_rows SET
        outcome = r.outcome,
        outcome_result = r.ran.tool_result,
        outcome_error = r.ran.error_message,
        outcome_duration_ns = r.ran.duration_ns,
        outcome_inferred = r.ran.inferred,
        approval_decision = coalesce(r.gate.approval_decision, approval_decision),
        approver = coalesce(r.gate.approver, decision_rows.approver),
        approver_kind = coalesce(r.gate.approver_kind, decision_rows.approver_kind),
        approval_wait_ns = coalesce(r.gate.end_ns - r.asked_ns, approval_wait_ns)
    FROM (
        WITH concerned AS MATERIALIZED (
            SELECT unnest(from_json(
                ?, '[{{"conversation_id":"VARCHAR","tool_call_id":"VARCHAR"}}]'
            ), recursive := true)
        ),
        waiting AS MATERIALIZED (
            SELECT d.trace_id, d.run_id, d.decision_id, d.start_ns, d.conversation_id, d.tool_call_id,
                d.approval_span_id
            FROM decision_rows d JOIN concerned USING (conversation_id, tool_call_id)
            WHERE d.outcome = 'pending'
        ),
        brought AS MATERIALIZED (
            SELECT s.* FROM steps s JOIN concerned USING (conversation_id, tool_call_id)
            WHERE {_ANSWERS} AND s.start_ns >= (SELECT min(start_ns) FROM waiting)
                AND NOT EXISTS (
                    SELECT 1 FROM decision_rows c
                    WHERE c.trace_id = s.trace_id AND c.run_id = s.run_id
                        AND c.tool_call_id = s.tool_call_id
                )
        ),
        told AS (
            SELECT w.trace_id, w.run_id, w.decision_id, any_value(q.start_ns) AS asked_ns,
                arg_max(struct_pack(
                    span_id := a.span_id, status := a.status, tool_result := a.tool_result,
                    error_type := a.error_type, error_message := a.error_message,
                    duration_ns := a.duration_ns, inferred := a.inferred
                ), (a.start_ns, a.span_id)) FILTER (a.kind = 'tool_call') AS ran,
                arg_max(struct_pack(
                    parent_span_id := a.parent_span_id, approval_decision := a.approval_decision,
                    approver := a.approver, approver_kind := a.approver_kind, end_ns := a.end_ns
                ), (a.start_ns, a.span_id)) FILTER (a.kind = 'human') AS gate
            FROM waiting w
            JOIN brought a
                ON a.conversation_id = w.conversation_id AND a.tool_call_id = w.tool_call_id
                AND a.run_id <> w.run_id AND a.start_ns >= w.start_ns
            LEFT JOIN steps q
                ON q.trace_id = w.trace_id AND q.span_id = w.approval_span_id
                AND q.start_ns >= w.start_ns
            GROUP BY w.trace_id, w.run_id, w.decision_id
        )
        SELECT *, CASE
            WHEN ran.error_type = 'denied' THEN 'denied'
            WHEN ran IS NULL AND gate.approval_decision = 'denied' THEN 'denied'
            WHEN gate.approval_decision = 'denied' AND gate.parent_span_id = ran.span_id THEN 'denied'
            WHEN ran.status = 'ok' THEN 'succeeded'
            WHEN ran.status = 'error' AND gate.approval_decision = 'denied' THEN 'denied'
            WHEN ran.status = 'error' THEN 'failed'
            ELSE 'pending'
        END AS outcome
        FROM told
    ) r
    WHERE decision_rows.trace_id = r.trace_id AND decision_rows.run_id = r.run_id
        AND decision_rows.decision_id = r.decision_id
"""  # noqa: S608 - our own texts
"""The same reading as in ``decisions_of``, of steps that stand in another run."""
