"""Does any sequence of bytes make a door of the collector fail?

    python benchmarks/faults/fuzz.py [--seconds 60] [--seed 1]

Good requests of all signals and random bytes are damaged (bits, cuts, copies, lengths, splices) and
sent to the HTTP door under every content type and encoding, rightly and wrongly named, and to the
gRPC door; and broken HTTP is written to the bare socket. No answer may be a 5xx other than 503, no
call INTERNAL or UNKNOWN, none may go without an answer, and a good request is taken at any time.
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import random
import socket
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import good
import grpc
from collecting import Collector, Verdict, memory_mb

GROWTH_MB = 400
SERVICES = {
    "/v1/traces": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "/v1/logs": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    "/v1/metrics": "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
}
MAKERS = {"/v1/traces": good.traces, "/v1/logs": good.logs, "/v1/metrics": good.metrics}
TYPES = ("application/x-protobuf", "application/json", "application/json; charset=utf-16")
ODD_TYPES = ("text/plain", "application/grpc", "application/x-protobuf;;=", "é", "", "x" * 3000)
ENCODINGS = ("", "gzip", "gzip", "deflate", "br", "identity", "gzip, gzip", "GZIP", "\x00")
ODD_PATHS = (
    "/",
    "/v1/traces/",
    "/v1/%00",
    "/v1/traces?x=%ff",
    "/healthz",
    "/api/sql",
    "/api/tables",
)
METHODS = ("POST",) * 12 + ("GET", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH")
BAD_CODES = (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.DEADLINE_EXCEEDED)
LENGTHS = (b"\xff\xff\xff\xff\x0f", b"\xff" * 10, b"\x80\x01", b"\x00", b"\x7f")


def damaged(body: bytes, chance: random.Random) -> bytes:
    """*body* with a few changes."""
    changed = bytearray(body)
    for _ in range(chance.choice((0, 1, 1, 2, 4, 16))):
        at = chance.randrange(len(changed) + 1)
        to = min(len(changed), at + chance.choice((1, 2, 8, 100)))
        kind = chance.randrange(7)
        if kind == 0 and at < len(changed):
            changed[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            del changed[at:to]
        elif kind == 2:
            changed[at:at] = changed[at:to] * chance.choice((1, 2, 50))
        elif kind == 3:
            changed[at:to] = chance.randbytes(to - at)
        elif kind == 4:
            changed[at : at + 1] = chance.choice(LENGTHS)
        elif kind == 5:
            del changed[at:]
        else:
            other = chance.randrange(len(changed) + 1)
            changed[at:to] = changed[other : other + to - at]
    return bytes(changed)


def body_of(path: str, chance: random.Random) -> tuple[bytes, bool]:
    """Bytes to send, and whether they began as JSON."""
    if chance.random() < 0.05:
        return chance.randbytes(chance.choice((0, 1, 10, 1000, 100_000))), False
    request = MAKERS.get(path, good.traces)(chance)
    as_json = chance.random() < 0.5
    return (good.as_json(request) if as_json else request.SerializeToString()), as_json


def packed(body: bytes, encoding: str, chance: random.Random) -> bytes:
    """*body* as its encoding says, most of the time, sometimes damaged afterwards."""
    if chance.random() < 0.15:
        return body
    if encoding.lower().startswith("gzip"):
        body = gzip.compress(body, 1)
    if encoding == "deflate":
        body = zlib.compress(body)
    return damaged(body, chance) if chance.random() < 0.2 else body


class HttpDoor:
    """One connection, made again when the collector closes it."""

    def __init__(self, port: int, chance: random.Random) -> None:
        self._port, self._chance = port, chance
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def knock(self) -> tuple[str, str]:
        """One request: its answer, and what was sent in words."""
        chance = self._chance
        path = chance.choice(ODD_PATHS) if chance.random() < 0.08 else chance.choice([*MAKERS])
        body, as_json = body_of(path, chance)
        content_type = TYPES[as_json] if chance.random() < 0.85 else chance.choice(TYPES)
        if chance.random() < 0.05:
            content_type = chance.choice(ODD_TYPES)
        encoding = chance.choice(ENCODINGS)
        body = packed(damaged(body, chance), encoding, chance)
        headers = {"Content-Type": content_type}
        if encoding and "\x00" not in encoding:
            headers["Content-Encoding"] = encoding
        method = chance.choice(METHODS)
        what = f"{method} {path} {content_type[:60]!r} {encoding!r} {body[:400]!r}"
        return self.ask(method, path, body, headers), what

    def ask(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> str:
        """The status, or ``closed``."""
        try:
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
            answer.read()
        except TimeoutError:
            self._connection.close()
            return "silence"
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return "closed"
        return str(answer.status)


def broken_http(chance: random.Random) -> Iterator[bytes]:
    """What is no HTTP, or hardly."""
    yield chance.randbytes(200)
    yield b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\nabc"
    yield b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999999999999\r\n\r\nabc"
    yield (
        b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n" + chance.randbytes(20)
    )
    yield (
        b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    )
    yield b"POST /v1/traces HTTP/1.1\r\n" + b"X: " + b"y" * 100_000 + b"\r\n\r\n"
    yield damaged(
        b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n{}",
        chance,
    )


def write(port: int, data: bytes) -> str:
    """Write to the bare socket, and the status that comes back, if one does."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        with suppress(OSError):
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        with suppress(OSError):
            answer = connection.recv(4096)
    return answer[9:12].decode("latin-1") if answer.startswith(b"HTTP/1.") else "closed"


class GrpcDoor:
    """One channel."""

    def __init__(self, port: int, chance: random.Random) -> None:
        self._chance = chance
        options = [("grpc.enable_http_proxy", 0)]
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}", options)

    def knock(self) -> tuple[str, str]:
        """One call: its code, and what was sent in words."""
        path = self._chance.choice([*MAKERS])
        body = damaged(body_of(path, self._chance)[0], self._chance)
        method = SERVICES[path] if self._chance.random() < 0.97 else "/x/Export"
        packing = self._chance.choice((grpc.Compression.NoCompression, grpc.Compression.Gzip))
        call = self._channel.unary_unary(method)
        try:
            call(body, timeout=30, compression=packing)
        except grpc.RpcError as error:
            return error.code().name, f"{method} {body[:400]!r}"
        return "OK", ""

    def close(self) -> None:
        """End the channel."""
        self._channel.close()


def is_bad(answer: str) -> bool:
    """Whether no input may lead to this answer."""
    wrong = answer.startswith("5") and answer not in ("503", "501", "505")
    return wrong or answer == "silence" or answer in {code.name for code in BAD_CODES}


def main(words: list[str]) -> int:
    """For so many seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(words)
    chance, verdict = random.Random(options.seed), Verdict("fuzz")
    told: dict[str, Counter[str]] = {"http": Counter(), "grpc": Counter(), "socket": Counter()}
    with tempfile.TemporaryDirectory() as name, Collector(Path(name)) as collector:
        doors = {
            "http": HttpDoor(collector.http_port, chance),
            "grpc": GrpcDoor(collector.grpc_port, chance),
        }
        begun, until = memory_mb(collector.pid), time.monotonic() + options.seconds
        number = 0
        while time.monotonic() < until:
            number += 1
            for kind, door in doors.items():
                answer, what = door.knock()
                told[kind][answer] += 1
                verdict.expect(not is_bad(answer), f"{kind} answered {answer} to {what}")
            if number % 100 == 1:
                for data in broken_http(chance):
                    answer = write(collector.http_port, data)
                    told["socket"][answer] += 1
                    verdict.expect(not is_bad(answer), f"{answer} to {data[:300]!r}")
                headers = good.PROTOBUF
                fine = doors["http"].ask("POST", "/v1/traces", good.one_span(), headers)
                if fine == "closed":  # by the broken request before it on the same connection
                    fine = doors["http"].ask("POST", "/v1/traces", good.one_span(), headers)
                verdict.expect(fine == "200", f"a good request was answered {fine}")
        doors["grpc"].close()
        ended = memory_mb(collector.pid)
        verdict.expect(ended - begun <= GROWTH_MB, f"memory grew by {ended - begun:.0f} MB")
        [[spans, distinct]] = collector.ask(
            "SELECT count(*), count(DISTINCT (trace_id, span_id)) FROM spans"
        )
        verdict.expect(spans == distinct, f"{spans - distinct} spans stand twice")
        faults = collector.log.read_text(encoding="utf-8").count("Traceback")
        verdict.expect(faults == 0, f"{faults} tracebacks in the collector's log")
        verdict.expect(collector.stop() == 0, "the collector did not end well")
        collector.process = None
    return verdict.told(
        seconds=options.seconds,
        seed=options.seed,
        answers={kind: dict(sorted(counts.items())) for kind, counts in told.items()},
        spans_stored=spans,
        rss_begin_mb=begun,
        rss_end_mb=ended,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
