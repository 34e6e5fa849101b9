"""What the adapters cost: processor time of an agent's run with all of them and with none.

Run in an environment of `tests/frameworks`, with ``PYTHONPATH=tracer/src``. Blocks with and without take
turns in one process, so that whatever else the machine does meets both. The models are scripted and in
this process too: what they cost is in both. Spans are spooled and sent nowhere.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time

os.environ.update(
    TELLWHY_ENDPOINT="http://127.0.0.1:9", TELLWHY_SPOOL_DIR=tempfile.mkdtemp(prefix="tellwhy-")
)

from langchain.agents import create_agent
from langchain_anthropic import ChatAnthropic
from langchain_core.tools import tool

import tellwhy
from tellwhy._demo.offline import models, script

BLOCKS, RUNS = 12, 10
STEPS = [{"think": "I look.", "tools": [["look", {"at": f"{n}"}]]} for n in range(4)]


@tool
def look(at: str) -> str:
    """Look at something."""
    return f"seen {at}"


def block(graph, question: str) -> float:
    """Processor milliseconds of one run, over a block of them."""
    before = time.process_time()
    for _ in range(RUNS):
        graph.invoke({"messages": [("user", question)]})
    return (time.process_time() - before) * 1000 / RUNS


def main() -> None:
    """Print one JSON line."""
    import agents  # noqa: F401 - all that can be adapted here is
    import mcp  # noqa: F401
    import pydantic_ai  # noqa: F401

    with models():
        model = ChatAnthropic(model="m", max_tokens=2000, thinking={"type": "adaptive"})
        graph = create_agent(model, [look])
        question = script("Look.", *STEPS, {"text": "Seen."})
        found: dict[str, list[float]] = {"auto": [], "none": []}
        for name in [*found, *found] + [name for _ in range(BLOCKS) for name in found]:
            tellwhy.instrument(name)
            found[name].append(block(graph, question))
    for values in found.values():
        del values[:2]  # the first ones import and warm up
    medians = {name: statistics.median(values) for name, values in found.items()}
    pairs = [a - n for a, n in zip(found["auto"], found["none"], strict=True)]
    line = {
        "model_calls": 5,
        "tool_calls": 4,
        "run_ms_with_all": round(medians["auto"], 2),
        "run_ms_with_none": round(medians["none"], 2),
        "added_ms": round(statistics.median(pairs), 2),
        "added_percent": round(100 * statistics.median(pairs) / medians["none"], 1),
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
