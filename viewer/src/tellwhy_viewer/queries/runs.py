"""Questions of the page of all runs."""

from __future__ import annotations

from tellwhy_viewer.queries.question import Query

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
