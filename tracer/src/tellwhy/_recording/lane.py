"""Lanes: each task, thread or job of a pool is one, so that order is compared where there is any.

What happens in one lane happens in an order; between lanes chance decides. A context variable says
which lane this is. Tasks and threads start with a copy of somebody's context: a lane counts only
for the task and thread that it was given to.
"""

from __future__ import annotations

import itertools
import os
import secrets
import sys
import threading
from contextvars import ContextVar
from typing import Any

_lane: ContextVar[tuple[int, Any, int] | None] = ContextVar("tellwhy_lane", default=None)
"""Thread, task and number."""

PROCESSES, LANES = 2**14, 2**16
"""Numbers begin elsewhere in each process, so that two processes of one run have lanes of their own."""


def _begin() -> itertools.count[int]:
    return itertools.count(secrets.randbelow(PROCESSES) * LANES + 1)


class _State:
    """Begun at first use: the sandbox of Temporal's workflows lets no module draw a number when it
    is imported.
    """

    numbers: itertools.count[int] | None = None


def number() -> int:
    """The number of this lane, below 2**31: new ones of a process count up as they are asked for."""
    thread, task = threading.get_ident(), _task()
    found = _lane.get()
    if found is not None and found[0] == thread and found[1] == task:
        return found[2]
    if _State.numbers is None:
        _State.numbers = _begin()
    new = next(_State.numbers)
    _lane.set((thread, task, new))
    return new


def _forked() -> None:
    _State.numbers = None  # the child is another process


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def begin() -> None:
    """A thread of a pool takes its next job: that is another lane."""
    _lane.set(None)


def _task() -> int:
    asyncio = sys.modules.get("asyncio")
    if asyncio is None or asyncio._get_running_loop() is None:  # noqa: SLF001 - documented
        return 0
    return id(asyncio.current_task())
