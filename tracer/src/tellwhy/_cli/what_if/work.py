"""Asks everything that was chosen, several at once, and keeps count."""

from __future__ import annotations

import contextvars
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import tellwhy
from tellwhy._cli.choosing import WHAT_IF
from tellwhy._cli.what_if.selection import Chosen, Task
from tellwhy._reask.asking import Asked, Asker
from tellwhy._reask.budget import Spent
from tellwhy._reask.choices import FLIPS

FLUSH_S = 20.0
"""How long the collector may take for what came of it."""

REFUSED = ("status 401", "status 403")
"""Beginnings of errors after which no other request will have an answer."""


@dataclass(slots=True)
class Outcome:
    """What came of a command."""

    what_if_id: str | None = None
    """The run that the collector has of it; None when nothing was sent there."""
    results: list[tuple[Task, Asked]] = field(default_factory=list)
    """In the order in which they were chosen; what was not asked is missing."""
    not_asked: int = 0
    """For want of budget, or because somebody stopped it."""
    undelivered: bool = False
    """Whether the collector had not taken everything in time."""

    def of(self, arm: str) -> list[tuple[Task, Asked]]:
        """Results of ``changed`` or of ``control``."""
        return [each for each in self.results if each[0].arm == arm]

    def answered(self, arm: str) -> list[Asked]:
        """Those that had an answer."""
        return [asked for _, asked in self.of(arm) if asked.change is not None]

    @property
    def failed(self) -> int:
        """Requests that had no answer."""
        return sum(asked.change is None for _, asked in self.results)

    @property
    def flipped(self) -> int:
        """Decisions after which something else would have been done."""
        return sum(asked.change in FLIPS for asked in self.answered("changed"))

    @property
    def changes(self) -> Counter[str]:
        """Change -> how many."""
        return Counter(str(asked.change) for asked in self.answered("changed"))


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done."""

    asker: Asker
    wanted: Chosen
    parallel: int
    """Requests at once."""
    url: str | None
    """The collector that is told what came of it; None for none."""
    ending: threading.Event
    """Set when everything is to stop."""
    edits: dict[str, Any]
    """What is different."""


class Stopped(Exception):  # noqa: N818 - says what it is
    """Somebody stopped it (Ctrl-C)."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__("stopped")
        self.outcome = outcome


def done(work: Work) -> Outcome:
    """Ask everything.

    Raises:
        Stopped: By Ctrl-C, with what there is.
    """
    outcome, wanted, url = Outcome(), work.wanted, work.url
    arguments = {"edits": work.edits, "requests": len(wanted.tasks), "runs": wanted.runs}
    with _told(url, arguments, outcome) as step:
        try:
            _work(work, outcome)
        except KeyboardInterrupt:
            raise Stopped(outcome) from None
        finally:
            if step is not None:
                step.result(
                    {"flipped": outcome.flipped, "changes": dict(outcome.changes)}
                    | {"failed": outcome.failed, "not_asked": outcome.not_asked}
                )
    if url is not None:
        outcome.undelivered = not tellwhy.flush(FLUSH_S)
    return outcome


@contextmanager
def _told(url: str | None, arguments: dict[str, Any], outcome: Outcome) -> Iterator[Any]:
    """The command as a run of its own."""
    if url is None:
        yield None
        return
    tellwhy.configure(service_name="tellwhy what-if", endpoint=url, content="full")
    with tellwhy.agent(WHAT_IF, arguments=arguments) as step:
        run = tellwhy.current_run()
        outcome.what_if_id = run.run_id if run is not None else None
        yield step


def _work(work: Work, outcome: Outcome) -> None:
    wanted, parallel, ending = work.wanted, work.parallel, work.ending
    told = work.url is not None
    found: dict[int, Asked] = {}
    waiting = list(enumerate(wanted.tasks))[::-1]
    running: dict[Future[Asked], int] = {}
    progress = _Progress(len(wanted.tasks))
    with ThreadPoolExecutor(parallel) as pool:
        try:
            while waiting or running:
                while waiting and len(running) < parallel and not ending.is_set():
                    at, task = waiting.pop()
                    about = {"what_if": outcome.what_if_id, "arm": task.arm} if told else None
                    context = contextvars.copy_context()
                    running[pool.submit(context.run, _ask, work.asker, task, about)] = at
                if not running:
                    break
                over, _ = wait(running, return_when=FIRST_COMPLETED)
                for each in over:
                    _take(each, running.pop(each), found, ending)
                progress.tell(found)
        except BaseException:
            ending.set()
            raise
        finally:
            progress.end()
            outcome.results = [(wanted.tasks[at], found[at]) for at in sorted(found)]
            outcome.not_asked = len(wanted.tasks) - len(found)


def _ask(asker: Asker, task: Task, about: dict[str, Any] | None) -> Asked:
    return asker.ask(task.request, task.body, about=about)


def _take(future: Future[Asked], at: int, found: dict[int, Asked], ending: threading.Event) -> None:
    try:
        result = future.result()
    except Spent:
        return
    found[at] = result
    if result.error.startswith(REFUSED):
        ending.set()


class _Progress:
    """A line on a terminal that changes; nothing where nobody watches."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._shows = sys.stderr.isatty()

    def tell(self, found: dict[int, Asked]) -> None:
        """So many are there."""
        if self._shows:
            flips = sum(each.change in FLIPS for each in found.values())
            spent = sum(each.cost_usd or 0.0 for each in found.values())
            line = f"{len(found)} of {self._total} asked, {flips} flipped, ${spent:.4f}"
            print(f"\r{line:<70}", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave the line."""
        if self._shows:
            print(f"\r{'':<70}\r", end="", file=sys.stderr, flush=True)
