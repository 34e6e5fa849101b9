"""Runs the benchmarks one after the other and prints a JSON line for each measurement.

    python3 dev.py bench [NAMES] [--full] [--save]
    python3 dev.py bench faults [NAMES] [--full] [--save]
    python3 dev.py bench viewer [--full] [--save]

Each script measures its arms in turn within one run and states ratios: machines are noisy, so an
absolute figure only means something beside the other arm of the same run. ``--full`` takes a
million spans for ingest and databases of one and five millions for questions, which needs 10 GB in
the temporary folder; it ends after `LIMIT_S` at the latest, with what was measured until then.
``--save`` writes ``results.json``, which the documentation quotes: what was measured now replaces
what was measured before. ``faults`` runs the scripts of that folder instead: what is killed, starved or lied to, and
whether every promise holds; with ``--full`` a hundred times each, which takes an hour. ``viewer``
opens runs in a real browser; with ``--full`` one of 100,000 steps and a list of a million.
"""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
GRACE_S = 60
"""Then a benchmark that does not tidy up is killed. Seconds."""
PACKAGES = ("tellwhy", "anthropic", "openai", "duckdb", "opentelemetry-sdk", "streamlit")
FULL: dict[str, list[str]] = {
    "call_overhead": [],
    "decorator_overhead": [],
    "ingest_rate": [],
    "durable_ingest": ["--spans", "1000000"],
    "query_latency": ["--spans", "1000000,5000000"],
}
"""Benchmark -> what it takes with ``--full``, in the order in which they run."""
FAULTS: dict[str, list[str]] = {
    "kill_collector": ["--rounds", "100"],
    "kill_agent": ["--rounds", "100"],
    "collector_down": ["--rounds", "5", "--tasks", "400", "--spans", "1000000"],
    "fuzz": ["--seconds", "300"],
    "sustained": ["--seconds", "600"],
}
"""The same for ``faults``; with ``--corpus=FOLDER`` also `hostile.py`, which needs requests."""


VIEWER: dict[str, list[str]] = {
    "measure": ["--steps", "40,5000,100000", "--runs", "1000000"],
}
"""The same for ``viewer``."""


class Suite(NamedTuple):
    """Scripts of one folder."""

    folder: Path
    full: dict[str, list[str]]
    limit_s: int
    """Longest time of all together. Seconds."""


SUITES = {
    "": Suite(HERE, FULL, 25 * 60),
    "faults": Suite(HERE / "faults", FAULTS, 2 * 60 * 60),
    "viewer": Suite(HERE / "viewer", VIEWER, 60 * 60),
}


def processor() -> str:
    """The processor's name, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((x.partition(":")[2].strip() for x in lines if x.startswith("model name")), "")


def memory_gb() -> int:
    """Memory of the machine."""
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9)


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "cores": os.cpu_count(),
        "memory_gb": memory_gb(),
        "packages": {name: version(name) for name in PACKAGES},
    }


def measured(path: Path, words: list[str], limit_s: float) -> tuple[list[dict[str, Any]], bool]:
    """The lines of one benchmark, those of one that failed or took too long too; whether it ended."""
    about = {
        "benchmark": path.stem,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "load_before": round(os.getloadavg()[0], 2),
    }
    # A group of its own, so that its collector ends with it.
    process = subprocess.Popen(
        [sys.executable, str(path), *words],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    timers = [
        threading.Timer(limit_s, os.killpg, (process.pid, signal.SIGINT)),
        threading.Timer(limit_s + GRACE_S, os.killpg, (process.pid, signal.SIGKILL)),
    ]
    for timer in timers:
        timer.start()
    lines = []
    assert process.stdout is not None
    try:
        with process.stdout as told:
            for line in told:
                if line.startswith("{"):
                    lines.append(about | json.loads(line))
                    print(json.dumps(lines[-1]), flush=True)
        return lines, process.wait() == 0
    finally:
        for timer in timers:
            timer.cancel()


def merged(
    before: dict[str, Any], now: dict[str, Any], order: Sequence[str] = tuple(FULL)
) -> dict[str, Any]:
    """Results in the *order* of names; old ones of the same machine stay where there is no new one."""
    same = before.get("machine", {}).get("processor") == now["machine"]["processor"]
    renewed = {line["benchmark"] for line in now["results"]}
    kept = [one for one in before.get("results", []) if same and one["benchmark"] not in renewed]
    known = [one for one in [*kept, *now["results"]] if one["benchmark"] in order]
    lines = sorted(known, key=lambda line: order.index(line["benchmark"]))
    return {"machine": now["machine"], "results": lines}


def main(words: list[str]) -> int:
    """Run the benchmarks named in *words*, or all of a suite; 1 when one of them failed."""
    suite = SUITES[next((word for word in words if word in SUITES), "")]
    corpus = [word for word in words if word.startswith("--corpus=")]
    if corpus:
        suite = suite._replace(full=suite.full | {"hostile": corpus})
    wanted = [word for word in words if not word.startswith("-") and word not in SUITES]
    if unknown := set(wanted) - set(suite.full):
        names = ", ".join(suite.full)
        print(f"No benchmark is called {', '.join(sorted(unknown))}; there are {names}.")
        return 2
    ending, results, failed = time.monotonic() + suite.limit_s, [], False
    for name in (name for name in suite.full if not wanted or name in wanted):
        given = suite.full[name] if "--full" in words or name == "hostile" else []
        left_s = max(1.0, ending - time.monotonic())
        lines, ended = measured(suite.folder / f"{name}.py", given, left_s)
        results += lines
        if not ended:
            print(f"{name} failed, or {suite.limit_s // 60} minutes were over.", file=sys.stderr)
            failed = True
    path = suite.folder / "results.json"
    if "--save" in words and results:
        before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        now = {"machine": machine(), "results": results}
        text = json.dumps(merged(before, now, [*suite.full, "hostile"]), indent=1)
        path.write_text(text + "\n", encoding="utf-8")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
