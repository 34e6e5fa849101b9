"""No connection leaves a process that replays, and no program is started by it.

Python tells audit hooks of every connection that goes through its own sockets, whatever library
makes it; code that talks to the kernel itself, as gRPC and uvloop do, is not seen.

Source:
    CPython 3.11 to 3.14, docs "Audit events table": socket.connect, socket.getaddrinfo, socket.sendto.
"""

from __future__ import annotations

import errno
import os
import socket
import sys
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from tellwhy import _runs
from tellwhy._replay import programs
from tellwhy._replay.player import Player

EVENTS = frozenset({
    "socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr",
    "socket.sendto", "socket.sendmsg",
})  # fmt: skip

CANNOT_RUN = 126
"""Exit status of a program that is there and cannot be run, as shells have it."""

MULTIPROCESSING = "/pymp-"
"""In the addresses by which Python's own processes talk to each other."""


class _Fence:
    player: Player | None = None
    is_built = False
    pid = 0
    """The process that began."""
    allowed: frozenset[tuple[str, int]] = frozenset()


def addresses_of(url: str) -> frozenset[tuple[str, int]]:
    """Hosts and ports by which a connection to *url* is asked for and made."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        found = []
    return frozenset({(host, port), *((str(each[4][0]), port) for each in found)})


def build(player: Player, allowed: frozenset[tuple[str, int]] = frozenset()) -> Callable[[], None]:
    """Refuse connections and programs from now on; gives the way back.

    Args:
        player: Who is told.
        allowed: Hosts and ports that may be reached all the same.
    """
    _Fence.player, _Fence.allowed, _Fence.pid = player, allowed, os.getpid()
    if not _Fence.is_built:
        _Fence.is_built = True
        sys.addaudithook(_hear)  # for ever: there is no way to take it away

    def open_again() -> None:
        _Fence.player = None

    return open_again


def _hear(event: str, args: tuple[Any, ...]) -> None:
    player = _Fence.player
    if player is None or player.is_live:
        return
    if event in EVENTS and not player.options.allow_network:
        _hear_of_connection(player, event, args)
    elif event in programs.EVENTS:
        _hear_of_program(player, event, args)


def _hear_of_program(player: Player, event: str, args: tuple[Any, ...]) -> None:
    name, line = programs.asked_for(event, args)
    allowed = player.options.allow_programs
    if name in allowed or "*" in allowed or programs.is_known():
        return
    if _is_outside():
        player.tell({"event": "outside", "address": line, "kind": "program"})
        raise PermissionError(errno.EPERM, f"a replay starts no programs (--allow-program): {line}")
    refused = player.refused_program(name, line)
    if event == "os.exec" and os.getpid() != _Fence.pid and not _is_worker():
        # A fork that was to become the program and nothing else: an error that nobody there
        # expects would let it go on as a second copy of the host.
        os._exit(CANNOT_RUN)
    raise refused


def _is_outside() -> bool:
    """Whether nobody's run wants it; what a worker does is the run's that gave it the work."""
    is_work = _is_worker() and threading.current_thread() is threading.main_thread()
    return _runs.current() is None and not is_work


def _is_worker() -> bool:
    """Whether `multiprocessing` runs this process, and hands on what is raised in it."""
    process = sys.modules.get("multiprocessing.process")
    return process is not None and process.parent_process() is not None


def _hear_of_connection(player: Player, event: str, args: tuple[Any, ...]) -> None:
    address = args[:2] if event == "socket.getaddrinfo" else args[-1]
    if _is_allowed(address):
        return
    if _is_outside():
        # Nobody's run: an exporter in a thread of its own. It may do without.
        player.tell({"event": "outside", "address": _shown(address)})
        raise ConnectionRefusedError(errno.ECONNREFUSED, f"a replay reaches nobody: {address!r}")
    raise player.refused(_shown(address))


def _is_allowed(address: Any) -> bool:
    if isinstance(address, str | bytes):
        name = address if isinstance(address, str) else address.decode("utf-8", "replace")
        return MULTIPROCESSING in name
    if isinstance(address, tuple) and len(address) >= 2:
        return (str(address[0]), address[1]) in _Fence.allowed or address[0] is None
    return address is None


def _shown(address: Any) -> str:
    if isinstance(address, tuple) and len(address) >= 2:
        return f"{address[0]}:{address[1]}"
    return str(address)
