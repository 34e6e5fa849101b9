"""Lanes: each task, thread or job of a pool is one, so that order is compared where there is any.

What happens in one lane happens in an order; between lanes chance decides. A context variable says
which lane this is. Tasks and threads start with a copy of somebody's context: a lane counts only
for the task and thread that it was given to.
"""

from __future__ import annotations

import itertools
import sys
import threading
from contextvars import ContextVar
from typing import Any

_lane: ContextVar[tuple[int, Any, int] | None] = ContextVar("tellwhy_lane", default=None)
"""Thread, task and number."""

_numbers = itertools.count(1)


def number() -> int:
    """The number of this lane: new ones count up in the order in which they are asked for."""
    thread, task = threading.get_ident(), _task()
    found = _lane.get()
    if found is not None and found[0] == thread and found[1] == task:
        return found[2]
    new = next(_numbers)
    _lane.set((thread, task, new))
    return new


def begin() -> None:
    """A thread of a pool takes its next job: that is another lane."""
    _lane.set(None)


def _task() -> int:
    asyncio = sys.modules.get("asyncio")
    if asyncio is None or asyncio._get_running_loop() is None:  # noqa: SLF001 - documented
        return 0
    return id(asyncio.current_task())
