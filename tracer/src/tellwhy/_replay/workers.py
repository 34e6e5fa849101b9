"""Processes that a replaying one starts for itself are inside the replay: they get it handed on.

A fork has everything already. A program that imports tellwhy finds the replay in its environment.
Workers that `multiprocessing` starts afresh may import tellwhy late or never, or come from a server
that was there before the replay: to these it goes with what Python tells each of them first.

Source:
    CPython 3.11 to 3.14, Lib/multiprocessing/spawn.py: what `get_preparation_data` gives is unpickled
    before anything of the host's is, and names that are not known in it are passed over.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

_BEGIN = """
import contextlib, os, sys
sys.path[:] = {path!r}
os.environ.update({variables!r})
with contextlib.suppress(ImportError):
    from tellwhy._replaying import start_if_asked
    start_if_asked()
"""


class _Begun:
    """Begins the replay in the process that unpickles it."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._code = _BEGIN.format(path=sys.path, variables=dict(variables))

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, (self._code,)


def begin_in_workers(variables: Mapping[str, str]) -> Callable[[], None]:
    """Let workers of `multiprocessing` replay from their first line on; gives the way back.

    Args:
        variables: Where a process finds the replay.
    """
    from multiprocessing import spawn  # noqa: PLC0415 - few programs replay

    prepare: Any = spawn.get_preparation_data

    def prepared(name: str) -> dict[str, Any]:
        return {**prepare(name), "tellwhy_replay": _Begun(variables)}

    def restore() -> None:
        spawn.get_preparation_data = prepare

    spawn.get_preparation_data = prepared
    return restore


@contextmanager
def handed_on(variables: Mapping[str, str]) -> Iterator[None]:
    """For a block of code: what processes are started in it find the replay."""
    before = {name: os.environ.get(name) for name in variables}
    server = _fork_server()
    os.environ.update(variables)
    restore = begin_in_workers(variables)
    try:
        yield
    finally:
        restore()
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        if _fork_server() != server:
            _end_fork_server()  # it would go on handing out workers of a replay that is over


def _fork_server() -> int | None:
    module = sys.modules.get("multiprocessing.forkserver")
    return getattr(getattr(module, "_forkserver", None), "_forkserver_pid", None)


def _end_fork_server() -> None:
    from multiprocessing import forkserver  # noqa: PLC0415 - few programs replay

    stop = getattr(getattr(forkserver, "_forkserver", None), "_stop", None)
    if stop is not None:
        stop()
