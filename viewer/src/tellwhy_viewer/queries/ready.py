"""Ready questions that people start from."""

from __future__ import annotations

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
