"""The steps of a Temporal workflow, as a worker sees them and as its history tells them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tellwhy import _attributes as names
from tellwhy import _pending, _runs, _spans
from tellwhy._capture import bounded, to_json
from tellwhy._frameworks import temporal_answers
from tellwhy._frameworks.steps import content, labelled
from tellwhy._frameworks.temporal_ids import CALL_ID, Place
from tellwhy._open_step import OpenStep
from tellwhy._settings import current as current_settings
from tellwhy._stated_ids import stated


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of an activity."""

    activity_id: str
    activity_type: str
    number: int
    """From 1."""
    is_local: bool = False


@dataclass(frozen=True, slots=True)
class Arrival:
    """A signal or an update that came in."""

    what: str
    """``signal`` or ``update``."""
    name: str
    args: list[Any]
    key: str
    """What tells it from others of its kind in the run."""
    by: str | None
    """Who sent it, as they call themselves."""
    since_ns: int
    """When the workflow last did something of its own."""
    at_ns: int
    was_idle: bool
    """Whether no activity and no child was under way."""

    @property
    def decision(self) -> str | None:
        """What it decides, if it answers a wait."""
        return temporal_answers.decision(self.name, self.args) if self.was_idle else None


def agent_step(
    place: Place, asked: Mapping[str, Any], start_ns: int, continued_from: str | None = None
) -> OpenStep:
    """The run of a workflow."""
    said = place.said() | {names.DURABLE: True}
    if continued_from:
        said[names.CONTINUED_FROM] = continued_from
    with stated(place.trace_id, place.span_id):
        return _spans.begin_agent(
            place.agent,
            asked,
            conversation_id=place.conversation,
            context=place.around,
            said=said,
            start_ns=start_ns,
        )


def attempt_step(
    place: Place,
    attempt: Attempt,
    arguments: Mapping[str, Any],
    context: Any = None,
    *,
    start_ns: int | None = None,
) -> OpenStep:
    """One attempt of an activity: a tool's call where a model asked for it, else a part.

    That a model did is known where the activity's id is one that a model gave, and where a model
    of this process has asked for a tool of that name with these arguments.
    """
    around = place.inside if context is None else context
    name = attempt.activity_type
    said: dict[str, Any] = place.said() | labelled(
        {names.ACTIVITY_ID: attempt.activity_id, names.NODE_ATTEMPT: attempt.number}
    )
    is_call = CALL_ID.fullmatch(attempt.activity_id) is not None
    with stated(place.trace_id, place.span_of("activity", attempt.activity_id, attempt.number)):
        if is_call or _pending.find(name, dict(arguments), _runs.run_in(around)) is not None:
            call_id = attempt.activity_id if is_call else None
            return _spans.begin_tool(
                name, arguments, call_id=call_id, context=around, said=said, start_ns=start_ns
            )
        said |= content(names.INPUT, arguments)
        return _spans.begin_part(name, "activity", said, around, start_ns=start_ns)


def wait_step(
    place: Place, what: tuple[object, ...], name: str, timeout_s: float | None, start_ns: int
) -> OpenStep:
    """A timer, or a wait for a condition."""
    said: dict[str, Any] = place.said() | {names.PAUSED: True, names.DURABLE: True}
    if timeout_s is not None:
        said[names.WAIT_S] = float(timeout_s)
    kind = str(what[0])
    with stated(place.trace_id, place.span_of(*what)):
        return _spans.begin_part(name or kind, kind, said, place.inside, start_ns=start_ns)


def task_step(place: Place, length: int) -> OpenStep:
    """A task of the workflow that its code could not do.

    Args:
        place: The run.
        length: How many events its history had.
    """
    with stated(place.trace_id, place.span_of("task", length)):
        return _spans.begin_part("task", "workflow_task", place.said(), place.inside)


def tell_arrival(
    place: Place,
    arrival: Arrival,
    *,
    end_ns: int | None = None,
    result: Any = None,
    error: BaseException | None = None,
) -> None:
    """Record a signal or an update: an approval where it answers a wait."""
    with stated(place.trace_id, place.span_of(arrival.what, arrival.key)):
        if arrival.decision is not None:
            said = _approval(place, arrival, arrival.decision)
            step = _spans.begin_approval(arrival.name, said, arrival.since_ns, place.inside)
        else:
            said = place.said() | labelled({names.NODE_NAME: arrival.name})
            said |= content(names.INPUT, arrival.args or None)
            step = _spans.begin_part(
                arrival.name, arrival.what, said, place.inside, start_ns=arrival.at_ns
            )
    step.at(max(end_ns or arrival.at_ns, arrival.since_ns))
    if error is not None:
        step.failed(error)
    elif result is not None:
        step.returned(result)
    else:
        step.ended()


def _approval(place: Place, arrival: Arrival, decision: str) -> dict[str, Any]:
    said: dict[str, Any] = place.said() | labelled(
        {
            names.APPROVAL_DECISION: decision,
            names.APPROVAL_APPROVER: arrival.by,
            names.APPROVAL_TOOL_CALL_ID: temporal_answers.call_id_of(arrival.args),
            names.PAUSE_ID: f"{arrival.what} {arrival.key}",
        }
    )
    # Who connects can call themselves what they like; by default it is a process at a host.
    said[names.APPROVAL_APPROVER_KIND] = "unknown"
    if arrival.args and current_settings().captures_content:
        (only, *more) = arrival.args
        text = only if isinstance(only, str) and not more else to_json(arrival.args)
        said[names.APPROVAL_NOTE] = bounded(text, name="note")
    return said
