"""The command of a job as a child process: its output passed on at once, signals handed to it.

What it writes goes through a pipe only where somebody reads along; a terminal stays a terminal.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import Any

Reader = Callable[[bytes], None]
"""Is given what the child wrote, after it was passed on."""

PIECE_BYTES = 65_536

LINGER_S = 0.5
"""How long the output is awaited of programs that the command has left running."""

FORWARDED = ("SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGINT", "SIGQUIT")

FROM_KEYBOARD = frozenset({signal.SIGINT, signal.SIGQUIT})
"""The terminal sends them to the child as well."""

NOT_FOUND, NOT_EXECUTABLE = 127, 126
"""Exit statuses that a shell gives where a command cannot be started."""


class Child:
    """One running command.

    Args:
        command: Program and words.
        environment: Its variables.
        stdout: Reads standard output along; None leaves it as it is.
        stderr: Likewise standard error.

    Raises:
        OSError: It cannot be started.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        stdout: Reader | None = None,
        stderr: Reader | None = None,
    ) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []
        self._over = threading.Event()
        self._handlers = self._forward_signals()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - what the person asked for
                list(command),
                env=dict(environment),
                stdout=None if stdout is None else subprocess.PIPE,
                stderr=None if stderr is None else subprocess.PIPE,
                bufsize=0,
            )
        except BaseException:
            self._restore_signals()
            raise
        for number in self._early:
            self._process.send_signal(number)
        self._pumps = [
            self._pump(source, target, reader)
            for source, target, reader in (
                (self._process.stdout, 1, stdout),
                (self._process.stderr, 2, stderr),
            )
            if source is not None and reader is not None
        ]

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    def wait(self) -> int:
        """Its exit status, negative for a signal, once it has ended and its output was passed on."""
        assert self._process is not None
        status = self._process.wait()
        self._over.set()
        for pump in self._pumps:
            pump.join()
        self._restore_signals()
        return status

    def _pump(self, source: Any, target: int, reader: Reader) -> threading.Thread:
        thread = threading.Thread(
            target=_pass_on, args=(source, target, reader, self._over), daemon=True
        )
        thread.start()
        return thread

    def _forward_signals(self) -> dict[int, Any]:
        before = {}
        for name in FORWARDED:
            number = getattr(signal, name)
            # `nohup` and the background of a shell ignore some: so does the child, by inheritance.
            if signal.getsignal(number) != signal.SIG_IGN:
                before[number] = signal.signal(number, self._forward)
        return before

    def _restore_signals(self) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _forward(self, number: int, _frame: FrameType | None) -> None:
        if number in FROM_KEYBOARD and _has_terminal():
            return
        if self._process is None:
            self._early.append(number)
        else:
            self._process.send_signal(number)


def _has_terminal() -> bool:
    """Whether the keys of a terminal reach this process and with it the child."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


def _pass_on(source: Any, target: int, reader: Reader, over: threading.Event) -> None:
    """Everything from *source* to *target*, until its end, or until the child is over and silent."""
    with source, contextlib.suppress(OSError):
        # Whoever read our output has gone: with the pipe closed the child learns of it as it would
        # have without us.
        while True:
            ready, _, _ = select.select([source], [], [], LINGER_S)
            if not ready:
                if over.is_set():
                    return
                continue
            piece = os.read(source.fileno(), PIECE_BYTES)
            if not piece:
                return
            _write(target, piece)
            reader(piece)


def _write(target: int, piece: bytes) -> None:
    left = memoryview(piece)
    while left:
        try:
            left = left[os.write(target, left) :]
        except BlockingIOError:
            select.select([], [target], [])


def end_by(status: int) -> int:
    """End as the child ended: gives its status, or dies of the same signal."""
    if status >= 0:
        return status
    number = -status
    with contextlib.suppress(OSError, ValueError, ImportError):
        import resource  # noqa: PLC0415 - not everywhere

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the child's own is the one that counts
    with contextlib.suppress(OSError, ValueError):
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    return 128 + number  # still here: the first process of a container
