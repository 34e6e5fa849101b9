"""The current run goes along into threads and thread pools that the agent starts.

Python copies its context into tasks and `asyncio.to_thread`, but not into `threading.Thread`,
`ThreadPoolExecutor` and, through it, `loop.run_in_executor`. Only the OpenTelemetry context is
carried, and only when there is one to carry; all other context variables stay as Python has them.
Beside opentelemetry-instrumentation-threading nothing changes: the same context is set twice.

Source:
    CPython 3.11 to 3.14, Lib/threading.py and Lib/concurrent/futures/thread.py.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import thread as pool_module
from typing import Any, cast

from opentelemetry import context as otel_context
from opentelemetry.context import Context

from tellwhy import _settings
from tellwhy._guard import guarded
from tellwhy._places import here
from tellwhy._recording import lane

_POOL_WORKER = getattr(pool_module, "_worker", None)
"""Pool threads live longer than the task that made them: they carry nothing of their own."""


class _Originals:
    """The methods as they were; None while nothing is patched."""

    start: Any = None
    submit: Any = None


def install() -> None:
    """Patch `Thread.start` and `ThreadPoolExecutor.submit`, unless ``threads`` is off."""
    if _Originals.start is not None or not _settings.current().threads:
        return
    start: Any = threading.Thread.start
    submit: Any = ThreadPoolExecutor.submit
    _Originals.start, _Originals.submit = start, submit

    @functools.wraps(start)
    def carrying_start(self: threading.Thread) -> None:
        with guarded("carrying the context into a thread"):
            _carry(self)
        start(self)

    @functools.wraps(submit)
    def carrying_submit(
        self: ThreadPoolExecutor, fn: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> Future[Any]:
        context = here()
        if not context:
            return cast("Future[Any]", submit(self, fn, *args, **kwargs))
        carried = functools.partial(_run, context, fn)
        return cast("Future[Any]", submit(self, carried, *args, **kwargs))

    threading.Thread.start = carrying_start  # type: ignore[method-assign]
    ThreadPoolExecutor.submit = carrying_submit  # type: ignore[method-assign, assignment]


def uninstall() -> None:
    """Put the methods back, unless somebody has wrapped ours in the meantime."""
    start, submit = _Originals.start, _Originals.submit
    if start is None:
        return
    if getattr(threading.Thread.start, "__wrapped__", None) is start:
        threading.Thread.start = start  # type: ignore[method-assign, assignment]
    if getattr(ThreadPoolExecutor.submit, "__wrapped__", None) is submit:
        ThreadPoolExecutor.submit = submit  # type: ignore[method-assign, assignment]
    _Originals.start = _Originals.submit = None


def _carry(thread: threading.Thread) -> None:
    """Let *thread* run in the context of whoever starts it; works for overridden `run` too."""
    context = here()
    target = getattr(thread, "_target", None)
    if not context or (target is not None and target is _POOL_WORKER):
        return
    run = thread.run

    def run_in_context() -> None:
        # The attribute refers to the thread and the thread to it: let go before the work.
        vars(thread).pop("run", None)
        _run(context, run)

    thread.run = run_in_context  # type: ignore[method-assign]


def _run(context: Context, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    lane.begin()
    token = otel_context.attach(context)
    try:
        return function(*args, **kwargs)
    finally:
        otel_context.detach(token)
