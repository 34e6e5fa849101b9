"""Two runs beside each other, as the compare page draws them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tellwhy_viewer.shape.health import UNKNOWN, money
from tellwhy_viewer.shape.listing import moment, tokens, took
from tellwhy_viewer.shape.text import clipped, glance, parsed, visible
from tellwhy_viewer.shape.timeline import title

Row = dict[str, Any]

MAX_PAIRS = 2_000
"""Most pairs that are drawn; beyond it the page says so."""

CLIP = 1_500
"""Most characters of one text of a side."""

_CHANGES = {
    "action": "did something else",
    "chosen": "chose another tool",
    "arguments": "changed arguments",
    "answer_text": "another answer",
    "only_before": "only in A",
    "only_after": "only in B",
    "same": "same",
}
"""Change of a pair → what it is called."""


def comparison(told: Row) -> Row:
    """Give what `GET /api/compare` said as the page draws it; A is the run before, B the one after."""
    pairs = told["pairs"]
    numbers = {side: _numbers(pairs, side) for side in ("before", "after")}
    return {
        "sentence": sentence(pairs, told["first"]),
        "first": told["first"],
        "counts": [
            {"label": label, "change": change, "count": told["counts"][change]}
            for change, label in _CHANGES.items()
            if told["counts"].get(change)
        ],
        "heads": [_head(told[side]) for side in ("before", "after")],
        "facts": _facts(told["before"], told["after"]),
        "branch": _branch(told["branch"], pairs, numbers["before"]),
        "pairs": [_pair(pair, numbers) for pair in pairs[:MAX_PAIRS]],
        "cut": len(pairs) > MAX_PAIRS,
    }


def sentence(pairs: Sequence[Row], first: int | None) -> str:
    """Give in one line how far two runs are the same and what differs first."""
    if first is None:
        return f"The same {len(pairs):,} decisions." if pairs else "Neither run has a decision."
    start = f"Same for {first:,} decision{'' if first == 1 else 's'}. " if first else ""
    pair = pairs[first]
    if pair["change"] == "arguments":
        paths = ", ".join(str(each["path"]) for each in pair["differences"][:3]) or "its arguments"
        told = f"both called {pair['before']['chosen']}, with another {paths}"
    elif pair["change"] == "answer_text":
        told = "both answered, in other words"
    elif pair["after"] is None:
        told = f"only A {_deed(pair['before'])}"
    elif pair["before"] is None:
        told = f"only B {_deed(pair['after'])}"
    else:
        told = f"A {_deed(pair['before'])}, B {_deed(pair['after'])}"
    return visible(f"{start}First difference at {first + 1:,}: {told}.")


def _deed(decision: Row) -> str:
    if decision["action"] == "tool_call":
        return f"called {decision['chosen']}"
    if decision["action"] == "answer":
        return "answered"
    return f"{decision['action']} {decision['chosen'] or ''}".strip()


def _numbers(pairs: Sequence[Row], side: str) -> dict[str, int]:
    """The place of each decision in its own run, from 1."""
    there = [pair[side] for pair in pairs if pair[side] is not None]
    there.sort(key=lambda row: (row["start_ns"], row["span_id"], row["choice_index"]))
    return {row["decision_id"]: at + 1 for at, row in enumerate(there)}


def _head(run: Row) -> Row:
    return {
        "run": run["run_id"],
        "agent": visible(run["agent_name"] or run["name"] or "unnamed"),
        "status": run["status"],
        "start_ms": run["start_ns"] / 1e6,
        "task": visible(glance(run["task"], 300)),
        "output": clipped(run["output"], 600),
    }


def _facts(a: Row, b: Row) -> list[Row]:
    """Give each figure of both runs and how the second changed."""
    told = [
        _fact("Took", a["duration_ns"], b["duration_ns"], took),
        _fact("Decisions", a["decisions"], b["decisions"], str),
        _fact("Tokens", _tokens(a), _tokens(b), tokens),
        _fact("Cost", a["cost_usd"], b["cost_usd"], money),
        _fact("Errors", a["errors"], b["errors"], str),
    ]
    models = [visible(run["models"] or UNKNOWN) for run in (a, b)]
    same = "" if models[0] == models[1] else "other"
    return [*told, {"label": "Models", "a": models[0], "b": models[1], "change": same}]


def _tokens(run: Row) -> int | None:
    known = [run[name] for name in ("input_tokens", "output_tokens") if run[name] is not None]
    return sum(known) if known else None


def _fact(label: str, a: Any, b: Any, write: Any) -> Row:
    shown = [UNKNOWN if value is None else write(value) for value in (a, b)]
    change = ""
    if a and b is not None and a != b:
        change = f"{b / a - 1:+.0%}"
    return {"label": label, "a": shown[0], "b": shown[1], "change": change}


def _branch(branch: Row | None, pairs: Sequence[Row], numbers: dict[str, int]) -> Row | None:
    if branch is None:
        return None
    from_span = branch["from_span_id"]
    at = [
        numbers[pair["before"]["decision_id"]]
        for pair in pairs
        if pair["before"] is not None and pair["before"]["span_id"] == from_span
    ]
    return {
        "live_from": min(at, default=None) if from_span else None,
        "edits": [
            {"path": visible(str(path)), "value": clipped(value, 300)}
            for path, value in branch["edits"].items()
        ],
        "live_tools": [visible(str(name)) for name in branch["live_tools"]],
    }


def _pair(pair: Row, numbers: dict[str, dict[str, int]]) -> Row:
    before, after = pair["before"], pair["after"]
    changed = {_top(each["path"]) for each in pair["differences"]}
    return {
        "change": pair["change"],
        "label": _CHANGES.get(pair["change"], pair["change"]),
        "moved": pair["moved"],
        "title": title(before or after)[:160],
        "other_title": title(after)[:160] if before and after else None,
        "saw": pair["saw"],
        "differences": [
            {
                "path": str(each["path"]),
                "a": clipped(each["before"], CLIP) if "before" in each else None,
                "b": clipped(each["after"], CLIP) if "after" in each else None,
            }
            for each in pair["differences"]
        ],
        "a": _side(before, numbers["before"], changed),
        "b": _side(after, numbers["after"], changed),
    }


def _top(path: str) -> str:
    """The name of the argument that *path* leads into."""
    return path.removeprefix("$").removeprefix(".").split(".")[0].split("[")[0].strip('"')


def _side(row: Row | None, numbers: dict[str, int], changed: set[str]) -> Row | None:
    if row is None:
        return None
    given = row["arguments"]
    return {
        "n": numbers[row["decision_id"]],
        "id": row["decision_id"],
        "title": title(row)[:160],
        "action": row["action"],
        "made_by": row["made_by"],
        "outcome": row["outcome"],
        "model": row["model"],
        "cost_usd": row["cost_usd"],
        "arguments": [
            {"name": str(name), "changed": str(name) in changed, **(clipped(value, CLIP) or _NULL)}
            for name, value in sorted(given.items())
        ]
        if isinstance(given, dict)
        else [],
        "raw": clipped(given, CLIP) if given is not None and not isinstance(given, dict) else None,
        "answer": clipped(row["answer_text"], CLIP),
        "said": clipped(row["stated_reason"], CLIP),
        "result": clipped(parsed(row["outcome_result"]), CLIP),
        "error": clipped(row["outcome_error"], CLIP),
    }


_STATUS_MARKS = {
    "running": "◌ running",
    "succeeded": "✓ succeeded",
    "failed": "✕ failed",
    "denied": "✕ denied",
    "lost": "✕ lost",
    "unknown": "· unknown",
}
"""Status → what stands in the table; the mark says it without colour too."""

_NULL = {"text": "null", "chars": 4, "clipped": False}


def candidates_table(rows: Sequence[Row]) -> list[Row]:
    """Give one table row for each run that another may be compared with."""
    return [
        {
            "Why": row["why"],
            "Started": moment(row["start_time"]),
            "Agent": visible(row["agent_name"] or row["service_name"] or "unnamed"),
            "Task": visible(glance(row["task"], 160)),
            "Status": _STATUS_MARKS.get(row["status"], row["status"]),
            "Took": took(row["duration_ns"]),
            "Decisions": row["decisions"],
            "Cost": row["cost_usd"],
            "Run": row["run_id"],
        }
        for row in rows
    ]
