"""What was chosen, as a clause and as a sentence. Pure."""

from __future__ import annotations

from tellwhy_collector.reconstruct.case import Decision
from tellwhy_collector.telling.scene import choice
from tellwhy_collector.telling.sentences import Sentence, fact
from tellwhy_collector.telling.wording import MOST_FIELDS, QUOTE, fields, named, quoted, sentence

ANSWER = 400
"""Most characters of an answer that is the decision itself."""


def what_was_chosen(decision: Decision) -> Sentence:
    """What it did, with every argument."""
    which = ""
    if decision.choice_count > 1:
        which = f", choice {decision.choice_index + 1} of {decision.choice_count} in one answer"
    if decision.action in ("tool_call", "handoff", "route"):
        text = deed(decision)
        given = f"{choice_words(decision)}{which}"
        cited = choice(decision, ".arguments") if decision.arguments else choice(decision)
        return fact("chose", sentence(f"{text}{given}"), choice(decision), cited)
    said = f": {quoted(decision.answer_text, ANSWER)}" if decision.answer_text else ""
    return fact("chose", sentence(f"{deed(decision)}{which}{said}"), choice(decision))


def choice_words(decision: Decision, limit: int = QUOTE, most: int = MOST_FIELDS) -> str:
    """`` with order_id “88213” and amount 249.0``; nothing when there were no arguments."""
    if decision.arguments in (None, {}, ""):
        return ""
    return f" with {fields(decision.arguments, limit, most)}"


def deed(decision: Decision) -> str:
    """What was done in one clause: ``it called `issue_refund` ``, ``it answered``."""
    if decision.made_by == "code":
        return f"the code chose {named(decision.chosen)}" if decision.chosen else "the code chose"
    if decision.action == "tool_call":
        return f"it called {named(decision.chosen or '?')}"
    if decision.action == "handoff":
        return (
            f"it handed over to {named(decision.chosen)}" if decision.chosen else "it handed over"
        )
    return {
        "answer": "it answered",
        "refusal": "it refused",
        "truncated": "its answer was cut off",
    }.get(decision.action, f"it chose {named(decision.chosen or decision.action)}")
