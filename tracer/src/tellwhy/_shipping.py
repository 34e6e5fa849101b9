"""The export thread: what waits in the spool → requests → a `Sink`, and what else a collector is told.

One batch at a time is in memory; it is read back from the spool, so a collector that is missing for
an hour costs disk and no memory. A tellwhy collector, which shows itself by a header, is also told
of steps that have not ended, of numbers that show gaps, and how the process is. Others never are.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from opentelemetry import context as otel_context

from tellwhy import _attributes as names
from tellwhy._guard import guarded, swallow
from tellwhy._notices import Notices
from tellwhy._post import Answer, Batch, Sink
from tellwhy._settings import Settings
from tellwhy._spool import heartbeats, spans
from tellwhy._spool.bounds import keep_within
from tellwhy._spool.journal import Journal

MAX_BATCH_SPANS = 512
"""A batch closes earlier when it holds so many."""

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
"""Pauses between tries double from the first to the longest, each shortened by up to a half."""

MOST_FAULTS = 30
"""So often in a row a receiver may stumble over the same spans, a quarter of an hour, before they are
dropped; all that comes after them waits behind them."""

FIRST_ADOPTION_S = 1.0
ADOPTION_INTERVAL_S = 60.0
"""After the start, and from then on: when to look for spools of dead processes."""

Said = tuple[int, int | None, bytes, bytes]
"""Carrier number, sequence number if it has one, and message of a span; what only a tellwhy
collector is told."""


class Shipper:
    """One daemon thread."""

    def __init__(self, sink: Sink, settings: Settings, journal: Journal, notices: Notices) -> None:
        self._sink = sink
        self._settings = settings
        self._journal = journal
        self._notices = notices
        self._clear()

    def _clear(self) -> None:
        self.sent = 0
        self.dropped = 0
        """Spans that the collector refused."""
        self.failures = 0
        """Tries that failed."""
        self.ending: str | None = None
        """How the process ends, once it does."""
        self.is_idle = True
        """Whether the thread waits until it is woken."""
        self._has_ended = False
        self._thread: threading.Thread | None = None
        self._hurried = False
        self._speaks_to_tellwhy: bool | None = None
        self._ask_after = self._beat_after = 0.0
        # Without a folder there is nothing to adopt.
        delay = FIRST_ADOPTION_S if self._journal.root is not None else float("inf")
        self._adopt_after = time.monotonic() + delay
        self._adopting: Iterator[None] | None = None

    def restart(self) -> None:
        """In a forked child."""
        self._clear()
        self._sink.forget()

    # The other threads' side; all but `is_idle` with the lock held.

    @property
    def has_begun(self) -> bool:
        """Whether there is a thread."""
        return self._thread is not None

    def begin(self) -> None:
        """Start the thread."""
        thread = threading.Thread(target=self._work, name="tellwhy-export", daemon=True)
        thread.start()
        self._thread = thread

    def wake(self) -> None:
        """There is something to do."""
        with self._journal.changed:
            self.is_idle = False
            self._journal.changed.notify_all()

    def hurry(self) -> None:
        """Somebody waits for all to be sent."""
        self._hurried = True
        self.wake()

    def is_done(self) -> bool:
        """Whether all that ended has been settled, and the end of the process been told."""
        told = self.ending is None or self._has_ended
        return not self._journal.store.waiting and told

    # The thread's side.

    def _work(self) -> None:
        # Other instrumentation must not trace our requests.
        otel_context.attach(
            otel_context.set_value(otel_context._SUPPRESS_INSTRUMENTATION_KEY, True)  # noqa: SLF001
        )
        changed = self._journal.changed
        # At once: with the collector away, nothing of what follows is reached.
        with guarded("bounding the spool"):
            self._bound_the_dead()
        while True:
            self._rest()
            with guarded("exporting"):
                self._go_round()
            with changed:
                self._hurried = self._hurried and not self.is_done()
                changed.notify_all()

    def _rest(self) -> None:
        """Wait for the next round: a batch is full, somebody is in a hurry, or it is time."""
        journal, changed = self._journal, self._journal.changed
        by = time.monotonic() + self._settings.export_interval_s
        with changed:
            while not self._hurried and self._adopting is None:
                waiting, now = journal.store.waiting, time.monotonic()
                if waiting >= MAX_BATCH_SPANS:
                    return
                if waiting or journal.open:
                    if now >= by:
                        return
                    changed.wait(by - now)
                    continue
                if now >= self._adopt_after:
                    return
                self.is_idle = True
                changed.wait(min(self._adopt_after - now, threading.TIMEOUT_MAX))
                self.is_idle = False
                by = time.monotonic() + self._settings.export_interval_s

    def _go_round(self) -> None:
        journal = self._journal
        self._tell()
        while (
            chunk := journal.next_chunk(MAX_BATCH_SPANS, self._settings.max_batch_bytes)
        ) is not None:
            said = [(*spans.ended(each), spans.aside_of(each)) for each in chunk.payloads]
            self.send(said, chunk.carriers, journal.card.instance)
            journal.settle(chunk)
            with journal.changed:
                journal.changed.notify_all()
            self._tell()
        journal.tidy()
        self._report()
        if self.ending is not None and not self._has_ended:
            self._tell_the_end(self.ending)
        elif not self._hurried:
            self._adopt()

    def _report(self) -> None:
        store = self._journal.store
        if store.problem is not None:
            self._notices.disk(store.problem)
        if store.has_evicted:
            self._notices.evicted(self._journal.folder_name)

    @property
    def speaks_to_tellwhy(self) -> bool:
        """Whether the collector is tellwhy's; it is asked when nothing was sent yet."""
        if self._speaks_to_tellwhy is None:
            self._ask()
        return bool(self._speaks_to_tellwhy)

    def send(
        self,
        said: Sequence[Said],
        carriers: Mapping[int, bytes],
        instance: str,
        *,
        once: bool = False,
    ) -> bool:
        """Hand spans over until they are taken or refused; False when one try was enough and failed."""
        pause, faults = FIRST_PAUSE_S, 0
        while True:
            answer = self._try(said, carriers, instance)
            if answer.outcome == "delivered":
                self._count(answer, len(said))
                return True
            if answer.outcome == "too_large" and len(said) > 1:
                half = len(said) // 2
                first = self.send(said[:half], carriers, instance, once=once)
                return first and self.send(said[half:], carriers, instance, once=once)
            faults += answer.is_fault
            if answer.outcome != "retry" or faults >= MOST_FAULTS:
                self._count(answer._replace(rejected=len(said)), len(said))
                return True
            if once:
                return False
            self._notices.waiting(answer, self._journal.folder_name)
            self._pause(answer.retry_after_s or pause * random.uniform(0.5, 1))  # noqa: S311
            pause = min(pause * 2, LONGEST_PAUSE_S)

    def _count(self, answer: Answer, spans: int) -> None:
        """Of so many spans the receiver took all, or did not take those that it rejected."""
        rejected = min(answer.rejected, spans)
        self.sent += spans - rejected
        if rejected:
            self.dropped += rejected
            self._notices.refused(answer.detail)

    def _try(self, said: Sequence[Said], carriers: Mapping[int, bytes], instance: str) -> Answer:
        if self._speaks_to_tellwhy is None:
            answer = self._ask()
            if answer.outcome == "retry":
                return answer
        messages = [
            (carrier, self._marked((sequence, message, aside), instance))
            for carrier, sequence, message, aside in said
            if self._speaks_to_tellwhy or not aside.startswith(spans.UNENDED)
        ]
        answer = self._put(Batch(spans.request(messages, carriers), len(said)))
        if answer.outcome == "delivered":
            self._speaks_to_tellwhy = answer.is_tellwhy
        return answer

    def _marked(self, each: Sequence[Any], instance: str) -> bytes:
        sequence, message, aside = each
        if not self._speaks_to_tellwhy:
            return bytes(message)
        marks = {names.PROCESS_INSTANCE: instance}
        if sequence is not None:
            marks[names.SEQUENCE] = sequence
        return spans.with_attributes(message + aside, marks)

    def _ask(self) -> Answer:
        """An empty export, which OTLP lets every receiver take: is the collector tellwhy's?"""
        answer = self._put(Batch(b"", 0))
        if answer.outcome != "retry":
            self._speaks_to_tellwhy = answer.is_tellwhy
        return answer

    def _put(self, batch: Batch) -> Answer:
        """One try; a sink that cannot even try, as with a header that HTTP forbids, refuses."""
        try:
            return self._sink.put(batch, self._settings.export_timeout_s)
        except Exception as error:
            if not swallow("sending spans", error):
                raise
            return Answer("refused", type(error).__name__)

    def _pause(self, seconds: float) -> None:
        """Wait before the next try; a flush that comes meanwhile ends the wait."""
        by = time.monotonic() + seconds
        changed = self._journal.changed
        self._fail()
        while True:
            with changed:
                left = by - time.monotonic()
                if self._hurried or left <= 0:
                    return
                changed.wait(min(left, self._settings.heartbeat_interval_s))
            self._journal.note_changes()
            self._journal.tidy()
            self._journal.beat()
            self._report()

    def _fail(self) -> None:
        with self._journal.changed:
            self.failures += 1
            self._hurried = False
            self._journal.changed.notify_all()

    # What only a tellwhy collector is told.

    def _tell(self) -> None:
        """Which steps are open, and that the process lives."""
        journal, now = self._journal, time.monotonic()
        journal.note_changes()
        if not journal.open:
            return
        if self._speaks_to_tellwhy is None and now >= self._ask_after:
            self._ask_after = now + LONGEST_PAUSE_S / 6
            answer = self._ask()
            if answer.outcome == "retry":
                self._notices.waiting(answer, journal.folder_name)
        if self._speaks_to_tellwhy and self._settings.pending == "auto":
            self._announce()
        if now >= self._beat_after:
            self._beat_after = now + self._settings.heartbeat_interval_s
            journal.beat()
            self._beat()

    def _announce(self) -> None:
        found = self._journal.unannounced(MAX_BATCH_SPANS, self._settings.max_batch_bytes)
        if not found:
            return
        told = [(each, each.begun) for each in found]
        marks = {names.PENDING: True, names.PROCESS_INSTANCE: self._journal.card.instance}
        messages = [
            (each.carrier, spans.with_attributes(begun.message, marks)) for each, begun in told
        ]
        body = spans.request(messages, self._journal.carriers.payloads)
        answer = self._put(Batch(body, len(messages)))
        if answer.outcome == "retry":
            return
        for each, begun in told:
            each.announced = each.begun is begun

    def _beat(self, ended: str | None = None) -> bool:
        """Tell how this process is; False when it could not be told."""
        carrier = self._journal.carriers.payloads.get(1)
        if carrier is None:
            return True
        facts = self._journal.facts() | {
            "tellwhy.dropped_spans": self.dropped + self._journal.store.dropped,
            "tellwhy.process.ended": ended,
        }
        return self.beat(carrier, facts)

    def beat(self, carrier: bytes, facts: Mapping[str, Any]) -> bool:
        """Tell how a process is, if the collector is tellwhy's; False when it is away."""
        if not self._speaks_to_tellwhy:
            return True
        answer = self._put(Batch(heartbeats.request(carrier, facts), 0, "logs"))
        return answer.outcome != "retry"

    def _tell_the_end(self, reason: str) -> None:
        """Steps that are open are lost; then the last sign of life, and the spool can go."""
        journal = self._journal
        lost: list[Said] = [
            (carrier, None, message, b"") for carrier, message in journal.lost(reason)
        ]
        told = not lost or self.send(
            lost, journal.carriers.payloads, journal.card.instance, once=True
        )
        if not told or not self._beat(ended=reason):
            self._fail()
            return
        with journal.changed:
            self._has_ended = True
            journal.finish()

    # Spools of dead processes.

    def _bound_the_dead(self) -> None:
        if self._journal.root is not None:
            limit = self._settings.max_spool_total_bytes
            for each in keep_within(self._journal.root, limit):
                self._notices.gave_up(*each)

    def _adopt(self) -> None:
        """One step of sending what dead processes left."""
        root = self._journal.root
        if self._adopting is None:
            if root is None or time.monotonic() < self._adopt_after:
                return
            from tellwhy._adoption import adoption  # noqa: PLC0415 - most programs end before it

            self._adopt_after = time.monotonic() + ADOPTION_INTERVAL_S
            self._adopting = adoption(root, self._settings, self, self._notices)
        if next(self._adopting, self) is self:
            self._adopting = None
