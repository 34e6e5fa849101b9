"""Step 4 of 7. The one thread that writes: whatever waits goes into one transaction.

A caller is answered after the commit, so an answer means: on disk.
"""

from __future__ import annotations

import logging
import math
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import duckdb

from tellwhy_collector.decode import Signal
from tellwhy_collector.errors import CollectorError, StoreUnavailable
from tellwhy_collector.ingest.group import WRONG_DATA, Group, Sifted
from tellwhy_collector.ingest.ledger import Ledger
from tellwhy_collector.ingest.nouns import Batch, Outcome
from tellwhy_collector.ingest.processes import watch
from tellwhy_collector.ingest.settler import Settler
from tellwhy_collector.settings import Settings
from tellwhy_collector.store import Store, is_fatal

MAX_GROUP_BYTES = 64 * 1024**2
"""More bodies than this are not put into one transaction: each Arrow column ends at 2 GiB."""

BUSY_REQUESTS_S = 50.0
"""Above so many requests a second the writer waits for company. Requests a second."""

CROWD = 16
"""So many requests are company enough."""

CONFLICTS = 60
"""How often a commit is tried again that met the settler's."""

CONFLICT_PAUSE_S = 0.05
"""And how long after. Seconds."""

TRIM_EVERY_S = 3600.0
"""How often the request ledger loses what is too old."""

OnCommit = Callable[[Sequence[tuple[Signal, int, int, int]], float], None]
"""Takes signal, records stored, rejected and duplicates of each request, and seconds."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Counters:
    """What the writer has done since it started. Only the writing thread changes them."""

    commits: int = 0
    requests: int = 0
    repeated_requests: int = 0
    """Requests that were stored already, byte for byte."""
    records: int = 0
    duplicates: int = 0
    rejected: int = 0
    failed_commits: int = 0

    def as_dict(self) -> dict[str, int]:
        """By name."""
        return asdict(self)


class Writer:
    """Takes batches from any thread and stores them in its own."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        settler: Settler,
        on_fatal: Callable[[BaseException], None] | None = None,
        on_commit: OnCommit | None = None,
    ) -> None:
        self.counters = Counters()
        self._on_commit = on_commit
        self._settler = settler
        self._window_s = settings.commit_window_ms / 1000
        self._enough = settings.commit_records
        self._on_fatal = on_fatal
        self._waiting: queue.SimpleQueue[Batch | None] = queue.SimpleQueue()
        self._closing = threading.Lock()
        self._closed = False
        self._cursor = store.cursor()
        watch(self._cursor, settings.lost_after_s)
        self._group = Group(
            self._cursor, settings.recent_spans, Ledger(settings.remember_requests_s)
        )
        self._rate = 0.0
        self._measured = self._last_trim = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="tellwhy-writer", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether batches are being stored."""
        return self._thread.is_alive() and not self._closed

    def put(self, batch: Batch) -> None:
        """Queue *batch*; its future is done when it is on disk.

        Raises:
            StoreUnavailable: The writer has stopped. The sender may retry elsewhere or later.
        """
        with self._closing:
            if self._closed:
                raise StoreUnavailable("The collector is stopping. Send again in a moment.")
            self._waiting.put(batch)

    def stop(self) -> None:
        """Store all that waits, then end."""
        with self._closing:
            if not self._closed:
                self._closed = True
                self._waiting.put(None)
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        batches: list[Batch] = []
        try:
            last = False
            while not last:
                started = time.monotonic()
                batches, last = self._gather(started)
                self._measure(len(batches))
                self._store(batches)
                batches = []
                self._trim(last)
        except BaseException as error:  # noqa: BLE001 - told to the process, which ends
            self._die(error, batches)
        finally:
            self._cursor.close()

    def _gather(self, started: float) -> tuple[list[Batch], bool]:
        """What waits, at once; when requests come fast, also what comes within the window.

        Every commit rewrites up to 1.5 MB of the log, however small it is; a lone sender that
        waits for each answer should not pay for that with a window a request.

        Returns:
            The batches, and whether they are the last ones.
        """
        batches: list[Batch] = []
        records = size = 0
        until = started + self._window_s if self._rate > BUSY_REQUESTS_S else started
        timeout = None
        while records < self._enough and size < MAX_GROUP_BYTES:
            if len(batches) >= CROWD:
                timeout = 0.0
            try:
                batch = self._waiting.get(timeout=timeout)
            except queue.Empty:
                break
            if batch is None:
                return batches, True
            batches.append(batch)
            records += batch.records
            size += batch.body_bytes
            timeout = max(0.0, until - time.monotonic())
        return batches, False

    def _measure(self, requests: int) -> None:
        """Requests a second, smoothed over about one second."""
        now = time.monotonic()
        self._rate = self._rate * math.exp(self._measured - now) + requests
        self._measured = now

    def _store(self, batches: Sequence[Batch]) -> None:
        """Commit *batches* and answer for each."""
        fresh: dict[str, Batch] = {}
        repeated: list[tuple[Batch, Batch | Outcome]] = []
        for batch in batches:
            known = self._group.ledger.known(batch.body_hash)
            if not batch.items and not batch.heartbeats and not batch.rejected:
                batch.done.set_result(batch.outcome())
            elif known is not None:
                repeated.append((batch, known))
            elif batch.body_hash in fresh:
                repeated.append((batch, fresh[batch.body_hash]))
            else:
                fresh[batch.body_hash] = batch
        self._commit(list(fresh.values()))
        for batch, same in repeated:
            self.counters.repeated_requests += 1
            if isinstance(same, Outcome):
                batch.done.set_result(same)
            elif (error := same.done.exception()) is not None:
                batch.done.set_exception(error)
            else:
                batch.done.set_result(same.done.result())

    def _commit(self, batches: Sequence[Batch]) -> None:
        if not batches:
            return
        began = time.monotonic()
        try:
            sifted = self._insist(batches)
        except WRONG_DATA as error:
            self._isolate(batches, error)
        except duckdb.Error as error:
            if is_fatal(error):
                raise
            self._refuse(batches, error)
        else:
            self.counters.commits += 1
            self.counters.duplicates += sum(sifted.duplicates)
            self._settler.touch(sifted.traces())
            if self._on_commit is not None:
                self._on_commit(
                    [
                        (batch.signal, batch.records - repeated, batch.rejected, repeated)
                        for batch, repeated in zip(batches, sifted.duplicates, strict=True)
                    ],
                    time.monotonic() - began,
                )
            for batch in batches:
                self.counters.requests += 1
                self.counters.records += batch.records
                self.counters.rejected += batch.rejected
                batch.done.set_result(batch.outcome())

    def _insist(self, batches: Sequence[Batch]) -> Sifted:
        """Commit; again when the settler was just writing a row that has to go."""
        for _ in range(CONFLICTS):
            try:
                return self._group.commit(batches)
            except duckdb.TransactionException:
                time.sleep(CONFLICT_PAUSE_S)
        return self._group.commit(batches)

    def _isolate(self, batches: Sequence[Batch], error: BaseException) -> None:
        """Find the records that cannot be stored, refuse them, store all others."""
        if len(batches) > 1:
            for batch in batches:
                self._commit([batch])
            return
        (batch,) = batches
        steps = sum(item.step is not None for item in batch.items)
        wrong = self._group.wrong_items(batch)
        left = sum(item.step is not None for item in batch.items)
        if not wrong and steps == left:
            # Each record goes in alone, so no record is at fault.
            self._refuse(batches, error)
            return
        _log.warning("%d records cannot be stored: %s", len(wrong), error)
        for item, reason in wrong:
            batch.items.remove(item)
            batch.rejected += 1
            batch.reasons.append(f"A record cannot be stored: {reason}.")
        self._commit([batch])

    def _refuse(self, batches: Sequence[Batch], error: BaseException) -> None:
        """Nothing of *batches* was stored, through no fault of theirs."""
        self.counters.failed_commits += 1
        _log.error("A commit failed; its senders are asked to send again: %s", error)
        for batch in batches:
            batch.done.set_exception(
                StoreUnavailable(f"The database could not commit: {error}. Send again later.")
            )

    def _trim(self, last: bool) -> None:
        if last or time.monotonic() - self._last_trim < TRIM_EVERY_S:
            return
        self._last_trim = time.monotonic()
        with self._group.transaction():
            self._group.ledger.trim(self._cursor)

    def _die(self, error: BaseException, batches: list[Batch]) -> None:
        """Answer everybody who waits, then tell the process."""
        with self._closing:
            self._closed = True
        while True:
            try:
                batch = self._waiting.get_nowait()
            except queue.Empty:
                break
            if batch is not None:
                batches.append(batch)
        answer: CollectorError = StoreUnavailable(
            "The database failed and the collector is ending. Send again later."
        )
        for batch in batches:
            if not batch.done.done():
                batch.done.set_exception(answer)
        if self._on_fatal is not None:
            self._on_fatal(error)
