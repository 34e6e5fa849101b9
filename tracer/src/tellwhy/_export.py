"""Started and ended spans → the spool; from there one background thread ships them to a `Sink`.

The agent's threads write records and never wait for a collector. What they write is on disk until
the collector has it, or in memory where there is no disk; both are bounded, and what does not fit
is dropped, counted and said once. The end of the program waits ``exit_timeout_s``, whatever the
collector does. After a fork the child has a spool and a thread of its own.
"""

from __future__ import annotations

import os
import sys
import time
import weakref
from collections.abc import Mapping
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from tellwhy._guard import guarded
from tellwhy._notices import Notices
from tellwhy._post import Sink
from tellwhy._settings import Settings
from tellwhy._shipping import MAX_BATCH_SPANS, Shipper
from tellwhy._spool import spans
from tellwhy._spool.journal import Journal

_STARTING = guarded("recording the start of a span")
_ENDING = guarded("recording the end of a span")
_NOTING = guarded("recording more of a span")


class Exporter(SpanProcessor):
    """A span processor that writes a spool and has one daemon thread to ship it."""

    def __init__(self, sink: Sink, settings: Settings) -> None:
        self._settings = settings
        self._notices = Notices(sink.name, settings)
        self._accepting = True
        self._asides: dict[int, bytes] = {}
        self._close_by: float | None = None
        self._journal = Journal(settings)
        self._shipper = Shipper(sink, settings, self._journal, self._notices)
        if hasattr(os, "register_at_fork"):
            itself = weakref.ref(self)

            def after_fork() -> None:
                exporter = itself()
                if exporter is not None:
                    exporter._after_fork()  # noqa: SLF001 - itself

            os.register_at_fork(after_in_child=after_fork)

    @property
    def sent(self) -> int:
        """Spans that the sink has taken."""
        return self._shipper.sent

    @property
    def dropped(self) -> int:
        """Spans that were lost: no room, refused by the collector, or impossible to encode."""
        return self._shipper.dropped + self._journal.store.dropped

    def _after_fork(self) -> None:
        """In the child: the parent sends what waited; locks may be held by threads that are gone."""
        with guarded("restarting the exporter after a fork"):
            self._asides.clear()
            self._close_by = None
            self._journal.leave()
            self._journal.restart()
            self._shipper.restart()

    # The processor's side: called by the agent's threads.

    def on_start(self, span: Span, parent_context: Any = None) -> None:  # noqa: ARG002
        """Write that the span has started: on disk when this returns."""
        context = span.get_span_context()
        if context is None or not context.trace_flags.sampled or not self._accepting:
            return
        with _STARTING:
            self._journal.start(span)
            if self._shipper.is_idle:
                self._start_thread()

    def on_end(self, span: ReadableSpan) -> None:
        """Write that the span has ended."""
        context = span.get_span_context()
        if context is None:
            return
        said = self._asides.pop(context.span_id, b"") if self._asides else b""
        if not context.trace_flags.sampled or not self._accepting:
            return
        with _ENDING:
            if not self._journal.end(span, said):
                self._notices.full(self.waiting())
            if self._shipper.is_idle:
                self._start_thread()
            elif self._journal.store.waiting == MAX_BATCH_SPANS:
                self._shipper.wake()

    def noted(self, span: Any) -> None:
        """Write the start of an open span again, because it says more now."""
        with _NOTING:
            self._journal.note(span.get_span_context().span_id)

    def left_open(self, span: Any) -> None:
        """Say that *span* goes on without this process: who ends it tells all of it again."""
        with _NOTING:
            self._journal.end(span, spans.left_open())

    def tell_aside(self, span_id: int, attributes: Mapping[str, Any]) -> None:
        """Say of an open span what only a tellwhy collector is told, once it has ended."""
        self._asides[span_id] = self._asides.get(span_id, b"") + spans.aside(attributes)

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
        shipper, changed = self._shipper, self._journal.changed
        with changed:
            if shipper.is_done():
                return True
            failures = shipper.failures
            shipper.hurry()
            while not shipper.is_done() and shipper.failures == failures:
                left = by - time.monotonic()
                if left <= 0:
                    break
                changed.wait(left)
            return shipper.is_done()

    def close(self, timeout_s: float, *, reason: str | None = None) -> None:
        """`flush` at the end of the program; all calls together wait *timeout_s*.

        Args:
            timeout_s: Longest wait in seconds.
            reason: How the process ends: ``exit``, or the name of a signal. With it the steps that
                are open are told as lost, and an empty spool is removed.
        """
        now = time.monotonic()
        if self._close_by is None:
            self._close_by = now + timeout_s
        if reason is not None and self._shipper.has_begun:
            self._journal.close(reason)
            self._shipper.ending = reason
        if not self.flush(max(self._close_by - now, 0)) and self.waiting():
            store = self._journal.store
            self._notices.unsent(self.waiting(), store.waiting_in_memory, self._journal.folder_name)
        if self.dropped:
            self._notices.dropped(self.dropped)

    def stop(self) -> None:
        """Take no further spans."""
        self._accepting = False

    def resume(self) -> None:
        """Take spans again after `stop`."""
        self._accepting = True
        self._close_by = None

    def waiting(self) -> int:
        """Spans that are queued or on their way."""
        return self._journal.store.waiting

    def _start_thread(self) -> None:
        """Start the thread, or wake it."""
        with self._journal.changed:
            if not self._shipper.has_begun:
                self._shipper.begin()
                _finish_with_multiprocessing(self)
            self._shipper.wake()


def _finish_with_multiprocessing(exporter: Exporter) -> None:
    """A forked multiprocessing child leaves by ``os._exit``, past atexit: end with its finalizers."""
    process = sys.modules.get("multiprocessing.process")
    util = sys.modules.get("multiprocessing.util")
    if process is None or util is None or process.parent_process() is None:
        return

    def finish() -> None:
        exporter.close(exporter._settings.exit_timeout_s, reason="exit")  # noqa: SLF001

    util.Finalize(None, finish, exitpriority=0)


WRITING = tuple(method.__code__ for method in (Exporter.on_start, Exporter.on_end, Exporter.noted))
"""What must not be interrupted by a handler that ends the recording: each writes whole records."""
