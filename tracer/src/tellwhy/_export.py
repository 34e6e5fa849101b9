"""Ended spans → encoded batches → a `Sink`, by one background thread that never holds the agent up.

What waits is bounded in spans and in bytes; what does not fit is dropped, counted and said once. A
collector that is missing costs one log line and memory up to the bound; the thread tries again with
growing pauses. The end of the program waits ``exit_timeout_s`` for the last batch, whatever the
collector does. After a fork the child starts with an empty queue and a thread of its own.
"""

from __future__ import annotations

import os
import random
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from tellwhy import _attributes as names
from tellwhy import _otlp
from tellwhy._foreign import redacted
from tellwhy._guard import guarded, swallow
from tellwhy._post import Answer, Batch, Sink
from tellwhy._settings import Settings, logger

MAX_BATCH_SPANS = 512
"""A batch closes earlier when it holds so many."""

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
"""Pauses between tries double from the first to the longest, each shortened by up to a half."""


Encoded = tuple[ReadableSpan, bytes]
"""A span and what `_otlp.span_bytes` made of it."""


class Exporter(SpanProcessor):
    """A span processor with a bounded queue and one daemon thread."""

    def __init__(self, sink: Sink, settings: Settings) -> None:
        self.sent = 0
        """Spans that the sink has taken."""
        self.dropped = 0
        """Spans that were lost: no room, refused by the collector, or impossible to encode."""
        self._sink = sink
        self._settings = settings
        self._said: set[str] = set()
        self._accepting = True
        self._close_by: float | None = None
        self._start_afresh()
        if hasattr(os, "register_at_fork"):
            itself = weakref.ref(self)

            def after_fork() -> None:
                exporter = itself()
                if exporter is not None:
                    exporter._after_fork()  # noqa: SLF001 - itself

            os.register_at_fork(after_in_child=after_fork)

    def _start_afresh(self) -> None:
        # Reentrant: a generator that is collected inside `on_end` ends a span of its own.
        self._changed = threading.Condition(threading.RLock())
        self._waiting: deque[tuple[ReadableSpan, int]] = deque()
        self._bytes = 0
        self._sending = 0
        self._failures = 0
        self._hurried = False
        self._thread: threading.Thread | None = None

    def _after_fork(self) -> None:
        """In the child: the parent sends what waited; locks may be held by threads that are gone."""
        with guarded("restarting the exporter after a fork"):
            self._start_afresh()
            self.sent = self.dropped = 0
            self._close_by = None
            self._sink.forget()

    # The processor's side: called by the agent's threads.

    def on_start(self, span: Span, parent_context: Any = None) -> None:  # noqa: ARG002
        """Start the thread, while the agent still has its own work to begin."""
        if self._thread is None:
            with guarded("starting the exporter"):
                self._ensure_thread()

    def on_end(self, span: ReadableSpan) -> None:
        """Queue an ended span; returns at once."""
        context = span.get_span_context()
        if context is None or not context.trace_flags.sampled or not self._accepting:
            return
        with guarded("queueing a span"):
            size = _size(span)
            limits = self._settings
            with self._changed:
                full = (
                    len(self._waiting) + self._sending >= limits.max_queue_spans
                    or self._bytes + size > limits.max_queue_bytes
                )
                if full:
                    self.dropped += 1
                else:
                    self._waiting.append((span, size))
                    self._bytes += size
                    if (
                        len(self._waiting) in {1, MAX_BATCH_SPANS}
                        or self._bytes >= limits.max_batch_bytes
                    ):
                        self._changed.notify_all()
            if full:
                self._say_full()
            elif self._thread is None:
                self._ensure_thread()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send what waits; False when it was not delivered in time."""
        return self.flush(timeout_millis / 1000)

    def shutdown(self) -> None:
        """Called by the user's provider, often at exit: bounded like our own exit."""
        self.close(self._settings.exit_timeout_s)

    # The owner's side.

    def flush(self, timeout_s: float) -> bool:
        """Send what waits now, once; False when a try failed or the time was up."""
        by = time.monotonic() + timeout_s
        with self._changed:
            if self._is_idle():
                return True
            failures = self._failures
            self._hurried = True
            self._changed.notify_all()
            while not self._is_idle() and self._failures == failures:
                left = by - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            return self._is_idle()

    def close(self, timeout_s: float) -> None:
        """`flush` at the end of the program; all calls together wait *timeout_s*."""
        now = time.monotonic()
        if self._close_by is None:
            self._close_by = now + timeout_s
        if self._thread is None and self._waiting:
            self._ensure_thread()
        if not self.flush(max(self._close_by - now, 0)):
            self._say_unsent()
        if self.dropped:
            self._say("dropped", "%d spans of this program were dropped.", self.dropped)

    def stop(self) -> None:
        """Take no further spans."""
        self._accepting = False

    def resume(self) -> None:
        """Take spans again after `stop`."""
        self._accepting = True
        self._close_by = None

    def waiting(self) -> int:
        """Spans that are queued or on their way."""
        with self._changed:
            return len(self._waiting) + self._sending

    def _is_idle(self) -> bool:
        return not self._waiting and not self._sending

    def _ensure_thread(self) -> None:
        with self._changed:
            if self._thread is None:
                thread = threading.Thread(target=self._work, name="tellwhy-export", daemon=True)
                thread.start()
                self._thread = thread
                _finish_with_multiprocessing(self)

    # The thread's side.

    def _work(self) -> None:
        # Other instrumentation must not trace our requests.
        otel_context.attach(
            otel_context.set_value(otel_context._SUPPRESS_INSTRUMENTATION_KEY, True)  # noqa: SLF001
        )
        while True:
            spans = self._next_batch()
            with guarded("exporting"):
                self._deliver(spans)
            with self._changed:
                self._sending = 0
                self._hurried = self._hurried and bool(self._waiting)
                self._changed.notify_all()

    def _next_batch(self) -> list[ReadableSpan]:
        with self._changed:
            while not self._waiting:
                self._changed.wait()
            by = time.monotonic() + self._settings.export_interval_s
            while not self._hurried and not self._is_full_batch():
                left = by - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            batch: list[ReadableSpan] = []
            size = 0
            while self._waiting and len(batch) < MAX_BATCH_SPANS:
                if batch and size + self._waiting[0][1] > self._settings.max_batch_bytes:
                    break
                span, span_size = self._waiting.popleft()
                batch.append(span)
                size += span_size
            self._bytes -= size
            self._sending = len(batch)
            return batch

    def _is_full_batch(self) -> bool:
        waiting, limit = len(self._waiting), self._settings.max_batch_bytes
        return waiting >= MAX_BATCH_SPANS or self._bytes >= limit

    def _deliver(self, spans: Sequence[ReadableSpan]) -> None:
        encoded = _encoded(spans)
        self.dropped += len(spans) - len(encoded)
        if encoded:
            self._send(encoded)

    def _send(self, kept: list[Encoded]) -> None:
        body = _otlp.request(kept)
        pause = FIRST_PAUSE_S
        while True:
            answer = self._put(Batch(body, len(kept)))
            if answer.outcome == "delivered":
                self.sent += len(kept)
                return
            if answer.outcome == "too_large" and len(kept) > 1:
                half = len(kept) // 2
                self._send(kept[:half])
                self._send(kept[half:])
                return
            if answer.outcome != "retry":
                self.dropped += len(kept)
                self._say_refused(answer)
                return
            self._say_missing(answer)
            self._pause(answer.retry_after_s or pause * random.uniform(0.5, 1))  # noqa: S311
            pause = min(pause * 2, LONGEST_PAUSE_S)

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
        with self._changed:
            self._failures += 1
            self._hurried = False
            self._changed.notify_all()
            while not self._hurried and (left := by - time.monotonic()) > 0:
                self._changed.wait(left)

    # One log line of each kind.

    def _say(self, kind: str, text: str, *values: object) -> None:
        if kind not in self._said:
            self._said.add(kind)
            with guarded("logging"):
                logger.warning(text, *values)

    def _say_missing(self, answer: Answer) -> None:
        self._say(
            "missing",
            "The collector at %s cannot be reached (%s). Your program goes on; up to %d spans wait "
            "in memory and are sent when it answers. Start one with `tellwhy up`, or set "
            "TELLWHY_ENDPOINT; TELLWHY_DISABLED=1 turns recording off.",
            self._sink.name,
            answer.detail,
            self._settings.max_queue_spans,
        )

    def _say_full(self) -> None:
        self._say(
            "full",
            "%d spans wait for the collector at %s and no more fit; newer ones are dropped and "
            "counted. Raise TELLWHY_MAX_QUEUE_SPANS or TELLWHY_MAX_QUEUE_BYTES if memory allows.",
            self.waiting(),
            self._sink.name,
        )

    def _say_refused(self, answer: Answer) -> None:
        self._say(
            "refused",
            "The collector at %s refused spans (%s); they are dropped and counted. Is it an "
            "OTLP/HTTP endpoint? tellwhy's is the port that `tellwhy serve` prints.",
            self._sink.name,
            answer.detail,
        )

    def _say_unsent(self) -> None:
        if "missing" not in self._said:
            self._say(
                "unsent",
                "The program ended and %d spans were not sent: the collector at %s did not answer "
                "within TELLWHY_EXIT_TIMEOUT_S=%s.",
                self.waiting(),
                self._sink.name,
                self._settings.exit_timeout_s,
            )


def _encoded(spans: Iterable[ReadableSpan]) -> list[Encoded]:
    """Those of *spans* that can be encoded, each with its bytes."""
    encoded: list[Encoded] = []
    for span in spans:
        # One span with a bad value must not cost the batch.
        with guarded("encoding a span"):
            encoded.append((span, _otlp.span_bytes(_clean(span))))
    return encoded


def _clean(span: ReadableSpan) -> ReadableSpan:
    """Ours are redacted when they are made; those of other instrumentors here."""
    scope = span.instrumentation_scope
    return span if scope is not None and scope.name == names.SCOPE else redacted(span)


def _size(span: ReadableSpan) -> int:
    """About how many bytes *span* holds in memory and on the wire."""
    size = 200 + _size_of(span.attributes)
    for event in span.events:
        size += _size_of(event.attributes)
    return size


def _size_of(attributes: Any) -> int:
    """The same of attributes, in bytes."""
    # A copy is a plain dictionary; the SDK's own mapping is read ten times slower.
    values = attributes.copy().values() if attributes else ()
    return sum([40 + (len(value) if type(value) is str else 16) for value in values])


def _finish_with_multiprocessing(exporter: Exporter) -> None:
    """A forked multiprocessing child leaves by ``os._exit``, past atexit: end with its finalizers."""
    process = sys.modules.get("multiprocessing.process")
    util = sys.modules.get("multiprocessing.util")
    if process is None or util is None or process.parent_process() is None:
        return
    util.Finalize(None, exporter.shutdown, exitpriority=0)
