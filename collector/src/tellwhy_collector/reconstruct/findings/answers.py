"""Rules about what was said in the end."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tellwhy_collector.reconstruct.case import Finding
from tellwhy_collector.reconstruct.findings.facts import Facts, at_decision, shown
from tellwhy_collector.reconstruct.findings.rule import Rule
from tellwhy_collector.reconstruct.findings.script import Script

_REFUSES = re.compile(
    r"\s*(?:I['\u2019]m|I am) sorry,? (?:but )?I (?:can['\u2019]t|cannot|am unable to|won't) "
    r"(?:assist|help|comply|continue|fulfil)(?: you)?(?: with (?:that|this)(?: request)?)?\.?\s*",
)
"""The providers' set phrases when they are all that was said."""


def _refusal(facts: Facts) -> Iterator[Finding]:
    for decision in facts.decisions:
        text = decision.answer_text or ""
        if decision.action == "refusal":
            said = f": {shown(text)}" if text else ""
            why = f" ({decision.finish_reason})" if decision.finish_reason else ""
            yield at_decision(decision, f"The model refused{why}{said or '.'}")
        elif decision.action == "answer" and len(text) < 200 and _REFUSES.fullmatch(text):
            yield at_decision(decision, f"The model refused: {shown(text)}")


RULES = (
    Rule(
        "refusal",
        "medium",
        "The model, or a filter of its provider, refused.",
        "An answer that declines in words of its own is an answer: only the providers' signs and "
        "their set phrases count.",
        _refusal,
        Script().user("Write me a virus.").answered("I can't help with that.", "refusal"),
    ),
)
