"""Which programs a process that replays may start: a program could do anything again.

Python tells audit hooks of every program that it starts, but for the workers of `multiprocessing`,
which are in the replay (see `workers`). What libraries ask the machine about itself is let through,
and so are the servers of MCP, whose tools are served from the recording. Code in C that starts programs itself, as uvloop does, is not seen.

Source:
    CPython 3.11 to 3.14, docs "Audit events table": subprocess.Popen, os.system, os.exec,
    os.posix_spawn, os.spawn, os.startfile.
"""

from __future__ import annotations

import os
import shlex
import sys
from typing import Any

EVENTS = frozenset({
    "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile",
})  # fmt: skip

STARTERS = ("subprocess", "os", "asyncio", "anyio", "pty", "tellwhy._replay")
"""Modules that start programs for others."""

KNOWN = (
    "platform",  # uname
    "uuid",  # ifconfig, ip, arp: the address of a network card
    "ctypes.util",  # ldconfig, gcc: where a library is
    "distro",  # lsb_release
    "mcp.client.stdio",
    "mcp.os",
)
"""Modules whose programs only tell of the machine, or work on what this process gives them."""


def asked_for(event: str, args: tuple[Any, ...]) -> tuple[str, str]:
    """Name of the program, and the command line as a person would write it.

    Args:
        event: One of `EVENTS`.
        args: What Python tells with it.
    """
    if event in {"os.system", "os.startfile"}:
        line = _text(args[0])
        return "sh", line
    path, words = (args[1], args[2]) if event == "os.spawn" else (args[0], args[1])
    if isinstance(words, str | bytes | os.PathLike):  # Windows, and shell=True there
        words = [words]
    texts = [_text(word) for word in words or ()]
    name = os.path.basename(_text(path) if path is not None else next(iter(texts), ""))  # noqa: PTH119
    return name, shlex.join(texts) if texts else name


def is_known() -> bool:
    """Whether a module starts it whose programs are let through."""
    frame: Any = sys._getframe(1)  # noqa: SLF001 - what `traceback` uses, without making a list
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if not _is_in(name, STARTERS):
            return _is_in(name, KNOWN)
        frame = frame.f_back
    return False


def _is_in(name: str, modules: tuple[str, ...]) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in modules)


def _text(value: Any) -> str:
    return os.fsdecode(value) if isinstance(value, str | bytes | os.PathLike) else str(value)
