"""On SIGTERM: what waits is sent, open steps are told as lost, and the program ends as it would have.

Python runs no exit handlers on SIGTERM. Only where the signal still has its default action is a
handler of ours put in; one that the host has, or sets later, is never touched. SIGINT needs nothing:
Python makes it an exception.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from tellwhy._guard import guarded
from tellwhy._settings import current as current_settings


class _Held:
    """What the handler calls; None while it is not installed by us."""

    close: Callable[[], None] | None = None


def install(close: Callable[[], None]) -> None:
    """Call *close* when SIGTERM comes, unless the setting or a handler of the host forbids it."""
    if threading.current_thread() is not threading.main_thread():
        return
    if not current_settings().handle_sigterm or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        return
    _Held.close = close
    signal.signal(signal.SIGTERM, _on_sigterm)


def uninstall() -> None:
    """Put the default back, unless somebody has set another handler meanwhile."""
    # Only the main thread may; elsewhere ours stays and does what the default does.
    with contextlib.suppress(ValueError):
        if signal.getsignal(signal.SIGTERM) is _on_sigterm:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _Held.close = None


def _on_sigterm(number: int, _frame: FrameType | None) -> Any:
    if _Held.close is not None:
        with guarded("handling SIGTERM"):
            _Held.close()
    if signal.getsignal(number) is not _on_sigterm:
        return  # a handler of the host has called us: how the program ends is its business
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    # Still here: the first process of a container has no default action, and went on before too.
    signal.signal(number, _on_sigterm)
