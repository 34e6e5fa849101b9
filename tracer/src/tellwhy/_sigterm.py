"""On SIGTERM: what waits is sent, open steps are told as lost, and the program ends as it would have.

Python runs no exit handlers on SIGTERM. Only where the signal still has its default action is a
handler of ours put in; one that the host has, or sets later, is never touched. SIGINT needs nothing:
Python makes it an exception.

A handler runs between any two steps of the main thread, also while that writes a record: the lock is
its own then and keeps nobody out. So the signal is sent again a moment later.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable
from types import CodeType, FrameType
from typing import Any

from tellwhy._guard import guarded
from tellwhy._settings import current as current_settings

AGAIN_S = 0.005
"""How long after a signal that came while a record was written it is sent again."""

MOST_PUT_OFF_S = 1.0
"""A program that writes all the time is not kept alive for longer."""


class _Held:
    """What the handler calls; None while it is not installed by us."""

    close: Callable[[], None] | None = None
    writing: frozenset[CodeType] = frozenset()
    """Functions that must not be interrupted by it."""
    put_off_ns: int | None = None
    """When the signal came first, if it was put off."""


def install(close: Callable[[], None], writing: Iterable[CodeType] = ()) -> None:
    """Call *close* when SIGTERM comes, unless the setting or a handler of the host forbids it.

    Args:
        close: Ends the recording.
        writing: Functions of ours in the middle of which it must not be called.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    if not current_settings().handle_sigterm or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        return
    _Held.close, _Held.writing = close, frozenset(writing)
    signal.signal(signal.SIGTERM, _on_sigterm)


def uninstall() -> None:
    """Put the default back, unless somebody has set another handler meanwhile."""
    # Only the main thread may; elsewhere ours stays and does what the default does.
    with contextlib.suppress(ValueError):
        if signal.getsignal(signal.SIGTERM) is _on_sigterm:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _Held.close = None


def _on_sigterm(number: int, frame: FrameType | None) -> Any:
    is_ours = signal.getsignal(number) is _on_sigterm
    if is_ours and _is_writing(frame) and _put_off(number):
        return
    if _Held.close is not None:
        with guarded("handling SIGTERM"):
            _Held.close()
    if signal.getsignal(number) is not _on_sigterm:
        return  # a handler of the host has called us: how the program ends is its business
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    # Still here: the first process of a container has no default action, and went on before too.
    signal.signal(number, _on_sigterm)


def _is_writing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code in _Held.writing:
            return True
        frame = frame.f_back
    return False


def _put_off(number: int) -> bool:
    """Send the signal again in a moment; False when that was done long enough."""
    now = time.monotonic_ns()
    if _Held.put_off_ns is None:
        _Held.put_off_ns = now
    if now - _Held.put_off_ns > MOST_PUT_OFF_S * 1e9:
        return False
    again = threading.Timer(AGAIN_S, os.kill, (os.getpid(), number))
    again.daemon = True
    try:
        again.start()
    except RuntimeError:  # no more threads: at the end of the interpreter, or at a limit
        return False
    return True
