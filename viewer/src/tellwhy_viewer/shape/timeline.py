"""One run laid out in time: lanes, folded waits, and which decision each step belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tellwhy_viewer.shape.sources import by_decision, problems
from tellwhy_viewer.shape.sources import suspects as first_places
from tellwhy_viewer.shape.text import glance

LANES = (
    ("agent", "Agents"),
    ("model_call", "Model"),
    ("tool_call", "Tools"),
    ("retrieval", "Data / IO"),
    ("guardrail", "Guards"),
    ("human", "People"),
)
"""Kind of step → the lane's label, from top to bottom; ``other`` shares the lane of data and IO."""

ALWAYS = frozenset({"model_call", "tool_call"})
"""Lanes that are drawn even when they are empty."""

MIN_FOLD_MS = 4_000.0
"""Shorter waits are never folded."""

FOLD_SHARE = 0.12
"""A wait is folded when it takes more than this share of what would be drawn with it."""

Row = dict[str, Any]


def run_page(
    run: Row,
    steps: Sequence[Row],
    decisions: Sequence[Row],
    *,
    now_ns: int,
    findings: Sequence[Row] = (),
    suspects: Sequence[Row] = (),
) -> dict[str, Any]:
    """Give the skeleton of the run page: everything that is drawn before a body is fetched.

    Times are milliseconds after the run's start; an open step has no ``t1``. A run that goes on
    reaches to *now_ns*.
    """
    start = _start(run, steps)
    end = max(_end(run, steps), now_ns if run["status"] == "running" else 0)
    length = max((end - start) / 1e6, 0.001)
    owner = owners(steps, decisions)
    at = {row["span_id"]: row for row in steps}
    lanes = _lanes(steps)
    index = {kind: at for at, (kind, _) in enumerate(lanes)}
    found = by_decision(findings, decisions, owner)
    known = {row["span_id"] for row in decisions if row["made_by"] == "code"}
    drawn = [
        _bar(row, lane, start, owner)
        for row in steps
        if (lane := index.get(lane_of(row["kind"]))) is not None and row["span_id"] not in known
    ]
    return {
        "run": _head(run, length),
        "lanes": [{"id": kind, "label": label} for kind, label in lanes],
        "folds": folds(steps, start, length),
        "steps": drawn,
        "decisions": [
            {**_listed(row, n, start, at), "findings": problems(found.get(n, []))}
            for n, row in enumerate(decisions)
        ],
        "findings": problems(findings),
        "suspects": first_places(suspects, decisions, owner),
        "died": _died(run, owner),
    }


def _died(run: Row, owner: dict[str, int]) -> Row | None:
    """Where a run stood whose process ended before it did."""
    if not run.get("lost_reason"):
        return None
    span = run.get("died_in_span_id")
    return {
        "reason": run["lost_reason"],
        "in": run.get("died_in"),
        "last_seen": run.get("last_seen"),
        "decision": owner.get(span or "", -1),
        "at": {"trace": run["trace_id"], "span": span} if span else None,
    }


def lane_of(kind: str) -> str:
    """Give the lane in which a step of *kind* is drawn."""
    return "retrieval" if kind == "other" else kind


def _lanes(steps: Sequence[Row]) -> list[tuple[str, str]]:
    seen = {lane_of(row["kind"]) for row in steps}
    if sum(row["kind"] == "agent" for row in steps) < 2:
        seen.discard("agent")  # a lone agent is the frame of the picture, not a bar in it
    return [(kind, label) for kind, label in LANES if kind in seen or kind in ALWAYS]


def _start(run: Row, steps: Sequence[Row]) -> int:
    starts: list[int] = [row["start_ns"] for row in steps]
    if run.get("start_ns"):
        starts.append(run["start_ns"])
    return min(starts, default=0)


def _end(run: Row, steps: Sequence[Row]) -> int:
    ends: list[int] = [row["end_ns"] or row["start_ns"] for row in steps]
    return max([*ends, run.get("end_ns") or 0])


def _ms(at_ns: int | None, start_ns: int) -> float | None:
    return None if at_ns is None else (at_ns - start_ns) // 1_000 / 1_000  # whole microseconds


BAR = ("span", "trace", "lane", "t0", "t1", "status", "name", "decision", "attempts", "inferred")
"""What is told of each step, in order; short on the wire."""


def _bar(row: Row, lane: int, start: int, owner: dict[str, int]) -> list[Any]:
    name = row["tool_name"] or row["name"]
    return [
        row["span_id"],
        row["trace_id"],
        lane,
        _ms(row["start_ns"], start),
        _ms(row["end_ns"], start),
        row["status"],
        name[:80],
        owner.get(row["span_id"], -1),
        row["attempts"] or 1,
        bool(row["inferred"]),
    ]


def owners(steps: Sequence[Row], decisions: Sequence[Row]) -> dict[str, int]:
    """Give for each step the index of the decision it belongs to.

    A step belongs to the decision it made, to the one that it is the outcome of, to its parent's,
    or else to the last decision before it.
    """
    own: dict[str, int] = {}
    for at, row in enumerate(decisions):
        own.setdefault(row["span_id"], at)
        if row["outcome_span_id"]:
            own[row["outcome_span_id"]] = at
    parent = {row["span_id"]: row["parent_span_id"] for row in steps}
    by_time = sorted((row["decided_ns"] or row["start_ns"], at) for at, row in enumerate(decisions))
    found: dict[str, int] = {}
    cursor, last = 0, -1
    for row in sorted(steps, key=lambda step: step["start_ns"]):
        while cursor < len(by_time) and by_time[cursor][0] <= row["start_ns"]:
            last = by_time[cursor][1]
            cursor += 1
        if row["kind"] == "agent" and row["span_id"] not in own:
            continue
        above: str | None = row["span_id"]
        hops = 0
        while above is not None and above not in own and hops < 64:
            above, hops = parent.get(above), hops + 1
        found[row["span_id"]] = own.get(above or "", last)
    return found


def folds(steps: Sequence[Row], start: int, length_ms: float) -> list[list[float]]:
    """Give the waits to fold, as ``[from, to]`` in ms: stretches in which only people were busy.

    A step that was read out of its neighbours fills the time between them; nobody saw it busy.
    """
    parent = {row["span_id"]: row["parent_span_id"] for row in steps}
    waiting = set()
    for row in steps:
        if row["kind"] == "human":
            above: str | None = row["span_id"]
            while above is not None and above not in waiting:
                waiting.add(above)
                above = parent.get(above)
    busy = sorted(
        ((row["start_ns"] - start) / 1e6, ((row["end_ns"] or row["start_ns"]) - start) / 1e6)
        for row in steps
        if row["kind"] != "agent" and row["span_id"] not in waiting and not row["inferred"]
    )
    return _folded(_gaps(busy, length_ms), length_ms)


def _gaps(busy: Iterable[tuple[float, float]], length: float) -> list[tuple[float, float]]:
    gaps, reached = [], 0.0
    for begin, end in busy:
        if begin > reached:
            gaps.append((reached, begin))
        reached = max(reached, end)
    if reached < length:
        gaps.append((reached, length))
    return gaps


def _folded(gaps: list[tuple[float, float]], length: float) -> list[list[float]]:
    chosen, drawn = [], length
    for begin, end in sorted(gaps, key=lambda gap: gap[0] - gap[1]):
        if end - begin < max(MIN_FOLD_MS, FOLD_SHARE * drawn):
            break
        chosen.append([round(begin, 3), round(end, 3)])
        drawn -= end - begin
    return sorted(chosen)


def _head(run: Row, length_ms: float) -> Row:
    keep = (
        "run_id trace_id conversation_id agent_name agent_version service_name user_id dialect name"
        " status start_time error_type error_message steps model_calls tool_calls decisions errors"
        " retries approvals input_tokens output_tokens cache_read_tokens reasoning_tokens cost_usd"
        " cost_source models input output"
    )
    head = {name: run.get(name) for name in keep.split()}
    took = run.get("duration_ns")
    if took is None or run["status"] == "running":
        return {**head, "length_ms": length_ms, "took_ms": length_ms}
    return {**head, "length_ms": length_ms, "took_ms": took / 1e6}


_TITLES = {"answer": "Answer", "refusal": "Refusal", "truncated": "Cut off"}


def title(row: Row) -> str:
    """Give a decision's short name: the tool, the option, or what the model did instead."""
    named: str | None = row["chosen"]
    if row["action"] == "handoff" and named:
        return f"Hand over to {named}"
    return named or _TITLES.get(row["action"], row["action"] or "Decision")


def _listed(row: Row, at: int, start: int, steps: Mapping[str, Row]) -> Row:
    led_to = steps.get(row["outcome_span_id"] or "", {})
    by_code = steps.get(row["span_id"], {}) if row["made_by"] == "code" else {}
    decided = row["decided_ns"] or row["start_ns"]
    ran_ns = 0 if row["outcome_inferred"] else row["outcome_duration_ns"] or 0
    took = ((row["duration_ns"] or 0) + ran_ns) / 1e6
    return {
        "id": row["decision_id"],
        "n": at + 1,
        "title": title(row)[:160],
        "glance": glance(row["preview"]) or (by_code.get("name") or "")[:120],
        "action": row["action"],
        "made_by": row["made_by"],
        "agent": row["agent_name"],
        "model": row["model"],
        "span": row["span_id"],
        "trace": row["trace_id"],
        "outcome_span": row["outcome_span_id"],
        "choice": [row["choice_index"] + 1, row["choice_count"]],
        "t0": _ms(row["start_ns"], start),
        "t1": round((decided - start + ran_ns) / 1e6, 3),
        "took_ms": took,
        "outcome": row["outcome"],
        "effect": led_to.get("tool_effect"),
        "approval": row["approval_decision"],
        "forced": row["forced"],
        "offered": row["offered_count"],
        "attempts": led_to.get("attempts") or 1,
        "has_reason": bool(row["has_reason"]),
        "input_tokens": row["input_tokens"],
        "output_tokens": row["output_tokens"],
        "cost_usd": row["cost_usd"],
    }
