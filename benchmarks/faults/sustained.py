"""Does a collector of bounded memory keep taking spans at a steady rate, without growing?

    python benchmarks/faults/sustained.py [--rate 5000] [--seconds 600] [--kinds lean,long]

Two processes post conversations (`templates.py`) in requests of 512 spans, at a steady rate; what is
told to come back later is sent again. The collector's address space is bounded as by ``ulimit -v``.
Memory is read all the time: its highest value in the second half of the run must not be more than a
quarter above that of the first, no span may be lost, and the collector must live. Told is the rate
that was reached, once with the long texts of model calls in the spans and once without (lean).
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import multiprocessing
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any, Self

from collecting import Collector, Verdict, address_space_mb, memory_mb
from templates import renewed, templates

SENDERS = 2
CONNECTIONS = 4
"""Of each sender."""
BATCH = 512
GROWTH = 1.25
SAMPLE_S = 0.5
SERIES = 20
"""So many values of the memory are told."""
SETTLE_S = 120


def send(port: int, seed: int, options: argparse.Namespace, barrier: Any, told: Any) -> None:
    """One sending process: make requests, wait for the others, post at its share of the rate."""
    made = templates(seed, options.requests, BATCH, is_lean=options.kind == "lean")
    chance, lock = random.Random(f"{seed} {time.time_ns()}"), threading.Lock()
    counts: Counter[str] = Counter()
    waits: list[float] = []
    moments: list[float] = []

    def endless() -> Any:
        while True:
            yield from renewed(made, chance, time.time_ns())

    stream = endless()
    barrier.wait()
    started = time.monotonic()

    def post() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        while True:
            with lock:
                due = started + counts["planned"] * SENDERS / options.rate
                if due > started + options.seconds or time.monotonic() > started + options.seconds:
                    return
                body, spans = next(stream)
                counts["planned"] += spans
                counts["bytes"] += len(body)
            time.sleep(max(0.0, due - time.monotonic()))
            before = time.monotonic()
            status = retried(connection, body, counts, lock)
            with lock:
                counts["spans" if status == 200 else f"refused with {status}"] += spans
                moments.append(time.time())
                waits.append(time.monotonic() - before)

    threads = [threading.Thread(target=post) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - started
    told.put({"counts": counts, "waits": waits, "moments": moments, "took": took})


def retried(connection: Any, body: bytes, counts: Counter[str], lock: Any) -> int:
    """Post until the answer is no "come back later"; its status."""
    while True:
        headers = {"Content-Type": "application/x-protobuf"}
        connection.request("POST", "/v1/traces", body, headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status not in (429, 503):
            return answer.status
        with lock:
            counts[f"answers {answer.status}"] += 1
        time.sleep(float(answer.headers["Retry-After"]))


class Memory:
    """Reads the collector's memory until the block ends."""

    def __init__(self, pid: int) -> None:
        self.read: list[float] = []
        self.address_space = 0.0
        self._pid, self._ending = pid, threading.Event()
        self._thread = threading.Thread(target=self._work)

    def _work(self) -> None:
        while not self._ending.wait(SAMPLE_S):
            self.read.append(memory_mb(self._pid))
            self.address_space = max(self.address_space, address_space_mb(self._pid))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()

    def series(self) -> list[int]:
        """The highest value of each of so many equal parts of the time. MB."""
        size = max(1, len(self.read) // SERIES)
        return [round(max(self.read[at : at + size])) for at in range(0, len(self.read), size)]

    def halves(self) -> tuple[float, float]:
        """The highest value of the first and of the second half. MB."""
        middle = len(self.read) // 2
        return max(self.read[:middle], default=0), max(self.read[middle:], default=0)


def run(collector: Collector, options: argparse.Namespace) -> tuple[list[dict], Memory]:
    """What the senders told, and the memory meanwhile."""
    context = multiprocessing.get_context("spawn")
    barrier, told = context.Barrier(SENDERS + 1), context.Queue()
    senders = [
        context.Process(
            target=send,
            args=(collector.http_port, seed, options, barrier, told),
            daemon=True,
        )
        for seed in range(SENDERS)
    ]
    for sender in senders:
        sender.start()
    try:
        barrier.wait(300)
        with Memory(collector.pid) as memory:
            lines = [told.get(timeout=options.seconds + 300) for _ in senders]
    finally:
        for sender in senders:
            sender.join(5)
            sender.kill()
    return lines, memory


def judged(lines: list[dict], memory: Memory, collector: Collector, verdict: Verdict) -> dict:
    """Figures, and whether the promises hold."""
    counts = sum((line["counts"] for line in lines), Counter())
    moments = sorted(x for line in lines for x in line["moments"])
    waits = sorted(x for line in lines for x in line["waits"])
    for key in counts:
        verdict.expect(not key.startswith("refused"), f"{counts[key]} spans {key}")
    spans = counts["spans"]
    sql = "SELECT count(*), count(DISTINCT (trace_id, span_id)) FROM spans"
    [[stored, distinct]] = collector.ask(sql)
    verdict.expect(stored == distinct == spans, f"{spans} acknowledged, {stored} stored")
    first, second = memory.halves()
    verdict.expect(second <= first * GROWTH, f"memory grew from {first} to {second} MB")
    silences = [b - a for a, b in itertools.pairwise(moments)]
    took = max(line["took"] for line in lines)
    return {
        "spans": spans,
        "spans_s": round(spans / took),
        "bytes_a_span": round(counts["bytes"] / counts["planned"]),
        "took_s": round(took, 1),
        "answer_p50_s": round(waits[len(waits) // 2], 2),
        "answer_max_s": round(waits[-1], 2),
        "longest_silence_s": round(max(silences, default=0), 2),
        "silences_over_1_s": sum(one > 1 for one in silences),
        "answers_429": counts["answers 429"],
        "answers_503": counts["answers 503"],
        "rss_first_half_mb": round(first),
        "rss_second_half_mb": round(second),
        "rss_series_mb": memory.series(),
        "address_space_mb": round(memory.address_space),
    }


def one(options: argparse.Namespace) -> int:
    """One run; 1 when a promise was broken."""
    verdict = Verdict("sustained")
    limit = int(options.limit_gb * 2**30)
    with (
        tempfile.TemporaryDirectory() as name,
        Collector(Path(name), address_space=limit) as collector,
    ):
        lines, memory = run(collector, options)
        figures = judged(lines, memory, collector, verdict)
        settled = collector.wait_for([], "SELECT 1 FROM open_traces LIMIT 1", SETTLE_S)
        verdict.expect(collector.stop() == 0, "the collector did not end well")
        collector.process = None
        size = sum(path.stat().st_size for path in Path(name).glob("runs.duckdb*"))
    return verdict.told(
        kind=options.kind,
        rate_wanted=options.rate,
        limit_gb=options.limit_gb,
        **figures,
        settled=settled,
        disk_bytes_a_span=round(size / figures["spans"]),
    )


def main(words: list[str]) -> int:
    """Run after run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=5000, help="spans a second")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--limit-gb", type=float, default=6, help="address space")
    parser.add_argument("--requests", type=int, default=16, help="different ones of a sender")
    parser.add_argument("--kinds", default="lean,long")
    options = parser.parse_args(words)
    kinds = options.kinds.split(",")
    return max(one(argparse.Namespace(**vars(options), kind=kind)) for kind in kinds)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
