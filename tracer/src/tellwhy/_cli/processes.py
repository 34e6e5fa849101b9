"""Child processes of `up` and `demo`: started, waited for, watched, ended. Nothing is restarted."""

from __future__ import annotations

import contextlib
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from types import FrameType, TracebackType
from typing import Literal, NoReturn, Self

PARENT_VARIABLE = "TELLWHY_PARENT_PID"
"""Environment variable by which a child knows whom to outlive by no more than a second."""

STOP_GRACE_S = 15.0
"""How long the children get to end after SIGTERM; the collector may be writing a checkpoint."""

KEPT_LINES = 200
"""How many of a child's last lines are kept for the message that tells of its end."""


class ChildFailedError(Exception):
    """A child ended by itself or did not get ready in time; the text is meant for the screen."""


class StoppedError(Exception):
    """The person asked to stop (Ctrl+C or SIGTERM) while something was waited for."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something to react to; a ``line`` event has the line and its number."""

    what: Literal["line", "ended", "signal"]
    child: Child | None = None
    text: str = ""
    number: int = 0


@dataclass(slots=True, eq=False)
class Child:
    """One child process and the last lines that it wrote to standard output or standard error."""

    title: str
    """What the person calls it, e.g. ``collector``."""
    process: subprocess.Popen[str]
    stays: bool
    """False for a child whose end is expected."""
    lines: deque[tuple[int, str]] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))
    """The last lines with their numbers, which count from 1."""
    understood: int = 0
    """Number of the last line that somebody waited for; those up to it are not relayed."""
    ended: bool = False

    def last_words(self, count: int = 12) -> str:
        """Give the last lines, indented, or a sentence that there were none."""
        kept = [line for _, line in self.lines if line.strip()][-count:]
        return "\n".join(f"  {line}" for line in kept) or "  (it wrote nothing)"

    def why_it_ended(self) -> str:
        """Say how the process ended: exit status or signal."""
        code = self.process.returncode
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"


class Supervisor:
    """Starts children and ends them all when its ``with`` block ends, however it ends."""

    def __init__(self) -> None:
        self._children: list[Child] = []
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop_all()
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        # SimpleQueue.put is reentrant, so it may be called from a signal handler.
        self._events.put(Event("signal"))

    def start(
        self, title: str, words: list[str], *, env: dict[str, str] | None = None, stays: bool = True
    ) -> Child:
        """Start ``python WORDS…`` with this interpreter; Ctrl+C reaches us alone, not the child.

        Args:
            title: What to call it on the screen.
            words: Arguments of the interpreter, e.g. ``["-m", "tellwhy", "serve"]``.
            env: Its whole environment; None is ours.
            stays: Whether its end before ours is a failure.
        """
        ours = {"PYTHONUNBUFFERED": "1", PARENT_VARIABLE: str(os.getpid())}
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and our own modules
            [sys.executable, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**(os.environ if env is None else env), **ours},
            start_new_session=True,
        )
        child = Child(title, process, stays)
        self._children.append(child)
        reader = threading.Thread(target=self._read, args=(child,), daemon=True)
        reader.start()
        threading.Thread(target=self._await_end, args=(child, reader), daemon=True).start()
        return child

    def _read(self, child: Child) -> None:
        assert child.process.stdout is not None
        with child.process.stdout as output:
            for number, line in enumerate(output, 1):
                child.lines.append((number, line.rstrip("\n")))
                self._events.put(Event("line", child, line.rstrip("\n"), number))

    def _await_end(self, child: Child, reader: threading.Thread) -> None:
        child.process.wait()
        reader.join(1.0)  # a grandchild may hold the pipe open for longer
        child.ended = True
        self._events.put(Event("ended", child))

    def wait_for(self, child: Child, pattern: str, timeout_s: float) -> re.Match[str]:
        """Wait until the child has written a line that matches and give back the match.

        Raises:
            ChildFailedError: This child or one that should stay ended, or the time ran out.
            StoppedError: The person asked to stop.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            ended = child.ended  # asked before its lines are read: the last may just have come
            for number, line in tuple(child.lines):
                if match := re.search(pattern, line):
                    child.understood = max(child.understood, number)
                    return match
            if ended:
                self._raise_ended(child, "did not start")
            event = self._next(deadline - time.monotonic())
            if event is None:
                raise ChildFailedError(
                    f"The {child.title} was not ready after {timeout_s:.0f} s. It said:\n"
                    f"{child.last_words()}"
                )
            if event.what == "ended" and event.child is child:
                self._events.put(event)  # `watch` has to see it when the line is there after all
            else:
                self._check(event)

    def wait_end(self, child: Child, timeout_s: float) -> int:
        """Wait until the child has ended and give back its exit status.

        Raises:
            ChildFailedError: A child that should stay ended, or the time ran out.
            StoppedError: The person asked to stop.
        """
        deadline = time.monotonic() + timeout_s
        while not child.ended:
            event = self._next(deadline - time.monotonic())
            if event is None:
                raise ChildFailedError(f"{child.title} was still running after {timeout_s:.0f} s.")
            self._check(event)
        return int(child.process.returncode)

    def pause(self, duration_s: float) -> None:
        """Let time pass, whatever the children do.

        Raises:
            StoppedError: The person asked to stop.
        """
        deadline = time.monotonic() + duration_s
        while self._next(deadline - time.monotonic()) is not None:
            pass

    def watch(self) -> None:
        """Relay what the children write until the person asks to stop.

        Raises:
            ChildFailedError: A child ended by itself.
        """
        while True:
            try:
                event = self._next(None)
            except StoppedError:
                return
            assert event is not None
            if event.child is not None and event.number > event.child.understood:
                print(f"{event.child.title}: {event.text}", file=sys.stderr, flush=True)
            self._check(event)

    def _next(self, timeout_s: float | None) -> Event | None:
        try:
            event = self._events.get(timeout=None if timeout_s is None else max(0.0, timeout_s))
        except queue.Empty:
            return None
        if event.what == "signal":
            raise StoppedError
        return event

    def _check(self, event: Event) -> None:
        if event.what == "ended" and event.child is not None and event.child.stays:
            self._raise_ended(event.child, "ended")

    def _raise_ended(self, child: Child, verb: str) -> NoReturn:
        raise ChildFailedError(
            f"The {child.title} {verb} ({child.why_it_ended()}). It said:\n{child.last_words()}"
        )

    def stop_all(self) -> None:
        """Ask every child to end, the last started first; kill what is left after the grace."""
        for child in reversed(self._children):
            if child.process.poll() is None:
                child.process.terminate()
        deadline = time.monotonic() + STOP_GRACE_S
        for child in reversed(self._children):
            try:
                child.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                seconds = f"{STOP_GRACE_S:.0f} s"
                print(f"The {child.title} did not end within {seconds}: killed.", file=sys.stderr)
                # It leads a session of its own: this reaches it and what it started, nobody else.
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(child.process.pid, signal.SIGKILL)
                child.process.wait()
        self._children.clear()


def follow_parent() -> None:
    """End this process soon after the one that started it, when a supervisor asked for that.

    A supervisor that is killed with SIGKILL cannot end its children; without this the collector
    would go on holding the database file.
    """
    parent = os.environ.pop(PARENT_VARIABLE, "")
    if not parent.isdigit():
        return

    def follow() -> None:
        while os.getppid() == int(parent):
            time.sleep(1.0)  # there is no portable event for the end of a parent
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=follow, daemon=True, name="tellwhy-follow-parent").start()
