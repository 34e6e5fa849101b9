"""One run of a workflow as the worker sees it that runs it now."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, ChildWorkflowError

from tellwhy import _provider
from tellwhy._calls import Arguments
from tellwhy._frameworks.temporal_headers import carried_in
from tellwhy._frameworks.temporal_ids import APPROVER, Place, place_of, to_parts
from tellwhy._frameworks.temporal_steps import (
    Arrival,
    agent_step,
    task_step,
    tell_arrival,
    wait_step,
)
from tellwhy._guard import guarded
from tellwhy._open_step import OpenStep

CURRENT: ContextVar[Flow | None] = ContextVar("tellwhy_temporal_flow", default=None)
"""The run that this code is a part of: set in each of its tasks."""


class Flow:
    """What has to be remembered of one run."""

    def __init__(self) -> None:
        self._place: Place | None = None
        self._asked: Mapping[str, Any] = {}
        self._under_way = 0
        self._since_ns = 0
        """When the workflow last did something of its own; an answer has been waited for from then."""
        self._counts: Counter[str] = Counter()

    @property
    def place(self) -> Place:
        """Where its steps stand."""
        if self._place is None:
            info = workflow.info()
            carried = carried_in(info.headers)
            self._place = place_of(info.run_id, info.workflow_id, info.workflow_type, carried)
            self._since_ns = workflow.time_ns()
        return self._place

    def to_parts(self) -> dict[str, str]:
        """The carrier for what it starts."""
        with _outside():
            return to_parts(self.place)

    @guarded("starting a workflow")
    def begun(self, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        """The run has begun, or is run again."""
        CURRENT.set(self)
        with _outside():
            self._asked = Arguments(function).of((None, *args), {})
            self._watch_timers()
            if self.place and _is_told():
                _provider.left_open(self._agent().span)

    @guarded("ending a workflow")
    def returned(self, result: Any) -> None:
        """The run gave *result*."""
        if _is_told():
            with _outside():
                self._agent().returned(result)

    @guarded("ending a workflow")
    def failed(self, error: BaseException) -> None:
        """The run ended with *error*, went on as another one, or cannot go on just now."""
        if not _is_told():
            return
        with _outside():
            if isinstance(error, workflow.ContinueAsNewError):
                self._agent().returned("continued as new")
            elif isinstance(error, asyncio.CancelledError) or (
                isinstance(error, Exception) and workflow.is_failure_exception(error)
            ):
                self._agent().failed(_cause(error))
            elif isinstance(error, Exception):
                self._stuck(error)

    def arrived(
        self,
        what: str,
        name: str,
        args: Sequence[Any],
        headers: Mapping[str, Any],
        key: str | None = None,
    ) -> Arrival | None:
        """A signal or an update came in."""
        with guarded("recording what arrived"):
            CURRENT.set(self)
            self._counts[f"{what} {name}"] += 1
            with _outside():
                place, now_ns = self.place, workflow.time_ns()
                arrival = Arrival(
                    what,
                    name,
                    list(args),
                    key or f"{name} {self._counts[f'{what} {name}']}",
                    by=carried_in(headers).get(APPROVER),
                    since_ns=self._since_ns,
                    at_ns=now_ns,
                    was_idle=self._under_way == 0,
                )
                if arrival.decision is not None:
                    self._since_ns = now_ns
                if _is_told() and (what == "signal" or arrival.decision is not None):
                    tell_arrival(place, arrival)
                return arrival
        return None

    @guarded("recording an update")
    def answered(self, arrival: Arrival | None, result: Any) -> None:
        """The handler of an update that decided nothing gave *result*."""
        if arrival is not None and arrival.decision is None and _is_told():
            with _outside():
                tell_arrival(self.place, arrival, end_ns=workflow.time_ns(), result=result)

    @guarded("recording an update")
    def refused(self, arrival: Arrival | None, error: BaseException) -> None:
        """The handler of an update raised."""
        is_one = arrival is not None and arrival.decision is None and isinstance(error, Exception)
        if arrival is not None and is_one and _is_told():
            with _outside():
                tell_arrival(self.place, arrival, end_ns=workflow.time_ns(), error=_cause(error))

    @guarded("following a part of a workflow")
    def follow(self, handle: Any) -> None:
        """An activity or a child is under way until *handle* is done."""
        self._under_way += 1
        self._since_ns = workflow.time_ns()
        handle.add_done_callback(self._done)

    @guarded("following a part of a workflow")
    def _done(self, _: Any) -> None:
        self._under_way -= 1
        self._since_ns = workflow.time_ns()

    def wait(self, name: str, timeout_s: float | None) -> Wait:
        """The workflow waits for something from here on."""
        self._counts["wait"] += 1
        if timeout_s:
            self.timer(timeout_s)  # a timer among those that the history counts
        return Wait(self.place, f"{self._counts['wait']}", name, timeout_s, workflow.time_ns())

    def timer(self, seconds: float) -> tuple[str, int]:
        """What tells a timer that starts now from others: how long it is, and the how many of these.

        Not when it starts: after a local activity that is another moment than the history has.
        """
        key = f"{round(seconds * 1000)} ms"
        self._counts[key] += 1
        return key, self._counts[key]

    def slept(
        self, timer: tuple[str, int], seconds: float, started_ns: int, name: str = ""
    ) -> None:
        """A timer that was started at *started_ns* has ended."""
        with guarded("recording a timer"):
            if _is_told():
                with _outside():
                    step = wait_step(self.place, ("timer", *timer), name, seconds, started_ns)
                    step.at(max(workflow.time_ns(), started_ns)).ended()

    def _agent(self) -> OpenStep:
        info = workflow.info()
        start_ns = round(info.start_time.timestamp() * 1_000_000) * 1_000
        return agent_step(self.place, self._asked, start_ns, continued_from=info.continued_run_id)

    def _stuck(self, error: Exception) -> None:
        """The code raised what fails no workflow: Temporal tries this task again and again."""
        task_step(self.place, workflow.info().get_current_history_length()).failed(error)

    def _watch_timers(self) -> None:
        """See the timers that `asyncio.sleep` starts: they begin with the loop's `call_later`."""
        loop: Any = asyncio.get_running_loop()
        original = loop.call_later

        def call_later(delay: float, callback: Any, *args: Any, context: Any = None) -> Any:
            started_ns, timer = workflow.time_ns(), self.timer(delay)

            def fired(*values: Any) -> Any:
                self.slept(timer, delay, started_ns)
                return callback(*values)

            is_sleep = getattr(callback, "__name__", "") == "_set_result_unless_cancelled"
            return original(delay, fired if is_sleep else callback, *args, context=context)

        loop.call_later = call_later


class Wait:
    """A wait for a condition, told as soon as it stands and again when it is over."""

    def __init__(
        self, place: Place, key: str, name: str, timeout_s: float | None, started_ns: int
    ) -> None:
        self._place = place
        self._what = ("wait", key)
        self._name = name
        self._timeout_s = timeout_s
        self._started_ns = started_ns
        self._stands = False

    @guarded("recording a wait")
    def stands(self) -> None:
        """The condition is not fulfilled."""
        if not self._stands:
            self._stands = True
            if _is_told():
                with _outside():
                    _provider.left_open(self._step().span)

    @guarded("recording a wait")
    def over(self, result: str | None = None) -> None:
        """It is fulfilled, or the time was up.

        Told in any case: a replay takes tasks together that did nothing, so a wait that stood, and
        was told, may not be seen to stand in it.
        """
        if _is_told():
            with _outside():
                step = self._step().at(workflow.time_ns())
                step.ended() if result is None else step.returned(result)

    def _step(self) -> OpenStep:
        return wait_step(self._place, self._what, self._name, self._timeout_s, self._started_ns)


def _is_told() -> bool:
    """Whether this happens now: neither again, nor while the workflow is put away."""
    return not workflow.unsafe.is_replaying()


@contextmanager
def _outside() -> Iterator[None]:
    """Our own code, and what it imports, is not the workflow's."""
    with workflow.unsafe.sandbox_unrestricted(), workflow.unsafe.imports_passed_through():
        yield


def _cause(error: BaseException) -> BaseException:
    """What a part of the workflow failed with, behind the wrappers that only say that one did."""
    while isinstance(error, ActivityError | ChildWorkflowError) and error.cause is not None:
        error = error.cause
    return error
