"""Which traces say all that they can say already, told without reading them into Python.

Most traces come from one instrumentor that leaves nothing out. For them `reconstruct` finds nothing,
and looking is most of its cost. Each question here is what one of its rules needs to find anything,
asked a little too broadly: a trace that is plain must be one that `reconstruct` does not touch.
"""

from tellwhy_collector.dialects.choices import TOOL_FINISHES
from tellwhy_collector.reconstruct.completion import OFFERING, UNRECORDED_ANSWERS
from tellwhy_collector.reconstruct.settled import Cursor


def plain_traces(cursor: Cursor) -> set[str]:
    """The traces of ``settling_steps`` in which `reconstruct` would find nothing."""
    return {trace_id for (trace_id,) in cursor.execute(_PLAIN).fetchall()}


def _words(words: frozenset[str] | tuple[str, ...]) -> str:
    return ", ".join(f"'{word}'" for word in sorted(words))


_BETWEEN = "kind NOT IN ('agent', 'model_call', 'tool_call')"
"""What may stand between a call and the call that wraps it."""

_PLAIN = f"""
WITH told AS NOT MATERIALIZED (FROM settling_steps WHERE source <> 'steps'),
-- What the steps of a trace are, whatever their order: by the kinds that rules of theirs have.
mixed AS NOT MATERIALIZED (
    SELECT trace_id FROM told GROUP BY trace_id
    HAVING bool_or(source <> 'span' OR inferred OR kind = 'human')
        OR bool_or(dialect IN ({_words(UNRECORDED_ANSWERS)}))
        OR bool_or(kind = 'agent' AND dialect = 'pydantic_ai' AND contains(output, '"approvals"'))
        OR bool_or(misshapen OR (kind = 'model_call' AND end_ns < start_ns))
        OR min(dialect) FILTER (kind = 'model_call') <> max(dialect) FILTER (kind = 'model_call')
        OR min(dialect) FILTER (kind = 'tool_call') <> max(dialect) FILTER (kind = 'tool_call')
        OR count(response_id) FILTER (kind = 'model_call')
            > count(DISTINCT response_id) FILTER (kind = 'model_call')
        OR count(request_id) FILTER (kind = 'model_call')
            > count(DISTINCT request_id) FILTER (kind = 'model_call')
        OR count(tool_call_id) FILTER (kind = 'tool_call')
            > count(DISTINCT tool_call_id) FILTER (kind = 'tool_call')
),
-- What is left out and might be known elsewhere in the trace.
lacking AS NOT MATERIALIZED (
    SELECT trace_id FROM told GROUP BY trace_id
    HAVING (
        bool_or(
            kind = 'model_call' AND status = 'ok' AND has_input
            AND (NOT has_output OR chosen IS NULL)
        ) AND count(*) FILTER (kind = 'model_call') > 1
    ) OR (
        bool_or(
            kind = 'model_call' AND status = 'ok' AND NOT calls_tools
            AND finish_reason IN ({_words(TOOL_FINISHES)})
        ) AND bool_or(kind = 'tool_call' OR (kind <> 'model_call' AND request_id IS NOT NULL))
    ) OR (
        bool_or(kind = 'other' AND finish_reason IS NOT NULL)
        AND bool_or(kind = 'model_call' AND finish_reason IS NULL)
    ) OR (
        bool_or(dialect IN ({_words(OFFERING)}) AND tools_offered IS NOT NULL)
        AND bool_or(kind = 'model_call' AND coalesce(tools_offered, '[]') = '[]')
    ) OR (
        bool_or(kind = 'tool_call' AND coalesce(tool_call_id, '') = '' AND tool_name IS NOT NULL)
        AND bool_or(kind = 'model_call' AND chosen IS NOT NULL)
    ) OR (
        bool_or(kind = 'tool_call' AND (tool_arguments IS NULL OR tool_name IS NULL))
        AND bool_or(kind = 'model_call' AND len(asked_ids) > 0)
    ) OR (
        bool_or(kind = 'tool_call' AND status = 'ok' AND tool_result IS NULL)
        AND bool_or((kind = 'model_call' AND has_results) OR tool_result IS NOT NULL)
    )
),
-- What a step could take from the one above it, or add to it.
edges AS NOT MATERIALIZED (
    SELECT c.trace_id, p.span_id AS above, c.kind, p.kind AS above_kind,
        p.parent_span_id IS NOT NULL AS has_above,
        (c.agent_name IS NULL AND p.agent_name IS NOT NULL)
        OR (c.conversation_id IS NULL AND p.conversation_id IS NOT NULL)
        OR (c.run_id = c.trace_id AND p.run_id <> c.trace_id)
        OR (c.status = 'pending' AND c.dialect = p.dialect AND c.name = p.name
            AND c.start_ns = p.start_ns)
        OR (c.kind = 'other' AND p.kind = 'tool_call' AND c.tool_call_id = p.tool_call_id)
        AS takes
    FROM told c JOIN told p
        ON p.trace_id = c.trace_id AND p.span_id = c.parent_span_id AND p.span_id <> c.span_id
),
related AS NOT MATERIALIZED (
    SELECT trace_id FROM edges GROUP BY trace_id
    HAVING bool_or(takes)
        OR (bool_or(above_kind = 'model_call' AND {_BETWEEN})
            AND bool_or(kind = 'model_call' AND has_above AND above_{_BETWEEN}))
        OR (bool_or(above_kind = 'tool_call' AND {_BETWEEN})
            AND bool_or(kind = 'tool_call' AND has_above AND above_{_BETWEEN}))
),
wrapped AS NOT MATERIALIZED (
    SELECT trace_id FROM edges WHERE kind = above_kind AND kind IN ('model_call', 'tool_call')
    GROUP BY trace_id, above HAVING count(*) = 1
),
-- Tools whose results stand in a later request although nobody recorded that they ran.
calls AS NOT MATERIALIZED (
    SELECT trace_id, start_ns, asked_ids,
        lead(start_ns) OVER (PARTITION BY trace_id ORDER BY start_ns, span_id) AS next_ns,
        bool_or(has_results) OVER (PARTITION BY trace_id) AS told_later
    FROM told WHERE kind = 'model_call'
),
asked AS NOT MATERIALIZED (
    SELECT trace_id, start_ns, next_ns, unnest(asked_ids) AS tool_call_id
    FROM calls WHERE told_later AND next_ns IS NOT NULL
),
unrecorded AS NOT MATERIALIZED (
    SELECT trace_id FROM asked a WHERE NOT EXISTS (
        FROM told t WHERE t.kind = 'tool_call' AND t.trace_id = a.trace_id
        AND t.tool_call_id = a.tool_call_id AND t.start_ns >= a.start_ns
        AND t.start_ns <= a.next_ns
    )
),
-- Runs whose outermost step does not hold their task or their result; of equals any may be it.
untold AS NOT MATERIALIZED (
    SELECT trace_id
    FROM (
        SELECT trace_id, run_id, kind, has_input, chosen IS NOT NULL AS chose,
            kind IN ('agent', 'other') AND input IS NULL AS no_task,
            kind IN ('agent', 'other') AND output IS NULL AND status = 'ok' AS no_result,
            (CASE WHEN kind = 'agent' THEN 0 WHEN parent_span_id IS NULL THEN 1 ELSE 2 END)
                ::HUGEINT * 9223372036854775808 + start_ns AS place
        FROM told
    )
    GROUP BY trace_id, run_id
    HAVING (
        max(no_task) AND bool_or(kind = 'model_call' AND has_input)
        AND min(place) FILTER (no_task) = min(place)
    ) OR (
        max(no_result) AND bool_or(kind = 'model_call' AND chose)
        AND min(place) FILTER (no_result) = min(place)
    )
)
SELECT DISTINCT trace_id FROM told
WHERE trace_id NOT IN (
    FROM mixed UNION ALL FROM lacking UNION ALL FROM related UNION ALL FROM wrapped
    UNION ALL FROM unrecorded UNION ALL FROM untold
)
"""  # noqa: S608 - our own names
