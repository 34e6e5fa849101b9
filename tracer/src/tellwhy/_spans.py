"""A step of ours from start to end: its span, its place in the context, what came of it.

Everything here is guarded, so that callers may write the host's call between `begin_*` and
`OpenStep.ended` or `OpenStep.failed` without a safety net of their own.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping
from contextvars import Token
from typing import Any, Literal

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, Status, StatusCode

from tellwhy import _attributes as names
from tellwhy import _configure, _pending, _provider, _redact, _runs
from tellwhy._capture import bounded, to_json
from tellwhy._guard import guarded
from tellwhy._objects import name_of
from tellwhy._places import here
from tellwhy._runs import detach
from tellwhy._settings import current as current_settings

Effect = Literal["read", "write", "irreversible"]

MAX_STACK_CHARACTERS = 16_384
"""Of a recorded traceback; its end, where the error was raised, is kept."""

DECORATOR = "tellwhy"
"""Who tells of a tool that was decorated; a framework otherwise."""

_TOOL_KEY = otel_context.create_key("tellwhy-tool")


class OpenStep:
    """One open step; `ended` or `failed` closes it, a second time does nothing.

    Between the two, `enter` and `leave` make it the current one for the code that runs.
    """

    __slots__ = ("_claim", "_end_ns", "_output_name", "_token", "context", "is_over", "run", "span")

    def __init__(
        self,
        span: Span,
        context: Context,
        output_name: str,
        *,
        run: _runs.Run | None = None,
        claim: Any = None,
    ) -> None:
        self.span = span
        self.context = context
        self.run = run
        self._output_name = output_name
        self._claim = claim
        self._token: Token[Context] | None = None
        self._end_ns: int | None = None
        self.is_over = False

    def enter(self) -> None:
        """Make this step the current one."""
        with _ENTERING:
            self._token = otel_context.attach(self.context)

    def leave(self) -> None:
        """Put back what was current before; remember what the code inside had made current."""
        with _LEAVING:
            token, self._token = self._token, None
            if token is not None:
                self.context = otel_context.get_current()
                detach(token)

    def result(self, value: Any) -> None:
        """Record what came of the step."""
        with _RESULT:
            if self.span.is_recording() and current_settings().captures_content:
                self.span.set_attribute(self._output_name, to_json(value))

    def result_json(self, text: str) -> None:
        """Record what came of the step, already written as JSON."""
        with _RESULT:
            self.span.set_attribute(self._output_name, text)

    def returned(self, value: Any) -> None:
        """The step is over and *value* came of it; reading the value takes none of its time."""
        end_ns = time.time_ns()
        self.result(value)
        self._end(end_ns)

    def ended(self) -> None:
        """The step is over and did not fail."""
        self._end()

    def answered(self) -> None:
        """What the step waited for is here: it ends now, though the code inside may go on."""
        self._end_ns = time.time_ns()
        if self._token is None:
            self._end()

    def failed(self, error: BaseException) -> None:
        """The step is over; *error* ended it, and goes on its way."""
        end_ns = time.time_ns()
        with guarded("recording an error"):
            if not self.is_over and self.span.is_recording():
                if is_pause(error):
                    self._mark_paused()
                elif not is_control_flow(error):
                    record_error(self.span, error)
        self._end(end_ns)

    def told_error(self, kind: str, message: str) -> None:
        """The step failed, and a framework made a message of the error: not yet the end of it.

        What a function inside has raised says more, and stays.
        """
        with guarded("recording an error"):
            if getattr(getattr(self.span, "status", None), "status_code", None) is StatusCode.ERROR:
                return
            said = bounded(message, name="message") if current_settings().captures_content else ""
            self.span.set_attribute(names.ERROR_TYPE, _redact.label(kind, "type"))
            self.span.set_status(Status(StatusCode.ERROR, said or kind))

    def identify(self, name: str, arguments: Mapping[str, Any] | None) -> str | None:
        """Say late what a tool was called with; gives the model's id of the call, if one is known."""
        if self._claim is None:
            self._claim = _pending.claim(name, dict(arguments or {}), run=self.run)
            if self._claim is not None:
                self.span.set_attribute(names.TOOL_MATCHED_BY, self._claim.matched_by)
                self.span.set_attribute(
                    names.TOOL_CALL_ID, _redact.label(self._claim.call_id, "id")
                )
                self.span.add_link(self._claim.link)
        if arguments is not None and current_settings().captures_content:
            self.span.set_attribute(names.TOOL_CALL_ARGUMENTS, to_json(arguments))
        return self._claim.call_id if self._claim is not None else None

    def paused(self) -> None:
        """A framework leaves the step until a person has answered: it is over, and no error."""
        with guarded("recording a pause"):
            self._mark_paused()
        self._end()

    def _mark_paused(self) -> None:
        self.span.set_attribute(names.PAUSED, True)
        if self._output_name == names.TOOL_CALL_RESULT:
            # It runs again from its beginning when the answer is there, and that run is the call.
            self.span.set_attribute(names.STEP_KIND, "other")
            self.span.set_attribute(names.OPERATION_NAME, "pause")

    def _end(self, end_ns: int | None = None) -> None:
        with _ENDING:
            if self.is_over:
                return
            self.is_over = True
            self.leave()
            self.span.end(self._end_ns or end_ns)
            if self._claim is not None:
                _pending.settle(self._claim)


_ENTERING = guarded("entering a step")
_LEAVING = guarded("leaving a step")
_RESULT = guarded("recording a result")
_ENDING = guarded("ending a step")


class _Nothing(OpenStep):
    """A step that records nothing and leaves the context alone."""

    __slots__ = ()

    def enter(self) -> None:
        """Nothing."""

    def leave(self) -> None:
        """Nothing."""

    def failed(self, error: BaseException) -> None:
        """Nothing."""

    def ended(self) -> None:
        """Nothing."""

    def returned(self, value: Any) -> None:
        """Nothing."""

    def answered(self) -> None:
        """Nothing: it is shared, and never over."""


NOTHING = _Nothing(trace.INVALID_SPAN, Context(), names.OUTPUT)
"""What a step is while recording is off, or when it could not be begun."""


class _Joined(_Nothing):
    """A step that is part of the one around it: it has no span of its own."""

    __slots__ = ()

    def result(self, value: Any) -> None:
        """Nothing: the step around it says what came of it."""

    def failed(self, error: BaseException) -> None:
        """Say it of the step around: frameworks make a text of the error, some without its words."""
        with guarded("recording an error"):
            if self.span.is_recording() and not is_control_flow(error):
                record_error(self.span, error)


class _Running:
    """The tool that stands in a context."""

    __slots__ = ("_tellers", "call_id", "name", "span")

    def __init__(self, name: str, call_id: str | None, span: Span, teller: str) -> None:
        self.name = name
        self.call_id = call_id
        self.span = span
        self._tellers = {teller}

    def is_same(self, name: str, call_id: str | None, teller: str) -> bool:
        """Whether a tool that starts inside is this very call, told by somebody else.

        Clients of tool servers put the server's name in front.
        """
        if teller in self._tellers:
            return False
        named = {self.name, name}
        is_named = len(named) == 1 or any(
            long.endswith(f"_{short}") for long in named for short in named - {long}
        )
        if not is_named or not (call_id is None or self.call_id in {None, call_id}):
            return False
        self._tellers.add(teller)
        return True

    def add(self, effect: Effect | None, description: str | None) -> None:
        """Take what the other teller knows."""
        if effect:
            self.span.set_attribute(names.TOOL_EFFECT, effect)
        if description and current_settings().captures_content:
            said = _redact.constant(description, _description)
            self.span.set_attribute(names.TOOL_DESCRIPTION, said)


def begin_agent(
    name: str,
    arguments: Mapping[str, Any] | None,
    *,
    version: str | None = None,
    conversation_id: str | None = None,
    context: Context | None = None,
    said: Mapping[str, Any] | None = None,
    start_ns: int | None = None,
) -> OpenStep:
    """Start an agent's span and its run, or its part in the run of the agent around it.

    Args:
        name: The agent's name.
        arguments: What it was asked, by name.
        version: Its version.
        conversation_id: The conversation that it names.
        context: What it stands in; default: where this code is.
        said: Further attributes.
        start_ns: When it started, Unix nanoseconds; default: now.
    """
    around = here() if context is None else context
    outer = _runs.run_in(around)
    found = _start_attributes("agent", "invoke_agent", outer)
    name = found[names.AGENT_NAME] = _redact.label(name)
    if version is not None:
        found[names.AGENT_VERSION] = _redact.label(version, "version")
    conversation = conversation_id
    if conversation is None and outer is None:
        conversation = _runs.announced_conversation()
    if conversation is not None:
        conversation = _redact.label(conversation, "conversation_id")
        found[names.CONVERSATION_ID] = conversation
    _add_content(found, names.INPUT, arguments, around)
    is_root = not trace.get_current_span(around).get_span_context().is_valid
    span = _configure.tracer().start_span(
        f"invoke_agent {name}",
        attributes={**found, **(said or {})},
        context=around,
        start_time=start_ns,
    )
    run = _runs.Run(
        span, agent_name=name, conversation_id=conversation, outer=outer, is_root=is_root
    )
    if outer is None:
        span.set_attribute(names.RUN_ID, run.run_id)
        _provider.noted(span)
    context = _runs.context_with(run, trace.set_span_in_context(span, around))
    return OpenStep(span, context, names.OUTPUT, run=run)


def begin_part(
    name: str, operation: str, said: Mapping[str, Any], context: Context | None = None
) -> OpenStep:
    """Start the span of a part of a framework's work that calls neither a model nor a tool.

    Args:
        name: What the framework calls it.
        operation: What sort of part it is, such as ``node``.
        said: Further attributes; they may name another step kind.
        context: What it stands in; default: where this code is.
    """
    around = here() if context is None else context
    run = _runs.run_in(around)
    found = {**_start_attributes("other", operation, run), **said}
    span = _configure.tracer().start_span(
        f"{operation} {_redact.label(name)}", attributes=found, context=around
    )
    return OpenStep(span, trace.set_span_in_context(span, around), names.OUTPUT, run=run)


def begin_tool(
    name: str,
    arguments: Mapping[str, Any] | None,
    *,
    effect: Effect | None = None,
    description: str | None = None,
    call_id: str | None = None,
    context: Context | None = None,
    said: Mapping[str, Any] | None = None,
    is_known: bool = True,
) -> OpenStep:
    """Start a tool's span, linked to the model's call that asked for it if one is pending.

    Args:
        name: The name that models call it by.
        arguments: What it was called with, by name.
        effect: What a call does to the world.
        description: What it does.
        call_id: The model's id of the call, if it is known.
        context: What it stands in; default: where this code is.
        said: Further attributes, of a tool that a framework runs; a decorated function inside it
            that has the same name is the same call and adds to this span.
        is_known: Whether the arguments are known yet; if not, `OpenStep.identify` tells them.
    """
    around = here() if context is None else context
    inside = around.get(_TOOL_KEY)
    teller = str(said[names.FRAMEWORK]) if said is not None else DECORATOR
    if isinstance(inside, _Running) and inside.is_same(name, call_id, teller):
        inside.add(effect, description)
        return _Joined(inside.span, around, names.TOOL_CALL_RESULT, run=_runs.run_in(around))
    run = _runs.run_in(around)
    found = _start_attributes("tool_call", "execute_tool", run)
    label = found[names.TOOL_NAME] = _redact.label(name)
    found[names.TOOL_TYPE] = "function"
    if description and current_settings().captures_content:
        found[names.TOOL_DESCRIPTION] = _redact.constant(description, _description)
    if effect:
        found[names.TOOL_EFFECT] = effect
    _add_content(found, names.TOOL_CALL_ARGUMENTS, arguments, around)
    claim = _pending.claim(name, dict(arguments or {}), call_id, run) if is_known else None
    links = []
    if claim is not None:
        found[names.TOOL_MATCHED_BY] = claim.matched_by
        call_id = claim.call_id
        links.append(Link(claim.link))
    if call_id is not None:
        found[names.TOOL_CALL_ID] = _redact.label(call_id, "id")
    span = _configure.tracer().start_span(
        f"execute_tool {label}",
        attributes={**found, **(said or {})},
        links=links,
        context=around,
    )
    running = _Running(name, call_id, span, teller)
    context = otel_context.set_value(_TOOL_KEY, running, trace.set_span_in_context(span, around))
    return OpenStep(span, context, names.TOOL_CALL_RESULT, run=run, claim=claim)


def begin_approval(
    tool: str,
    attributes: Mapping[str, str],
    start_ns: int | None,
    context: Context | None = None,
) -> OpenStep:
    """Start the span of a wait for an answer; *start_ns* is now by default."""
    around = here() if context is None else context
    run = _runs.run_in(around)
    found = _start_attributes("human", "approve", run)
    found.update(attributes)
    tracer = _configure.tracer()
    span = tracer.start_span(
        f"approve {_redact.label(tool)}", attributes=found, start_time=start_ns, context=around
    )
    return OpenStep(span, trace.set_span_in_context(span, around), names.APPROVAL_NOTE, run=run)


def current_tool(context: Context | None = None) -> tuple[str, str | None] | None:
    """Name and call id of the tool that *context*, by default this code, stands in."""
    found = (here() if context is None else context).get(_TOOL_KEY)
    return (found.name, found.call_id) if isinstance(found, _Running) else None


PAUSES = frozenset(
    {
        "langgraph.errors.GraphInterrupt",
        "workflows.runtime.types.results.WaitingForEvent",
        "pydantic_ai.exceptions.ApprovalRequired",
        "pydantic_ai.exceptions.CallDeferred",
    }
)
"""Exceptions by which frameworks leave a step until a person has answered."""

CONTROL_FLOW = PAUSES | {"langgraph.errors.GraphBubbleUp"}
"""Exceptions by which frameworks go from one place to another: no failures."""


def is_pause(error: BaseException) -> bool:
    """Whether a framework left a step by *error* until somebody has answered."""
    return not PAUSES.isdisjoint(_kinds(error))


def is_control_flow(error: BaseException) -> bool:
    """Whether *error* is how a framework moves, and no failure."""
    return not CONTROL_FLOW.isdisjoint(_kinds(error))


def _kinds(error: BaseException) -> set[str]:
    return {f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__}


def _description(text: str) -> str:
    return bounded(text, 4_096)


def _start_attributes(kind: str, operation: str, run: _runs.Run | None) -> dict[str, str]:
    found = _runs.attributes_of(run)
    found[names.STEP_KIND] = kind
    found[names.OPERATION_NAME] = operation
    return found


def _add_content(
    found: dict[str, str], name: str, value: Mapping[str, Any] | None, around: Context
) -> None:
    if value is None or not current_settings().captures_content:
        return
    parent = trace.get_current_span(around).get_span_context()
    if not parent.is_valid or parent.trace_flags.sampled:
        found[name] = to_json(value)


def record_error(span: Span, error: BaseException) -> None:
    """State, type and traceback of *error*; the end of a program on purpose is no error."""
    if isinstance(error, GeneratorExit) or (
        isinstance(error, SystemExit) and error.code in {None, 0}
    ):
        return
    kind = _redact.label(name_of(type(error)), "type")
    try:
        message = str(error)
    except Exception:  # noqa: BLE001 - the host's own __str__ may be broken
        message = "[its text cannot be read]"
    with_content = current_settings().captures_content
    message = bounded(message, name="message") if with_content else ""
    span.set_attribute(names.ERROR_TYPE, kind)
    span.set_status(Status(StatusCode.ERROR, message or kind))
    said = {"exception.type": kind}
    if with_content:
        said["exception.message"] = message
        said["exception.stacktrace"] = f"{_stack(error)}{kind}: {message}"
    span.add_event("exception", said)


def _stack(error: BaseException) -> str:
    """The end of the traceback; it quotes lines of source, which can hold what they should not."""
    stack = "".join(traceback.format_tb(error.__traceback__))
    # More is searched than is kept: the front may be the second half of a secret.
    return bounded(stack[-2 * MAX_STACK_CHARACTERS :], name="stacktrace")[-MAX_STACK_CHARACTERS:]
