"""What the agent's threads write and the export thread reads: one process's part of the spool.

Every start is a record before `Journal.start` returns; every end one before `Journal.end` does.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan

from tellwhy import _attributes as names
from tellwhy import _settings
from tellwhy._settings import Settings
from tellwhy._spool import spans
from tellwhy._spool.carriers import Carriers
from tellwhy._spool.folder import Card, receiver_of
from tellwhy._spool.reader import Chunk, Damaged, ended_spans, window
from tellwhy._spool.records import CLOSING, END, START
from tellwhy._spool.segments import SEGMENT_BYTES, Segment
from tellwhy._spool.spans import Begun
from tellwhy._spool.store import Store

MAX_OPEN = 20_000
"""Open spans that are remembered; of those that never end the oldest are forgotten."""

ANNOUNCED_AGE_S = 0.25
"""Younger spans are not announced: most of them end before anybody could look."""

MAX_CARRIED_BYTES = SEGMENT_BYTES // 2
"""Starts longer than this together are not written again to free the segment that they stand in."""


class Open:
    """A span that has started and not ended."""

    __slots__ = ("announced", "began", "begun", "carrier", "segment", "span")

    def __init__(self, span: ReadableSpan, carrier: int) -> None:
        self.span = span
        self.carrier = carrier
        self.began = time.monotonic()
        self.begun = Begun(span)
        self.segment: Segment | None = None
        """Where its start stands; None when it is in memory only."""
        self.announced = False
        """Whether the collector knows of it."""


class Journal:
    """One process's records."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.root = _settings.spool_root(settings)
        self.restart()

    def restart(self) -> None:
        """Begin anew, as another process: at the first start and after a fork."""
        settings = self._settings
        # Reentrant: a generator that is collected in here ends a span of its own. Taken itself by
        # the agent's threads, because a condition takes three times as long to enter.
        self._lock = threading.RLock()
        self.changed = threading.Condition(self._lock)
        endpoint = settings.endpoint or _settings.DEFAULT_ENDPOINT
        card = Card(settings.service_name or _settings.program_name(), endpoint)
        receiver = receiver_of(endpoint, settings.headers, card.instance)
        self.card = card.with_receiver(receiver)
        self.carriers = Carriers()
        self.sequence = 0
        self.open: dict[int, Open] = {}
        self.ended_as: str | None = None
        self.store = Store(settings, self.root, self.card, self._carry)

    def start(self, span: ReadableSpan) -> None:
        """Write that *span* has started."""
        context = span.get_span_context()
        assert context is not None
        entry = Open(span, self._carrier(span))
        with self._lock:
            self._write_start(context.span_id, entry)
            self.open[context.span_id] = entry
            if len(self.open) > MAX_OPEN:
                self.forget(next(iter(self.open)))
            if self.store.is_back:
                self._heal()

    def note(self, span_id: int) -> None:
        """Write a span's start again: it says more now."""
        entry = self.open.get(span_id)
        if entry is None:
            return
        begun = Begun(entry.span)
        with self._lock:
            if self.open.get(span_id) is not entry:
                return  # it has ended meanwhile, and its end must stay the last that is said of it
            entry.begun = begun
            entry.announced = False
            self._write_start(span_id, entry)

    def note_changes(self) -> None:
        """`note` the open spans that have got more attributes; other instrumentors set them late."""
        for span_id, entry in self.entries():
            if len(spans.attributes_of(entry.span)) != len(entry.begun.attributes):
                self.note(span_id)

    def end(self, span: ReadableSpan, aside: bytes = b"") -> bool:
        """Write that *span* has ended; False when there was no room.

        Args:
            span: The span.
            aside: What only a tellwhy collector is told of it, as `spans.aside` makes it.
        """
        context = span.get_span_context()
        assert context is not None
        entry = self.open.get(context.span_id)
        try:
            carrier = entry.carrier if entry else self._carrier(span)
            begun = entry.begun if entry else Begun(span)
            message = begun.ended(span)
        except Exception:
            with self._lock:
                self.forget(context.span_id)
                self.sequence += 1
                self.store.dropped += 1
            raise
        with self._lock:
            self.forget(context.span_id)
            self.sequence += 1
            payload = spans.end_payload(carrier, self.sequence, message, aside)
            written = self.store.append(END, payload, carrier, self.carriers.payloads[carrier])
            if written is None:
                self.store.dropped += 1
                return False
            written.ended += 1
            self.store.waiting += 1
            if self.store.is_back:
                self._heal()
            if self.ended_as is not None:
                self.close(self.ended_as)
            return True

    def forget(self, span_id: int) -> None:
        """The span is not open any more."""
        entry = self.open.pop(span_id, None)
        if entry is not None and entry.segment is not None:
            entry.segment.open_ids.discard(span_id)

    @property
    def folder_name(self) -> str | None:
        """Where the records are; None when that is memory."""
        folder = self.store.folder
        return str(folder.path) if folder is not None else None

    def leave(self) -> None:
        """In a forked child: let go of what is the parent's."""
        self.store.forget()

    def entries(self) -> list[tuple[int, Open]]:
        """The open spans, oldest first."""
        with self._lock:
            return list(self.open.items())

    def close(self, reason: str) -> None:
        """Write how the process ends."""
        with self._lock:
            self.ended_as = reason
            said = {"reason": reason, "at_ns": time.time_ns(), "sequence": self.sequence}
            self.store.close_with(CLOSING, json.dumps(said).encode())

    # The export thread's side.

    def next_chunk(self, max_spans: int, max_bytes: int) -> Chunk | None:
        """Ended spans that wait, from the oldest on; None when none does."""
        while True:
            with self._lock:
                found = self.store.unread()
            if found is None:
                return None
            segment, offset, size = found
            try:
                records = window(segment, offset, size)
            except Damaged:
                with self._lock:
                    self.store.give_up(segment)
                continue
            payloads, end = ended_spans(records, max_spans, max_bytes)
            chunk = Chunk(payloads, self.carriers.payloads, segment, end)
            if payloads:
                return chunk
            self.settle(chunk)

    def settle(self, chunk: Chunk) -> None:
        """What *chunk* holds has arrived or was given up."""
        with self._lock:
            self.store.settle(chunk)

    def tidy(self) -> None:
        """What is to be done from time to time."""
        with self._lock:
            self.store.check_folder()
            if self.store.is_back:
                self._heal()
            self.store.tidy()

    def beat(self) -> None:
        """Show on the disk that the process lives, while something is open."""
        folder = self.store.folder
        if folder is not None and self.open:
            folder.beat()

    def facts(self) -> dict[str, Any]:
        """What a sign of life says."""
        card = self.card
        return {
            names.PROCESS_INSTANCE: card.instance,
            "process.pid": card.pid,
            "host.name": card.host,
            "tellwhy.process.started_ns": card.started_ns,
            names.SEQUENCE: self.sequence,
            "tellwhy.open_spans": len(self.open),
            "tellwhy.spool_bytes": self.store.disk_bytes,
            "tellwhy.heartbeat_interval_s": self._settings.heartbeat_interval_s,
        }

    def unannounced(self, max_spans: int, max_bytes: int) -> list[Open]:
        """Open spans that the collector does not know of, one batch full."""
        found: list[Open] = []
        size = 0
        before = time.monotonic() - ANNOUNCED_AGE_S
        for _, entry in self.entries():
            if entry.announced or entry.began > before:
                continue
            size += len(entry.begun.message)
            if found and (len(found) >= max_spans or size > max_bytes):
                break
            found.append(entry)
        return found

    def lost(self, reason: str) -> list[tuple[int, bytes]]:
        """Carrier number and final message of each span that is open now."""
        now = time.time_ns()
        return [
            (entry.carrier, spans.lost(entry.begun.message, reason, now))
            for _, entry in self.entries()
        ]

    def finish(self) -> bool:
        """Remove the folder if all in it has arrived; whether it is gone."""
        with self._lock:
            if self.store.waiting:
                return False
            for span_id in list(self.open):
                self.open[span_id].segment = None
            self.store.remove()
            return True

    def _carrier(self, span: ReadableSpan) -> int:
        known = self.carriers.known(span)
        if known is not None:
            return known
        with self._lock:
            return self.carriers.number(span)

    def _write_start(self, span_id: int, entry: Open) -> None:
        carrier = self.carriers.payloads[entry.carrier]
        payload = spans.start_payload(entry.carrier, entry.begun.message)
        segment = self.store.append(START, payload, entry.carrier, carrier)
        if entry.segment is not None and entry.segment is not segment:
            entry.segment.open_ids.discard(span_id)
        entry.segment = segment
        if segment is not None:
            segment.open_ids.add(span_id)

    def _carry(self, segment: Segment) -> bool:
        """Write the open starts of *segment* again, so that it can go; False when they are long."""
        moving = [(each, self.open[each]) for each in segment.open_ids if each in self.open]
        if sum(len(entry.begun.message) for _, entry in moving) > MAX_CARRIED_BYTES:
            return False
        for span_id, entry in moving:
            self._write_start(span_id, entry)
        segment.open_ids.intersection_update(self.open)
        return not segment.open_ids

    def _heal(self) -> None:
        """Write all open starts to the disk that works again."""
        self.store.is_back = False
        with contextlib.suppress(OSError):
            for span_id, entry in self.entries():
                if entry.segment is None or entry.segment not in self.store.segments:
                    self._write_start(span_id, entry)
