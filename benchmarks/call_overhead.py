"""What the client hook adds to one `messages.create`, with content on, in interleaved rounds.

The answer comes from a mock transport, so that no server and no network is measured: what is left
is what the SDK itself does for a call, and what recording adds. Arms: the bare SDK; the same with
our hook; the same with the SDK's own tracing and its content switched on, for comparison. Spans go
to a batch processor whose exporter does nothing. ``memory`` and ``spool`` are our hook with our own
exporter behind it, without and with a spool on disk, encoding included; ``replayable`` is the spool
with all that a replay needs kept beside it, all calls of a round in one run.

Two conversations: ``same`` sends the same request for the same answer, as overhead is mostly
measured, so that redaction knows all of it. In ``new`` tools, system prompt and history come again,
as they do in agents, and the last message and the answer were never seen.

Three clocks: the wall, the processor time of the calling thread, and that of the whole process,
where work that was only moved to another thread would show.
"""

from __future__ import annotations

import itertools
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import anthropic
import httpx2
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

import tellwhy
from tellwhy import _clients, _configure, _provider
from tellwhy._export import Exporter
from tellwhy._post import Answer, Batch
from tellwhy._settings import Settings

ROUNDS = 30
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
    ],
}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_01"}
SAID = "18 °C, sun, wind from the west; observation number {}"
"""What the tool said: the last message of each request."""

ANSWER = json.dumps(
    {
        "id": "msg_01",
        "type": "message",
        "role": "assistant",
        "model": "claude-opus-5",
        "content": [
            {"type": "thinking", "thinking": "Paris is known. Now Oslo.", "signature": "s" * 300},
            {"type": "text", "text": "It is 18 °C in Paris. Look at Oslo too."},
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


class NoSink:
    """A collector that takes everything and does nothing."""

    name = "nowhere"

    def put(self, _batch: Batch, _timeout_s: float) -> Answer:
        """Succeed."""
        return Answer("delivered")

    def forget(self) -> None:
        """Nothing is held."""


class Talk:
    """One conversation: what is asked, and the transport's answers."""

    def __init__(self, kind: str) -> None:
        self.numbers = itertools.count() if kind == "new" else itertools.repeat(0)

    def asks(self) -> list[dict[str, Any]]:
        """One request for each call."""
        made = []
        for _ in range(CALLS):
            result = {**RESULT, "content": SAID.format(next(self.numbers))}
            last = {"role": "user", "content": [result]}
            made.append({**ASK, "messages": [*ASK["messages"], last]})
        return made

    def answer(self, _request):
        """The answer to one request."""
        content = ANSWER.replace(b"Look at Oslo", b"Look at Oslo %d" % next(self.numbers))
        return httpx2.Response(200, headers=HEADERS, content=content)

    def client(self, open_telemetry) -> anthropic.Anthropic:
        """A client on the mock transport."""
        transport = httpx2.Client(transport=httpx2.MockTransport(self.answer))
        return anthropic.Anthropic(
            api_key="k", http_client=transport, open_telemetry=open_telemetry
        )


def timed(call, requests) -> tuple[float, ...]:
    """Microseconds a call: (median wall time, time of this thread, time of the process)."""
    walls = []
    process, thread = time.process_time(), time.thread_time()
    for request in requests:
        before = time.perf_counter()
        call(**request)
        walls.append(time.perf_counter() - before)
    thread, process = time.thread_time() - thread, time.process_time() - process
    return tuple(1e6 * each for each in (statistics.median(walls), thread / CALLS, process / CALLS))


def providers(spool: str) -> dict[str, TracerProvider]:
    """For each arm the provider that its spans go to."""
    queued = TracerProvider(shutdown_on_exit=False)
    queued.add_span_processor(BatchSpanProcessor(NoExport(), schedule_delay_millis=200))
    made = {"bare": queued, "tellwhy": queued, "native": queued}
    for name, place in (("memory", "off"), ("spool", spool), ("replayable", spool)):
        made[name] = TracerProvider(shutdown_on_exit=False)
        settings = Settings(spool_dir=place, export_interval_s=0.2)
        made[name].add_span_processor(Exporter(NoSink(), settings))
    return made


@contextmanager
def keeping(name: str, provider: TracerProvider) -> Iterator[None]:
    """Keep what a replay needs, for the arm that does: a borrowed provider has nobody to tell."""
    if name != "replayable":
        yield
        return
    (exporter,) = provider._active_span_processor._span_processors
    asks = _provider.tells_aside
    _provider.State.exporter, _provider.tells_aside = exporter, lambda: True
    try:
        with tellwhy.agent("benchmark"):
            yield
    finally:
        _provider.State.exporter, _provider.tells_aside = None, asks


def measured(talk: Talk, arms: list[str], spool: str) -> dict[str, list[tuple[float, ...]]]:
    """Every arm's `timed`, round by round."""
    goes_to = providers(spool)
    native = {"tracer_provider": goes_to["native"], "traces": {"content_mode": "content"}}
    clients = {name: talk.client(native if name == "native" else False) for name in arms}
    found: dict[str, list[tuple[float, ...]]] = {name: [] for name in arms}
    for number in range(ROUNDS + 1):
        for name in arms:
            with _configure.borrowed(goes_to[name]):
                _clients.uninstall()
                if name not in {"bare", "native"}:
                    _clients.install()
                with keeping(name, goes_to[name]):
                    figures = timed(clients[name].messages.create, talk.asks())
                _clients.uninstall()
            if number:  # the first round warms up
                found[name].append(figures)
    return found


def main(arms: list[str]) -> None:
    """Measure the arms in turn and print a JSON line for each conversation."""
    for kind in ("same", "new"):
        with tempfile.TemporaryDirectory() as spool:
            found = measured(Talk(kind), arms, spool)
        line: dict[str, Any] = {"messages": kind}
        for name, values in found.items():
            for place, clock in enumerate(("", "_thread", "_cpu")):
                line[f"{name}{clock}_us"] = round(
                    statistics.median(row[place] for row in values), 1
                )
                if name != "bare":
                    pairs = zip(values, found["bare"], strict=True)
                    ratio = statistics.median(ours[place] / bare[place] for ours, bare in pairs)
                    line[f"{name}{clock}_ratio"] = round(ratio, 2)
        print(json.dumps({**line, "rounds": ROUNDS, "calls": CALLS}))


if __name__ == "__main__":
    main(sys.argv[1:] or ["bare", "tellwhy", "native", "memory", "spool", "replayable"])
