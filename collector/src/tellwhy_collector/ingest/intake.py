"""The door of ingest: a bound on bytes, workers that decode, the writer behind them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from tellwhy_collector.decode import Encoding, Signal
from tellwhy_collector.errors import QueueFull, StoreUnavailable
from tellwhy_collector.ingest.explainer import Explainer, OnSettled
from tellwhy_collector.ingest.names import Names
from tellwhy_collector.ingest.nouns import Batch, Outcome, promise
from tellwhy_collector.ingest.prepare import Normalise, prepare, understand
from tellwhy_collector.ingest.settler import OnQuiet, Settler
from tellwhy_collector.ingest.writer import Counters, OnCommit, Writer
from tellwhy_collector.records import Span
from tellwhy_collector.settings import Settings
from tellwhy_collector.store import Store

WARM = Span(
    trace_id="1" * 32,
    span_id="1" * 16,
    parent_span_id=None,
    trace_state=None,
    name="chat",
    kind=3,
    start_ns=1,
    end_ns=2,
    status_code=0,
    status_message=None,
    attributes={
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.response.model": "claude-sonnet-4-5",
        "gen_ai.usage.input_tokens": 1,
        "gen_ai.usage.output_tokens": 1,
    },
    events=(),
    links=(),
    flags=0,
    resource={},
    scope_name=None,
    scope_version=None,
)
"""Understood once at the start and thrown away, so that the first sender does not wait a second
until the price list is read."""

WORKERS = 2
"""Threads that decode. More would only wait for Python's lock; DuckDB works without it."""


class Ticket:
    """The bytes one request holds, from its first chunk until its answer. Close it."""

    def __init__(self, ingest: Ingest) -> None:
        self._ingest = ingest
        self._held = 0

    def grow(self, size: int) -> None:
        """Hold *size* bytes more.

        Raises:
            QueueFull: Too many bytes are held by all requests. The sender may retry.
        """
        self._ingest.hold(size)
        self._held += size

    def close(self) -> None:
        """Let go of everything. Safe to call twice."""
        held, self._held = self._held, 0
        self._ingest.hold(-held)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Ingest:
    """Takes export requests and answers when they are on disk. Start it, then stop it."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        normalise: Normalise,
        *,
        on_quiet: OnQuiet | None = None,
        on_settled: OnSettled | None = None,
        on_explained: Callable[[], object] | None = None,
        on_fatal: Callable[[BaseException], None] | None = None,
        on_commit: OnCommit | None = None,
    ) -> None:
        """Wire the parts.

        Args:
            store: Where everything goes.
            settings: Bounds and windows.
            normalise: What a record means.
            on_quiet: Called in a thread of its own with a cursor, inside a transaction, and the
                ids of traces whose steps have not changed for a moment.
            on_settled: The same, for traces that *on_quiet* has worked out.
            on_explained: Called in the same thread as *on_settled* when its transaction is over.
            on_fatal: Called in a thread of ours when it ends because the database is lost.
            on_commit: Told of every commit, in the writer's thread.
        """
        self.explainer = Explainer(
            store, on_settled, on_fatal, on_explained, lambda: self._held > 0
        )
        self.settler = Settler(store, on_quiet, on_fatal, self.explainer.settled)
        self.writer = Writer(store, settings, self.settler, on_fatal, on_commit)
        self._normalise = normalise
        self._names = Names()
        self._limit = settings.max_queue_bytes
        self._held = 0
        self._lock = threading.Lock()
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="tellwhy-decode")

    def start(self) -> None:
        """Begin to take requests."""
        self._workers.submit(understand, WARM, self._normalise)
        self.settler.start()
        self.explainer.start()
        self.writer.start()

    def stop(self, settle_s: float = 5.0) -> bool:
        """Store everything that was taken, then end.

        Args:
            settle_s: How long traces may be worked out after that. Seconds.

        Returns:
            Whether all traces were worked out; what was not is when its trace changes.
        """
        self._workers.shutdown(wait=True)
        self.writer.stop()
        settled = self.settler.stop(settle_s)
        return self.explainer.stop(settle_s) and settled

    @property
    def counters(self) -> Counters:
        """What the writer has done since it started."""
        return self.writer.counters

    @property
    def held_bytes(self) -> int:
        """Bytes of requests that are being read, decoded or committed."""
        return self._held

    @property
    def trouble(self) -> str | None:
        """Why requests are not taken at the moment; None when they are."""
        if not self.writer.alive:
            return "The writer is not running."
        if self._held >= self._limit:
            return f"{self._held:,} bytes wait for the writer; the limit is {self._limit:,}."
        return None

    def ticket(self) -> Ticket:
        """A place in the queue, of no bytes yet."""
        return Ticket(self)

    def hold(self, size: int) -> None:
        """Count *size* bytes in or, negative, out.

        Raises:
            QueueFull: It would be more than ``max_queue_bytes``. The sender may retry.
        """
        with self._lock:
            if size > 0 and self._held + size > self._limit:
                raise QueueFull(
                    f"{self._held:,} bytes wait for the writer; the limit is {self._limit:,}. Send "
                    "again in a moment, or raise TELLWHY_MAX_QUEUE_BYTES."
                )
            self._held += size

    def submit(self, body: bytes, *, signal: Signal, encoding: Encoding) -> Future[Outcome]:
        """Decode and store one request, without waiting.

        Returns:
            Done when the request is on disk. Its errors are `MalformedExport`, which is permanent,
            and `StoreUnavailable`, after which the sender may retry.
        """
        done = promise()
        try:
            self._workers.submit(self._work, body, signal, encoding, done)
        except RuntimeError:
            done.set_exception(StoreUnavailable("The collector is stopping. Send again later."))
        return done

    def put(self, batch: Batch) -> Future[Outcome]:
        """Store rows that are laid out already."""
        self.writer.put(batch)
        return batch.done

    def _work(self, body: bytes, signal: Signal, encoding: Encoding, done: Future[Outcome]) -> None:
        try:
            batch = prepare(
                body,
                signal=signal,
                encoding=encoding,
                normalise=self._normalise,
                names=self._names,
            )
            batch.done = done
            self.writer.put(batch)
        except BaseException as error:  # noqa: BLE001 - travels to the caller in the future
            done.set_exception(error)
