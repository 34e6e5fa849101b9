"""Decisions and approvals of a pack: recorded facts, stated words and tested causes in parts of their own."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tellwhy._cli.pack.markup import Markup, many, pretty, tag
from tellwhy._cli.pack.records import Record

Held = Mapping[str, Sequence[Record]]

MS = 1_000_000
"""Nanoseconds of a millisecond."""


def took(duration_ns: int | None) -> str:
    """Give a duration in milliseconds or seconds."""
    if duration_ns is None:
        return ""
    return (
        f"{duration_ns / MS:,.0f} ms"
        if duration_ns < 10_000 * MS
        else f"{duration_ns / MS / 1000:,.1f} s"
    )


def numbers(held: Held) -> dict[str | None, int]:
    """Give the number of each decision by its id, from 1 in their order."""
    return {row["decision_id"]: at for at, row in enumerate(held.get("decisions", ()), 1)}


def decisions(held: Held) -> Iterator[Markup]:
    """Give one part of the page for each decision."""
    by_name = {
        name: _by_decision(held.get(name, ()))
        for name in ("evidence", "proofs", "causes", "verdicts")
    }
    for at, row in enumerate(held.get("decisions", ()), 1):
        own = {name: rows[row["decision_id"]] for name, rows in by_name.items()}
        yield tag("section", _title(at, row), _recorded(row, own["evidence"]), _stated(row),
                  _tested(own["proofs"], own["causes"]), _verdicts(own["verdicts"]), cls="d", id=f"decision-{at}")  # fmt: skip


def _by_decision(rows: Sequence[Record]) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = defaultdict(list)
    for row in rows:
        if row.get("decision_id"):
            found[row["decision_id"]].append(row)
    return found


def _title(at: int, row: Record) -> Markup:
    outcome = str(row["outcome"])
    kind = "bad" if outcome in {"failed", "denied"} else "ok" if outcome == "succeeded" else "m"
    told = [
        row["agent_name"],
        row["model"] or f"made by {row['made_by']}",
        took(row["duration_ns"]),
        row["start_time"],
    ]
    return many((
        tag("h3", f"{at}. {row['chosen'] or row['action']} ", tag("span", outcome, cls=f"chip {kind}")),
        tag("p", ", ".join(str(part) for part in told if part), " ", tag("code", row["decision_id"]), cls="m"),
    ))  # fmt: skip


def _recorded(row: Record, evidence: Sequence[Record]) -> Markup:
    offered = ", ".join(map(str, json.loads(row["offered"] or "[]")))
    parts: list[Any] = [
        tag("h4", "Recorded: what it could do"),
        tag("p", offered or "Not recorded."),
    ]
    if row["arguments"] is not None:
        parts += [
            tag("h4", "Recorded: what it chose"),
            tag("pre", pretty(row["arguments"])),
            _sources(evidence),
        ]
    elif row["answer_text"] is not None:
        parts += [
            tag("h4", "Recorded: what it answered"),
            tag("pre", row["answer_text"]),
            _sources(evidence),
        ]
    if row["outcome_result"] is not None:
        parts += [tag("h4", "Recorded: what happened"), tag("pre", pretty(row["outcome_result"]))]
    if row["outcome_error"] is not None:
        parts += [
            tag("h4", "Recorded: what went wrong"),
            tag("pre", str(row["outcome_error"]), cls="bad"),
        ]
    if row["approval_decision"]:
        who = row["approver"] or row["approver_kind"] or "somebody"
        parts.append(tag("p", f"Approval: {row['approval_decision']} by {who}"))
    return many(parts)


def _sources(evidence: Sequence[Record]) -> Markup | None:
    """Where each value stood, the likeliest place of each; found by comparing texts."""
    rows = [
        tag("tr", tag("td", tag("code", row["argument"])), tag("td", tag("code", str(row["value"]))),
            tag("td", _place(row), cls="bad" if row["kind"] == "no_source" else ""))
        for row in evidence
        if row["rank"] == 0 and row["kind"] != "model_written"
    ]  # fmt: skip
    if not rows:
        return None
    head = tag("tr", tag("th", "value of"), tag("th", "value"), tag("th", "stood before in"))
    return tag("table", head, many(rows))


def _place(row: Record) -> str:
    if row["kind"] == "no_source":
        return "nowhere in what was recorded that the model saw"
    how = (
        row["kind"]
        + (f" ({row['method']})" if row["method"] else "")
        + (", may be chance" if row["weak"] else "")
    )
    return f"{row['source_role']} of step {row['origin_span_id'] or row['source_span_id']}, {row['source_path']}: {how}"


def _stated(row: Record) -> Markup:
    label = (
        "Stated: the reason given in code"
        if row["made_by"] == "code"
        else "Stated: the model's own words, not a proven cause"
    )
    said = (
        tag("div", row["stated_reason"], cls="said")
        if row["stated_reason"]
        else tag("p", "No reason was given.", cls="m")
    )
    return many((tag("h4", label), said))


def _tested(proofs: Sequence[Record], causes: Sequence[Record]) -> Markup:
    head = tag("h4", "Tested: what a replay with something changed has shown")
    if not proofs:
        return many((head, tag("p", "Not tested.", cls="m")))
    lines = [
        tag("li", f"{row['label']}: {row['verdict']} ({row['change']}; the same choice in {row['same']} of {row['n']}, "
            f"unchanged {row['control_same']} of {row['control_n']}; adjusted p {row['p_adjusted']:.3g})")
        for row in causes
    ]  # fmt: skip
    tests = [
        tag(
            "p",
            f"{row['result']}, {row['method']}, {row['model']}, {row['calls']} calls, {row['cost_usd']} USD",
        )
        for row in proofs
    ]
    return many((head, tag("div", many(tests), tag("ul", many(lines)), cls="tested")))


def _verdicts(rows: Sequence[Record]) -> Markup | None:
    if not rows:
        return None
    lines = [
        tag(
            "li",
            f"{row['time']} {row['reviewer']}: {row['verdict']}",
            f". {row['note']}" if row["note"] else None,
        )
        for row in rows
    ]
    return many((tag("h4", "What reviewers said"), tag("ul", many(lines))))


def approval(row: Record, at: int | None) -> Markup:
    """Give one approval: who, how fast, what was shown, and whether something else ran."""
    who = f"{row['approver'] or 'Somebody'} ({row['approver_kind']})"
    flags = [text for text, on in (("allowed in less than two seconds", row["rubber_stamp"]),
                                   ("other arguments ran than were approved", row["changed_after_approval"])) if on]  # fmt: skip
    return tag("div",
        tag("h3", f"{row['tool_name'] or 'A tool'}: {row['decision'] or 'answer not recorded'}"),
        tag("p", f"{who}, asked {row['start_time']}, answered {row['decided_time']} after {took(row['wait_ns'])}",
            f", decision {at}" if at else None, cls="m"),
        tag("p", "; ".join(flags), cls="bad") if flags else None,
        many((tag("h4", f"What was shown, SHA-256 {row['shown_sha256']}"), tag("pre", pretty(row["shown"])))) if row["shown"] else None,
        many((tag("h4", f"What ran, SHA-256 {row['executed_sha256']}"), tag("pre", pretty(row["executed"])))) if row["executed"] else None,
        tag("p", "Said: ", row["reason"]) if row["reason"] else None,
        cls="d")  # fmt: skip
