"""Questions of the page of one run: its head and its skeleton."""

from __future__ import annotations

from tellwhy_viewer.queries.question import Query

RUN = Query(
    "run",
    "The head of one run.",
    ("run_id",),
    """
SELECT run_id, trace_id, conversation_id, agent_name, agent_version, service_name, user_id, dialect,
       name, status, start_time, start_ns, end_ns, duration_ns, error_type,
       left(error_message, 2000) AS error_message, steps, model_calls, tool_calls, decisions, errors,
       retries, approvals, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,
       reasoning_tokens, cost_usd, cost_source, models,
       left(task_text(input), 4000) AS input, length(input) AS input_chars,
       left(output, 4000) AS output, length(output) AS output_chars,
       lost_reason, died_in, died_in_span_id, last_seen
FROM runs WHERE run_id = $1::VARCHAR
""",
)

RUN_STEPS = Query(
    "run_steps",
    "The skeleton of one run: every step's place in time, without content, duplicates left out.",
    ("run_id", "limit"),
    """
SELECT s.trace_id, s.span_id, s.parent_span_id, s.kind, s.name, s.tool_name, s.agent_name,
       s.start_ns, s.end_ns, s.status, s.attempts, s.inferred, s.tool_effect
FROM steps s
WHERE s.duplicate_of IS NULL AND s.run_id = $1::VARCHAR
ORDER BY s.start_ns, s.span_id
LIMIT $2::BIGINT
""",
)

RUN_DECISIONS = Query(
    "run_decisions",
    "The decisions of one run in their order, with a first glance at arguments or answer.",
    ("run_id", "limit"),
    """
SELECT d.decision_id, d.trace_id, d.span_id, d.choice_index, d.choice_count, d.made_by, d.agent_name,
       d.model, d.start_ns, d.decided_ns, d.duration_ns, d.action, d.chosen, d.forced,
       d.offered_count, d.outcome, d.outcome_span_id, d.outcome_duration_ns, d.outcome_inferred, d.approval_decision,
       d.stated_reason IS NOT NULL AS has_reason,
       left(coalesce(d.arguments, d.answer_text), 240) AS preview,
       d.input_tokens, d.output_tokens, d.cost_usd
FROM decisions d
WHERE d.run_id = $1::VARCHAR
ORDER BY d.start_ns, d.decided_ns, d.span_id, d.choice_index
LIMIT $2::BIGINT
""",
)

FINDINGS = Query(
    "findings",
    "The problems of one run, the worst first.",
    ("run_id", "limit"),
    """
SELECT trace_id, span_id, decision_id, rule, severity, left(message, 600) AS message, proof, made_by
FROM findings
WHERE run_id = $1::VARCHAR
ORDER BY CASE severity WHEN 'high' THEN 0 WHEN 'medium' THEN 1 ELSE 2 END, start_ns, rule
LIMIT $2::BIGINT
""",
)

SUSPECTS = Query(
    "suspects",
    "Where one run most likely went wrong if it did: the first places to look at, with reasons.",
    ("run_id",),
    """
SELECT trace_id, span_id, decision_id, rank, share, category, reasons
FROM suspects
WHERE run_id = $1::VARCHAR AND rank < 3
ORDER BY rank
""",
)

RUN_SEARCH = Query(
    "run_search",
    "The decisions of one run in whose arguments, words, answer or result a text stands.",
    ("run_id", "text", "limit"),
    """
SELECT d.decision_id
FROM decisions d
WHERE d.run_id = $1::VARCHAR AND contains(
    lower(concat_ws(chr(10), d.chosen, d.arguments, d.answer_text, d.stated_reason,
                    d.outcome_result, d.outcome_error, d.approver)),
    lower($2::VARCHAR))
LIMIT $3::BIGINT
""",
)
