"""What the client hook adds to one `messages.create`, with content on, in interleaved rounds.

The answer comes from a mock transport, so that no server and no network is measured: what is left
is what the SDK itself does for a call, and what recording adds. Arms: the bare SDK; the same with
our hook; the same with the SDK's own tracing and its content switched on, for comparison. Spans go
to a batch processor whose exporter does nothing.
"""

from __future__ import annotations

import json
import statistics
import sys
import time

import anthropic
import httpx2
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from tellwhy import _clients, _configure

ROUNDS = 20
CALLS = 150

TOOL = {
    "name": "get_weather",
    "description": "The weather of a city, now.",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string", "description": "Where."}},
        "required": ["city"],
    },
}
CALL = {"type": "tool_use", "id": "toolu_01", "name": "get_weather", "input": {"city": "Paris"}}
ASK = {
    "model": "claude-opus-5",
    "max_tokens": 1024,
    "system": "You answer questions about the weather, briefly and in whole sentences.",
    "tools": [TOOL],
    "thinking": {"type": "enabled", "budget_tokens": 1024},
    "messages": [
        {"role": "user", "content": "What is the weather in Paris, and is it colder in Oslo?"},
        {"role": "assistant", "content": [CALL]},
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "toolu_01", "content": "18 °C, sun"}
            ],
        },
    ],
}
ANSWER = json.dumps(
    {
        "id": "msg_01",
        "type": "message",
        "role": "assistant",
        "model": "claude-opus-5",
        "content": [
            {"type": "thinking", "thinking": "Paris is known. Now Oslo.", "signature": "s" * 300},
            {"type": "text", "text": "It is 18 °C in Paris. Let me look at Oslo as well."},
            {**CALL, "id": "toolu_02", "input": {"city": "Oslo"}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 400,
            "output_tokens": 60,
            "cache_read_input_tokens": 1200,
            "cache_creation_input_tokens": 0,
        },
    }
).encode()
HEADERS = {
    "content-type": "application/json",
    "request-id": "req_01",
    "anthropic-ratelimit-requests-limit": "1000",
    "anthropic-ratelimit-requests-remaining": "998",
}


class NoExport(SpanExporter):
    """Takes everything and does nothing."""

    def export(self, _spans):
        """Succeed."""
        return SpanExportResult.SUCCESS


def answer(_request):
    """The same answer to every request."""
    return httpx2.Response(200, headers=HEADERS, content=ANSWER)


def client(open_telemetry) -> anthropic.Anthropic:
    """A client on the mock transport."""
    transport = httpx2.Client(transport=httpx2.MockTransport(answer))
    return anthropic.Anthropic(api_key="k", http_client=transport, open_telemetry=open_telemetry)


def timed(call) -> tuple[float, float]:
    """Microseconds a call: (median wall time, processor time of the process)."""
    walls, processor = [], time.process_time()
    for _ in range(CALLS):
        before = time.perf_counter()
        call(**ASK)
        walls.append(time.perf_counter() - before)
    return statistics.median(walls) * 1e6, (time.process_time() - processor) / CALLS * 1e6


def main(arms: list[str]) -> None:
    """Measure the arms in turn and print one JSON line."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(NoExport(), schedule_delay_millis=200))
    native = {"tracer_provider": provider, "traces": {"content_mode": "content"}}
    clients = {"bare": client(False), "tellwhy": client(False), "native": client(native)}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in arms}
    with _configure.borrowed(provider):
        _clients.uninstall()
        for number in range(ROUNDS + 1):
            for name in arms:
                if name == "tellwhy":
                    _clients.install()
                measured = timed(clients[name].messages.create)
                if name == "tellwhy":
                    _clients.uninstall()
                if number:  # the first round warms up
                    found[name].append(measured)
    line: dict[str, float] = {}
    for name, values in found.items():
        line[f"{name}_us"] = round(statistics.median(wall for wall, _ in values), 1)
        line[f"{name}_cpu_us"] = round(statistics.median(cpu for _, cpu in values), 1)
        if name != "bare":
            pairs = list(zip(values, found["bare"], strict=True))
            line[f"{name}_ratio"] = round(statistics.median(a[0] / b[0] for a, b in pairs), 2)
            line[f"{name}_cpu_ratio"] = round(statistics.median(a[1] / b[1] for a, b in pairs), 2)
    print(json.dumps({**line, "rounds": ROUNDS, "calls": CALLS}))


if __name__ == "__main__":
    main(sys.argv[1:] or ["bare", "tellwhy", "native"])
