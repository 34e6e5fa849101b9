"""Who allowed or denied a choice, how fast, seeing what. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tellwhy_collector.reconstruct.case import Decision
from tellwhy_collector.records import Step
from tellwhy_collector.telling.scene import Order, step, unpacked
from tellwhy_collector.telling.sentences import Citation, Sentence, fact
from tellwhy_collector.telling.wording import bare, fields, named, sentence, took, valued

SAID = {
    "approved": "approved it",
    "denied": "denied it",
    "asked": "was asked; an answer was not recorded",
}

EFFECTS = {"write": "changes something", "irreversible": "cannot be undone"}


def gate_told(order: Order, decision: Decision) -> Iterator[Sentence]:
    """What was asked and said before it was carried out."""
    asked = order.steps.get(decision.approval_span_id or "")
    if asked is None:
        yield from _nobody(order, decision)
        return
    who = _who(decision)
    said = SAID.get(decision.approval_decision or "", "was asked")
    waited = decision.approval_wait_ns
    wait = "" if waited is None or said == SAID["asked"] else f" after {took(waited)}"
    cited = [step(asked.span_id, "approval_decision" if asked.approval_decision else "name")]
    if asked.approver:
        cited.append(step(asked.span_id, "approver"))
    yield fact("gate", sentence(f"{who} {said}{wait}"), *cited)
    yield from _shown(order, decision, asked)
    if asked.output is not None:
        text = f"With it came the note {valued(asked.output, 300)}"
        yield fact("gate", sentence(text), step(asked.span_id, "output"))


def _who(decision: Decision) -> str:
    if decision.approver_kind == "rule":
        return f"The rule {named(decision.approver)}" if decision.approver else "A rule"
    if decision.approver_kind == "person":
        return f"A person, {bare(decision.approver)}," if decision.approver else "A person"
    if decision.approver:
        return f"{named(decision.approver)} (a person or a rule: not recorded)"
    return "Somebody or something that was not recorded"


def _shown(order: Order, decision: Decision, asked: Step) -> Iterator[Sentence]:
    shown = unpacked(asked.input)
    if shown is None:
        text = "What was shown for this approval was not recorded."
        yield fact("gate", text, step(asked.span_id))
        return
    cited = [step(asked.span_id, "input")]
    same = ""
    ran = order.steps.get(decision.outcome_span_id or "")
    if ran is not None and ran.tool_arguments is not None:
        same = _compared(shown, unpacked(ran.tool_arguments))
        cited += [step(ran.span_id, "tool_arguments")] if same else []
    elif decision.arguments is not None and shown == decision.arguments:
        same = ", which is what the model asked for"
    yield fact("gate", sentence(f"Shown was {fields(shown)}{same}"), *cited)


def _compared(shown: Any, done: Any) -> str:
    """Whether what ran is what was shown; nothing where they cannot be compared."""
    if shown == done:
        return ", and exactly this was carried out"
    if isinstance(shown, dict) and isinstance(done, dict) and shown.keys() == done.keys():
        return f", but what was carried out differs: {fields(done)}"
    return ""


def _nobody(order: Order, decision: Decision) -> Iterator[Sentence]:
    ran = order.steps.get(decision.outcome_span_id or "")
    if ran is None or ran.tool_effect not in EFFECTS:
        return
    text = (
        f"Nobody was asked before it, although {named(ran.tool_name or decision.chosen)} is "
        f"declared as a tool that {EFFECTS[ran.tool_effect]}."
    )
    yield fact("gate", text, Citation(ran.span_id, "tool_effect"))
