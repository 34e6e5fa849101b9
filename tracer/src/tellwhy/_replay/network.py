"""A network of its own for the process that `tellwhy replay` starts, where the kernel gives one.

The fence hears what goes through Python; code in C that opens its own connections (gRPC, uvloop),
and programs that were let through, are held by this: their network has a loopback of its own and
nothing else. Sockets that are files, such as that of a database on this machine, are still reached.

Source:
    Linux man-pages 6.9: unshare(2), user_namespaces(7), network_namespaces(7), netdevice(7).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import struct
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 0x1


def own_network() -> Callable[[], None] | None:
    """What a child calls before it becomes the program; None where there is nothing of the kind."""
    if not sys.platform.startswith("linux"):
        return None
    _libc()  # not to be loaded between fork and exec
    return _cut_off


@cache
def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def _cut_off() -> None:
    """Leave the network; without the right to it everything stays as it is."""
    unshare = _libc().unshare
    with contextlib.suppress(OSError, AttributeError):
        if unshare(_NEW_NETWORK) != 0:
            user, group = os.geteuid(), os.getegid()
            if unshare(_NEW_USER | _NEW_NETWORK) != 0:
                return
            # Who is nobody in the new namespace could not read its own files.
            Path("/proc/self/setgroups").write_text("deny", "ascii")
            Path("/proc/self/uid_map").write_text(f"{user} {user} 1", "ascii")
            Path("/proc/self/gid_map").write_text(f"{group} {group} 1", "ascii")
        _raise_loopback()


def _raise_loopback() -> None:
    import fcntl  # noqa: PLC0415 - not there on Windows

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        asked = fcntl.ioctl(control, _GET_FLAGS, struct.pack("16sh14x", b"lo", 0))
        (flags,) = struct.unpack_from("h", asked, 16)
        fcntl.ioctl(control, _SET_FLAGS, struct.pack("16sh14x", b"lo", flags | _UP))
