"""How many spans a second are stored for good, over so many that the file is rewritten many times.

    python benchmarks/durable_ingest.py [--spans 1000000]

Requests of 512 spans (workload.py) are made and written to a temporary folder first, by processes
of their own; then one process posts them from eight threads to `tellwhy serve`, each answered only
after its commit. So what posting costs is little, and is stated. The collector decodes,
understands, stores, settles and checkpoints meanwhile; at the end it is stopped and the file is
weighed. Stalls: the longest time without any answer, and the slowest answer.
"""

from __future__ import annotations

import argparse
import json
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from serving import Door, Serving, memory_mb, processor_s, stored_bytes, used_bytes
from workload import BATCH, Agents

SENDERS = 8
SPANS = 100_000
SPANS_S = 500.0
"""How fast the told agents work; nothing is slowed down to it."""
POST_S = 600.0
"""No request is posted after so long; then fewer spans were stored than wanted. Seconds."""
SETTLE_S = 120.0
"""Longest wait for the last traces to be worked out."""
_LENGTH = struct.Struct(">I")


class Written(NamedTuple):
    """What stands in one file of requests."""

    spans: int
    payload: int
    text: int
    new_text: int
    processor_s: float


def write(path: str, seed: int, requests: int, start_ns: int) -> Written:
    """Write so many requests of one sending process, each behind its length."""
    before = time.process_time()
    agents = Agents(seed, start_ns=start_ns, spans_s=SPANS_S / SENDERS)
    payload = text = new_text = 0
    with Path(path).open("wb") as file:
        for _ in range(requests):
            made = agents.request()
            file.write(_LENGTH.pack(len(made.body)))
            file.write(made.body)
            payload, text = payload + len(made.body), text + made.text
            new_text += made.new_text
    return Written(requests * BATCH, payload, text, new_text, time.process_time() - before)


def read(path: Path) -> Iterator[bytes]:
    """The requests of a file, one at a time."""
    with path.open("rb") as file:
        while head := file.read(_LENGTH.size):
            yield file.read(_LENGTH.unpack(head)[0])


def prepare(folder: Path, spans: int) -> list[Written]:
    """Fill one file for each sender, on all processors."""
    requests = max(1, spans // (SENDERS * BATCH))
    start_ns = time.time_ns() - int(spans / SPANS_S * 1e9)
    with ProcessPoolExecutor() as workers:
        waiting = [
            workers.submit(write, str(folder / f"{seed}.otlp"), seed, requests, start_ns)
            for seed in range(SENDERS)
        ]
        return [one.result() for one in waiting]


@dataclass
class Answers:
    """When each request was answered, and how long it took. Seconds."""

    started: float = field(default_factory=time.perf_counter)
    moments: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    payload: int = 0
    """Bytes of all requests that were answered."""

    def add(self, wait: float, size: int) -> None:
        """One more answer, now."""
        self.moments.append(time.perf_counter())
        self.waits.append(wait)
        self.payload += size

    @property
    def longest_silence(self) -> float:
        """Longest time between two answers of whichever sender, the start included."""
        moments = [self.started, *sorted(self.moments)]
        return max(b - a for a, b in pairwise(moments))

    def slowest_window(self, requests: int) -> float:
        """Answers a second over the slowest stretch of so many in a row."""
        moments = [self.started, *sorted(self.moments)]
        width = min(requests, len(moments) - 1)
        return min(width / (b - a) for a, b in zip(moments, moments[width:], strict=False) if b > a)

    def part(self, share: float) -> float:
        """The wait that so large a share of the answers stayed within."""
        return sorted(self.waits)[min(len(self.waits) - 1, int(len(self.waits) * share))]


def post(url: str, files: list[Path]) -> Answers:
    """Post each file on a connection of its own."""
    answers, failed = Answers(), []

    def work(path: Path) -> None:
        try:
            door = Door(url)
            for body in read(path):
                answers.add(door.post(body), len(body))
                if time.perf_counter() > answers.started + POST_S:
                    return
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(path,)) for path in files]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return answers


def measure(folder: Path, spans: int) -> dict[str, object]:
    """Everything that is stated, by name."""
    made = prepare(folder, spans)
    files = sorted(folder.glob("*.otlp"))
    database = folder / "benchmark.duckdb"
    with Serving(database) as collector:
        own, theirs = time.process_time(), processor_s(collector.pid)
        answers = post(collector.url, files)
        took = max(answers.moments) - answers.started
        spans, payload = len(answers.waits) * BATCH, answers.payload
        own, theirs = time.process_time() - own, processor_s(collector.pid) - theirs
        settling = collector.settled(SETTLE_S)
        stored = Door(collector.url).ask("SELECT count(*) FROM spans")[0][0]
        whole = processor_s(collector.pid)
        peak = memory_mb(collector.pid, peak=True)
    if stored != spans:
        raise SystemExit(f"{spans} spans were acknowledged and {stored} are stored.")
    size, used = stored_bytes(database), used_bytes(database)
    return {
        "spans": spans,
        "bytes_a_span": round(payload / spans),
        "new_text_share": round(
            sum(one.new_text for one in made) / sum(one.text for one in made), 3
        ),
        "spans_s": round(spans / took),
        "mb_s": round(payload / took / 1e6, 1),
        "took_s": round(took, 1),
        "longest_silence_s": round(answers.longest_silence, 2),
        "answer_p50_s": round(answers.part(0.5), 2),
        "answer_p99_s": round(answers.part(0.99), 2),
        "answer_max_s": round(max(answers.waits), 2),
        "slowest_10000_spans_s": round(answers.slowest_window(20) * BATCH),
        "settled_after_s": round(settling, 1),
        "disk_over_payload": round(size / payload, 3),
        "disk_bytes_a_span": round(size / spans),
        "used_over_payload": round(used / payload, 3),
        "collector_cpu_s": round(theirs, 1),
        "collector_cpu_us_a_span": round(whole / spans * 1e6, 1),
        "collector_cpus": round(theirs / took, 2),
        "collector_peak_mb": peak,
        "poster_cpu_s": round(own, 1),
        "making_cpu_s": round(sum(one.processor_s for one in made), 1),
        "senders": SENDERS,
    }


def main(words: list[str]) -> None:
    """Print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=int, default=SPANS)
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(Path(folder), parser.parse_args(words).spans)))


if __name__ == "__main__":
    main(sys.argv[1:])
