"""Questions about one decision and the records behind it."""

from __future__ import annotations

from tellwhy_viewer.queries.question import Query

DECISION = Query(
    "decision",
    "Everything about one decision, with the model call that made it and the step it led to.",
    ("run_id", "decision_id"),
    """
SELECT d.*, s.kind AS step_kind, s.status AS step_status, s.provider, s.request_model,
       s.response_model, s.request_id, s.attempts AS model_attempts, s.time_to_first_chunk_ns,
       s.error_type AS step_error_type, s.error_message AS step_error_message,
       s.system_instructions, s.input_messages, s.output_messages, s.tools_offered, s.tool_choice,
       s.request_parameters, s.cost_source, s.cache_read_tokens, s.reasoning_tokens,
       o.attempts AS outcome_attempts, o.tool_effect, o.error_type AS outcome_error_type,
       o.service_name AS outcome_service_name
FROM decisions d
LEFT JOIN steps s ON s.trace_id = d.trace_id AND s.span_id = d.span_id AND s.start_ns = d.start_ns
LEFT JOIN steps o ON o.trace_id = d.trace_id AND o.span_id = d.outcome_span_id
WHERE d.run_id = $1::VARCHAR AND d.decision_id = $2::VARCHAR
LIMIT 1
""",
)

PREVIOUS_CALL = Query(
    "previous_call",
    "What the same agent's model saw one call earlier; what is new is told against it.",
    ("run_id", "agent", "before_ns", "span_id"),
    """
SELECT s.span_id, s.input_messages, s.output_messages
FROM steps s
WHERE s.duplicate_of IS NULL AND s.run_id = $1::VARCHAR AND s.kind = 'model_call'
  AND s.agent_name IS NOT DISTINCT FROM $2::VARCHAR
  AND s.start_ns < $3::BIGINT AND s.span_id <> $4::VARCHAR AND s.input_messages IS NOT NULL
ORDER BY s.start_ns DESC LIMIT 1
""",
)

APPROVAL = Query(
    "approval",
    "The person or rule that was asked about one choice, and what was shown to them.",
    ("trace_id", "span_id"),
    """
SELECT trace_id, span_id, name, approval_decision, approver, approver_kind, input, output,
       stated_reason, start_ns, end_ns, duration_ns, status
FROM steps
WHERE trace_id = $1::VARCHAR AND span_id = $2::VARCHAR AND kind = 'human'
LIMIT 1
""",
)

EVIDENCE = Query(
    "evidence",
    "Where each value of one decision stood before; of every value the likeliest places.",
    ("run_id", "decision_id", "since_ns"),
    """
SELECT trace_id, span_id, argument, value, kind, rank, method, weak, source_role, source_span_id,
       source_column, source_path, source_inner_path, source_from, source_to, source_text,
       origin_span_id
FROM evidence
WHERE start_ns >= $3::BIGINT AND run_id = $1::VARCHAR AND decision_id = $2::VARCHAR AND rank < 3
ORDER BY argument, rank
LIMIT 2000
""",
)

TESTED = Query(
    "tested",
    "The newest test of one decision that came to something, and what it compared.",
    ("run_id", "decision_id"),
    """
SELECT p.time, p.model, p.result, p.reason, p.method, p.control_same AS same_as_recorded,
       p.control_n AS asked_as_recorded, p.calls + p.cached_calls AS draws, p.cost_usd,
       c.label, c.change, c.verdict, c.flips, c.same, c.n, c.control_same, c.control_n,
       c.rate_change, c.rate_change_low, c.rate_change_high
FROM newest_proofs p
LEFT JOIN causes c USING (proof_id)
WHERE p.run_id = $1::VARCHAR AND p.decision_id = $2::VARCHAR
ORDER BY c.place
LIMIT 200
""",
)

STEP = Query(
    "step",
    "One step, every column.",
    ("trace_id", "span_id"),
    "SELECT * FROM steps WHERE trace_id = $1::VARCHAR AND span_id = $2::VARCHAR LIMIT 1",
)

RAW_SPAN = Query(
    "raw_span",
    "The record as the sender wrote it, when it was a span.",
    ("trace_id", "span_id"),
    """
SELECT * EXCLUDE (attributes), attributes::JSON::VARCHAR AS attributes
FROM spans WHERE trace_id = $1::VARCHAR AND span_id = $2::VARCHAR LIMIT 1
""",
)

MESSAGES = Query(
    "messages",
    "The whole context of one model call.",
    ("trace_id", "span_id"),
    """
SELECT system_instructions, input_messages, output_messages, tools_offered
FROM steps WHERE trace_id = $1::VARCHAR AND span_id = $2::VARCHAR LIMIT 1
""",
)
