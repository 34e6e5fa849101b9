"""The thread that looks into spools for processes that died, and stores what they left.

A folder goes only after everything in it was committed. Killed in the middle, the collector begins
again where ``shipped`` says; what was stored already is recognised by its ids.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass
from pathlib import Path

from tellwhy_collector.decode import Signal
from tellwhy_collector.errors import CollectorError, MalformedExport, QueueFull, StoreUnavailable
from tellwhy_collector.ingest import Ingest
from tellwhy_collector.meters import Meters
from tellwhy_collector.spools import records
from tellwhy_collector.spools.folder import Folder, folders_in
from tellwhy_collector.spools.orphan import Orphan, Said

EVERY_S = 2.0
"""Between two looks."""

PAUSE_S = 0.2
"""When others fill the queue, they go first."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Adoption:
    """What was adopted since the start. Only the adopting thread changes it."""

    folders: int = 0
    """Processes of which everything was stored."""
    spans: int = 0
    """Spans that they had ended and not sent; some may have been stored before."""
    lost: int = 0
    """Spans that they died in."""
    refused: int = 0
    """Spans that are no OTLP."""
    failed: int = 0
    """Folders that could not be read."""


class _Stopping(Exception):  # noqa: N818 - says what happens
    """The collector stops."""


class Adopter:
    """Looks into folders until it is stopped."""

    def __init__(
        self, ingest: Ingest, roots: str, on_fatal: Callable[[BaseException], None] | None = None
    ) -> None:
        """Wire it up.

        Args:
            ingest: Where everything goes.
            roots: Folders that tracers have as TELLWHY_SPOOL_DIR, with `os.pathsep` between.
            on_fatal: Called when the thread ends by a fault of ours.
        """
        self.done = Adoption()
        self._ingest = ingest
        self._roots = [Path(root) for root in roots.split(os.pathsep) if root]
        self._on_fatal = on_fatal
        self._complained: set[Path] = set()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tellwhy-adopt", daemon=True)

    def start(self) -> None:
        """Begin to look, if there is where."""
        if self._roots:
            self._thread.start()

    def stop(self) -> None:
        """End after what is being stored."""
        self._ending.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            while True:
                for root in self._roots:
                    self.look(root)
                if self._ending.wait(EVERY_S):
                    return
        except _Stopping:
            return
        except BaseException as error:  # noqa: BLE001 - told to the process, which ends
            if self._on_fatal is not None:
                self._on_fatal(error)

    def look(self, root: Path) -> None:
        """Adopt all that is orphaned in *root* now."""
        try:
            found = list(folders_in(root))
        except OSError as error:
            self._complain(root, f"cannot be read: {error.strerror}")
            return
        self._complained.discard(root)
        for path in found:
            if self._ending.is_set():
                raise _Stopping
            try:
                self._adopt(path)
                self._complained.discard(path)
            except StoreUnavailable:
                return
            except (OSError, ValueError, TypeError, KeyError, IndexError) as error:
                if path.exists():
                    self.done.failed += path not in self._complained
                    self._complain(path, f"cannot be adopted: {error}")

    def _complain(self, path: Path, what: str) -> None:
        if path not in self._complained:
            self._complained.add(path)
            _log.warning(
                "The spool %s %s. What is in it stays where it is. Let the collector run as the user "
                "of the agents, or give it the right to read and write there.",
                path,
                what,
            )

    def _adopt(self, path: Path) -> None:
        folder = Folder.take(path)
        if folder is None:
            return
        try:
            orphan = Orphan(folder)
            for batch in orphan.batches():
                self.done.spans += self._store(batch.spans)
                folder.acknowledge(batch.segment, batch.end)
            for spans in orphan.lost():
                self.done.lost += self._store(spans)
            self._tell_end(orphan)
            folder.remove()
            self.done.folders += 1
        finally:
            folder.leave()

    def _tell_end(self, orphan: Orphan) -> None:
        try:
            self._submit(orphan.heartbeat(time.time_ns()), "logs")
        except MalformedExport:
            self._submit(orphan.heartbeat(time.time_ns(), plain=True), "logs")

    def _store(self, spans: list[Said]) -> int:
        """Commit *spans*; how many of them were taken."""
        try:
            refused = self._submit(records.traces(spans), "traces")
        except CollectorError as error:
            if error.retryable:
                raise
            if len(spans) > 1:
                # One of them is to blame: the others are stored.
                half = len(spans) // 2
                return self._store(spans[:half]) + self._store(spans[half:])
            refused = 1
        self.done.refused += refused
        return len(spans) - refused

    def _submit(self, body: bytes, signal: Signal) -> int:
        """Commit one request; how many of its records were refused."""
        while True:
            with self._ingest.ticket() as ticket:
                try:
                    ticket.grow(len(body))
                except QueueFull:
                    if self._ending.wait(PAUSE_S):
                        raise _Stopping from None
                    continue
                done = self._ingest.submit(body, signal=signal, encoding="protobuf")
                while True:
                    try:
                        return done.result(PAUSE_S).rejected
                    except NotYet:
                        if self._ending.is_set():
                            raise _Stopping from None


def watch(done: Adoption, meters: Meters) -> None:
    """Let *meters* read what was adopted."""
    for name, about, read in (
        ("adopted_folders", "Dead processes whose spools were stored.", lambda: done.folders),
        ("adopted_spans", "Spans stored out of spools.", lambda: done.spans),
        ("adopted_lost_spans", "Spans that processes died in.", lambda: done.lost),
        ("adopt_refused_spans", "Spans in spools that are no OTLP.", lambda: done.refused),
        ("adopt_failed", "Spools that could not be read.", lambda: done.failed),
    ):
        meters.watch(name, about, read, counts=True)
