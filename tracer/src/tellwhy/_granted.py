"""Which payloads were approved in this process and not used yet: one approval covers one call.

A tool that is marked with ``needs_approval`` takes the one that is for its name and its exact
arguments. Approvals that are given inside the tool do not come here: they know their tool.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict

from tellwhy import _runs

MAX_APPROVALS = 4096
"""Payloads that are remembered; the oldest is forgotten first."""

NO_RUN = ""
"""Key of what is approved outside of every agent, e.g. by a web request's thread."""

_lock = threading.Lock()
_unused: OrderedDict[tuple[str, str, str], int] = OrderedDict()


def _after_fork() -> None:
    """A child does not have the thread that may hold the lock."""
    global _lock  # noqa: PLW0603 - a lock cannot be opened from outside
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def grant(tool: str, sha256: str) -> None:
    """Remember that one call of *tool* with the arguments of this hash may run."""
    key = (_run_key(), tool, sha256)
    with _lock:
        _unused[key] = _unused.pop(key, 0) + 1
        while len(_unused) > MAX_APPROVALS:
            _unused.popitem(last=False)


def take(tool: str, sha256: str) -> bool:
    """Use an approval of this run, or else one from outside of every run, if there is one."""
    with _lock:
        for run_id in (_run_key(), NO_RUN):
            left = _unused.pop((run_id, tool, sha256), 0)
            if left > 1:
                _unused[run_id, tool, sha256] = left - 1
            if left:
                return True
    return False


def forget() -> None:
    """Empty the registry."""
    with _lock:
        _unused.clear()


def _run_key() -> str:
    run = _runs.current()
    return run.run_id if run is not None else NO_RUN
