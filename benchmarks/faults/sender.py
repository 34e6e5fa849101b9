"""A sender for `kill_collector`, which writes down what was acknowledged to it.

    python sender.py http|grpc|tracer ADDRESS FILE SPANS_A_SECOND

Works until its standard input ends, then hands over what waits. ``http`` and ``grpc`` are
OpenTelemetry's SDK and exporters; each line of FILE is a span that an exporter called a success:
trace, span, kind, start. ``tracer`` is tellwhy; its lines are the calls that were made, and all of
them have to arrive in the end.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Tracer

TEXT = "The order was looked up and found to be paid, packed and on its way. " * 20
TASK_SPANS = 4
FLUSH_S = 540


class Noting(SpanExporter):
    """Another exporter, whose successes are written down."""

    def __init__(self, exporter: SpanExporter, file: int) -> None:
        self._exporter, self._file = exporter, file

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """What the other exporter says."""
        result = self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            lines = "".join(
                f"{one.context.trace_id:032x} {one.context.span_id:016x} {one.attributes['told']} "
                f"{one.start_time}\n"
                for one in spans
            )
            os.write(self._file, lines.encode())
        return result

    def shutdown(self) -> None:
        """End the other exporter."""
        self._exporter.shutdown()


def exporter(how: str, address: str) -> SpanExporter:
    """A client of OpenTelemetry's."""
    if how == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

        return OTLPSpanExporter(endpoint=address, insecure=True)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter(endpoint=f"{address}/v1/traces")


def task(tracer: Tracer, number: int) -> None:
    """One run: an agent, two model calls, a tool."""
    call = f"call-{number}"
    asked = {"type": "tool_call", "id": call, "name": "look", "arguments": {"order": number}}
    user = {"role": "user", "parts": [{"type": "text", "content": f"Order {number}? {TEXT}"}]}
    chat = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "claude-sonnet-5",
        "gen_ai.input.messages": json.dumps([user]),
    }
    with tracer.start_as_current_span("invoke_agent shop") as agent:
        agent.set_attributes({"told": "agent", "gen_ai.operation.name": "invoke_agent"})
        for part in (asked, {"type": "text", "content": TEXT}):
            with tracer.start_as_current_span("chat claude-sonnet-5") as span:
                answer = json.dumps([{"role": "assistant", "parts": [part]}])
                span.set_attributes(
                    {"told": "model_call", **chat, "gen_ai.output.messages": answer}
                )
            if part is asked:
                with tracer.start_as_current_span("execute_tool look") as span:
                    span.set_attributes({"told": "tool_call"})
                    span.set_attribute("gen_ai.operation.name", "execute_tool")
                    span.set_attribute("gen_ai.tool.name", "look")
                    span.set_attribute("gen_ai.tool.call.id", call)


def opentelemetry(how: str, address: str, file: int) -> tuple[Callable[[int], None], Callable]:
    """Work, and an end that hands over, of the SDK."""
    provider = TracerProvider(resource=Resource({"service.name": how}))
    noting = Noting(exporter(how, address), file)
    provider.add_span_processor(BatchSpanProcessor(noting, 8_192, schedule_delay_millis=200))
    tracer = provider.get_tracer("faults")
    return lambda number: task(tracer, number), lambda: provider.force_flush(FLUSH_S * 1000)


def tellwhy_tracer(address: str, file: int) -> tuple[Callable[[int], None], Callable]:
    """Work, and an end that hands over, of tellwhy."""
    import tellwhy

    tellwhy.configure(service_name="tracer", endpoint=address, export_interval_s=0.2)

    @tellwhy.tool
    def look(order: int) -> str:
        os.write(file, b"x")
        return f"{order} {TEXT}"

    @tellwhy.agent
    def shop(order: int) -> str:
        for _ in range(TASK_SPANS - 1):
            look(order)
        os.write(file, b"x")
        return TEXT

    return shop, lambda: tellwhy.flush(FLUSH_S)


def main(how: str, address: str, path: str, spans_s: str) -> None:
    """Work until told to end."""
    ending = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ending.set()), daemon=True).start()
    file = os.open(Path(path), os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
    made = tellwhy_tracer(address, file) if how == "tracer" else opentelemetry(how, address, file)
    work, hand_over = made
    started, number = time.monotonic(), 0
    while not ending.is_set():
        due = (time.monotonic() - started) * float(spans_s) / TASK_SPANS
        while number < due:
            work(number)
            number += 1
        ending.wait(0.02)
    handed_over = hand_over()
    print(json.dumps({"made": number * TASK_SPANS, "handed_over": bool(handed_over)}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
