"""What the run page shows, asked of the collector: the skeleton of a run, the card of a decision."""

from __future__ import annotations

import time
from concurrent.futures import Future
from typing import Any

from tellwhy_viewer import queries
from tellwhy_viewer.client import opened_run
from tellwhy_viewer.component.questions import Asking, Missing, Row, later
from tellwhy_viewer.shape.card import decision_card
from tellwhy_viewer.shape.columns import packed
from tellwhy_viewer.shape.timeline import BAR, run_page
from tellwhy_viewer.shape.verdicts import verdicts

MAX_STEPS = 100_000
"""Most steps and decisions of one run that are drawn; beyond it the page says so."""

MAX_VERDICTS = 10_000
"""Most verdicts of one run that travel with it, likewise."""

MAX_FINDINGS = 1_000
"""Most findings of one run that travel with it; the worst come first."""


def skeleton(ask: Asking, run_id: str) -> Row:
    """Give what the page draws before a body is fetched; steps and decisions as columns.

    Raises:
        Missing: there is no such run.
    """
    opened = opened_run.set(run_id)
    try:
        head = later(ask.rows, queries.RUN, run_id=run_id)
    finally:
        opened_run.reset(opened)
    steps = later(ask.many, queries.RUN_STEPS, run_id=run_id, limit=MAX_STEPS)
    decisions = later(ask.many, queries.RUN_DECISIONS, run_id=run_id, limit=MAX_STEPS)
    findings = later(ask.rows, queries.FINDINGS, run_id=run_id, limit=MAX_FINDINGS)
    suspects = later(ask.rows, queries.SUSPECTS, run_id=run_id)
    said = later(ask.rows, queries.RUN_VERDICTS, run_id=run_id, limit=MAX_VERDICTS)
    if not head.result():
        raise Missing(f"There is no run {run_id}.")
    page = run_page(
        head.result()[0],
        steps.result(),
        decisions.result(),
        now_ns=time.time_ns(),
        findings=findings.result(),
        suspects=suspects.result(),
    )
    return {
        **page,
        "steps": packed(BAR, page["steps"]),
        "decisions": _columns(page["decisions"]),
        "verdicts": verdicts(said.result()),
        "cut": max(len(steps.result()), len(decisions.result())) >= MAX_STEPS,
    }


def _columns(rows: list[Row]) -> Row:
    return packed(rows[0] if rows else (), [list(row.values()) for row in rows])


def card(ask: Asking, run_id: str, decision_id: str) -> Row:
    """Give the card of one decision.

    Raises:
        Missing: there is no such decision in this run.
    """
    which: dict[str, Any] = {"run_id": run_id, "decision_id": decision_id}
    tests = later(ask.rows, queries.TESTED, **which)
    row = ask.one(queries.DECISION, f"There is no decision {decision_id} in this run.", **which)
    evidence = later(ask.rows, queries.EVIDENCE, **which, since_ns=row["start_ns"])
    checks = later(ask.rows, queries.CHECKS, **which, start_ns=row["start_ns"])
    before = _before(ask, run_id, row)
    approval = []
    if row["approval_span_id"]:
        at = {"trace_id": row["trace_id"], "span_id": row["approval_span_id"]}
        approval = ask.rows(queries.APPROVAL, **at)
    told = decision_card(
        row,
        evidence=evidence.result(),
        tests=tests.result(),
        before=_first(before),
        approval=approval[0] if approval else None,
    )
    return {**told, "checks": checks.result()}


def _before(ask: Asking, run_id: str, row: Row) -> Future[list[Row]] | None:
    if row["made_by"] != "model":
        return None
    return later(
        ask.rows,
        queries.PREVIOUS_CALL,
        run_id=run_id,
        agent=row["agent_name"],
        before_ns=row["start_ns"],
        span_id=row["span_id"],
    )


def _first(asked: Future[list[Row]] | None) -> Row | None:
    rows = asked.result() if asked is not None else []
    return rows[0] if rows else None
