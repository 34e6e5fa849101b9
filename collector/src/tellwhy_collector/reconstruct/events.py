"""Which call a log event of the GenAI conventions adds to, and what its events say together. Pure.

An event is sent under the span of its call; where that span is missing, or where the event was
sent under another one, the answer's id, and then time and place, tell. Events whose call nobody
else tells of are one call by themselves.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from tellwhy_collector.dialects.choices import choice_fields
from tellwhy_collector.dialects.event_messages import CHOICE, DETAILS, ROLES
from tellwhy_collector.dialects.genai_events import EVENTS, ORDER
from tellwhy_collector.reconstruct.agreeing import differ
from tellwhy_collector.reconstruct.tree import Tree
from tellwhy_collector.records import Step

SECOND_NS = 1_000_000_000
BEFORE_NS = 60 * SECOND_NS
AFTER_NS = 300 * SECOND_NS
"""So long before its call's start and after its end an event may be, to be joined by the answer's
id: clocks differ, gateways report late, and scripts use an id again."""
BESIDE_NS = SECOND_NS
"""The same for an event that place alone joins: that is written in the process of the call."""


def is_event(step: Step) -> bool:
    """Whether the step was read out of one of these events."""
    return step.source == "log" and step.name in EVENTS


def calls_of(tree: Tree) -> dict[str, str]:
    """Span id of each event that adds to another step, with that step's."""
    events = [step for step in tree.steps if is_event(step)]
    if not events:
        return {}
    found: dict[str, str] = {}
    alone: dict[str | None, list[Step]] = {}
    recorded = [s for s in tree.steps if s.kind == "model_call" and not is_event(s)]
    for event in events:
        call = _above(event, tree) or _answered(event, recorded) or _beside(event, recorded)
        if call is not None:
            found[event.span_id] = call.span_id
        else:
            alone.setdefault(event.parent_span_id, []).append(event)
    for group in alone.values():
        found |= _gather(group)
    return found


def _above(event: Step, tree: Tree) -> Step | None:
    """The call that the event was sent under, or under the HTTP request of."""
    kinds = ("model_call",) if event.name in ROLES or event.kind == "other" else (event.kind,)
    for step in tree.above(event):
        if step.kind in kinds:
            return step
        if step.kind in ("agent", "tool_call"):
            break
    return None


def _answered(event: Step, calls: Iterable[Step]) -> Step | None:
    """The call with the same answer, of several the nearest in time."""
    if event.response_id is None or event.kind != "model_call":
        return None
    same = (call for call in calls if call.response_id == event.response_id)
    return _nearest(event, (c for c in same if near(event.start_ns, c.start_ns, c.end_ns)))


def near(time_ns: int, start_ns: int, end_ns: int | None) -> bool:
    """Whether an event of that time can belong to a call of these."""
    return _within(time_ns, start_ns - BEFORE_NS, end_ns, AFTER_NS)


def _within(time_ns: int, first_ns: int, end_ns: int | None, after_ns: int) -> bool:
    return first_ns <= time_ns and (end_ns is None or time_ns <= end_ns + after_ns)


def _beside(event: Step, calls: Iterable[Step]) -> Step | None:
    """The call under the same span at the same time, when nothing speaks against it."""
    if event.parent_span_id is None or event.kind not in ("model_call", "other"):
        return None
    return _nearest(
        event,
        (
            call
            for call in calls
            if call.parent_span_id == event.parent_span_id
            and _within(event.start_ns, call.start_ns - BESIDE_NS, call.end_ns, BESIDE_NS)
            and not differ(event, call)
        ),
    )


def _nearest(event: Step, calls: Iterable[Step]) -> Step | None:
    """An answer is near the end of its call, a message that was sent near the start."""

    def apart(call: Step) -> tuple[int, str]:
        asked = event.name in ROLES or call.end_ns is None
        return abs(event.start_ns - (call.start_ns if asked else call.end_ns or 0)), call.span_id

    return min(calls, key=apart, default=None)


def _gather(group: list[Step]) -> Iterator[tuple[str, str]]:
    """Events of calls that nobody else tells of, each with the one that speaks for its call."""
    for call in _calls_in(group):
        answers = [event for event in call if event.kind == "model_call"]
        head = next((e for e in answers if e.name == DETAILS), next(iter(answers), None))
        if head is not None:
            yield from ((e.span_id, head.span_id) for e in call if e is not head)


def _calls_in(group: list[Step]) -> Iterator[list[Step]]:
    """Events in turn, cut where a call ends: the next one begins with its messages."""
    call: list[Step] = []
    for event in sorted(group, key=_turn):
        answered = any(earlier.kind == "model_call" for earlier in call)
        if answered and (event.name in ROLES or any(_apart(event, earlier) for earlier in call)):
            yield call
            call = []
        call.append(event)
    yield call


def _apart(one: Step, other: Step) -> bool:
    """Whether two answers are answers of two calls; one call may have several choices."""
    twice = one.name == other.name == DETAILS and bool(
        one.output_messages and other.output_messages
    )
    return one.kind == other.kind == "model_call" and (twice or differ(one, other))


def _turn(step: Step) -> tuple[int, int, str]:
    return step.start_ns, ORDER[step.name], step.span_id


def gathered(kept: Step, others: Iterable[Step]) -> list[Step]:
    """*others* with all messages and choices that came one by one as one step.

    *kept* is one of these where it was read out of an event. A choice that spoke for its call may
    have been given the others meanwhile: its own is the first.
    """
    found = list(others)
    pieces = [s for s in (kept, *found) if is_event(s) and (s.name in ROLES or s.name == CHOICE)]
    asked = sorted((step for step in pieces if step.name in ROLES), key=_turn)
    chosen = sorted((step for step in pieces if step.name == CHOICE), key=_turn)
    if not pieces:
        return found
    output = [message for step in chosen for message in (step.output_messages or ())[:1]] or None
    finish = next((step.finish_reason for step in chosen if step.finish_reason), None)
    whole = replace(
        (chosen or asked)[0],
        input_messages=_listed(asked, "input_messages"),
        system_instructions=_listed(asked, "system_instructions"),
        output_messages=output,
        finish_reason=finish,
        **choice_fields(output, finish),
    )
    return [*(step for step in found if step not in pieces), whole]


def _listed(steps: Iterable[Step], name: str) -> list[Any] | None:
    return [item for step in steps for item in getattr(step, name) or ()] or None
