"""What a Temporal client asks for: each request says where it comes from."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry import trace
from temporalio import client

from tellwhy import _attributes as names
from tellwhy import _carrying, _configure, _runs, _spans
from tellwhy._frameworks.steps import labelled
from tellwhy._frameworks.temporal_headers import with_carrier
from tellwhy._frameworks.temporal_ids import APPROVER, to_others
from tellwhy._guard import guarded
from tellwhy._open_step import NOTHING, OpenStep
from tellwhy._places import here


class Outgoing(client.OutboundInterceptor):
    """Adds headers to requests, and a step where a workflow is started by an agent."""

    def __init__(self, next: client.OutboundInterceptor) -> None:  # noqa: A002
        super().__init__(next)
        self._identity = _identity(next)

    async def start_workflow(
        self,
        input: client.StartWorkflowInput,  # noqa: A002
    ) -> client.WorkflowHandle[Any, Any]:
        """A workflow: a run of its own in this trace and conversation."""
        step = self._begin(input.workflow, input.id, input)
        with _Within(step):
            return await super().start_workflow(input)

    async def signal_workflow(self, input: client.SignalWorkflowInput) -> None:  # noqa: A002
        """A signal, signed."""
        self._sign(input)
        await super().signal_workflow(input)

    async def start_workflow_update(
        self,
        input: client.StartWorkflowUpdateInput,  # noqa: A002
    ) -> client.WorkflowUpdateHandle[Any]:
        """An update, signed."""
        self._sign(input)
        return await super().start_workflow_update(input)

    async def start_update_with_start_workflow(
        self,
        input: client.StartWorkflowUpdateWithStartInput,  # noqa: A002
    ) -> client.WorkflowUpdateHandle[Any]:
        """Both in one."""
        self._sign(input.update_workflow_input)
        started = input.start_workflow_input
        with _Within(self._begin(started.workflow, started.id, started)):
            return await super().start_update_with_start_workflow(input)

    async def start_activity(
        self,
        input: client.StartActivityInput,  # noqa: A002
    ) -> client.ActivityHandle[Any]:
        """An activity without a workflow: a part of the run that starts it."""
        with guarded("preparing an activity"):
            if _configure.ensure_configured():
                around = here()
                carried = to_others(around) | _carrying.run_of(around)
                input.headers = with_carrier(input.headers, carried)
        return await super().start_activity(input)

    def _begin(self, workflow: str, workflow_id: str, request: Any) -> OpenStep:
        """The step of starting a workflow; none where no step is around."""
        with guarded("starting a workflow"):
            if _configure.ensure_configured():
                step: OpenStep = NOTHING
                around = here()
                if trace.get_current_span(around).get_span_context().is_valid:
                    said = labelled({names.FRAMEWORK: "temporal", names.WORKFLOW_ID: workflow_id})
                    step = _spans.begin_part(workflow, "start_workflow", said, around)
                    around = step.context
                carried = to_others(around) | self._by
                request.headers = with_carrier(request.headers, carried)
                return step
        return NOTHING

    @property
    def _by(self) -> dict[str, str]:
        return {APPROVER: self._identity} if self._identity else {}

    @guarded("signing a request")
    def _sign(self, request: Any) -> None:
        if _configure.ensure_configured():
            request.headers = with_carrier(request.headers, self._by)


class _Within:
    """Makes a step current, and ends it with what comes of the block."""

    def __init__(self, step: OpenStep) -> None:
        self._step = step

    def __enter__(self) -> None:
        self._token = otel_context.attach(self._step.context) if self._step is not NOTHING else None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._token is not None:
            _runs.detach(self._token)
        if error is None:
            self._step.ended()
        else:
            self._step.failed(error)


def _identity(following: Any) -> str | None:
    """What the client calls itself; the last of its interceptors knows the client."""
    with guarded("reading the identity of a Temporal client"):
        while getattr(following, "next", None) is not None:
            following = following.next
        of = getattr(following, "_client", None)
        said = getattr(getattr(getattr(of, "service_client", None), "config", None), "identity", "")
        return str(said) or None
    return None
