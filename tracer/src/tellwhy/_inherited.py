"""The trace that this process was started in: ``TRACEPARENT`` and ``TRACESTATE`` of its environment.

A wrapper such as ``tellwhy run``, a CI system, Claude Code or another agent sets them for what it
starts. The entry ``tellwhy`` of the trace state names the run to continue, so that parent and child
are one run; without it a run of its own stands in the parent's trace.

Source:
    W3C Trace Context, level 1; OpenTelemetry specification, "Environment Variables as Context
    Propagation Carriers".
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanContext, TraceFlags, TraceState

from tellwhy._guard import guarded
from tellwhy._settings import environment

TRACE_PARENT = "TRACEPARENT"
TRACE_STATE = "TRACESTATE"
STATE_KEY = "tellwhy"
"""Our entry in a trace state; its value is the id of the run."""

_PARENT = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_RUN_ID = re.compile(r"[0-9a-f]{32}(-[0-9a-f]{16})?")


class _Held:
    """What was read; None when there is nothing, or when it is not to be used any more."""

    first: SpanContext | None = None
    always: SpanContext | None = None


def read(which: str, environ: Mapping[str, str] | None = None) -> None:
    """Take the parent out of *environ* (default: the process's), once.

    Args:
        which: ``first`` run of the process, ``all`` that it does, or ``none``.
        environ: Variables.
    """
    _Held.first = _Held.always = None
    if which == "none":
        return
    with guarded("reading TRACEPARENT"):
        parent = parent_in(environment() if environ is None else environ)
        if which == "all":
            _Held.always = parent
        else:
            _Held.first = parent


def parent_in(environ: Mapping[str, str]) -> SpanContext | None:
    """The span that *environ* names; None when it names none, or not as the standard has it."""
    found = _PARENT.fullmatch(environ.get(TRACE_PARENT, "").strip())
    if found is None or (found[4] and found[0].startswith("00")):
        return None
    trace_id, span_id = int(found[1], 16), int(found[2], 16)
    if not trace_id or not span_id:
        return None
    # What our own provider records is decided by whoever sampled the parent, as everywhere.
    flags = TraceFlags(int(found[3], 16) & TraceFlags.SAMPLED)
    state = TraceState.from_header([environ.get(TRACE_STATE, "")])
    return SpanContext(trace_id, span_id, is_remote=True, trace_flags=flags, trace_state=state)


def around(context: Context) -> Context:
    """*context*, in the span that everything of this process stands in, if there is one."""
    if _Held.always is None or trace.get_current_span(context).get_span_context().is_valid:
        return context
    return trace.set_span_in_context(trace.NonRecordingSpan(_Held.always), context)


def around_run(context: Context) -> Context:
    """*context* for an outermost agent: the first one takes the parent, the next have none."""
    if _Held.first is None or trace.get_current_span(context).get_span_context().is_valid:
        return context
    parent, _Held.first = _Held.first, None
    return trace.set_span_in_context(trace.NonRecordingSpan(parent), context)


def run_continued(context: Context) -> str | None:
    """The run that the remote parent in *context* belongs to, if a tellwhy there says so."""
    parent = trace.get_current_span(context).get_span_context()
    said = parent.trace_state.get(STATE_KEY) if parent.is_remote else None
    return said if said is not None and _RUN_ID.fullmatch(said) else None


def variables(parent: SpanContext, run_id: str | None) -> dict[str, str]:
    """The two variables for a process that is started inside the span *parent*."""
    state = parent.trace_state
    if run_id is not None:
        state = (
            state.delete(STATE_KEY).add(STATE_KEY, run_id)
            if state
            else TraceState([(STATE_KEY, run_id)])
        )
    flags = parent.trace_flags & TraceFlags.SAMPLED  # some readers know no other flag
    said = {
        TRACE_PARENT: f"00-{parent.trace_id:032x}-{parent.span_id:016x}-{flags:02x}",
        TRACE_STATE: state.to_header(),
    }
    return {name: value for name, value in said.items() if value}
