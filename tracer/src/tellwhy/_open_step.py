"""A step of ours from start to end: its place in the context, what came of it.

Everything here is guarded, so that callers may write the host's call between `_spans.begin_tool`
and its like and `OpenStep.ended` or `OpenStep.failed` without a safety net of their own.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextvars import Token
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, Status, StatusCode

from tellwhy import _attributes as names
from tellwhy import _pending, _provider, _redact, _runs
from tellwhy._capture import bounded, to_json
from tellwhy._guard import guarded
from tellwhy._recording.outcome import Outcome
from tellwhy._runs import detach
from tellwhy._settings import current as current_settings
from tellwhy._standing_in import StandIn
from tellwhy._step_errors import is_control_flow, is_pause, record_error


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

    def at(self, end_ns: int) -> OpenStep:
        """The same step, which ends at that time whenever its end is told; Unix nanoseconds."""
        self._end_ns = end_ns
        return self

    def failed(self, error: BaseException) -> None:
        """The step is over; *error* ended it, and goes on its way."""
        end_ns = time.time_ns()
        with guarded("recording an error"):
            if not self.is_over and self.span.is_recording():
                if is_pause(error):
                    self._mark_paused()
                elif not is_control_flow(error):
                    record_error(self.span, error)
                if self.kept is not None:
                    self.kept.failed(error)
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


class Joined(_Nothing):
    """A step that is part of the one around it: it has no span of its own."""

    __slots__ = ()

    def result(self, value: Any) -> None:
        """Only for replays: the step around it says what came of it."""
        with _RESULT:
            if self.kept is not None:
                self.kept.returned(value)

    def returned(self, value: Any) -> None:
        """The function gave *value*; the step around it goes on."""
        self.result(value)
        self.ended()

    def ended(self) -> None:
        """The function is over; the step around it goes on."""
        with _ENDING:
            if not self.is_over:
                self.is_over = True
                self._tell_aside()

    def failed(self, error: BaseException) -> None:
        """Say it of the step around: frameworks make a text of the error, some without its words."""
        with guarded("recording an error"):
            if self.span.is_recording() and not is_control_flow(error):
                record_error(self.span, error)
            if self.kept is not None:
                self.kept.failed(error)
        self.ended()
