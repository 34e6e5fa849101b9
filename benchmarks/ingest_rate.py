"""How many spans a second the collector acknowledges, each 200 being a commit. Two processes.

Requests of 512 spans with 25 attributes each, messages and tool definitions included (about 4 kB a
span), are posted over OTLP/HTTP by this process to `tellwhy serve`, on kept connections. Beside
them, in the same run: decoding alone, the whole way without a disk, and small requests of 8 spans
from one sender (a commit for each) and from many (a commit for a group). The collector's processor time for a span is stated too: on a busy
machine it says more than spans a second.
"""

from __future__ import annotations

import gzip
import http.client
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tellwhy_collector.decode import decode
from tellwhy_collector.dialects import normalise
from tellwhy_collector.ingest import prepare
from tellwhy_collector.ingest.names import Names

SPANS = 512
ARM_S = 8.0
"""How long each arm posts. Seconds."""
SENDERS = 8
TRACE = 16
"""Spans of one trace."""

WORDS = [
    "the",
    "quick",
    "brown",
    "fox",
    "jumps",
    "over",
    "a",
    "lazy",
    "dog",
    "while",
    "the",
    "agent",
    "calls",
    "its",
    "tool",
    "with",
    "arguments",
    "and",
    "gives",
    "the",
    "result",
    "back",
    "to",
    "the",
    "model",
    "which",
    "then",
    "decides",
    "what",
    "to",
    "do",
    "next",
]
serial = count(1)
chance = random.Random(7)


def text(words: int) -> str:
    """So many words."""
    return " ".join(chance.choices(WORDS, k=words))


def message(role: str, words: int) -> dict[str, object]:
    """One message of one text part."""
    return {"role": role, "parts": [{"type": "text", "content": text(words)}]}


def fill(span: Span, number: int) -> None:
    """Twenty-five attributes as a model call of the GenAI conventions has them."""
    call = {"type": "tool_call", "id": f"toolu_{number}", "name": "search", "arguments": {"q": "x"}}
    answer = {**message("assistant", 60), "finish_reason": "tool_call"}
    answer["parts"] += [call]
    schema = {"type": "object", "properties": {"q": {"type": "string"}}}
    tool = {"type": "function", "name": "search", "description": text(20), "parameters": schema}
    history = [message("user", 150), message("assistant", 100), message("user", 60)]
    values = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "claude-sonnet-4-5",
        "gen_ai.response.model": "claude-sonnet-4-5",
        "gen_ai.response.id": f"msg_{chance.getrandbits(64):016x}",
        "gen_ai.conversation.id": f"c{number % 40}",
        "gen_ai.agent.name": "planner",
        "gen_ai.request.max_tokens": 4096,
        "gen_ai.request.temperature": 0.7,
        "gen_ai.request.top_p": 0.9,
        "gen_ai.usage.input_tokens": chance.randrange(100, 9000),
        "gen_ai.usage.output_tokens": chance.randrange(10, 900),
        "gen_ai.usage.cache_read.input_tokens": chance.randrange(90),
        "gen_ai.output.type": "text",
        "server.address": "api.anthropic.com",
        "server.port": 443,
        "app.tenant": f"t{number % 50}",
        "app.user": f"u{chance.randrange(10_000)}",
        "app.flag": True,
        "app.budget": 1.5,
        "gen_ai.response.finish_reasons": '["tool_use"]',
        "gen_ai.input.messages": json.dumps(history),
        "gen_ai.output.messages": json.dumps([answer]),
        "gen_ai.system_instructions": json.dumps([{"type": "text", "content": text(80)}]),
        "gen_ai.tool.definitions": json.dumps([tool]),
    }
    kinds = {str: "string_value", bool: "bool_value", int: "int_value", float: "double_value"}
    for key, value in values.items():
        pair = span.attributes.add(key=key)
        setattr(pair.value, kinds[type(value)], value)


def template(spans: int) -> ExportTraceServiceRequest:
    """A request of so many spans, its ids and times still to be set."""
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    group.resource.attributes.add(key="service.name").value.string_value = "benchmark"
    scope = group.scope_spans.add()
    scope.scope.name = "benchmark"
    for number in range(spans):
        span = scope.spans.add(name="chat claude-sonnet-4-5", kind=3)
        fill(span, number)
    return request


def fresh(request: ExportTraceServiceRequest) -> bytes:
    """The request with ids and times that no other has."""
    now = time.time_ns()
    spans = request.resource_spans[0].scope_spans[0].spans
    for first in range(0, len(spans), TRACE):
        trace_id, parent = next(serial).to_bytes(16, "big"), b""
        for span in spans[first : first + TRACE]:
            span.trace_id, span.parent_span_id = trace_id, parent
            span.span_id = next(serial).to_bytes(8, "big")
            span.start_time_unix_nano, span.end_time_unix_nano = now - 10**9, now
            parent = parent or span.span_id
    return request.SerializeToString()


class Sender:
    """Posts requests on one kept connection and notes how long each answer took."""

    def __init__(self, url: str, *, packed: bool) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=120)
        self._headers = {"Content-Type": "application/x-protobuf"}
        if packed:
            self._headers["Content-Encoding"] = "gzip"
        self.waits: list[float] = []

    def post(self, body: bytes) -> None:
        """Send *body* and wait for its 200."""
        started = time.perf_counter()
        self._connection.request("POST", "/v1/traces", body, self._headers)
        answer = self._connection.getresponse()
        answer.read()
        assert answer.status == 200, answer.status
        self.waits.append(time.perf_counter() - started)


def processor_s(pid: int) -> float:
    """Processor time that process *pid* has used, all threads; 0 where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def arm(
    target: tuple[str, int], bodies: list[bytes], spans: int, senders: int, *, packed: bool = False
) -> dict:
    """Post *bodies* from so many senders; spans a second and how long the answers took."""
    url, pid = target
    if packed:
        bodies = [gzip.compress(body, 6) for body in bodies]
    people = [Sender(url, packed=packed) for _ in range(senders)]
    waiting = iter(bodies)
    end = time.perf_counter() + ARM_S

    def work(sender: Sender) -> None:
        for body in waiting:
            sender.post(body)
            if time.perf_counter() > end:
                return

    used, started = processor_s(pid), time.perf_counter()
    with ThreadPoolExecutor(senders) as pool:
        list(pool.map(work, people))
    took, used = time.perf_counter() - started, processor_s(pid) - used
    waits = sorted(wait for sender in people for wait in sender.waits)
    return {
        "spans_s": round(len(waits) * spans / took),
        "collector_cpu_us_a_span": round(used / len(waits) / spans * 1e6, 1),
        "answer_p50_ms": round(statistics.median(waits) * 1000, 1),
        "answer_max_ms": round(waits[-1] * 1000, 1),
    }


def alone(bodies: list[bytes]) -> dict:
    """Spans a second of decoding, and of everything before the writer, in this process."""
    rates = {}
    given = {"signal": "traces", "encoding": "protobuf", "normalise": normalise, "names": Names()}
    for name, work in (
        ("decode", lambda body: decode(body, signal="traces", encoding="protobuf")),
        ("prepare", lambda body: prepare(body, **given)),
    ):
        work(bodies[0])
        started = time.perf_counter()
        for body in bodies[:8]:
            work(body)
        rates[name] = SPANS * 8 / (time.perf_counter() - started)
    return rates


def main() -> None:
    """Print one JSON line."""
    big, small = template(SPANS), template(8)
    command = [sys.executable, "-m", "tellwhy_collector", "--http-port", "0", "--grpc-port", "0"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "benchmark.duckdb"
        process = subprocess.Popen(
            [*command, "--database", str(path)], stdout=subprocess.PIPE, text=True
        )
        try:
            url = [process.stdout.readline() for _ in range(5)][2].split()[1]
            rates = alone([fresh(big) for _ in range(8)])
            target = url, process.pid
            arm(target, [fresh(big)], SPANS, 1)
            arms = {
                "one_sender": arm(target, [fresh(big) for _ in range(200)], SPANS, 1),
                "senders": arm(target, [fresh(big) for _ in range(300)], SPANS, SENDERS),
                "senders_gzip": arm(
                    target, [fresh(big) for _ in range(150)], SPANS, SENDERS, packed=True
                ),
                "small_alone": arm(target, [fresh(small) for _ in range(4000)], 8, 1),
                "small_grouped": arm(target, [fresh(small) for _ in range(16_000)], 8, 64),
            }
        finally:
            process.terminate()
            process.wait()
    best = arms["senders"]["spans_s"]
    print(
        json.dumps(
            {
                "bytes_a_span": round(len(fresh(big)) / SPANS),
                "decode_spans_s": round(rates["decode"]),
                "prepare_spans_s": round(rates["prepare"]),
                **{f"{name}_{key}": v for name, found in arms.items() for key, v in found.items()},
                "acknowledged_over_decode": round(best / rates["decode"], 3),
                "acknowledged_over_prepare": round(best / rates["prepare"], 3),
                "grouped_over_alone": round(
                    arms["small_grouped"]["spans_s"] / arms["small_alone"]["spans_s"], 2
                ),
            }
        )
    )


if __name__ == "__main__":
    main()
