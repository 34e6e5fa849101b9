"""Runs the benchmarks one after the other and prints a JSON line for each measurement.

    python3 dev.py bench [NAMES] [--full] [--save]

Each script measures its arms in turn within one run and states ratios: machines are noisy, so an
absolute figure only means something beside the other arm of the same run. ``--full`` takes a
million spans for ingest and databases of one and five millions for questions, which needs 10 GB in
the temporary folder; it ends after `LIMIT_S` at the latest, with what was measured until then.
``--save`` writes ``results.json``, which the documentation quotes: what was measured now replaces
what was measured before.
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
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
LIMIT_S = 25 * 60
"""Longest time of all benchmarks together. Seconds."""
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


def measured(name: str, words: list[str], limit_s: float) -> tuple[list[dict[str, Any]], bool]:
    """The lines of one benchmark, those of one that failed or took too long too; whether it ended."""
    about = {
        "benchmark": name,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "load_before": round(os.getloadavg()[0], 2),
    }
    # A group of its own, so that its collector ends with it.
    process = subprocess.Popen(
        [sys.executable, str(HERE / f"{name}.py"), *words],
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


def merged(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """Results in the order of `FULL`; old ones of the same machine stay where there is no new one."""
    same = before.get("machine", {}).get("processor") == now["machine"]["processor"]
    renewed = {line["benchmark"] for line in now["results"]}
    kept = [one for one in before.get("results", []) if same and one["benchmark"] not in renewed]
    order = list(FULL)
    lines = sorted([*kept, *now["results"]], key=lambda line: order.index(line["benchmark"]))
    return {"machine": now["machine"], "results": lines}


def main(words: list[str]) -> int:
    """Run the benchmarks named in *words*, or all; 1 when one of them failed."""
    wanted = [word for word in words if not word.startswith("-")] or list(FULL)
    if unknown := set(wanted) - set(FULL):
        print(f"No benchmark is called {', '.join(sorted(unknown))}; there are {', '.join(FULL)}.")
        return 2
    ending, results, failed = time.monotonic() + LIMIT_S, [], False
    for name in (name for name in FULL if name in wanted):
        given = FULL[name] if "--full" in words else []
        lines, ended = measured(name, given, max(1.0, ending - time.monotonic()))
        results += lines
        if not ended:
            print(f"{name} failed, or the {LIMIT_S // 60} minutes were over.", file=sys.stderr)
            failed = True
    path = HERE / "results.json"
    if "--save" in words and results:
        before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        text = json.dumps(merged(before, {"machine": machine(), "results": results}), indent=1)
        path.write_text(text + "\n", encoding="utf-8")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
