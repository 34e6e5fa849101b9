"""What `@tellwhy.tool` costs per call beside a bare OpenTelemetry span, in interleaved rounds.

The bare span has no attributes and goes to a batch processor with an exporter that does nothing.
The decorated function records name, arguments, result, run and agent, and goes through tellwhy's
own exporter, with encoding, to a sink that does nothing. Processor time is that of all threads.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable

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


def timed(call: Callable[[int, int], int], settle: Callable[[], object]) -> tuple[float, float]:
    """Microseconds a call: (wall time in the caller, processor time of the process)."""
    settle()
    wall, processor = time.perf_counter(), time.process_time()
    for number in range(CALLS):
        call(number, 2)
    wall = time.perf_counter() - wall
    settle()
    return wall / CALLS * 1e6, (time.process_time() - processor) / CALLS * 1e6


def main() -> None:
    """Measure the arms in turn and print one JSON line."""
    theirs = TracerProvider(shutdown_on_exit=False)
    theirs.add_span_processor(BatchSpanProcessor(NoExport(), schedule_delay_millis=60_000))
    tracer = theirs.get_tracer("bare")
    ours = TracerProvider(shutdown_on_exit=False)
    exporter = Exporter(NoSink(), Settings(export_interval_s=60))
    ours.add_span_processor(exporter)
    decorated = tellwhy.tool(add)

    def spanned(a: int, b: int) -> int:
        with tracer.start_as_current_span("add"):
            return add(a, b)

    arms = {
        "span": (spanned, theirs.force_flush),
        "tool": (decorated, lambda: exporter.flush(10)),
    }
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in arms}
    with _configure.borrowed(ours), tellwhy.agent("benchmark"):
        for _ in range(ROUNDS):
            for name, (call, settle) in arms.items():
                found[name].append(timed(call, settle))
    pairs = list(zip(found["span"], found["tool"], strict=True))
    line = {
        "span_us": round(statistics.median(wall for wall, _ in found["span"]), 1),
        "tool_us": round(statistics.median(wall for wall, _ in found["tool"]), 1),
        "ratio": round(statistics.median(tool[0] / span[0] for span, tool in pairs), 2),
        "span_cpu_us": round(statistics.median(cpu for _, cpu in found["span"]), 1),
        "tool_cpu_us": round(statistics.median(cpu for _, cpu in found["tool"]), 1),
        "cpu_ratio": round(statistics.median(tool[1] / span[1] for span, tool in pairs), 2),
        "dropped": exporter.dropped,
        "rounds": ROUNDS,
        "calls": CALLS,
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
