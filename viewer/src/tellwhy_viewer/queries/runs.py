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
  AND ($7::VARCHAR IS NULL
       OR run_id IN (SELECT t.run_id FROM steps t
                     WHERE t.kind = 'tool_call' AND t.tool_name = $7))
  AND ($8::VARCHAR IS NULL OR contains(lower(models), lower($8)))
  AND ($9::VARCHAR IS NULL OR run_id IN (SELECT f.run_id FROM findings f WHERE f.rule = $9))
"""

_FILTER_NAMES = (
    *("agent", "status", "since_ns", "min_cost_usd", "with_errors", "text"),
    *("tool", "model", "finding"),
)

ANY_RUN = Query(
    "any_run", "Whether anything was ever recorded.", (), "SELECT 1 AS there FROM spans LIMIT 1"
)

RUNS = Query(
    "runs",
    "One page of runs, newest first; the next page starts after the last (start_ns, run_id).",
    (*_FILTER_NAMES, "before_ns", "before_id", "limit"),
    f"""
SELECT run_id, agent_name, agent_version, service_name, name, left(task_text(input), 300) AS task, status,
       start_time, start_ns, end_ns, duration_ns, decisions, steps, model_calls, tool_calls, errors, retries,
       approvals, coalesce(input_tokens, 0) + coalesce(output_tokens, 0) AS tokens,
       cost_usd, cost_source, models, dialect, died_in
FROM runs
WHERE {_RUN_FILTERS}
  AND ($10::BIGINT IS NULL OR start_ns < $10 OR (start_ns = $10 AND run_id < $11::VARCHAR))
ORDER BY start_ns DESC, run_id DESC
LIMIT $12::BIGINT
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
       count(*) FILTER (status = 'lost') AS lost,
       sum(cost_usd) AS cost_usd,
       quantile_cont(duration_ns, 0.95) AS p95_ns
FROM (SELECT status, cost_usd, duration_ns FROM runs WHERE {_RUN_FILTERS} LIMIT $10::BIGINT)
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

TOOLS = Query(
    "tools",
    "The tools of the newest steps, the most used first; fills the filter.",
    (),
    """
SELECT tool_name, count(*) AS calls
FROM (SELECT tool_name FROM steps WHERE kind = 'tool_call' AND tool_name IS NOT NULL
      ORDER BY start_ns DESC LIMIT 100000)
GROUP BY tool_name ORDER BY calls DESC, tool_name LIMIT 200
""",
)

RULES = Query(
    "rules",
    "The rules that found something, the most frequent first; fills the filter.",
    (),
    "SELECT rule, count(*) AS findings FROM findings GROUP BY rule ORDER BY findings DESC, rule LIMIT 200",
)

_ASKED = """
WITH asked AS (SELECT unnest($1::VARCHAR[]) AS run_id, unnest($2::BIGINT[]) AS start_ns,
                      unnest($3::BIGINT[]) AS end_ns)
"""

SHAPES = Query(
    "shapes",
    "What went on in each of some runs: steps and failures in 24 equal parts of its time.",
    ("ids", "starts", "ends"),
    f"""
{_ASKED}
SELECT s.run_id,
       greatest(0, least(23, (24 * (s.start_ns - a.start_ns)) // greatest(1, a.end_ns - a.start_ns))) AS part,
       count(*) AS steps,
       count(*) FILTER (s.status = 'error') AS errors,
       count(*) FILTER (s.kind = 'human') AS people
FROM steps s JOIN asked a ON a.run_id = s.run_id
WHERE s.duplicate_of IS NULL AND s.kind NOT IN ('agent', 'other')
  AND s.start_ns >= (SELECT min(start_ns) FROM asked) AND s.start_ns <= (SELECT max(end_ns) FROM asked)
GROUP BY ALL
""",  # noqa: S608 -- our own text
)

MARKS = Query(
    "marks",
    "What rules found and what reviewers said of some runs.",
    ("ids",),
    """
WITH asked AS (SELECT unnest($1::VARCHAR[]) AS run_id)
SELECT a.run_id, f.findings, f.worst_severity, v.reviewed_decisions, v.wrong_decisions
FROM asked a
LEFT JOIN run_findings f ON f.run_id = a.run_id
LEFT JOIN run_verdicts v ON v.run_id = a.run_id
WHERE f.run_id IS NOT NULL OR v.run_id IS NOT NULL
""",
)
