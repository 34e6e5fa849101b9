"""What a step says of an exception: a failure, a pause, or nothing."""

from __future__ import annotations

import traceback

from opentelemetry.trace import Span, Status, StatusCode

from tellwhy import _attributes as names
from tellwhy import _redact
from tellwhy._capture import bounded
from tellwhy._objects import name_of
from tellwhy._settings import current as current_settings

MAX_STACK_CHARACTERS = 16_384
"""Of a recorded traceback; its end, where the error was raised, is kept."""

PAUSES = frozenset(
    {
        "langgraph.errors.GraphInterrupt",
        "workflows.runtime.types.results.WaitingForEvent",
        "pydantic_ai.exceptions.ApprovalRequired",
        "pydantic_ai.exceptions.CallDeferred",
    }
)
"""Exceptions by which frameworks leave a step until a person has answered."""

CONTROL_FLOW = PAUSES | {
    "langgraph.errors.GraphBubbleUp",
    "temporalio.activity._CompleteAsyncError",
}
"""Exceptions by which frameworks go from one place to another: no failures."""


def is_pause(error: BaseException) -> bool:
    """Whether a framework left a step by *error* until somebody has answered."""
    return not PAUSES.isdisjoint(_kinds(error))


def is_control_flow(error: BaseException) -> bool:
    """Whether *error* is how a framework moves, and no failure."""
    return not CONTROL_FLOW.isdisjoint(_kinds(error))


def _kinds(error: BaseException) -> set[str]:
    return {f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__}


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
