"""Temporal: workflows as runs, attempts of activities as steps, signals and updates as answers.

The interceptor of temporalio is public, and is what a program may give to its client or worker
itself (`tellwhy.temporal.Interceptor`). Without that it is added to each `Client` and `Worker` that is
made: their ``__init__`` is wrapped. It stands outside of all others, so that their spans stand in ours.

Source:
    temporalio 1.35: client/_interceptor.py, worker/_interceptor.py, workflow/_context.py,
    contrib/opentelemetry/_interceptor.py.
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import temporalio.client
import temporalio.worker
from temporalio import workflow
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from tellwhy import _configure, _places
from tellwhy._frameworks.temporal_activities import INSIDE, Activities
from tellwhy._frameworks.temporal_clients import Outgoing
from tellwhy._frameworks.temporal_flow import CURRENT, Flow
from tellwhy._frameworks.temporal_workflows import Inbound
from tellwhy._guard import guarded

PASSED_THROUGH = ("tellwhy", "opentelemetry")
"""Modules that the sandbox of workflows does not load anew."""


class Interceptor(temporalio.client.Interceptor, temporalio.worker.Interceptor):
    """Records what a client starts and what a worker runs."""

    def intercept_client(
        self,
        next: temporalio.client.OutboundInterceptor,  # noqa: A002
    ) -> temporalio.client.OutboundInterceptor:
        """What the client asks for."""
        return next if _has(next, Outgoing) else Outgoing(next)

    def intercept_activity(
        self,
        next: temporalio.worker.ActivityInboundInterceptor,  # noqa: A002
    ) -> temporalio.worker.ActivityInboundInterceptor:
        """Attempts of activities."""
        return next if _has(next, Activities) else Activities(next)

    def workflow_interceptor_class(
        self,
        input: temporalio.worker.WorkflowInterceptorClassInput,  # noqa: A002
    ) -> type[Inbound] | None:
        """Workflows; None for a second one of us in the same worker."""
        _configure.ensure_configured()
        # What all interceptors of one worker share; a workflow could call it, and has no reason to.
        if "tellwhy" in input.unsafe_extern_functions:
            return None
        input.unsafe_extern_functions["tellwhy"] = _where
        return Inbound


def install() -> Callable[[], None]:
    """Add the interceptor to what is made from now on; gives the way back."""
    ours = Interceptor()
    restores = [
        _wrap(temporalio.client.Client, "__init__", _making(ours)),
        _wrap(temporalio.worker.Worker, "__init__", _working(ours)),
        _wrap(temporalio.worker.Replayer, "__init__", _replaying),
        _wrap(workflow, "sleep", _sleeping),
        _wrap(workflow, "wait_condition", _waiting),
    ]
    _places.ask(_where)
    _configure.stay_silent_when(_is_replaying)

    def restore() -> None:
        _configure.stay_silent_when(None)
        _places.ask_no_more(_where)
        for each in restores:
            each()

    return restore


def _wrap(holder: Any, name: str, wrapping: Callable[[Any], Any]) -> Callable[[], None]:
    original = getattr(holder, name)
    wrapped = functools.wraps(original)(wrapping(original))
    setattr(holder, name, wrapped)

    def restore() -> None:
        if getattr(holder, name) is wrapped:
            setattr(holder, name, original)

    return restore


def _making(ours: Interceptor) -> Callable[[Any], Any]:
    def wrapping(original: Any) -> Any:
        def init(self: Any, *args: Any, **kwargs: Any) -> None:
            with guarded("adding an interceptor to a Temporal client"):
                kwargs["interceptors"] = _with(ours, kwargs.get("interceptors", ()))
            original(self, *args, **kwargs)

        return init

    return wrapping


def _working(ours: Interceptor) -> Callable[[Any], Any]:
    def wrapping(original: Any) -> Any:
        def init(self: Any, client: Any, *args: Any, **kwargs: Any) -> None:
            with guarded("adding an interceptor to a Temporal worker"):
                if not _is_there(client.config(active_config=True)["interceptors"]):
                    kwargs["interceptors"] = _with(ours, kwargs.get("interceptors", ()))
                runner = kwargs.get("workflow_runner") or SandboxedWorkflowRunner()
                kwargs["workflow_runner"] = passing_through(runner)
            original(self, client, *args, **kwargs)

        return init

    return wrapping


def _replaying(original: Any) -> Any:
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        with guarded("preparing a Temporal replayer"):
            runner = kwargs.get("workflow_runner") or SandboxedWorkflowRunner()
            kwargs["workflow_runner"] = passing_through(runner)
        original(self, *args, **kwargs)

    return init


def passing_through(runner: Any) -> Any:
    """*runner* with us outside of its sandbox: a second tracer in there would know nothing."""
    if not isinstance(runner, SandboxedWorkflowRunner):
        return runner
    restrictions = runner.restrictions.with_passthrough_modules(*PASSED_THROUGH)
    return dataclasses.replace(runner, restrictions=restrictions)


def _with(ours: Interceptor, others: Any) -> list[Any]:
    given = list(others)
    return given if _is_there(given) else [ours, *given]


def _is_there(interceptors: Any) -> bool:
    return any(isinstance(each, Interceptor) for each in interceptors)


def _has(interceptor: Any, kind: type) -> bool:
    """Whether one of *kind* stands further inside: a program may have given ours itself."""
    while interceptor is not None:
        if isinstance(interceptor, kind):
            return True
        interceptor = getattr(interceptor, "next", None)
    return False


def _where() -> Any:
    """In which workflow, or in which attempt of an activity, this code runs."""
    if not workflow.in_workflow():
        return INSIDE.get()
    flow = CURRENT.get()
    return None if flow is None else _places.place(flow.place.inside)


def _is_replaying() -> bool:
    """Whether this code runs in a workflow that is only run again."""
    return bool(workflow.in_workflow() and workflow.unsafe.is_replaying())


def _flow() -> Flow | None:
    return CURRENT.get() if workflow.in_workflow() else None


def _seconds(given: Any) -> float | None:
    return given.total_seconds() if isinstance(given, timedelta) else given


def _sleeping(original: Any) -> Any:
    async def sleep(duration: Any, **kwargs: Any) -> None:
        flow = _flow()
        if flow is None:
            await original(duration, **kwargs)
            return
        seconds, started_ns = _seconds(duration) or 0, workflow.time_ns()
        timer = flow.timer(seconds)
        await original(duration, **kwargs)
        flow.slept(timer, seconds, started_ns, kwargs.get("summary") or "")

    return sleep


def _waiting(original: Any) -> Any:
    async def wait_condition(fn: Callable[[], bool], **kwargs: Any) -> None:
        flow = _flow()
        if flow is None:
            await original(fn, **kwargs)
            return
        wait = flow.wait(kwargs.get("timeout_summary") or "", _seconds(kwargs.get("timeout")))

        def looked() -> bool:
            found = fn()
            if not found:
                wait.stands()
            return found

        try:
            await original(looked, **kwargs)
        except TimeoutError:
            wait.over("timed out")
            raise
        except asyncio.CancelledError:
            wait.over("cancelled")
            raise
        wait.over()

    return wait_condition
