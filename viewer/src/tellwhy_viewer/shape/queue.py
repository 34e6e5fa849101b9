"""The review queue as tables: decisions to look at, and how far reviewers agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tellwhy_viewer.shape.listing import moment
from tellwhy_viewer.shape.text import visible

Row = dict[str, Any]

MARK = {"right": "✓ right", "debatable": "? debatable", "wrong": "✕ wrong"}
"""Verdict → what stands in the table; the mark says it without colour too."""

ACTION = {"answer": "answer", "refusal": "refusal", "truncated": "cut-off answer"}
"""What a decision without a chosen tool is called."""


def queue_table(rows: Sequence[Row]) -> list[Row]:
    """Give one table row for each decision in the queue, in its order, texts safe to show."""
    return [
        {
            "Decision": visible(row["chosen"] or ACTION.get(row["action"], row["action"] or "")),
            "Agent": visible(row["agent_name"] or "unnamed"),
            "Why here": visible(row["why"] or ""),
            "Outcome": row["outcome"],
            "Cost": row["cost_usd"],
            "Decided": moment(row["start_time"]),
            "Yours": MARK.get(row["mine"] or "", ""),
            "All": said(row),
            "Run": row["run_id"],
        }
        for row in rows
    ]


def said(row: Row) -> str:
    """Give how many said what: ``✓ 2  ✕ 1``; nothing when nobody did."""
    counts = {"✓": row["said_right"], "?": row["said_debatable"], "✕": row["said_wrong"]}
    return "  ".join(f"{mark} {number}" for mark, number in counts.items() if number)


def agents_table(rows: Sequence[Row]) -> list[Row]:
    """Give agreement for all agents and for each."""
    return [
        {
            "Agent": "All agents" if row["all_agents"] else visible(row["agent_name"] or "unnamed"),
            "Decisions": row["decisions"],
            "Verdicts": row["verdicts"],
            "Unanimous": row["unanimous"],
            "Agreement": row["agreement"],
            "Alpha": row["alpha"],
        }
        for row in rows
    ]


def pairs_table(rows: Sequence[Row]) -> list[Row]:
    """Give agreement of each two reviewers."""
    return [
        {
            "Reviewer": visible(row["reviewer"]),
            "Other": visible(row["other_reviewer"]),
            "Decisions": row["decisions"],
            "Same": row["same"],
            "Agreement": row["agreement"],
            "Kappa": row["kappa"],
        }
        for row in rows
    ]


def agreement_sentence(rows: Sequence[Row]) -> str:
    """Give in one line how far all reviewers agree."""
    whole = next((row for row in rows if row["all_agents"]), None)
    if whole is None:
        return "No decision has been judged by two reviewers yet."
    many = whole["decisions"] != 1
    told = f"Reviewers agree on {whole['agreement']:.0%} of {whole['decisions']:,} decision"
    told += f"{'s' if many else ''} that two or more have judged"
    return told + ("." if whole["alpha"] is None else f" (alpha {whole['alpha']:.2f}).")
