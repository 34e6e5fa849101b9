"""What `@tellwhy.tool` costs per call beside a bare OpenTelemetry span, in interleaved rounds.

The bare span has no attributes and goes to a batch processor with an exporter that does nothing.
The decorated function records name, arguments, result, run and agent: as ``queued`` into the same
kind of processor, which is what the decorator itself costs; as ``tool`` and ``spool`` through
tellwhy's own exporter, with encoding, to a sink that does nothing. ``tool`` keeps what waits in
memory, ``spool`` on disk. ``thread`` is the processor time of the calling thread, ``cpu`` that of
all threads.
"""

from __future__ import annotations

import functools
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

import tellwhy
from tellwhy import _configure
from tellwhy._export import Exporter
from tellwhy._post import Answer, Batch
from tellwhy._settings import Settings

ROUNDS = 30
CALLS = 500
"""Fewer than a batch: encoding happens between the rounds, and is in the processor time only."""


class NoExport(SpanExporter):
    """Takes everything and does nothing."""

    def export(self, _spans):
        """Succeed."""
        return SpanExportResult.SUCCESS


class NoSink:
    """Takes everything and does nothing."""

    name = "nowhere"

    def put(self, _batch: Batch, _timeout_s: float) -> Answer:
        """Succeed."""
        return Answer("delivered")

    def forget(self) -> None:
        """Nothing is held."""


def add(a: int, b: int) -> int:
    """Add, as a tool that does almost nothing."""
    return a + b


def timed(call: Callable[[int, int], int], settle: Callable[[], object]) -> tuple[float, ...]:
    """Microseconds a call: (wall time, processor time of the caller, and of the process)."""
    settle()
    wall, thread, process = time.perf_counter(), time.thread_time(), time.process_time()
    for number in range(CALLS):
        call(number, 2)
    wall, thread = time.perf_counter() - wall, time.thread_time() - thread
    settle()
    process = time.process_time() - process
    return tuple(each / CALLS * 1e6 for each in (wall, thread, process))


def batched() -> tuple[TracerProvider, BatchSpanProcessor]:
    """A provider whose spans go nowhere, and the processor that they wait in."""
    provider = TracerProvider(shutdown_on_exit=False)
    processor = BatchSpanProcessor(NoExport(), schedule_delay_millis=60_000)
    provider.add_span_processor(processor)
    return provider, processor


def measured(spool: str) -> tuple[dict[str, list[tuple[float, ...]]], int]:
    """Every arm's `timed`, round by round, and how many spans were dropped."""
    theirs, _ = batched()
    tracer = theirs.get_tracer("bare")
    decorated = tellwhy.tool(add)

    def spanned(a: int, b: int) -> int:
        with tracer.start_as_current_span("add"):
            return add(a, b)

    ours: dict[str, tuple[TracerProvider, Any]] = {"queued": batched()}
    for name, place in (("tool", "off"), ("spool", spool)):
        exporter = Exporter(NoSink(), Settings(spool_dir=place, export_interval_s=60))
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(exporter)
        ours[name] = (provider, exporter)
    found: dict[str, list[tuple[float, ...]]] = {"span": [], **{name: [] for name in ours}}
    for _ in range(ROUNDS):
        found["span"].append(timed(spanned, theirs.force_flush))
        for name, (provider, exporter) in ours.items():
            flush = functools.partial(exporter.force_flush, 10_000)
            with _configure.borrowed(provider), tellwhy.agent("benchmark"):
                found[name].append(timed(decorated, flush))
    return found, sum(getattr(exporter, "dropped", 0) for _, exporter in ours.values())


def main() -> None:
    """Measure the arms in turn and print one JSON line."""
    with tempfile.TemporaryDirectory() as spool:
        found, dropped = measured(spool)
    line: dict[str, float] = {}
    for place, clock in enumerate(("", "thread_", "cpu_")):
        for name, rows in found.items():
            line[f"{name}_{clock}us"] = round(statistics.median(row[place] for row in rows), 1)
        for name, prefix in (("tool", ""), ("queued", "queued_"), ("spool", "spool_")):
            pairs = zip(found[name], found["span"], strict=True)
            ratio = statistics.median(ours[place] / span[place] for ours, span in pairs)
            line[f"{prefix}{clock}ratio"] = round(ratio, 2)
    print(json.dumps({**line, "dropped": dropped, "rounds": ROUNDS, "calls": CALLS}))


if __name__ == "__main__":
    main()
