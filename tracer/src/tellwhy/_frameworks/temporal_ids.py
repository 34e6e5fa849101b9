"""The ids of a Temporal workflow's steps, computed alike by every worker and by the importer.

A workflow has one step for its run, one for each attempt of an activity, one for each signal,
update and timer. All of their ids are hashes of the id of its run and of what names them in it, so
that a replay, another worker or an imported history tells the same spans again and no others.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from tellwhy import _attributes as names
from tellwhy import _carrying, _configure, _runs

HEADER = "tellwhy"
"""Where the carrier stands among the headers of Temporal."""

OFFICIAL_HEADER = "_tracer-data"
"""Where temporalio's own OpenTelemetry interceptor puts its carrier: we join its trace."""

CONVERSATION = "tellwhy-conversation"
APPROVER = "tellwhy-by"
"""In a carrier: the conversation that a workflow is started in; who signals or updates it."""

CALL_ID = re.compile(r"(toolu|tooluse|call|fc|chatcmpl-tool|functions)[_.-]\S+")
"""How ids begin that models give to tool calls; ids that Temporal gives are numbers."""

_W3C = TraceContextTextMapPropagator()


@dataclass(frozen=True, slots=True)
class Place:
    """Where the steps of one run of a workflow stand."""

    workflow_id: str
    run_id: str
    """Temporal's own."""
    agent: str
    """The type of the workflow."""
    conversation: str
    trace_id: int
    span_id: int
    around: Context
    """What the workflow's step stands in."""

    @property
    def inside(self) -> Context:
        """What the steps of the workflow stand in."""
        flags = TraceFlags(TraceFlags.SAMPLED if self.is_sampled else TraceFlags.DEFAULT)
        told = SpanContext(self.trace_id, self.span_id, is_remote=True, trace_flags=flags)
        span = NonRecordingSpan(told)
        outer = _runs.run_in(self.around)
        run_id = outer.run_id if outer is not None else self.own_run_id
        run = _runs.Run.elsewhere(span, run_id, self.agent, self.conversation)
        return _runs.context_with(run, trace.set_span_in_context(span, Context()))

    @property
    def own_run_id(self) -> str:
        """As `_runs.Run` makes it."""
        parent = trace.get_current_span(self.around).get_span_context()
        own = f"{self.trace_id:032x}"
        return f"{own}-{self.span_id:016x}" if parent.is_valid else own

    @property
    def is_sampled(self) -> bool:
        """Whether the program's sampler takes this trace; it decides alike in all processes."""
        parent = trace.get_current_span(self.around).get_span_context()
        if parent.is_valid:
            return parent.trace_flags.sampled
        sampler = getattr(_configure.tracer(), "sampler", None)
        if sampler is None:
            return True
        asked = sampler.should_sample(Context(), self.trace_id, f"invoke_agent {self.agent}")
        return bool(asked.decision.is_sampled())

    def span_of(self, *what: object) -> int:
        """Id of the step of this run that *what* names."""
        return span_id(self.run_id, *what)

    def said(self) -> dict[str, str]:
        """What every step of the run says."""
        return {
            names.FRAMEWORK: "temporal",
            names.TURN_ID: self.run_id,
            names.WORKFLOW_ID: self.workflow_id,
        }


def place_of(run_id: str, workflow_id: str, agent: str, carried: Mapping[str, Any]) -> Place:
    """The place of one run.

    Args:
        run_id: Temporal's id of the run.
        workflow_id: Temporal's id of the workflow.
        agent: Type of the workflow.
        carried: The carrier that it was started with; of a child also its parent's run.
    """
    around = _carrying.with_run(carried, _W3C.extract(carried, Context()))
    parent = trace.get_current_span(around).get_span_context()
    outer = _runs.run_in(around)
    conversation = (outer and outer.conversation_id) or carried.get(CONVERSATION) or workflow_id
    return Place(
        workflow_id=workflow_id,
        run_id=run_id,
        agent=agent,
        conversation=str(conversation),
        trace_id=parent.trace_id if parent.is_valid else trace_id(run_id),
        span_id=span_id(run_id),
        around=around,
    )


def to_parts(place: Place) -> dict[str, str]:
    """The carrier that goes to activities and children of a workflow."""
    return to_others(place.inside) | _carrying.run_of(place.inside)


def to_others(context: Context) -> dict[str, str]:
    """The trace context of *context*, and its conversation: for a run of its own."""
    found: dict[str, str] = {}
    _W3C.inject(found, context)
    run = _runs.run_in(context)
    conversation = run.conversation_id if run is not None else _runs.announced_conversation()
    return found | ({CONVERSATION: conversation} if conversation else {})


def trace_id(run_id: str) -> int:
    """Of a run that nobody of ours has started."""
    return int.from_bytes(_hash("trace", run_id)[:16])


def span_id(run_id: str, *what: object) -> int:
    """Of the step that *what* names in a run; of the run itself without."""
    return int.from_bytes(_hash("span", run_id, *what)[:8])


def _hash(*parts: object) -> bytes:
    return hashlib.sha256("\0".join(["temporal", *map(str, parts)]).encode()).digest()
