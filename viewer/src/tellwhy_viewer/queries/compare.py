"""Questions of the compare page: with which run another is worth comparing."""

from __future__ import annotations

from tellwhy_viewer.queries.question import Query

COMPARE_WITH = Query(
    "compare_with",
    "Runs to hold beside one: its replays and the run it replays first, then others of its agent.",
    ("run_id", "limit"),
    """
WITH one AS (SELECT run_id, agent_name, input FROM runs WHERE run_id = $1::VARCHAR LIMIT 1),
kin AS (
  SELECT run_id AS kin_id, 'a replay of it' AS why FROM branches WHERE parent_run_id = $1::VARCHAR
  UNION ALL
  SELECT parent_run_id, 'what it replays' FROM branches WHERE run_id = $1::VARCHAR
)
SELECT r.run_id, coalesce(k.why, if(r.input = one.input, 'same task', 'same agent')) AS why,
       r.agent_name, r.service_name, r.name, left(task_text(r.input), 300) AS task, r.status, r.start_time,
       r.start_ns, r.duration_ns, r.decisions, r.cost_usd
FROM runs r CROSS JOIN one LEFT JOIN kin k ON k.kin_id = r.run_id
WHERE r.run_id <> $1::VARCHAR
  AND (k.kin_id IS NOT NULL OR r.agent_name IS NOT DISTINCT FROM one.agent_name)
ORDER BY k.why IS NULL, r.input IS DISTINCT FROM one.input, r.start_ns DESC, r.run_id
LIMIT $2::BIGINT
""",
)
