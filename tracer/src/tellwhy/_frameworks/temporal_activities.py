"""Attempts of Temporal's activities, each a step from before it runs to its end."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextvars import ContextVar
from typing import Any

from opentelemetry.context import Context
from temporalio import activity, worker

from tellwhy import _attributes as names
from tellwhy import _carrying, _configure
from tellwhy._calls import Arguments
from tellwhy._frameworks.steps import content
from tellwhy._frameworks.temporal_headers import carried_in
from tellwhy._frameworks.temporal_ids import place_of
from tellwhy._frameworks.temporal_steps import Attempt, attempt_step
from tellwhy._guard import guarded
from tellwhy._open_step import NOTHING, OpenStep
from tellwhy._places import place

INSIDE: ContextVar[Context | None] = ContextVar("tellwhy_temporal_activity", default=None)
"""The attempt that this code is a part of: other interceptors put contexts of their own over ours."""


class Heartbeats:
    """How often, and with what last, an attempt said that it lives."""

    def __init__(self) -> None:
        self.count = 0
        self.details: tuple[Any, ...] = ()

    def tell(self, step: OpenStep) -> None:
        """Say it on *step*."""
        if self.count:
            step.span.set_attribute(names.HEARTBEATS, self.count)
        if self.details:
            told = list(self.details)
            step.span.set_attributes(content(names.HEARTBEAT_DETAILS, told))


class Activities(worker.ActivityInboundInterceptor):
    """Around each attempt."""

    def init(self, outbound: worker.ActivityOutboundInterceptor) -> None:
        """Hear its heartbeats."""
        self._heartbeats = Heartbeats()
        super().init(_Outbound(outbound, self._heartbeats))

    async def execute_activity(self, input: worker.ExecuteActivityInput) -> Any:  # noqa: A002
        """One attempt."""
        step = _begin(input, self._heartbeats)
        if step is not NOTHING:
            step.context = place(step.context)
            INSIDE.set(step.context)
        step.enter()
        try:
            result = await super().execute_activity(input)
        except BaseException as error:
            self._tell_heartbeats(step)
            step.failed(error)
            raise
        self._tell_heartbeats(step)
        step.returned(result)
        return result

    @guarded("recording heartbeats")
    def _tell_heartbeats(self, step: OpenStep) -> None:
        self._heartbeats.tell(step)


class _Outbound(worker.ActivityOutboundInterceptor):
    def __init__(self, next: Any, heartbeats: Heartbeats) -> None:  # noqa: A002
        super().__init__(next)
        self._heartbeats = heartbeats

    def heartbeat(self, *details: Any) -> None:
        """One more; it may come from any thread."""
        self._heartbeats.count += 1
        self._heartbeats.details = details
        super().heartbeat(*details)


def _begin(given: worker.ExecuteActivityInput, heartbeats: Heartbeats) -> OpenStep:
    with guarded("starting an activity"):
        if _configure.ensure_configured():
            info = activity.info()
            heartbeats.details = tuple(info.heartbeat_details)
            arguments = Arguments(given.fn).of(tuple(given.args), {})
            step = _step(info, given, arguments)
            if isinstance(given.executor, ProcessPoolExecutor):
                given.fn = _Elsewhere(given.fn, _carrying.carrier_of(step.context))
            return step
    return NOTHING


def _step(info: activity.Info, given: Any, arguments: dict[str, Any]) -> OpenStep:
    attempt = Attempt(info.activity_id, info.activity_type, info.attempt, is_local=info.is_local)
    carried = carried_in(given.headers)
    # A standalone activity has a run of its own, and no workflow.
    run_id = info.workflow_run_id or info.activity_run_id or info.task_token.hex()
    workflow_id = info.workflow_id or info.activity_id
    is_part = _carrying.RUN in carried
    of_workflow = {} if is_part else carried
    of_run = place_of(run_id, workflow_id, info.workflow_type or info.activity_type, of_workflow)
    context = _carrying.context_from(carried, Context()) if is_part else of_run.inside
    return attempt_step(of_run, attempt, arguments, context)


class _Elsewhere:
    """An activity's function that a pool of processes runs: in the same run there."""

    def __init__(self, function: Callable[..., Any], carried: dict[str, str]) -> None:
        self._function = function
        self._carried = carried
        self.__name__ = getattr(function, "__name__", "activity")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with _carrying.continued(self._carried):
            return self._function(*args, **kwargs)
