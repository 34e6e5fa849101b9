"""Questions of the audit page: who approved what, what nobody approved, who looked."""

from __future__ import annotations

from tellwhy_viewer.queries.question import Query

LEDGER = Query(
    "approval_ledger",
    "Every time that a person or a rule was asked, the newest first.",
    ("since_ns", "text", "only_odd", "limit"),
    """
SELECT start_time, tool_name, decision, approver, approver_kind, wait_ns / 1e9 AS waited_s,
       rubber_stamp, changed_after_approval, reason, coalesce(shown, arguments) AS shown,
       shown_sha256, executed_span_id IS NOT NULL AS ran, run_id, decision_id
FROM approvals
WHERE ($1::BIGINT IS NULL OR start_ns >= $1)
  AND ($2::VARCHAR IS NULL OR contains(lower(concat_ws(chr(10), tool_name, approver, reason, shown, arguments, run_id)), lower($2)))
  AND ($3::BOOLEAN IS NULL OR rubber_stamp OR changed_after_approval OR (decision = 'denied' AND executed_span_id IS NOT NULL))
ORDER BY start_ns DESC, run_id, span_id
LIMIT $4::BIGINT
""",
)

LEDGER_SUMS = Query(
    "approval_sums",
    "How many were asked and how they answered.",
    ("since_ns",),
    """
SELECT count(*) AS asked,
       count(*) FILTER (decision = 'approved') AS approved,
       count(*) FILTER (decision = 'denied') AS denied,
       count(*) FILTER (rubber_stamp) AS rubber_stamps,
       count(*) FILTER (changed_after_approval) AS changed,
       (SELECT count(*) FROM effects_without_approval
        WHERE $1::BIGINT IS NULL OR start_ns >= $1) AS gaps
FROM approvals WHERE $1::BIGINT IS NULL OR start_ns >= $1
""",
)

GAPS = Query(
    "effects_without_approval",
    "Tools that wrote or did what cannot be undone without an approval, the newest first.",
    ("since_ns", "text", "limit"),
    """
SELECT start_time, tool_name, tool_effect, gap, status, arguments, run_id, decision_id
FROM effects_without_approval
WHERE ($1::BIGINT IS NULL OR start_ns >= $1)
  AND ($2::VARCHAR IS NULL OR contains(lower(concat_ws(chr(10), tool_name, gap, arguments, run_id)), lower($2)))
ORDER BY start_ns DESC, run_id, span_id
LIMIT $3::BIGINT
""",
)

LOOKED = Query(
    "who_looked",
    "Who asked the collector for what, the newest first; a page that refreshes itself is counted in one row.",
    ("since_ns", "text", "kind", "limit"),
    """
SELECT last_time, kind, user_name, token, address, times, run_id, coalesce(action, left(sql, 400)) AS asked,
       rows, elapsed_ms, refused, program
FROM audit
WHERE ($1::BIGINT IS NULL OR last_time >= make_timestamp($1 // 1000))
  AND ($2::VARCHAR IS NULL OR contains(lower(concat_ws(chr(10), user_name, address, run_id, sql, action, program)), lower($2)))
  AND ($3::VARCHAR IS NULL OR kind = $3)
ORDER BY last_time DESC
LIMIT $4::BIGINT
""",
)
