"""Questions about what reviewers have said."""

from __future__ import annotations

from tellwhy_viewer.queries.question import Query

CHECKS = Query(
    "checks",
    "What was looked at for one decision, passed or not.",
    ("run_id", "decision_id", "start_ns"),
    """
SELECT name, result, left(detail, 300) AS detail FROM decision_checks
WHERE start_ns = $3::BIGINT AND run_id = $1::VARCHAR AND decision_id = $2::VARCHAR
ORDER BY place
""",
)

RUN_VERDICTS = Query(
    "run_verdicts",
    "What each reviewer says of one run and of its decisions, the latest first.",
    ("run_id", "limit"),
    """
SELECT decision_id, reviewer, verdict, left(note, 4000) AS note, labels, time
FROM latest_verdicts WHERE run_id = $1::VARCHAR
ORDER BY time DESC LIMIT $2::BIGINT
""",
)
