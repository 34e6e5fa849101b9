"""Rules about where values came from, and what became of results."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tellwhy_collector.reconstruct.case import Decision, Evidence, Finding
from tellwhy_collector.reconstruct.findings.approval import EFFECTS
from tellwhy_collector.reconstruct.findings.claims import verbs_of
from tellwhy_collector.reconstruct.findings.facts import (
    MOST_TEXT,
    Facts,
    ToolRun,
    at_decision,
    at_tool,
    canonical,
    shown,
)
from tellwhy_collector.reconstruct.findings.rule import Rule
from tellwhy_collector.reconstruct.findings.script import Script
from tellwhy_collector.reconstruct.findings.tools import calls

MOST_NAMED = 5
"""Values that one message names."""

TELLING = 40
"""Characters of a result that somebody would miss."""

FEWEST = 8
"""Words and figures that a result must bring; of fewer, most are its form."""

_PART = re.compile(r"\[\d+:\d+\]$")
_FOLDER = re.compile(r'"(?:/|~|\.{1,2}/|[A-Za-z]:\\)')
_THOUSANDS = re.compile(r"(?<=\d)[,_\u202f'](?=\d{3}\b)")
_TELLING_WORD = re.compile(r"\w*\d\w*|\w{5,}")


def _argument_without_source(facts: Facts) -> Iterator[Finding]:
    for decision in calls(facts):
        rows = facts.sources.get(decision.decision_id, ())
        seen = decision.span_id in facts.contexts
        bare = [row for row in rows if row.kind == "no_source" and _needs_source(row, seen)]
        if not bare:
            continue
        named = ", ".join(f"{row.argument} = {shown(row.value, 60)}" for row in bare[:MOST_NAMED])
        more = f" and {len(bare) - MOST_NAMED} more" if len(bare) > MOST_NAMED else ""
        stood = "stood" if len(bare) == 1 else "each stood"
        message = f"{decision.chosen} got {named}{more}, which {stood} nowhere before it."
        yield at_decision(decision, message, [_argument(row, decision) for row in bare[:10]])


def _needs_source(row: Evidence, seen: bool) -> bool:
    """Whether it is a whole value, and what the model saw is known well enough to say so.

    Figures inside a longer text are often worked out there. Where the request was not recorded, the
    system's instructions are not known, and those tell in which folder an agent works.
    """
    whole = not _PART.search(row.argument)
    return whole and not row.weak and (seen or not _FOLDER.match(row.value))


def _argument(row: Evidence, decision: Decision) -> dict[str, Any]:
    path = f"$[{decision.choice_index}].arguments{row.argument[1:]}"
    return {"span_id": row.span_id, "column": "chosen", "path": path, "text": row.value[:256]}


def _result_unused(facts: Facts) -> Iterator[Finding]:
    """From the last to the first, so that what was written later is known at each result."""
    written: set[str] = set()
    found = []
    choices = [d for d in facts.decisions if d.action != "truncated"]
    closing = next((d for d in reversed(choices) if d.action == "answer"), None)
    for tool in reversed(facts.tools):
        ended = tool.step.end_ns if tool.step.end_ns is not None else tool.step.start_ns
        while choices and choices[-1].start_ns >= ended:
            written |= _words(_said(choices.pop()))
        if closing is None or closing.start_ns < ended or not _tells(tool):
            continue
        new = _words(tool.text) - _words(canonical(tool.arguments))
        if len(new) >= FEWEST and not new & written:
            message = (
                f"Nothing of what {tool.name} gave back stands in anything that was written "
                f"after it: {shown(tool.text)}"
            )
            found.append(at_tool(tool, message))
    yield from reversed(found)


def _tells(tool: ToolRun) -> bool:
    """Whether a result is there to be read: writing something is done without it."""
    if not tool.worked or tool.step.tool_effect in EFFECTS or verbs_of(tool.name):
        return False
    return TELLING <= len(tool.text) < MOST_TEXT


def _said(decision: Decision) -> str:
    arguments = canonical(decision.arguments) if decision.arguments is not None else ""
    return f"{decision.stated_reason or ''}\n{decision.answer_text or ''}\n{arguments}"


def _words(text: str) -> set[str]:
    return {word.lower() for word in _TELLING_WORD.findall(_THOUSANDS.sub("", text))}


RULES = (
    Rule(
        "argument_without_source",
        "medium",
        "A value that the model passed to a tool stood nowhere in what it had seen.",
        "It may be right all the same: from what the model learnt in training, or worked out in a "
        "way that evidence does not know. Free text, figures inside it and choices such as limits are "
        "left out; so are paths where the request was not recorded.",
        _argument_without_source,
        Script("get_order")
        .user("Where is my order?")
        .chose(("get_order", {"order_id": "W7731"}))
        .source("$.order_id", "W7731", "no_source")
        .failed("no such order"),
    ),
    Rule(
        "result_unused",
        "low",
        "Nothing of what a tool gave back (no figure, no longer word) stands in any argument, "
        "reason or answer that was written after it.",
        "A result may be used without being repeated: to choose what to do next, to find that "
        "nothing is there, in another language. Tools that write are left out.",
        _result_unused,
        Script("get_weather", "get_news")
        .user("What is the weather in Rome?")
        .chose(("get_news", {"city": "Rome"}))
        .ran(
            {
                "headline": "Parliament debates railway budget again",
                "source": "Gazette",
                "views": 2190,
            }
        )
        .chose(("get_weather", {"city": "Rome"}))
        .ran({"city": "Rome", "sky": "sunny", "celsius": 21})
        .answered("Sunny, 21 degrees."),
    ),
)
