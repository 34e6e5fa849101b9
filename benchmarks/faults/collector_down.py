"""What does a collector that is away cost an agent, and does everything arrive once it is back?

    python benchmarks/faults/collector_down.py [--rounds 5] [--tasks 400] [--spans 1000000]

The same agent works with a collector and without one, in turn, each time in a new process; the
whole run time counts, imports and exit included, and the processor time. Then the collector that
was away comes, one more process sends, and every step must be there once. After that one program
makes a million spans without a collector: its memory must not grow, and all of them must arrive.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from collecting import Collector, Verdict, settings_of_nobody

from tellwhy._model_server import serve

AGENT = str(Path(__file__).with_name("working_agent.py"))
STEPS = 3
"""Of one task."""
RATIO = 1.05
"""Most that the run time without a collector may be of that with one."""
GROWTH_MB = 16
"""Most that memory may grow between the first mark and the last."""
SPOOL_BYTES = 16 * 2**30
SEND_S = 1800


def run(words: list[str], environment: dict[str, str]) -> dict[str, float]:
    """One agent to its end: what it says, its run time and its processor time."""
    before, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    ended = subprocess.run(
        [sys.executable, AGENT, *words],
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    return json.loads(ended.stdout) | {"whole_s": time.perf_counter() - before, "cpu_s": cpu}


def compare(options: argparse.Namespace, folder: Path, verdict: Verdict) -> dict[str, object]:
    """Run time with and without a collector, and what arrives afterwards."""
    taken: dict[str, list[dict[str, float]]] = {"with": [], "without": []}
    away = Collector(folder / "away")
    with serve() as models, Collector(folder / "there") as there:
        with away:
            pass  # so that it has ports to be missing from
        places = {"with": there, "without": away}
        environments = {
            which: settings_of_nobody(
                TELLWHY_ENDPOINT=place.url,
                TELLWHY_SPOOL_DIR=str(folder / f"spool-{which}"),
                ANTHROPIC_BASE_URL=models.url,
                ANTHROPIC_API_KEY="x",
            )
            for which, place in places.items()
        }
        for number in range(options.rounds):
            for which in sorted(places, reverse=number % 2 == 1):
                taken[which].append(run(["tasks", str(options.tasks)], environments[which]))
        arrived = options.rounds * options.tasks * STEPS
        # What the last agent could not send within its exit limit waits for the next process.
        run(["send", str(SEND_S)], environments["with"])
        check(there, arrived, 1, verdict, "with a collector")
    with away:
        run(["send", str(SEND_S)], environments["without"])
        check(away, arrived, 1, verdict, "without a collector")
    ratios = {
        key: median(b[key] / a[key] for a, b in zip(*taken.values(), strict=True))
        for key in ("whole_s", "work_s", "cpu_s")
    }
    ratio = ratios["whole_s"]
    verdict.expect(ratio <= options.ratio, f"the run time is {ratio:.3f} times that with one")
    return {
        "pairs": options.rounds,
        "tasks": options.tasks,
        "with_s": round(median(one["whole_s"] for one in taken["with"]), 2),
        "without_s": round(median(one["whole_s"] for one in taken["without"]), 2),
        "run_time_ratio": round(ratio, 3),
        "work_ratio": round(ratios["work_s"], 3),
        "cpu_ratio": round(ratios["cpu_s"], 3),
        "arrived": arrived,
    }


def check(collector: Collector, spans: int, more: int, verdict: Verdict, what: str) -> None:
    """Expect so many steps, and *more* of the process that sent."""
    sql = "SELECT count(*), count(DISTINCT (trace_id, span_id)) FROM steps"
    expected = [[spans + more, spans + more]]
    if not collector.wait_for(expected, sql):
        verdict.expect(False, f"{what}: {collector.ask(sql)} steps, not {expected}")


def flood(options: argparse.Namespace, folder: Path, verdict: Verdict) -> dict[str, object]:
    """Memory of a program that makes many spans without a collector, and their arrival."""
    away = Collector(folder / "flood")
    with away:
        pass
    spool = folder / "spool-flood"
    environment = settings_of_nobody(
        TELLWHY_ENDPOINT=away.url,
        TELLWHY_SPOOL_DIR=str(spool),
        TELLWHY_MAX_SPOOL_BYTES=str(SPOOL_BYTES),
    )
    marks = [options.spans // 10, options.spans // 2]
    told = run(["spans", str(options.spans), ",".join(map(str, marks))], environment)
    memory = told["rss_mb"]
    figures = list(memory.values())
    growth = round(max(figures) - figures[0], 1)
    verdict.expect(growth <= GROWTH_MB, f"memory grew by {growth} MB: {memory}")
    size = sum(path.stat().st_size for path in spool.rglob("*") if path.is_file())
    with away:
        sent = run(["send", str(SEND_S)], environment)
        check(away, options.spans, 1, verdict, "the flood")
    return {
        "flood_spans": options.spans,
        "flood_rss_mb": memory,
        "flood_growth_mb": growth,
        "flood_spool_bytes_a_span": round(size / options.spans),
        "flood_spans_s": round(options.spans / told["work_s"]),
        "flood_sent_after_s": sent["sending_s"],
    }


def main(words: list[str]) -> int:
    """Both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tasks", type=int, default=200)
    parser.add_argument("--spans", type=int, default=50_000)
    parser.add_argument("--ratio", type=float, default=RATIO, help="most; for noisy machines")
    options = parser.parse_args(words)
    verdict = Verdict("collector_down")
    with tempfile.TemporaryDirectory() as name:
        figures = compare(options, Path(name), verdict)
        figures |= flood(options, Path(name), verdict)
    return verdict.told(**figures)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
