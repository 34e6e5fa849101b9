"""`tellwhy compare BEFORE AFTER`: two runs beside each other, decision by decision."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tellwhy._cli import asking
from tellwhy._cli.asking import Asking, Silent
from tellwhy._reask.choices import WORDS, said

MAX_TEXT = 160
"""Characters of a choice that are shown."""

MAX_DIFFERENCES = 6
"""Differences of one pair that are shown."""

SIGNS = {"same": "=", "answer_text": "~", "only_before": "-", "only_after": "+"}

COUNTED = {**WORDS, "only_before": "only before", "only_after": "only after"}


def run(argv: list[str]) -> int:
    """Tell two runs beside each other.

    Returns:
        The exit status: 0 when they decided the same, 1 when they did not, 2 when they could not be compared.
    """
    given = _parser().parse_args(argv)
    query = urlencode({"before": given.before, "after": given.after})
    try:
        found = asking.get(Asking.at(given.url), f"/api/compare?{query}")
    except Silent as error:
        print(f"They cannot be compared: {error}\n  → {error.remedy}", file=sys.stderr)
        return 2
    if given.json is not None:
        given.json.write_text(json.dumps(found, ensure_ascii=False, indent=2) + "\n", "utf-8")
    for line in lines_of(found, everything=given.all):
        print(line)
    return 0 if found["first"] is None else 1


def lines_of(found: dict[str, Any], *, everything: bool) -> Iterator[str]:
    """What the API says, in lines.

    Args:
        found: Its answer.
        everything: Whether pairs that are the same are shown, too.
    """
    for name in ("before", "after"):
        yield f"{name:<6} {_head(found[name])}"
    if found["branch"] is not None:
        yield from _branch(found["branch"])
    hidden = 0
    for place, pair in enumerate(found["pairs"]):
        if pair["change"] == "same" and not everything:
            hidden += 1
            continue
        if hidden:
            yield f"  = {hidden} the same"
            hidden = 0
        first = place == found["first"]
        yield from _pair(pair, place + 1, first=first)
    if hidden:
        yield f"  = {hidden} the same"
    yield ", ".join(f"{count} {COUNTED[change]}" for change, count in found["counts"].items())


def _head(run: dict[str, Any]) -> str:
    cost = "" if run["cost_usd"] is None else f", ${run['cost_usd']:.4f}"
    who = run["agent_name"] or run["name"]
    return f"{run['run_id']} {who}: {run['status']}, {run['decisions']} decisions{cost}"


def _branch(branch: dict[str, Any]) -> Iterator[str]:
    if branch["from_span_id"] is None:
        yield "after is a replay of before"
        return
    yield f"after is a replay of before, live from step {branch['from_span_id']} on"
    for path, value in branch["edits"].items():
        yield f"  {path} = {'(taken away)' if value is None else _cut(_json(value))}"


def _pair(pair: dict[str, Any], number: int, *, first: bool) -> Iterator[str]:
    sign = SIGNS.get(pair["change"], "≠")
    mark = "   ← the first difference" if first else ""
    one, other = pair["before"] or pair["after"], pair["after"]
    moved = " (at another place)" if pair["moved"] else ""
    yield f"  {sign} {number} {_cut(said([_action(one)]))}{moved}{mark}"
    if pair["change"] not in {"same", "only_before", "only_after"}:
        yield f"      → {_cut(said([_action(other)]))}"
    for each in pair["differences"][:MAX_DIFFERENCES]:
        yield f"      {_difference(each)}"
    if pair["saw"]:
        yield f"      the model saw other {', '.join(pair['saw'])}"


def _difference(each: dict[str, Any]) -> str:
    if "before" not in each:
        return f"{each['path']} is new: {_cut(_json(each['after']))}"
    if "after" not in each:
        return f"{each['path']} is gone; it was {_cut(_json(each['before']))}"
    return f"{each['path']} was {_cut(_json(each['before']))} and is {_cut(_json(each['after']))}"


def _action(decision: dict[str, Any]) -> dict[str, Any]:
    if decision["chosen"] is None:
        return {"action": decision["action"], "text": decision["answer_text"]}
    return {
        "action": decision["action"],
        "name": decision["chosen"],
        "arguments": decision["arguments"],
    }


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tellwhy compare",
        description="Tell two runs beside each other, decision by decision: a replay and its run, or any "
        "two. Ends with 0 when they decided the same, with 1 when they did not.",
    )
    parser.add_argument("before", metavar="BEFORE", help="run id, as the viewer shows it")
    parser.add_argument("after", metavar="AFTER", help="the run beside it")
    parser.add_argument("--all", action="store_true", help="show what is the same, too")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there as JSON")
    parser.add_argument(
        "--url", help="the collector's address (TELLWHY_COLLECTOR_URL; else where spans go)"
    )
    return parser
