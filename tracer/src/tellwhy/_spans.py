"""A step of ours from start to end: its span, its place in the context, what came of it.

Everything here is guarded, so that callers may write the host's call between `begin_*` and
`OpenStep.ended` or `OpenStep.failed` without a safety net of their own.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping
from contextvars import Token
from typing import Any, Literal, NamedTuple

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, Status, StatusCode

from tellwhy import _attributes as names
from tellwhy import (
    _configure,
    _granted,
    _pending,
    _provider,
    _recording,
    _redact,
    _runs,
    _standing_in,
)
from tellwhy._capture import bounded, sha256_of, to_json
from tellwhy._guard import guarded
from tellwhy._objects import name_of
from tellwhy._recording.outcome import Outcome
from tellwhy._runs import detach
from tellwhy._settings import current as current_settings
from tellwhy._standing_in import StandIn

Effect = Literal["read", "write", "irreversible"]

MAX_STACK_CHARACTERS = 16_384
"""Of a recorded traceback; its end, where the error was raised, is kept."""


class CurrentTool(NamedTuple):
    """The tool that some code runs in."""

    name: str
    call_id: str | None
    span: Span
    arguments_sha256: str | None
    """Of a tool that is marked as in need of an approval."""


_TOOL_KEY = otel_context.create_key("tellwhy-tool")


class OpenStep:
    """One open step; `ended` or `failed` closes it, a second time does nothing.

    Between the two, `enter` and `leave` make it the current one for the code that runs.
    """

    __slots__ = (
        "_claim", "_end_ns", "_output_name", "_token", "context", "is_over", "kept", "run", "span",
        "stand_in",
    )  # fmt: skip

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
        self.kept: Outcome | None = None
        """What a replay will give back, for a tool whose outcome is kept."""
        self.stand_in: StandIn | None = None
        """What is called instead of the tool, in a replay."""

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
            text = None
            if self.span.is_recording() and current_settings().captures_content:
                text = to_json(value)
                self.span.set_attribute(self._output_name, text)
            if self.kept is not None:
                self.kept.returned(value, text)

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
                record_error(self.span, error)
                if self.kept is not None:
                    self.kept.failed(error)
        self._end(end_ns)

    def _end(self, end_ns: int | None = None) -> None:
        with _ENDING:
            if self.is_over:
                return
            self.is_over = True
            self.leave()
            self._tell_aside()
            self.span.end(self._end_ns or end_ns)
            if self._claim is not None:
                _pending.settle(self._claim)

    def _tell_aside(self) -> None:
        if self.kept is not None:
            _provider.tell_aside(self.span, {names.OUTCOME: self.kept.told()})
        run = self.run
        if run is not None and run.declared and run.is_of(self.span):
            _provider.tell_aside(self.span, {names.DECLARED: f"[{','.join(run.declared)}]"})


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


def begin_agent(
    name: str,
    arguments: Mapping[str, Any] | None,
    *,
    version: str | None = None,
    conversation_id: str | None = None,
    replayable: bool = True,
) -> OpenStep:
    """Start an agent's span and its run, or its part in the run of the agent around it."""
    outer = _runs.current()
    found = _start_attributes("agent", "invoke_agent", outer)
    name = found[names.AGENT_NAME] = _redact.label(name)
    replay = _standing_in.current()
    if replay is not None and outer is None:
        found[names.REPLAY_OF] = replay.run_id
    if version is not None:
        found[names.AGENT_VERSION] = _redact.label(version, "version")
    conversation = conversation_id
    if conversation is None and outer is None:
        conversation = _runs.announced_conversation()
    if conversation is not None:
        conversation = _redact.label(conversation, "conversation_id")
        found[names.CONVERSATION_ID] = conversation
    _add_content(found, names.INPUT, arguments)
    is_root = not trace.get_current_span().get_span_context().is_valid
    span = _configure.tracer().start_span(f"invoke_agent {name}", attributes=found)
    run = _runs.Run(
        span,
        agent_name=name,
        conversation_id=conversation,
        outer=outer,
        is_root=is_root,
        replayable=replayable,
    )
    if outer is None:
        span.set_attribute(names.RUN_ID, run.run_id)
        _provider.noted(span)
    context = _runs.context_with(run, trace.set_span_in_context(span))
    return OpenStep(span, context, names.OUTPUT, run=run)


def begin_tool(
    name: str,
    arguments: Mapping[str, Any] | None,
    *,
    effect: Effect | None = None,
    description: str | None = None,
    call_id: str | None = None,
    needs_approval: bool = False,
    is_block: bool = False,
) -> OpenStep:
    """Start a tool's span, linked to the model's call that asked for it if one is pending."""
    run = _runs.current()
    found: dict[str, Any] = dict(_start_attributes("tool_call", "execute_tool", run))
    sha256 = None
    if needs_approval:
        sha256 = found[names.TOOL_ARGUMENTS_SHA256] = sha256_of(dict(arguments or {}))
        found[names.TOOL_UNAPPROVED] = not _granted.take(name, sha256)
    label = found[names.TOOL_NAME] = _redact.label(name)
    found[names.TOOL_TYPE] = "function"
    if description and current_settings().captures_content:
        found[names.TOOL_DESCRIPTION] = _redact.constant(description, _description)
    if effect:
        found[names.TOOL_EFFECT] = effect
    _add_content(found, names.TOOL_CALL_ARGUMENTS, arguments)
    claim = _pending.claim(name, dict(arguments or {}), call_id)
    links = []
    if claim is not None:
        found[names.TOOL_MATCHED_BY] = claim.matched_by
        call_id = claim.call_id
        links.append(Link(claim.link))
    if call_id is not None:
        found[names.TOOL_CALL_ID] = _redact.label(call_id, "id")
    span = _configure.tracer().start_span(f"execute_tool {label}", attributes=found, links=links)
    context = trace.set_span_in_context(span)
    context = otel_context.set_value(_TOOL_KEY, CurrentTool(name, call_id, span, sha256), context)
    step = OpenStep(span, context, names.TOOL_CALL_RESULT, run=run, claim=claim)
    if _recording.is_on():
        step.kept = Outcome(is_block=is_block)
    replay = _standing_in.current()
    if replay is not None:
        step.stand_in = replay.stand_in(
            label, found.get(names.TOOL_CALL_ARGUMENTS), effect, is_block=is_block
        )
    return step


def begin_approval(tool: str, attributes: Mapping[str, str], start_ns: int | None) -> OpenStep:
    """Start the span of a wait for an answer; *start_ns* is now by default."""
    run = _runs.current()
    found = _start_attributes("human", "approve", run)
    found.update(attributes)
    tracer = _configure.tracer()
    span = tracer.start_span(
        f"approve {_redact.label(tool)}", attributes=found, start_time=start_ns
    )
    return OpenStep(span, trace.set_span_in_context(span), names.APPROVAL_NOTE, run=run)


def current_tool() -> CurrentTool | None:
    """The tool that this code runs in."""
    found = otel_context.get_value(_TOOL_KEY)
    return found if isinstance(found, CurrentTool) else None


def _description(text: str) -> str:
    return bounded(text, 4_096)


def _start_attributes(kind: str, operation: str, run: _runs.Run | None) -> dict[str, str]:
    found = _runs.attributes_of(run)
    found[names.STEP_KIND] = kind
    found[names.OPERATION_NAME] = operation
    return found


def _add_content(found: dict[str, str], name: str, value: Mapping[str, Any] | None) -> None:
    if value is None or not current_settings().captures_content:
        return
    parent = trace.get_current_span().get_span_context()
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
