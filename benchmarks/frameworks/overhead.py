"""What the adapters cost: processor time of an agent's run with all of them and with none, a framework a line.

    PYTHONPATH=tracer/src ENVIRONMENT/bin/python benchmarks/frameworks/overhead.py [FRAMEWORK …]

Run in each environment of `tests/frameworks`; what is not installed there is left out. Blocks with and without take
turns in one process, so that whatever else the machine does meets both. The models are scripted and in
this process too: what they cost is in both. Spans are spooled and sent nowhere.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable

os.environ.update(
    TELLWHY_ENDPOINT="http://127.0.0.1:9",
    TELLWHY_SPOOL_DIR=tempfile.mkdtemp(prefix="tellwhy-"),
    CREWAI_DISABLE_TELEMETRY="true",
    CREWAI_DISABLE_TRACKING="true",
    CREWAI_TRACING_ENABLED="false",
)

from agents_of import installed

import tellwhy
from tellwhy._demo.offline import models

BLOCKS = int(os.environ.get("BLOCKS", "12"))
RUNS = int(os.environ.get("RUNS", "10"))


def block(agent: Callable[[], object]) -> float:
    """Processor milliseconds of one run, over a block of them."""
    before = time.process_time()
    for _ in range(RUNS):
        agent()
    return (time.process_time() - before) * 1000 / RUNS


def measured(name: str, agent: Callable[[], object]) -> dict[str, object]:
    """Medians with all adapters and with none, and of the differences of their pairs."""
    found: dict[str, list[float]] = {"auto": [], "none": []}
    for wanted in [*found, *found] + [each for _ in range(BLOCKS) for each in found]:
        tellwhy.instrument(wanted)
        found[wanted].append(block(agent))
    for values in found.values():
        del values[:2]  # the first ones import and warm up
    medians = {wanted: statistics.median(values) for wanted, values in found.items()}
    pairs = [a - n for a, n in zip(found["auto"], found["none"], strict=True)]
    return {
        "framework": name,
        "model_calls": 5,
        "tool_calls": 4,
        "run_ms_with_all": round(medians["auto"], 2),
        "run_ms_with_none": round(medians["none"], 2),
        "added_ms": round(statistics.median(pairs), 2),
        "added_percent": round(100 * statistics.median(pairs) / medians["none"], 1),
    }


def main() -> None:
    """Print one JSON line a framework."""
    with models():
        for name, agent in installed(sys.argv[1:]):
            print(json.dumps(measured(name, agent)), flush=True)


if __name__ == "__main__":
    main()
