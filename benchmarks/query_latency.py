"""How long questions take beside N stored spans, with the collector idle and while it ingests.

    python benchmarks/query_latency.py [--spans 1000000,5000000]

Conversations (workload.py) go the whole way through a collector once and are then copied inside the
stopped database until there are N spans (multiply.py); they lie as close together as the spans
that arrive. Then `tellwhy serve` opens the file, and the questions are asked over HTTP, in turn:
first alone, then while `ARRIVING_S` spans a second arrive and are settled. An answer's time is that
of the asking process, from sending the statement to having read the JSON.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from feeding import Feeding
from multiply import TEMPLATE_SPANS, multiply
from serving import Door, Serving, memory_mb, processor_s, stored_bytes
from workload import BATCH, Agents

from tellwhy_viewer import queries as viewer

SPANS = str(2 * TEMPLATE_SPANS)
ARRIVING_S = 500
"""Spans a second, stored and arriving."""
ROUNDS = 20
BEFORE_ASKING_S = 5.0
"""Until as many traces wait to be worked out as will all the time."""
RUNS_COLUMNS = "run_id, agent_name, service_name, name, left(input, 300), status, start_time"
QUESTIONS: dict[str, list[str]] = {
    "one_trace": ["SELECT * FROM steps WHERE trace_id = $run"],
    "one_run": ["SELECT * FROM runs WHERE run_id = $run"],
    "decisions_of_a_run": ["SELECT * FROM decisions WHERE run_id = $run ORDER BY start_ns"],
    "latest_50_runs": [
        (
            f"SELECT {RUNS_COLUMNS}, duration_ns, decisions, steps, errors, cost_usd, models FROM runs "
            "ORDER BY start_ns DESC, run_id DESC LIMIT 50"
        )
    ],
    "newest_50_decisions": ["SELECT * FROM decisions ORDER BY start_ns DESC LIMIT 50"],
    "cost_a_day_and_model": [
        (
            "SELECT date_trunc('day', start_time), model, sum(cost_usd), sum(input_tokens) "
            "FROM model_calls GROUP BY ALL"
        )
    ],
    "errors_of_15_minutes": [
        (
            "SELECT * FROM failures WHERE start_time > $newest::TIMESTAMP - INTERVAL 15 MINUTE "
            "ORDER BY start_time DESC LIMIT 200"
        )
    ],
    "errors_by_type_of_15_minutes": [
        (
            "SELECT agent_name, kind, error_type, count(*) FROM failures "
            "WHERE start_time > $newest::TIMESTAMP - INTERVAL 15 MINUTE GROUP BY ALL"
        )
    ],
    "p95_by_model_of_an_hour": [
        (
            "SELECT model, count(*), quantile_cont(duration_ns, 0.95) FROM model_calls "
            "WHERE start_time > $newest::TIMESTAMP - INTERVAL 1 HOUR GROUP BY model"
        )
    ],
    "decisions_by_action_and_outcome": [
        "SELECT action, outcome, count(*) FROM decisions GROUP BY ALL"
    ],
    "viewer_runs_page": [viewer.RUNS.sql, viewer.RUN_COUNT.sql, viewer.AGENTS.sql],
    "viewer_run_page": [viewer.RUN.sql, viewer.RUN_STEPS.sql, viewer.RUN_DECISIONS.sql],
}
"""A name and the statements that are asked one after the other."""

VIEWERS = {one.sql: one for one in viewer.ALL}
PAGE = {"limit": 50, "cap": 10_000}
"""What the viewer gives for its limits on the runs page; its filters are empty."""


def parameters(sql: str, run: str, newest: str) -> object:
    """What the placeholders of *sql* stand for."""
    if one := VIEWERS.get(sql):
        given = {**PAGE, "run_id": run}
        if "run_id" in one.params:
            given["limit"] = 5_000
        return [given.get(name) for name in one.params]
    found = {"run": run, "newest": newest}
    return {name: value for name, value in found.items() if f"${name}" in sql}


def template(database: Path) -> None:
    """Post conversations through a collector and wait until everything is worked out."""
    now = time.time_ns()
    agents = Agents(1, start_ns=now - int(TEMPLATE_SPANS / ARRIVING_S * 1e9), spans_s=ARRIVING_S)
    with Serving(database) as collector:
        door = Door(collector.url)
        for _ in range(TEMPLATE_SPANS // BATCH):
            door.post(agents.request().body)
        collector.settled(120)


def ask(door: Door, runs: list[str], newest: str) -> dict[str, dict[str, float]]:
    """p50 and p95 of each question. Milliseconds."""
    chance = random.Random(7)
    took: dict[str, list[float]] = {name: [] for name in QUESTIONS}
    for number in range(ROUNDS + 1):
        for name, statements in QUESTIONS.items():
            run = chance.choice(runs)
            started = time.perf_counter()
            for sql in statements:
                door.ask(sql, parameters(sql, run, newest))
            if number:  # the first round warms up
                took[name].append((time.perf_counter() - started) * 1000)
    return {
        name: {
            "p50": round(statistics.median(found), 1),
            "p95": round(sorted(found)[int(len(found) * 0.95)], 1),
        }
        for name, found in took.items()
    }


def measure(database: Path, wanted: int) -> dict[str, object]:
    """Everything that is stated about a database of so many spans, by name."""
    started = time.monotonic()
    spans = multiply(database, wanted)
    building, size = time.monotonic() - started, stored_bytes(database)
    started = time.monotonic()
    with Serving(database) as collector:
        found: dict[str, object] = {
            "spans": spans,
            "bytes_a_span": round(size / spans),
            "built_in_s": round(building, 1),
            "ready_after_s": round(time.monotonic() - started, 2),
            "ready_mb": memory_mb(collector.pid),
        }
        door = Door(collector.url)
        newest = str(door.ask("SELECT max(start_time) FROM steps")[0][0])
        pick = "SELECT run_id FROM run_rows ORDER BY md5(run_id) LIMIT 50"
        runs = [str(run) for (run,) in door.ask(pick)]
        idle = ask(door, runs, newest)
        found["idle_mb"] = memory_mb(collector.pid)
        used, started = processor_s(collector.pid), time.monotonic()
        with Feeding(collector.url, ARRIVING_S) as feeding:
            time.sleep(BEFORE_ASKING_S)
            busy = ask(door, runs, newest)
            used = processor_s(collector.pid) - used
            found["busy_cpus"] = round(used / (time.monotonic() - started), 2)
            found["busy_mb"] = memory_mb(collector.pid)
        found |= feeding.told
        found["peak_mb"] = memory_mb(collector.pid, peak=True)
    for phase, answers in (("idle", idle), ("busy", busy)):
        for name, times in answers.items():
            found |= {f"{phase}_{name}_{share}_ms": time_ms for share, time_ms in times.items()}
    return found


def main(words: list[str]) -> None:
    """Print one JSON line for each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", default=SPANS, help="sizes, with commas between")
    sizes = [int(size) for size in parser.parse_args(words).spans.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        first = Path(folder) / "template.duckdb"
        template(first)
        for size in sizes:
            database = Path(folder) / f"{size}.duckdb"
            shutil.copy(first, database)
            print(json.dumps(measure(database, size)), flush=True)
            database.unlink()


if __name__ == "__main__":
    main(sys.argv[1:])
