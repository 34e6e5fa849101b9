"""Where the values of a decision came from, and what rules found, as the card shows them. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tellwhy_viewer.shape.context import messages_of, spoken
from tellwhy_viewer.shape.place import NoPlace, keys_of
from tellwhy_viewer.shape.text import one_line, parsed

Row = dict[str, Any]

_RANGE = re.compile(r"\[\d+:\d+\]$")
"""Characters of a text, behind its path."""

ROLES = {
    "user": "user",
    "system": "system text",
    "tool": "tool result",
    "document": "document",
    "assistant": "model, before",
    "tool_schema": "tool description",
}
"""Who said it there -> how the card calls it."""

SEVERITIES = ("high", "medium", "low")


def sources(evidence: Sequence[Row], row: Row) -> list[Row]:
    """Give the likeliest source of each value, in the order of the arguments.

    Args:
        evidence: Rows of one decision.
        row: The decision with the messages of its call.
    """
    messages = messages_of(row.get("input_messages"))
    places: dict[str, int] = {}
    for one in evidence:
        places[one["argument"]] = places.get(one["argument"], 0) + 1
    return [
        {
            "argument": one["argument"].removeprefix("$").removeprefix("."),
            "top": _top(_RANGE.sub("", one["argument"])),
            "piece": _RANGE.search(one["argument"]) is not None,
            "value": one_line(parsed(one["value"]), 120),
            "kind": one["kind"],
            "method": one["method"],
            "weak": bool(one["weak"]),
            "label": _label(one, messages, row),
            "path": _short(one),
            "text": one_line(one["source_text"] or "", 160) or None,
            "places": places[one["argument"]],
            "at": _at(one),
            "origin": one.get("origin_span_id"),
        }
        for one in evidence
        if one["rank"] == 0
    ]


def origins(told: Sequence[Row]) -> list[Row]:
    """Number the places that *told* (of `sources`) came from, and write the number into each.

    Values of one tool's result share its number, as those of one user message do.

    Returns:
        One row for each place, in order, with the step to draw a line from where one is known.
    """
    seen: dict[tuple[str | None, str | None], Row] = {}
    for one in told:
        span = one.pop("origin")
        if one["kind"] in {"no_source", "model_written"}:
            one["n"] = None
            continue
        place = seen.setdefault(
            (span, one["label"]), {"n": len(seen) + 1, "span": span, "label": one["label"]}
        )
        one["n"] = place["n"]
    return list(seen.values())


def _top(argument: str) -> str | None:
    """The field of the arguments that a value stands in."""
    try:
        keys = keys_of(argument)
    except NoPlace:
        return None
    return str(keys[0]) if keys and isinstance(keys[0], str) else None


def _label(one: Row, messages: Sequence[Row], row: Row) -> str | None:
    """Name the tool whose result it stood in, else who said it."""
    if one["source_span_id"] is None:
        return None
    role = ROLES.get(one["source_role"] or "", one["source_role"] or "source")
    if one["source_column"] != "input_messages" or one["source_span_id"] != row["span_id"]:
        return role
    try:
        at = keys_of(one["source_path"] or "$")
    except NoPlace:
        return role
    if len(at) < 3 or not isinstance(at[0], int) or at[0] >= len(messages):
        return role
    names = {
        line.get("id"): line.get("name")
        for place, message in enumerate(messages[: at[0] + 1])
        for line in spoken(message, place, 1)
        if line["kind"] in {"tool_call", "server_tool_call"}
    }
    lines = spoken(messages[at[0]], at[0], 1)
    if not isinstance(at[2], int) or at[2] >= len(lines) or "response" not in lines[at[2]]["kind"]:
        return role
    return str(lines[at[2]].get("name") or names.get(lines[at[2]].get("id")) or role)


def _short(one: Row) -> str | None:
    """The end of the path: what a person would look for in the result."""
    if one["source_inner_path"]:
        return str(one["source_inner_path"])
    try:
        keys = keys_of(one["source_path"] or "$")
    except NoPlace:
        return None
    inner = keys[4:] if keys[1:2] == ["parts"] else keys[1:]
    return (
        "$" + "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in inner)
        if inner
        else None
    )


def _at(one: Row) -> Row | None:
    if one["source_span_id"] is None or one["source_path"] is None:
        return None
    return {
        "trace": one["trace_id"],
        "span": one["source_span_id"],
        "column": one["source_column"],
        "path": one["source_path"],
        "inner": one["source_inner_path"],
        "from": one["source_from"],
        "to": one["source_to"],
    }


def problems(findings: Sequence[Row]) -> list[Row]:
    """Give findings with where to look, in the order given."""
    return [
        {
            "rule": one["rule"],
            "severity": one["severity"] if one["severity"] in SEVERITIES else "low",
            "message": one["message"],
            "made_by": one["made_by"],
            "decision": one["decision_id"],
            "at": {"trace": one["trace_id"], "span": one["span_id"]},
            "proof": _proof(one),
        }
        for one in findings
    ]


def _proof(one: Row) -> list[Row]:
    """Places that can be opened: with a column and a path."""
    told = parsed(one["proof"])
    return [
        {
            "trace": one["trace_id"],
            "span": item["span_id"],
            "column": item["column"],
            "path": item["path"],
        }
        for item in (told if isinstance(told, list) else [])
        if isinstance(item, dict)
        and all(isinstance(item.get(k), str) for k in ("span_id", "column", "path"))
    ][:4]


def suspects(rows: Sequence[Row], decisions: Sequence[Row], owner: dict[str, int]) -> list[Row]:
    """Give the places to look at first, each with its decision's index and its reasons.

    A place of the category ``other`` is left out: nothing special was seen there.
    """
    index = {row["decision_id"]: at for at, row in enumerate(decisions)}
    return [
        {
            "decision": index.get(one["decision_id"] or "", owner.get(one["span_id"], -1)),
            "category": one["category"],
            "share": one["share"],
            "reasons": _reasons(one["reasons"]),
            "at": {"trace": one["trace_id"], "span": one["span_id"]},
        }
        for one in rows
        if one["category"] != "other"
    ]


def _reasons(text: str | None) -> list[str]:
    """What speaks for it, in sentences, the heaviest first."""
    told = parsed(text)
    return [
        one_line(item["says"], 300)
        for item in (told if isinstance(told, list) else [])
        if isinstance(item, dict) and item.get("says") and (item.get("weight") or 0) > 0
    ][:6]


def by_decision(
    findings: Sequence[Row], decisions: Sequence[Row], owner: dict[str, int]
) -> dict[int, list[Row]]:
    """Give the findings of each decision by its index: those about it, or about a step of it."""
    index = {row["decision_id"]: at for at, row in enumerate(decisions)}
    found: dict[int, list[Row]] = {}
    for one in findings:
        at = index.get(one["decision_id"] or "", owner.get(one["span_id"], -1))
        if at >= 0:
            found.setdefault(at, []).append(one)
    return found


def worst(findings: Sequence[Row]) -> str | None:
    """Give the highest severity, None where nothing was found."""
    seen = {one["severity"] for one in findings}
    return next((name for name in SEVERITIES if name in seen), None)
