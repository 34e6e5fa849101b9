"""What a worker tells of the workflows that it runs: runs, signals, updates, waits, timers.

All of it stands in the workflow's thread, so nothing here draws ids or asks for the time that counts:
ids are computed (`temporal_ids`) and times are the workflow's own. While a workflow is replayed, and
while it is put away, nothing is told. What a worker cannot know, because no step of it is intercepted,
is in the history and comes with `tellwhy import temporal-history`.
"""

from __future__ import annotations

from typing import Any

from temporalio import workflow
from temporalio.worker import (
    ContinueAsNewInput,
    ExecuteWorkflowInput,
    HandleSignalInput,
    HandleUpdateInput,
    SignalChildWorkflowInput,
    SignalExternalWorkflowInput,
    StartActivityInput,
    StartChildWorkflowInput,
    StartLocalActivityInput,
    WorkflowInboundInterceptor,
    WorkflowOutboundInterceptor,
)

from tellwhy._frameworks.temporal_flow import Flow
from tellwhy._frameworks.temporal_headers import with_carrier
from tellwhy._frameworks.temporal_ids import APPROVER, CONVERSATION
from tellwhy._guard import guarded


class Inbound(WorkflowInboundInterceptor):
    """What comes in to one run of a workflow."""

    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        """Follow what goes out of it, too."""
        self._flow = Flow()
        super().init(Outbound(outbound, self._flow))

    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:  # noqa: A002
        """The run from start to end."""
        self._flow.begun(input.run_fn, tuple(input.args))
        try:
            result = await super().execute_workflow(input)
        except BaseException as error:
            self._flow.failed(error)
            raise
        self._flow.returned(result)
        return result

    async def handle_signal(self, input: HandleSignalInput) -> None:  # noqa: A002
        """A signal: an answer, or something else that happened."""
        self._flow.arrived("signal", input.signal, input.args, input.headers)
        await super().handle_signal(input)

    async def handle_update_handler(self, input: HandleUpdateInput) -> Any:  # noqa: A002
        """An update, and what its handler gave back."""
        update = self._flow.arrived("update", input.update, input.args, input.headers, input.id)
        try:
            result = await super().handle_update_handler(input)
        except BaseException as error:
            self._flow.refused(update, error)
            raise
        self._flow.answered(update, result)
        return result


class Outbound(WorkflowOutboundInterceptor):
    """What a workflow starts, each with where it belongs."""

    def __init__(self, next: WorkflowOutboundInterceptor, flow: Flow) -> None:  # noqa: A002
        super().__init__(next)
        self._flow = flow

    def start_activity(self, input: StartActivityInput) -> workflow.ActivityHandle[Any]:  # noqa: A002
        """An activity."""
        self._to_part(input)
        handle = super().start_activity(input)
        self._flow.follow(handle)
        return handle

    def start_local_activity(
        self,
        input: StartLocalActivityInput,  # noqa: A002
    ) -> workflow.ActivityHandle[Any]:
        """An activity in the worker itself."""
        self._to_part(input)
        handle = super().start_local_activity(input)
        self._flow.follow(handle)
        return handle

    async def start_child_workflow(
        self,
        input: StartChildWorkflowInput,  # noqa: A002
    ) -> workflow.ChildWorkflowHandle[Any, Any]:
        """A child: an agent inside this one."""
        self._to_part(input)
        handle = await super().start_child_workflow(input)
        self._flow.follow(handle)
        return handle

    def continue_as_new(self, input: ContinueAsNewInput) -> Any:  # noqa: A002
        """The next run, in the same conversation."""
        with guarded("continuing a workflow as new"):
            conversation = self._flow.place.conversation
            input.headers = with_carrier(input.headers, {CONVERSATION: conversation})
        return super().continue_as_new(input)

    async def signal_child_workflow(self, input: SignalChildWorkflowInput) -> None:  # noqa: A002
        """A signal, said to come from this workflow."""
        self._signed(input)
        await super().signal_child_workflow(input)

    async def signal_external_workflow(self, input: SignalExternalWorkflowInput) -> None:  # noqa: A002
        """A signal, said to come from this workflow."""
        self._signed(input)
        await super().signal_external_workflow(input)

    @guarded("preparing a part of a workflow")
    def _to_part(self, input: Any) -> None:  # noqa: A002
        input.headers = with_carrier(input.headers, self._flow.to_parts())

    @guarded("signing a signal")
    def _signed(self, input: Any) -> None:  # noqa: A002
        by = {APPROVER: f"workflow {self._flow.place.workflow_id}"}
        input.headers = with_carrier(input.headers, by)
