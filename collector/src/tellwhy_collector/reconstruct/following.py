"""Which decision came before and which one came of it, and which tools were out of reach. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tellwhy_collector.dialects.choices import allowed_names
from tellwhy_collector.reconstruct.case import Case, Decision
from tellwhy_collector.reconstruct.contexts import Context
from tellwhy_collector.reconstruct.rows import value_of
from tellwhy_collector.records import Step

MODEL_ROLES = frozenset({"assistant", "ai", "model"})
"""Roles of messages that a model wrote."""


@dataclass(slots=True)
class Place:
    """Where the step that made a decision stands among the others of its run."""

    previous_decision_id: str | None = None
    next_decision_id: str | None = None
    blocked: list[str] | None = None
    """Names of tools that were offered and could not be chosen."""


def places_in(case: Case) -> dict[str, Place]:
    """By span id: each step that made a decision, and each model call that saw something.

    Of model calls whose requests were recorded, the one before is the one whose messages they go
    on from, of their own agent or answered by another; of all others it is the last of the same agent. A hand-off leads to the first decision
    of whom it went to. Parallel choices of one answer share both.
    """
    first = _first_choices(case.decisions)
    found = {span_id: Place() for span_id in case.contexts} | {one: Place() for one in first}
    last_of: dict[str | None, Decision] = {}
    asking: dict[str, str] = {}
    calls = _calls(case.decisions)
    for span_id, decision in first.items():
        context = case.contexts.get(span_id)
        if context is not None and context.has_messages:
            before = _deciding(context, decision.agent_name, first)
            before = before or _asked_by(context, asking, first)
        else:
            before = last_of.get(decision.agent_name)
        _join(found, before, decision)
        last_of[decision.agent_name] = decision
        asking |= dict.fromkeys(calls.get(span_id, ()), span_id)
    _hand_over(found, case.decisions, first)
    by_id = case.by_id
    for span_id, context in case.contexts.items():
        if context.tools and span_id in by_id:
            found[span_id].blocked = blocked_by(by_id[span_id], context)
    return found


def blocked_by(call: Step, context: Context) -> list[str] | None:
    """Names of the tools that *call* was offered and its ``tool_choice`` ruled out."""
    offered = [str(tool["name"]) for tool in context.tools or () if tool.get("name")]
    if call.forced == "no_tool":
        return offered
    allowed = allowed_names(value_of(call.tool_choice))
    if allowed is None:
        return None if call.forced is None else []
    return [name for name in offered if name not in allowed]


def _first_choices(decisions: Sequence[Decision]) -> dict[str, Decision]:
    """The first choice of each step, by its span id, in the order of asking."""
    found: dict[str, Decision] = {}
    for decision in decisions:
        found.setdefault(decision.span_id, decision)
    return found


def _deciding(
    context: Context, agent: str | None, first: Mapping[str, Decision]
) -> Decision | None:
    """The nearest call before that chose something: one that failed led to no other.

    One of another agent only where its answer is among what was said since: two agents that are
    given the same task begin with the same messages, and neither goes on from the other.
    """
    is_answered = False
    while context.previous is not None:
        is_answered = is_answered or context.continued or _holds_answer(context)
        context = context.previous
        decision = first.get(context.span_id)
        if decision is not None and (is_answered or decision.agent_name == agent):
            return decision
    return None


def _calls(decisions: Sequence[Decision]) -> dict[str, list[str]]:
    """Ids of the tool calls that each step chose, by its span id."""
    found: dict[str, list[str]] = {}
    for decision in decisions:
        if decision.tool_call_id is not None:
            found.setdefault(decision.span_id, []).append(decision.tool_call_id)
    return found


def _asked_by(
    context: Context, asking: Mapping[str, str], first: Mapping[str, Decision]
) -> Decision | None:
    """The step that chose the newest tool call in a request that no other one begins.

    Of several exchanges that begin with the same messages only one is found by these.
    """
    for message in reversed(context.new if context.previous is None else []):
        parts = message.get("parts") if isinstance(message, dict) else None
        for part in reversed(parts if isinstance(parts, list) else []):
            if isinstance(part, dict) and (span_id := asking.get(str(part.get("id")))):
                return first[span_id]
    return None


def _holds_answer(context: Context) -> bool:
    """Whether what is new in its request holds what a model said."""
    return any(
        isinstance(message, dict) and message.get("role") in MODEL_ROLES for message in context.new
    )


def _join(found: Mapping[str, Place], before: Decision | None, after: Decision) -> None:
    if before is None:
        return
    found[after.span_id].previous_decision_id = before.decision_id
    if found[before.span_id].next_decision_id is None:
        found[before.span_id].next_decision_id = after.decision_id


def _hand_over(
    found: Mapping[str, Place], decisions: Sequence[Decision], first: Mapping[str, Decision]
) -> None:
    """Connect a hand-off with what the other agent decided first."""
    after = list(first.values())
    for handoff in (one for one in decisions if one.action == "handoff"):
        for decision in after:
            other = decision.agent_name != handoff.agent_name
            if decision.start_ns >= handoff.decided_ns and other:
                found[handoff.span_id].next_decision_id = decision.decision_id
                place = found[decision.span_id]
                place.previous_decision_id = place.previous_decision_id or handoff.decision_id
                break
