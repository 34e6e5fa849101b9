"""Every question that the viewer asks, as SQL with its parameters named.

User input enters as a parameter, never as text. An optional filter is a parameter that may be NULL.
What things mean (status, outcome, which tool call answers which decision) comes from the collector's
views and is not worked out again here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Query:
    """One question: a name, what it is for, the text, and the names of ``$1``, ``$2``, … in order."""

    name: str
    purpose: str
    params: tuple[str, ...]
    sql: str

    def bind(self, **values: Any) -> list[Any]:
        """Give the parameter list for *values*.

        Raises:
            TypeError: a parameter is missing or unknown; the caller is wrong.
        """
        if set(values) != set(self.params):
            raise TypeError(f"{self.name} takes {self.params}, got {tuple(values)}.")
        return [values[name] for name in self.params]


_RUN_FILTERS = """
  ($1::VARCHAR IS NULL OR agent_name = $1)
  AND ($2::VARCHAR IS NULL OR status = $2)
  AND ($3::BIGINT IS NULL OR start_ns >= $3)
  AND ($4::DOUBLE IS NULL OR cost_usd >= $4)
  AND ($5::BOOLEAN IS NULL OR (errors > 0) = $5)
  AND ($6::VARCHAR IS NULL
       OR starts_with(run_id, lower($6))
       OR contains(lower(agent_name), lower($6))
       OR contains(lower(name), lower($6))
       OR contains(lower(input), lower($6))
       OR contains(lower(models), lower($6))
       OR contains(lower(error_message), lower($6))
       OR conversation_id = $6
       OR run_id IN (SELECT t.run_id FROM steps t
                     WHERE t.kind = 'tool_call' AND contains(lower(t.tool_name), lower($6))))
"""

_FILTER_NAMES = ("agent", "status", "since_ns", "min_cost_usd", "with_errors", "text")

# The one place where texts are joined: two of our own constants.
RUNS = Query(
    "runs",
    "One page of runs, newest first; the next page starts after the last (start_ns, run_id).",
    (*_FILTER_NAMES, "before_ns", "before_id", "limit"),
    f"""
SELECT run_id, agent_name, agent_version, service_name, name, left(input, 300) AS task, status,
       start_time, start_ns, duration_ns, decisions, steps, model_calls, tool_calls, errors, retries,
       approvals, coalesce(input_tokens, 0) + coalesce(output_tokens, 0) AS tokens,
       cost_usd, cost_source, models, dialect
FROM runs
WHERE {_RUN_FILTERS}
  AND ($7::BIGINT IS NULL OR start_ns < $7 OR (start_ns = $7 AND run_id < $8::VARCHAR))
ORDER BY start_ns DESC, run_id DESC
LIMIT $9::BIGINT
""",  # noqa: S608 -- our own text
)

RUN_COUNT = Query(
    "run_count",
    "How many runs match and what they add up to, exactly up to a cap and `cap` beyond it.",
    (*_FILTER_NAMES, "cap"),
    f"""
SELECT count(*) AS runs,
       count(*) FILTER (status = 'running') AS running,
       count(*) FILTER (status = 'failed') AS failed,
       sum(cost_usd) AS cost_usd,
       quantile_cont(duration_ns, 0.95) AS p95_ns
FROM (SELECT status, cost_usd, duration_ns FROM runs WHERE {_RUN_FILTERS} LIMIT $7::BIGINT)
""",  # noqa: S608 -- our own text
)

AGENTS = Query(
    "agents",
    "The agents there are, the busiest first; fills the filter.",
    (),
    """
SELECT agent_name, count(*) AS runs FROM runs
WHERE agent_name IS NOT NULL GROUP BY agent_name ORDER BY runs DESC, agent_name LIMIT 200
""",
)

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
       left(input, 4000) AS input, length(input) AS input_chars,
       left(output, 4000) AS output, length(output) AS output_chars
FROM runs WHERE run_id = $1::VARCHAR
""",
)

RUN_STEPS = Query(
    "run_steps",
    "The skeleton of one run: every step's place in time, without content, duplicates left out.",
    ("run_id", "limit"),
    """
SELECT s.trace_id, s.span_id, s.parent_span_id, s.kind, s.name, s.tool_name, s.agent_name,
       s.start_ns, s.end_ns, s.status, s.attempts, s.inferred
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
       d.input_tokens, d.output_tokens, d.cost_usd, o.tool_effect, o.attempts AS outcome_attempts,
       CASE WHEN d.made_by = 'code' THEN m.name END AS code_name
FROM decisions d
LEFT JOIN steps m ON m.trace_id = d.trace_id AND m.span_id = d.span_id AND m.start_ns = d.start_ns
LEFT JOIN steps o ON o.trace_id = d.trace_id AND o.span_id = d.outcome_span_id
WHERE d.run_id = $1::VARCHAR
ORDER BY d.start_ns, d.decided_ns, d.span_id, d.choice_index
LIMIT $2::BIGINT
""",
)

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
       source_column, source_path, source_inner_path, source_from, source_to, source_text
FROM evidence
WHERE start_ns >= $3::BIGINT AND run_id = $1::VARCHAR AND decision_id = $2::VARCHAR AND rank < 3
ORDER BY argument, rank
LIMIT 2000
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

ALL = (
    RUNS,
    RUN_COUNT,
    AGENTS,
    RUN,
    RUN_STEPS,
    RUN_DECISIONS,
    DECISION,
    PREVIOUS_CALL,
    APPROVAL,
    EVIDENCE,
    FINDINGS,
    STEP,
    RAW_SPAN,
    MESSAGES,
)
"""Every query; a contract test runs each on the collector's real schema."""

READY: dict[str, str] = {
    "Decisions of the last day": """SELECT start_time, agent_name, chosen, outcome, stated_reason, run_id
FROM decisions
WHERE start_time > now() - INTERVAL 1 DAY
ORDER BY start_time DESC
LIMIT 200""",
    "Tools: calls, failures, time": """SELECT tool_name, count(*) AS calls,
       count(*) FILTER (status = 'error') AS failed,
       round(quantile_cont(duration_ns, 0.5) / 1e6, 1) AS p50_ms,
       round(quantile_cont(duration_ns, 0.95) / 1e6, 1) AS p95_ms
FROM tool_calls
GROUP BY tool_name
ORDER BY calls DESC""",
    "Models: tokens and cost by day": """SELECT date_trunc('day', start_time) AS day, response_model,
       count(*) AS calls, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
       round(sum(cost_usd), 4) AS cost_usd
FROM model_calls
GROUP BY ALL
ORDER BY day DESC, cost_usd DESC NULLS LAST""",
    "Failures and whether the run recovered": """SELECT start_time, agent_name, kind, name, error_type,
       error_message, recovered, run_id
FROM failures
ORDER BY start_time DESC
LIMIT 200""",
    "Offered but never chosen": """WITH offered AS (
  SELECT unnest(from_json(offered, '["VARCHAR"]')) AS tool, agent_name
  FROM decisions WHERE offered IS NOT NULL
)
SELECT o.agent_name, o.tool, count(*) AS times_offered
FROM offered o
WHERE NOT EXISTS (SELECT 1 FROM decisions d WHERE d.chosen = o.tool
                  AND d.agent_name IS NOT DISTINCT FROM o.agent_name)
GROUP BY ALL ORDER BY times_offered DESC""",
    "Who approved what, how fast": """SELECT start_time, tool_name, arguments, decision,
       approver, approver_kind, wait_ns / 1e9 AS waited_s, rubber_stamp, changed_after_approval,
       reason, run_id
FROM approvals
ORDER BY start_time DESC""",
}
"""Ready questions of the SQL page, by title; each also runs in the contract test."""
