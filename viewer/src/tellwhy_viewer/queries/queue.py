"""Questions of the review queue: which decisions a reviewer looks at next, by one rule each."""

from __future__ import annotations

from tellwhy_viewer.queries.question import Query

_PARAMS = ("agent", "since_ns", "reviewer", "reviewed", "limit")

_WHAT = """d.run_id, d.decision_id, d.agent_name, d.chosen, d.action, d.outcome, d.start_time,
         d.start_ns, d.cost_usd"""

_WHERE = "d.start_ns >= $2::BIGINT AND ($1::VARCHAR IS NULL OR d.agent_name = $1)"


def _queue(name: str, purpose: str, picked: str, *more: str) -> Query:
    """Give the question whose rule is *picked*: decisions with their weight and the reason why."""
    return Query(
        f"queue_{name}",
        purpose,
        (*_PARAMS, *more),
        f"""
WITH picked AS ({picked}),
judged AS (
  SELECT p.*, coalesce(v.reviewers, 0) AS reviewers, v.said_right, v.said_debatable, v.said_wrong,
         m.verdict AS mine, count(*) OVER () AS total, count(v.reviewers) OVER () AS reviewed,
         count(m.verdict) OVER () AS reviewed_by_me
  FROM picked p
  LEFT JOIN decision_verdicts v ON v.run_id = p.run_id AND v.decision_id = p.decision_id
  LEFT JOIN latest_verdicts m
    ON m.run_id = p.run_id AND m.decision_id = p.decision_id AND m.reviewer = $3::VARCHAR
)
SELECT * FROM judged
WHERE CASE $4::VARCHAR WHEN 'nobody' THEN reviewers = 0 WHEN 'me' THEN mine IS NULL ELSE true END
ORDER BY reviewers > 0, weight DESC, start_ns DESC, run_id, decision_id
LIMIT $5::BIGINT
""",  # noqa: S608 -- our own texts
    )


FINDINGS = _queue(
    "findings",
    "Decisions with findings, those with the worst first.",
    f"""
  SELECT {_WHAT}, f.weight, f.why
  FROM (
    SELECT run_id, decision_id,
           max(CASE severity WHEN 'high' THEN 3 WHEN 'medium' THEN 2 ELSE 1 END) * 1000
             + count(*) AS weight,
           array_to_string(list_sort(list(DISTINCT rule)), ', ') AS why
    FROM findings WHERE decision_id IS NOT NULL AND start_ns >= $2::BIGINT
    GROUP BY run_id, decision_id
  ) f
  JOIN decisions d ON d.run_id = f.run_id AND d.decision_id = f.decision_id
  WHERE {_WHERE}""",  # noqa: S608 -- our own texts
)

SUSPECTS = _queue(
    "suspects",
    "The three most suspect decisions of each run, those that stand out most first.",
    f"""
  SELECT {_WHAT}, s.share AS weight, s.category || ', place ' || (s.rank + 1) AS why
  FROM suspects s
  JOIN decisions d ON d.run_id = s.run_id AND d.decision_id = s.decision_id
  WHERE s.rank < 3 AND s.start_ns >= $2::BIGINT AND {_WHERE}""",  # noqa: S608 -- our own texts
)

EFFECTS = _queue(
    "effects",
    "Decisions whose tool changed something: what cannot be undone first, then the newest.",
    f"""
  SELECT {_WHAT}, if(t.tool_effect = 'irreversible', 1, 0) AS weight, t.tool_effect AS why
  FROM steps t
  JOIN decisions d ON d.run_id = t.run_id AND d.outcome_span_id = t.span_id
  WHERE t.kind = 'tool_call' AND t.tool_effect IN ('write', 'irreversible')
    AND t.duplicate_of IS NULL AND t.start_ns >= $2::BIGINT AND {_WHERE}""",  # noqa: S608 -- our own texts
)

FAILED = _queue(
    "failed",
    "Decisions that failed or were denied, or in which the model refused, the newest first.",
    f"""
  SELECT {_WHAT}, 0 AS weight,
         CASE WHEN d.action = 'refusal' THEN 'refused' ELSE d.outcome END AS why
  FROM decisions d
  WHERE {_WHERE} AND (d.outcome IN ('failed', 'denied') OR d.action = 'refusal')""",  # noqa: S608
)

COST = _queue(
    "cost",
    "The decisions whose model call cost most.",
    f"""
  SELECT {_WHAT}, d.cost_usd AS weight, 'cost' AS why
  FROM decisions d WHERE {_WHERE} AND d.cost_usd > 0 AND d.choice_index = 0""",  # noqa: S608
)

SAMPLE = _queue(
    "sample",
    "A random sample: the same seed gives the same decisions to every reviewer.",
    f"""
  SELECT {_WHAT}, 0 AS weight, 'sample' AS why
  FROM decisions d WHERE {_WHERE}
  ORDER BY md5(d.run_id || d.decision_id || $6::VARCHAR), d.run_id, d.decision_id
  LIMIT $5::BIGINT""",  # noqa: S608 -- our own texts
    "seed",
)

DISPUTED = _queue(
    "disputed",
    "Decisions on which reviewers do not agree, the least agreed first.",
    f"""
  SELECT {_WHAT}, 1 - v.agreement AS weight, v.reviewers || ' reviewers' AS why
  FROM decision_verdicts v
  JOIN decisions d ON d.run_id = v.run_id AND d.decision_id = v.decision_id
  WHERE v.agreement < 1 AND {_WHERE}""",  # noqa: S608 -- our own texts
)

NEWEST = _queue(
    "newest",
    "All decisions, the newest first.",
    f"""
  SELECT {_WHAT}, 0 AS weight, 'newest' AS why FROM decisions d WHERE {_WHERE}""",  # noqa: S608
)

REVIEWERS = Query(
    "reviewers",
    "Everybody who has judged something, by name.",
    (),
    "SELECT DISTINCT reviewer FROM latest_verdicts ORDER BY 1 LIMIT 500",
)

AGREEMENT = Query(
    "agreement",
    "How far reviewers agree: all agents first, then each.",
    (),
    """
SELECT all_agents, agent_name, decisions, verdicts, unanimous, agreement, alpha
FROM review_agreement ORDER BY all_agents DESC, decisions DESC, agent_name LIMIT 100
""",
)

PAIRS = Query(
    "pairs",
    "How far each two reviewers agree, those with most decisions in common first.",
    (),
    """
SELECT reviewer, other_reviewer, decisions, same, agreement, kappa
FROM reviewer_pairs ORDER BY decisions DESC, reviewer, other_reviewer LIMIT 100
""",
)
