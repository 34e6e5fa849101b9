"""Is every acknowledged span there exactly once after the collector was killed under load?

    python benchmarks/faults/kill_collector.py [--rounds 100]

OpenTelemetry's HTTP and gRPC exporters and the tracer send at the same time. The collector gets
SIGKILL at a random moment, one time in seven while it starts, and is started again on its ports and
its file. Then each span that an exporter had called a success must stand once in `spans` and in
`steps`, each call once in its view, each agent once in `runs`, and nothing may stand there twice.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from collecting import Collector, Verdict, settings_of_nobody

SENDERS = ("http", "grpc", "tracer")
SPANS_S = 200
"""Of each sender."""
VIEWS = {"spans": None, "steps": None, "model_calls": "model_call", "tool_calls": "tool_call"}
"""Table or view -> the kind of the spans that stand there; None: all."""
CHUNK = 20_000


class Acknowledged(NamedTuple):
    """A span that an exporter called a success."""

    trace_id: str
    span_id: str
    kind: str
    start_ns: int


class Sender:
    """One `sender.py` process and its list."""

    def __init__(self, how: str, collector: Collector, folder: Path) -> None:
        self.how = how
        self.path = folder / f"{how}.txt"
        self.path.touch()
        port = collector.grpc_port if how == "grpc" else collector.http_port
        script = str(Path(__file__).with_name("sender.py"))
        words = [script, how, f"http://127.0.0.1:{port}", str(self.path), str(SPANS_S)]
        with (folder / f"{how}.log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, *words],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=settings_of_nobody(TELLWHY_SPOOL_DIR=str(folder / "spool")),
            )
        self._read = 0

    def news(self) -> list[Acknowledged]:
        """What was acknowledged since the last look."""
        with self.path.open("rb") as file:
            file.seek(self._read)
            data = file.read()
        data = data[: data.rfind(b"\n") + 1]
        self._read += len(data)
        rows = (line.split() for line in data.decode().splitlines())
        return [Acknowledged(*row[:3], int(row[3])) for row in rows]

    def end(self) -> dict[str, object]:
        """Let it hand over what waits; what it says of itself."""
        said, _ = self.process.communicate("", timeout=600)
        return json.loads(said)


def check(collector: Collector, acknowledged: list[Acknowledged], verdict: Verdict) -> int:
    """Look each span up; how many rows were compared."""
    compared = 0
    acknowledged = sorted(acknowledged, key=lambda one: one.start_ns)
    for begin in range(0, len(acknowledged), CHUNK):
        chunk = acknowledged[begin : begin + CHUNK]
        between = (chunk[0].start_ns, chunk[-1].start_ns)
        for view, kind in VIEWS.items():
            found = {
                (trace, span): count
                for trace, span, count in collector.ask(
                    f"SELECT trace_id, span_id, count(*) FROM {view} "
                    "WHERE start_ns BETWEEN ? AND ? GROUP BY ALL",
                    *between,
                )
            }
            compared += len(found)
            wanted = [one for one in chunk if kind in (None, one.kind)]
            missing = [one for one in wanted if (one.trace_id, one.span_id) not in found]
            for one in missing:
                verdict.expect(False, f"{one.span_id} of {one.trace_id} is not in {view}")
            for ids, count in found.items():
                verdict.expect(count == 1, f"{ids} stands {count} times in {view}")
        runs = Counter(
            trace
            for (trace,) in collector.ask(
                "SELECT trace_id FROM runs WHERE start_ns BETWEEN ? AND ?", *between
            )
        )
        for one in chunk:
            if one.kind == "agent":
                many = runs[one.trace_id]
                verdict.expect(many == 1, f"run {one.trace_id} stands {many} times in runs")
    return compared


def kill(collector: Collector) -> tuple[str, float]:
    """Kill the collector at a random moment and start it again; when, and seconds of the start."""
    when = "serving"
    time.sleep(random.uniform(0.1, 1.5))
    collector.kill()
    if random.random() < 1 / 7:
        when = "starting"
        collector.begin()
        time.sleep(random.uniform(0.05, 1.5))
        collector.kill()
    before = time.monotonic()
    collector.started()
    return when, time.monotonic() - before


def finished(
    collector: Collector, senders: list[Sender], seen: list[Acknowledged], verdict: Verdict
) -> dict[str, object]:
    """End the senders, look everything up once more; figures."""
    said = {sender.how: sender.end() for sender in senders}
    seen += [one for sender in senders if sender.how != "tracer" for one in sender.news()]
    check(collector, seen, verdict)
    [[spans, distinct]] = collector.ask(
        "SELECT count(*), count(DISTINCT (trace_id, span_id)) FROM spans"
    )
    verdict.expect(spans == distinct, f"{spans - distinct} spans stand twice")
    [[decisions, distinct]] = collector.ask(
        "SELECT count(*), count(DISTINCT (trace_id, decision_id)) FROM decisions"
    )
    verdict.expect(decisions == distinct, f"{decisions - distinct} decisions stand twice")
    tracer = next(one for one in senders if one.how == "tracer")
    calls = tracer.path.stat().st_size
    sql = "SELECT count(*) FROM steps WHERE service_name = 'tracer' AND end_time IS NOT NULL"
    arrived = collector.wait_for([[calls]], sql)
    [[stored]] = collector.ask(sql)
    verdict.expect(arrived, f"{calls} calls were made with the tracer and {stored} are stored")
    [[again]] = collector.ask("SELECT sum(duplicates)::BIGINT FROM ingest_requests")
    return {
        "made": {how: one["made"] for how, one in said.items()},
        "acknowledged": len(seen),
        "tracer_calls": calls,
        "tracer_stored": stored,
        "spans": spans,
        "decisions": decisions,
        "sent_again_and_recognised": again,
    }


def main(words: list[str]) -> int:
    """Kill so many times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(words)
    random.seed(options.seed)
    verdict = Verdict("kill_collector")
    seen: list[Acknowledged] = []
    when, starts = Counter(), []
    with tempfile.TemporaryDirectory() as name, Collector(Path(name) / "c") as collector:
        senders = [Sender(how, collector, Path(name)) for how in SENDERS]
        try:
            for _ in range(options.rounds):
                moment, took = kill(collector)
                when[moment] += 1
                starts.append(took)
                news = [one for x in senders if x.how != "tracer" for one in x.news()]
                check(collector, news, verdict)
                seen += news
                if verdict.broken:
                    print(f"{verdict.broken[-1]}, killed while {moment}", file=sys.stderr)
            figures = finished(collector, senders, seen, verdict)
        finally:
            for sender in senders:
                sender.process.kill()
                sender.process.communicate()
        verdict.expect(collector.stop() == 0, "the last collector did not end well")
        collector.process = None
    return verdict.told(
        rounds=options.rounds,
        killed_while=dict(when),
        start_median_s=round(sorted(starts)[len(starts) // 2], 2),
        start_max_s=round(max(starts), 2),
        **figures,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
