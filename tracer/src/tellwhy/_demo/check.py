"""What the demo must have left in the database, asked in SQL: `tellwhy demo --check`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tellwhy._demo.collector import CollectorError, ask, status

SETTLE_S = 15.0
"""How long what the agents sent may take to show up in every view."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    good: bool
    text: str


@dataclass(frozen=True, slots=True)
class Expected:
    """What one example agent's run must amount to."""

    status: str
    decisions: int
    tool_calls: int


RUNS = {
    "refund-agent": Expected("succeeded", decisions=14, tool_calls=13),
    "purchasing-agent": Expected("succeeded", decisions=9, tool_calls=6),
    "delivery-desk": Expected("succeeded", decisions=12, tool_calls=7),
    "check_shelves": Expected("succeeded", decisions=4, tool_calls=3),
    "invoice-agent": Expected("failed", decisions=3, tool_calls=3),
}
"""Agent -> its run, counted in its script."""

RUN_SQL = """
SELECT r.status, r.decisions, count(t.span_id) AS tool_calls,
       count(t.span_id) FILTER (t.arguments IS NOT NULL) AS with_arguments,
       count(t.span_id) FILTER (t.result IS NOT NULL OR t.error_message IS NOT NULL) AS answered
FROM runs r LEFT JOIN tool_calls t USING (run_id)
WHERE r.agent_name = ? AND r.start_ns >= ?
GROUP BY r.run_id, r.status, r.decisions, r.start_ns ORDER BY r.start_ns DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing to be found: SQL with the demo's start (ns) as parameter, and a test of a row."""

    title: str
    sql: str
    fits: Callable[[list[Any]], bool]


FACTS = (
    Fact(
        "approved by a person: chosen, arguments, approver, seconds waited",
        "SELECT chosen, arguments, approver, round(approval_wait_ns / 1e9, 1) FROM decisions"
        " WHERE approval_decision = 'approved' AND approver_kind = 'person'"
        " AND agent_name = 'refund-agent' AND start_ns >= ?",
        lambda row: row[0] == "issue_refund" and row[2] == "Erika Mustermann",
    ),
    Fact(
        "denied by a rule: chosen, arguments, outcome",
        "SELECT chosen, arguments, outcome FROM decisions WHERE approval_decision = 'denied'"
        " AND agent_name = 'refund-agent' AND start_ns >= ?",
        lambda row: row[0] == "send_voucher" and row[2] == "denied",
    ),
    Fact(
        "retried after 529: model, attempts, status",
        "SELECT response_model, attempts, status FROM model_calls"
        " WHERE agent_name = 'refund-agent' AND attempts > 1 AND start_ns >= ?",
        lambda row: row[1] == 2 and row[2] == "ok",
    ),
    Fact(
        "failed tool, run recovered: tool, error",
        "SELECT tool_name, error_message FROM failures WHERE recovered AND kind = 'tool_call'"
        " AND agent_name = 'refund-agent' AND tool_name = 'track_parcel'"
        " AND start_ns >= ?",
        lambda row: "503" in str(row[1]),
    ),
    Fact(
        "failed for good: agent, error",
        "SELECT agent_name, error_type, error_message FROM failures WHERE NOT recovered"
        " AND kind = 'model_call' AND start_ns >= ?",
        lambda row: "too long" in str(row[2]),
    ),
    Fact(
        "killed in a payment: agent, died in, arguments, reason",
        "SELECT agent_name, died_in, died_in_arguments, lost_reason FROM lost_runs"
        " WHERE start_ns >= ?",
        lambda row: row[1] == "pay_out" and "410.5" in str(row[2]) and row[3] == "killed",
    ),
    Fact(
        "tool call read out of the next request: tool, arguments",
        "SELECT tool_name, arguments FROM tool_calls WHERE inferred AND start_ns >= ?"
        " AND tool_name = 'order_more'",
        lambda row: "60" in str(row[1]),
    ),
    Fact(
        "a choice of plain code: chosen, reason",
        "SELECT chosen, stated_reason FROM decisions WHERE made_by = 'code' AND start_ns >= ?",
        lambda row: row[0] == "van",
    ),
    Fact(
        "stated reason of the refund",
        "SELECT stated_reason FROM decisions WHERE agent_name = 'refund-agent'"
        " AND chosen = 'issue_refund' AND start_ns >= ?",
        lambda row: "249.00" in str(row[0]),
    ),
    Fact(
        "cost of the refund run in USD, tokens",
        "SELECT round(cost_usd, 4), input_tokens + output_tokens FROM runs"
        " WHERE agent_name = 'refund-agent' AND start_ns >= ?",
        lambda row: bool(row[0]) and row[0] > 0,
    ),
)

LIVE_RUN = Fact(
    "the refund run with a real model: status, decisions, tool calls",
    "SELECT status, decisions, tool_calls FROM runs WHERE agent_name = 'refund-agent'"
    " AND start_ns >= ?",
    lambda row: row[1] > 0,
)
"""What a real model chooses is not known beforehand; that it chose is."""

DIALECTS = {"native", "claude_code", "anthropic_sdk", "openinference", "otel_genai"}
"""Vocabularies that the recordings and agents speak."""


def findings(
    collector_url: str, viewer_url: str, began_ns: int, *, live: bool
) -> Iterator[Finding]:
    """Look at everything and give back what was seen, one line each.

    Args:
        collector_url: Of the running collector.
        viewer_url: Of the running viewer.
        began_ns: When the demo began; older runs in the same file do not count.
        live: The refund agent asked a real model, so its counts are not known beforehand.
    """
    for path in ("/healthz", "/readyz"):
        yield _page(f"{collector_url}{path}")
    for path in ("/", "/run", "/sql", "/_stcore/health"):
        yield _page(f"{viewer_url}{path}")
    for agent, expected in RUNS.items():
        if live and agent == "refund-agent":
            yield _fact(collector_url, LIVE_RUN, began_ns)
        else:
            yield _run(collector_url, agent, expected, began_ns)
    for fact in FACTS:
        if not (live and "refund-agent" in fact.sql):
            yield _fact(collector_url, fact, began_ns)
    yield _dialects(collector_url)


def _page(url: str) -> Finding:
    code = status(url)
    return Finding(code == 200, f"{url} answers {code or 'nothing'}")


def _until(look: Callable[[], Finding]) -> Finding:
    """Look again until it is good: views follow the last export by a moment."""
    deadline = time.monotonic() + SETTLE_S
    while True:
        try:
            found = look()
        except CollectorError as error:
            return Finding(good=False, text=str(error))
        if found.good or time.monotonic() > deadline:
            return found
        time.sleep(0.2)


def _run(url: str, agent: str, expected: Expected, began_ns: int) -> Finding:
    def look() -> Finding:
        rows = ask(url, RUN_SQL, agent, began_ns)
        if not rows:
            return Finding(good=False, text=f"{agent}: no run in the database")
        state, decisions, calls, with_arguments, answered = rows[0]
        seen = (
            f"{agent}: {state}, {decisions} decisions, {calls} tool calls"
            f" ({with_arguments} with arguments, {answered} with a result or an error)"
        )
        wanted = [expected.status, expected.decisions, *[expected.tool_calls] * 3]
        if rows[0] == wanted:
            return Finding(good=True, text=seen)
        return Finding(
            good=False,
            text=f"{seen}; expected {expected.status}, {expected.decisions} decisions and "
            f"{expected.tool_calls} tool calls, all with arguments and results",
        )

    return _until(look)


def _fact(url: str, fact: Fact, began_ns: int) -> Finding:
    def look() -> Finding:
        rows = ask(url, fact.sql, began_ns)
        if not rows:
            return Finding(good=False, text=f"{fact.title}: nothing found")
        return Finding(any(map(fact.fits, rows)), f"{fact.title}: {' | '.join(map(str, rows[0]))}")

    return _until(look)


def _dialects(url: str) -> Finding:
    def look() -> Finding:
        rows = ask(url, "SELECT dialect, count(*) FROM steps GROUP BY ALL ORDER BY ALL")
        absent = DIALECTS - {row[0] for row in rows}
        seen = ", ".join(f"{name} {count}" for name, count in rows)
        lack = f"; no steps of {', '.join(sorted(absent))}" if absent else ""
        return Finding(not absent, f"steps by vocabulary: {seen}{lack}")

    return _until(look)
