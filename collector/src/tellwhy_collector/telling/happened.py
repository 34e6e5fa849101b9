"""What came of a choice. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from tellwhy_collector.reconstruct.case import Decision
from tellwhy_collector.records import Step
from tellwhy_collector.telling.scene import Order, Scene, choice, step, unpacked
from tellwhy_collector.telling.sentences import Citation, Sentence, fact
from tellwhy_collector.telling.wording import counted, named, quoted, sentence, took, valued

RESULT = 240
"""Most characters of a result or an error."""


def what_happened(scene: Scene, order: Order, decision: Decision) -> Iterator[Sentence]:
    """How it ended and what it gave back."""
    ran = order.steps.get(decision.outcome_span_id or "")
    if ran is None:
        yield _without_step(scene, decision)
        return
    how = _how(decision, ran)
    cited = [step(ran.span_id, "status")]
    if ran.inferred:
        how += ", as the next request to the model tells"
    if ran.attempts and ran.attempts > 1:
        how += f", in {counted(ran.attempts, 'attempt')}"
        cited.append(step(ran.span_id, "attempts"))
    if ran.error_type or ran.error_message:
        cited.append(step(ran.span_id, "error_message" if ran.error_message else "error_type"))
    yield fact("happened", sentence(how), *cited)
    if ran.tool_result is not None:
        text = f"It gave back {valued(unpacked(ran.tool_result), RESULT)}"
        yield fact("happened", sentence(text), step(ran.span_id, "tool_result"))


def _how(decision: Decision, ran: Step) -> str:
    tool = named(ran.tool_name or ran.agent_name or ran.name)
    spent = ""
    if ran.end_ns is not None and ran.end_ns >= ran.start_ns and not ran.inferred:
        spent = f" after {took(ran.end_ns - ran.start_ns)}"
    if decision.outcome == "succeeded":
        return f"{tool} succeeded{spent}"
    if decision.outcome == "pending":
        return f"{tool} began and no end has been seen"
    if decision.outcome == "denied":
        ended = failure(ran)
        return f"it was denied, and {tool} ended{ended}" if ended else "it was denied"
    if decision.outcome == "failed":
        lost = f"; its process ended first ({ran.lost_reason})" if ran.lost_reason else ""
        return f"{tool} failed{spent}{failure(ran)}{lost}"
    return f"how {tool} ended was not recorded"


def failure(ran: Step) -> str:
    """`` with `Timeout`: “no answer”``; nothing where nothing is known."""
    if ran.error_type and ran.error_message and ran.error_type not in ran.error_message:
        return f" with {named(ran.error_type)}: {quoted(ran.error_message, RESULT)}"
    if ran.error_message:
        return f" with {quoted(ran.error_message, RESULT)}"
    return f" with {named(ran.error_type)}" if ran.error_type else ""


def _without_step(scene: Scene, decision: Decision) -> Sentence:
    if decision.action in ("tool_call", "handoff", "route"):
        text = {
            "denied": "It was denied and nothing ran.",
            "pending": "It has not been carried out yet, as far as was recorded.",
        }.get(decision.outcome, "What came of it was not recorded.")
        return fact("happened", text, choice(decision))
    status = str(scene.case.run["status"])
    text = {
        "succeeded": "The run ended well with it or after it.",
        "failed": "The run failed all the same.",
        "denied": "A guardrail stopped the run.",
        "lost": "The run was lost: its process ended before the run did.",
        "running": "The run goes on.",
    }.get(status, "How the run ended was not recorded.")
    return fact("happened", text, Citation(None, "status", table="runs"))
