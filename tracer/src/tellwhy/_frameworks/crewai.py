"""CrewAI: crews, flows, their tasks, agents, tools, guardrails, feedback of people.

CrewAI's event bus tells of all of them, but its handlers run later, in a pool of threads: a model
would be asked before the agent has begun. So `emit`, which every event goes through, is wrapped, and
an event is seen where it happens. What runs in what is CrewAI's own stack of open events.

Tools are told of without the model's id of the call: it is found by name and arguments.

Source:
    crewai 1.15.30: events/event_bus.py, events/event_context.py, events/types/.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from typing import Any

from crewai.events.event_bus import crewai_event_bus
from crewai.events.event_context import get_current_parent_id
from opentelemetry.context import Context

from tellwhy import _attributes as names
from tellwhy import _places
from tellwhy._frameworks.pauses import Pauses
from tellwhy._frameworks.steps import Steps
from tellwhy._guard import guarded
from tellwhy._settings import current as current_settings

STEPS = Steps("crewai")
PAUSES = Pauses("crewai")

MAX_NAME = 120
"""Characters of a task's description that stand for its name."""


def _crew(event: Any) -> None:
    asked = event.inputs if isinstance(event.inputs, Mapping) else None
    STEPS.agent(event.event_id, event.crew_name or "crew", parent=_above(event), asked=asked)


def _flow(event: Any) -> None:
    asked = event.inputs if isinstance(event.inputs, Mapping) else None
    conversation = asked.get("id") if asked is not None else None
    STEPS.agent(
        event.event_id,
        event.flow_name,
        parent=_above(event),
        asked=asked,
        conversation_id=conversation if isinstance(conversation, str) else None,
    )


def _task(event: Any) -> None:
    name = getattr(event.task, "name", None)
    if not name and current_settings().captures_content:
        name = getattr(event.task, "description", None)
    name = " ".join(str(name or "task").split())[:MAX_NAME]
    STEPS.part(event.event_id, name, "node", parent=_above(event), said={names.NODE_NAME: name})


def _method(event: Any) -> None:
    name = event.method_name
    STEPS.part(event.event_id, name, "node", parent=_above(event), said={names.NODE_NAME: name})


def _agent(event: Any) -> None:
    STEPS.agent(event.event_id, event.agent.role.strip(), parent=_above(event))


def _lite_agent(event: Any) -> None:
    role = event.agent_info.get("role") or "agent"
    STEPS.agent(event.event_id, str(role).strip(), parent=_above(event))


def _tool(event: Any) -> None:
    STEPS.tool(event.event_id, event.tool_name, _arguments(event), parent=_above(event))


def _guardrail(event: Any) -> None:
    said = {names.STEP_KIND: "guardrail"}
    # Where a model is the guardrail, its name is all that it was told to look at.
    known = event.guardrail_name if event.guardrail_type == "function" else None
    STEPS.part(
        event.event_id, str(known or "guardrail"), "guardrail", parent=_above(event), said=said
    )


def _ended(event: Any) -> None:
    STEPS.end(event.started_event_id)


def _tool_ended(event: Any) -> None:
    step, failure = STEPS.get(event.started_event_id), getattr(event, "failure", None)
    if step is not None and failure is not None:
        step.told_error("tool_error", str(getattr(failure, "message", "")))
    STEPS.end(event.started_event_id, event.output)


def _guardrail_ended(event: Any) -> None:
    step = STEPS.get(event.started_event_id)
    if step is not None and not event.success:
        step.told_error("denied", str(event.error or "the guardrail tripped"))
    STEPS.end(event.started_event_id, {"triggered": not event.success, "error": event.error})


def _failed(event: Any) -> None:
    error = getattr(event, "error", None)
    if isinstance(error, BaseException):
        STEPS.fail(event.started_event_id, error)
        return
    step = STEPS.get(event.started_event_id)
    if step is not None:
        step.told_error("error", str(error))
    STEPS.end(event.started_event_id)


def _asked(event: Any) -> None:
    key = event.request_id or event.method_name
    shown = {"message": event.message, "output": event.output, "options": event.emit}
    PAUSES.ask("", key, event.method_name, shown=shown)


def _answered(event: Any) -> None:
    key = event.request_id or event.method_name
    for question in PAUSES.waiting(""):
        if question.key == key:
            PAUSES.answer("", question, event.outcome or event.feedback)


SEEN: Mapping[str, Callable[[Any], None]] = {
    "crew_kickoff_started": _crew,
    "crew_kickoff_completed": _ended,
    "crew_kickoff_failed": _failed,
    "flow_started": _flow,
    "flow_finished": _ended,
    "flow_failed": _failed,
    "flow_paused": _ended,
    "method_execution_started": _method,
    "method_execution_finished": _ended,
    "method_execution_failed": _failed,
    "method_execution_paused": _ended,
    "task_started": _task,
    "task_completed": _ended,
    "task_failed": _failed,
    "agent_execution_started": _agent,
    "agent_execution_completed": _ended,
    "agent_execution_error": _failed,
    "lite_agent_execution_started": _lite_agent,
    "lite_agent_execution_completed": _ended,
    "lite_agent_execution_error": _failed,
    "tool_usage_started": _tool,
    "tool_usage_finished": _tool_ended,
    "tool_usage_error": _failed,
    "llm_guardrail_started": _guardrail,
    "llm_guardrail_completed": _guardrail_ended,
    "human_feedback_requested": _asked,
    "human_feedback_received": _answered,
}
"""Type of an event -> what is done with it."""


@guarded("seeing what CrewAI does")
def _see(source: Any, event: Any) -> None:
    action = SEEN.get(event.type)
    # CrewAI's agents run on a flow of its own, which nobody has written.
    is_own = event.type.startswith("flow_") and type(source).__module__.startswith("crewai.")
    if action is not None and not is_own:
        action(event)
    elif event.started_event_id is not None:
        STEPS.take(event.started_event_id)
    elif event.type.endswith("_started"):
        STEPS.inside(event.event_id, event.parent_event_id)


def _above(event: Any) -> str | None:
    """The open event around *event*; the innermost one that is a step of ours."""
    parent = event.parent_event_id
    return parent if parent is None or STEPS.place_of(parent) is not None else None


def _arguments(event: Any) -> dict[str, Any]:
    said = event.tool_args
    if isinstance(said, str):
        try:
            said = json.loads(said)
        except ValueError:
            return {"input": said}
    return dict(said) if isinstance(said, Mapping) else {}


def where() -> Context | None:
    """The place of the innermost open event."""
    key = get_current_parent_id()
    return None if key is None else STEPS.place_of(key)


def install() -> Callable[[], None]:
    """See every event from now on; gives the way back."""
    bus: Any = type(crewai_event_bus)
    original = bus.emit

    @functools.wraps(original)
    def emit(self: Any, source: Any, event: Any) -> Any:
        result = original(self, source, event)
        _see(source, event)
        return result

    bus.emit = emit
    _places.ask(where)

    def restore() -> None:
        if bus.emit is emit:
            bus.emit = original
        _places.ask_no_more(where)
        STEPS.close()
        PAUSES.clear()

    return restore
