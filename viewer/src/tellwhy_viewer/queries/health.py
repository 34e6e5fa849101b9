"""Questions of the health page: cost, time, errors and findings, by time, agent, model and tool.

Each narrows by ``start_ns`` of the rows it counts, so that DuckDB reads the newest row groups only.
"""

from __future__ import annotations

from tellwhy_viewer.queries.question import Query

OVERVIEW = Query(
    "health_overview",
    "All runs of a time, and of as long a time before it.",
    ("agent", "since_ns", "before_ns"),
    """
SELECT start_ns >= $2::BIGINT AS now, count(*) AS runs,
       count(*) FILTER (status = 'succeeded') AS succeeded,
       count(*) FILTER (status IN ('failed', 'lost')) AS failed,
       count(*) FILTER (status = 'running') AS running,
       sum(cost_usd) AS cost_usd,
       sum(cost_usd) / nullif(count(*) FILTER (status = 'succeeded'), 0) AS cost_per_success_usd,
       quantile_cont(duration_ns, 0.5) / 1e6 AS p50_ms,
       quantile_cont(duration_ns, 0.95) / 1e6 AS p95_ms,
       coalesce(sum(input_tokens), 0) + coalesce(sum(output_tokens), 0) AS tokens,
       count(*) FILTER (cost_source = 'unknown') AS unpriced
FROM runs
WHERE start_ns >= $3::BIGINT AND ($1::VARCHAR IS NULL OR agent_name = $1)
GROUP BY ALL ORDER BY now DESC
""",
)

_CLOCK = ("turn_ns", "before_s", "offset_s")

_BUCKET = """date_trunc($3::VARCHAR, start_time
         + to_seconds(CASE WHEN start_ns < $4::BIGINT THEN $5::BIGINT ELSE $6::BIGINT END))"""
"""On the reader's clock: its distance from UTC before and after the moment it was last changed.

DuckDB's own time zones cost ten times as much for each row.
"""

ENDINGS = Query(
    "health_endings",
    "How runs ended, by time.",
    ("agent", "since_ns", "step", *_CLOCK),
    f"""
SELECT {_BUCKET} AS bucket, status AS series, count(*) AS amount
FROM runs
WHERE start_ns >= $2::BIGINT AND ($1::VARCHAR IS NULL OR agent_name = $1)
GROUP BY ALL ORDER BY bucket, series
""",  # noqa: S608 -- our own text
)

_SPENT = """
WITH spent AS (
  SELECT {bucket} AS bucket,
         coalesce(CASE $7::VARCHAR WHEN 'agent' THEN agent_name WHEN 'provider' THEN provider
                  ELSE model END, 'unnamed') AS name,
         sum({what}) AS amount
  FROM model_calls
  WHERE start_ns >= $2::BIGINT AND ($1::VARCHAR IS NULL OR agent_name = $1)
  GROUP BY ALL
),
first AS (SELECT name FROM spent GROUP BY name ORDER BY sum(amount) DESC NULLS LAST, name LIMIT 5)
SELECT bucket, CASE WHEN name IN (SELECT name FROM first) THEN name ELSE 'all others' END AS series,
       sum(amount)::DOUBLE AS amount
FROM spent GROUP BY ALL HAVING sum(amount) > 0 ORDER BY bucket, series
"""

COST = Query(
    "health_cost",
    "What model calls cost in US dollars, by time and by agent, model or provider; the five dearest.",
    ("agent", "since_ns", "step", *_CLOCK, "by"),
    _SPENT.format(bucket=_BUCKET, what="cost_usd"),
)

TOKENS = Query(
    "health_tokens",
    "Tokens of model calls, by time and by agent, model or provider; the five largest.",
    ("agent", "since_ns", "step", *_CLOCK, "by"),
    _SPENT.format(bucket=_BUCKET, what="coalesce(input_tokens, 0) + coalesce(output_tokens, 0)"),
)

PACE = Query(
    "health_pace",
    "How long runs, model calls and tools took, and how many failed, by time.",
    ("agent", "since_ns", "step", *_CLOCK),
    f"""
SELECT {_BUCKET} AS bucket, 'Runs' AS what, count(*) AS calls,
       count(*) FILTER (status IN ('failed', 'lost')) AS failed,
       quantile_cont(duration_ns, 0.5) / 1e9 AS p50_s, quantile_cont(duration_ns, 0.95) / 1e9 AS p95_s
FROM runs
WHERE start_ns >= $2::BIGINT AND ($1::VARCHAR IS NULL OR agent_name = $1)
GROUP BY ALL
UNION ALL
SELECT {_BUCKET},
       CASE kind WHEN 'model_call' THEN 'Model calls' ELSE 'Tools' END, count(*),
       count(*) FILTER (status = 'error' AND error_type IS DISTINCT FROM 'denied'),
       quantile_cont(duration_ns, 0.5) FILTER (NOT inferred) / 1e9,
       quantile_cont(duration_ns, 0.95) FILTER (NOT inferred) / 1e9
FROM steps
WHERE duplicate_of IS NULL AND kind IN ('model_call', 'tool_call')
  AND start_ns >= $2::BIGINT AND ($1::VARCHAR IS NULL OR agent_name = $1)
GROUP BY ALL
ORDER BY 1, 2
""",  # noqa: S608 -- our own text
)

RULES = Query(
    "health_findings",
    "Which rules fired, in how many runs.",
    ("agent", "since_ns"),
    """
SELECT rule, severity, count(*) AS findings, count(DISTINCT run_id) AS runs
FROM findings
WHERE start_ns >= $2::BIGINT
  AND ($1::VARCHAR IS NULL OR run_id IN (SELECT run_id FROM runs WHERE agent_name = $1))
GROUP BY rule, severity
ORDER BY CASE severity WHEN 'high' THEN 0 WHEN 'medium' THEN 1 ELSE 2 END, findings DESC, rule
LIMIT 40
""",
)

AGENTS = Query(
    "health_agents",
    "Each agent: its runs, what a success costs when failures are paid from it, its findings.",
    ("agent", "since_ns"),
    """
WITH found AS (
  SELECT run_id, count(*) AS findings FROM findings WHERE start_ns >= $2::BIGINT GROUP BY run_id
)
SELECT r.agent_name AS name, count(*) AS runs,
       count(*) FILTER (status = 'succeeded') / count(*) AS succeeded,
       sum(errors) AS errors, sum(f.findings) / count(*) AS findings_per_run,
       quantile_cont(duration_ns, 0.5) / 1e9 AS p50_s, quantile_cont(duration_ns, 0.95) / 1e9 AS p95_s,
       sum(coalesce(input_tokens, 0) + coalesce(output_tokens, 0)) AS tokens,
       sum(cost_usd) AS cost_usd,
       sum(cost_usd) / nullif(count(*) FILTER (status = 'succeeded'), 0) AS cost_per_success_usd
FROM runs r LEFT JOIN found f ON f.run_id = r.run_id
WHERE r.start_ns >= $2::BIGINT AND ($1::VARCHAR IS NULL OR r.agent_name = $1)
GROUP BY r.agent_name ORDER BY cost_usd DESC NULLS LAST, runs DESC, name LIMIT 50
""",
)

MODELS = Query(
    "health_models",
    "Each model: calls, failures, time, tokens, cost.",
    ("agent", "since_ns"),
    """
SELECT coalesce(model, 'unnamed') AS name, provider, count(*) AS calls,
       count(*) FILTER (status = 'error') / count(*) AS failed,
       sum(greatest(attempts - 1, 0)) AS retries,
       quantile_cont(duration_ns, 0.5) / 1e9 AS p50_s, quantile_cont(duration_ns, 0.95) / 1e9 AS p95_s,
       sum(input_tokens) AS input_tokens,
       sum(cache_read_tokens) / nullif(sum(input_tokens), 0) AS cached,
       sum(output_tokens) AS output_tokens, sum(cost_usd) AS cost_usd
FROM model_calls
WHERE start_ns >= $2::BIGINT AND ($1::VARCHAR IS NULL OR agent_name = $1)
GROUP BY ALL ORDER BY cost_usd DESC NULLS LAST, calls DESC, name LIMIT 50
""",
)

TOOLS = Query(
    "health_tools",
    "The tool mix: each tool's share of all calls, failures, denials, time.",
    ("agent", "since_ns"),
    """
SELECT coalesce(tool_name, name) AS name, CASE WHEN bool_or(tool_effect = 'irreversible') THEN 'irreversible'
            WHEN bool_or(tool_effect = 'write') THEN 'write' ELSE max(tool_effect) END AS effect,
       count(*) AS calls,
       count(*) / sum(count(*)) OVER () AS share,
       count(*) FILTER (status = 'error' AND error_type IS DISTINCT FROM 'denied') / count(*) AS failed,
       count(*) FILTER (error_type = 'denied') AS denied,
       quantile_cont(duration_ns, 0.5) FILTER (NOT inferred) / 1e9 AS p50_s,
       quantile_cont(duration_ns, 0.95) FILTER (NOT inferred) / 1e9 AS p95_s
FROM steps
WHERE kind = 'tool_call' AND duplicate_of IS NULL
  AND start_ns >= $2::BIGINT AND ($1::VARCHAR IS NULL OR agent_name = $1)
GROUP BY 1 ORDER BY calls DESC, name LIMIT 50
""",
)

SCHEDULES = Query(
    "health_schedules",
    "Runs that a schedule started with `tellwhy run`: how the last ones ended.",
    ("agent", "since_ns"),
    """
SELECT schedule_name AS name, count(*) AS runs,
       count(*) FILTER (status = 'succeeded') / count(*) AS succeeded,
       arg_max(status, start_ns) AS last_status, max(start_time) AS last_time,
       quantile_cont(duration_ns, 0.95) / 1e9 AS p95_s,
       list(CASE WHEN status IN ('failed', 'lost') THEN 1 ELSE 0 END ORDER BY start_ns)[-30:] AS failures
FROM job_runs
WHERE schedule_name IS NOT NULL AND start_ns >= $2::BIGINT AND ($1::VARCHAR IS NULL OR job_name = $1)
GROUP BY 1 ORDER BY name LIMIT 100
""",
)
