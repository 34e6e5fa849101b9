"""Does the collector answer a folder of hostile requests as the folder says it should?

    python benchmarks/faults/hostile.py --corpus DIR

DIR holds ``manifest.json`` (``cases``: id, method, path, headers, body, expect_status, spans_stored)
and the bodies. Each request is sent as it stands there; its status and the number of spans that came
to be stored are compared. Behind each, a good request must be answered 200. No answer may take
longer than ten seconds, and memory may not grow without bound.
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import json
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from collecting import Collector, Verdict, memory_mb
from good import PROTOBUF, one_span
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

GROWTH_MB = 600
"""Most resident memory beside that at the start: a few bodies of 64 MiB, decoded and in DuckDB."""
ANSWER_S = 10.0
FEW = 100
"""Spans that are looked up one by one; of more, the rows that came are counted."""


def send(port: int, case: dict, body: bytes) -> int:
    """The status of one request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(case["method"], case["path"], body, case["headers"])
        answer = connection.getresponse()
        answer.read()
    except (BrokenPipeError, ConnectionResetError):
        return 0  # it hung up while we were still sending; the next request shows whether it lives
    else:
        return answer.status
    finally:
        connection.close()


def spans_of(body: bytes) -> list[str]:
    """Trace and span ids of a request, none when it cannot be read."""
    with suppress(Exception):
        body = gzip.decompress(body)
    with suppress(Exception):
        request = json.loads(body)
        return [
            f"{span['traceId']}{span['spanId']}".lower()
            for group in request["resourceSpans"]
            for scope in group["scopeSpans"]
            for span in scope["spans"]
        ]
    with suppress(Exception):
        return [
            (span.trace_id + span.span_id).hex()
            for group in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in group.scope_spans
            for span in scope.spans
        ]
    return []


def stored(collector: Collector, case: dict, body: bytes, rows_before: int) -> int:
    """How many spans of a request stand there now.

    Requests share spans, so those of an accepted one are looked up; of others new rows are counted.
    """
    ids = spans_of(body) if case["spans_stored"] and len(body) < 10**6 else []
    if 0 < len(ids) <= FEW:
        sql = "SELECT count(*) FROM spans WHERE list_contains(string_split(?, ','), trace_id || span_id)"
        return collector.ask(sql, ",".join(ids))[0][0]
    return collector.ask("SELECT count(*) FROM spans")[0][0] - rows_before


def main(words: list[str]) -> int:
    """All cases in order."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True)
    options = parser.parse_args(words)
    cases = json.loads((options.corpus / "manifest.json").read_text(encoding="utf-8"))["cases"]
    verdict = Verdict("hostile")
    slowest, good, peak = (0.0, ""), 0, 0.0
    with tempfile.TemporaryDirectory() as name, Collector(Path(name)) as collector:
        begun = memory_mb(collector.pid)
        for case in cases:
            [[before]] = collector.ask("SELECT count(*) FROM spans")
            body = (options.corpus / case["body"]).read_bytes()
            started = time.perf_counter()
            status = send(collector.http_port, case, body)
            took = time.perf_counter() - started
            slowest = max(slowest, (took, case["id"]))
            wanted = case["expect_status"]
            verdict.expect(status in wanted, f"{case['id']}: status {status}, not in {wanted}")
            kept, due = stored(collector, case, body, before), case["spans_stored"]
            verdict.expect(due in (None, kept), f"{case['id']}: {kept} stored, not {due}")
            verdict.expect(took <= ANSWER_S, f"{case['id']}: answered after {took:.1f} s")
            fine = {"method": "POST", "path": "/v1/traces", "headers": PROTOBUF}
            again = send(collector.http_port, fine, one_span())
            verdict.expect(again == 200, f"after {case['id']} a good request got {again}")
            good += again == 200
            peak = max(peak, memory_mb(collector.pid))
        grown = round(peak - begun, 1)
        verdict.expect(grown <= GROWTH_MB, f"memory grew by {grown} MB")
        ended = memory_mb(collector.pid)
    return verdict.told(
        cases=len(cases),
        good_requests=good,
        slowest_s=round(slowest[0], 2),
        slowest_case=slowest[1],
        rss_begin_mb=begun,
        rss_peak_mb=peak,
        rss_end_mb=ended,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
