"""Agents for `collector_down`; each prints a JSON line about itself.

python working_agent.py tasks COUNT        model calls against a scripted model, and tools
python working_agent.py spans COUNT MARKS  a tool so many times; resident memory at each mark
python working_agent.py send SECONDS       send what is in the folder of spools, for so long
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from collecting import memory_mb

import tellwhy

LATENCY_MS = 20
EACH = "the order was found, and it is on its way. "


def tasks(count: str) -> dict[str, object]:
    """Each task is an agent, a model call and a tool."""
    import anthropic

    client = anthropic.Anthropic(max_retries=0)
    step = json.dumps([{"text": EACH * 5, "latency_ms": LATENCY_MS}])

    @tellwhy.tool
    def look(order: int) -> str:
        return f"{order} {EACH * 3}"

    @tellwhy.agent
    def shop(order: int) -> str:
        messages = [{"role": "user", "content": f"Order {order}? <<script:{step}>>"}]
        client.messages.create(model="claude-sonnet-5", max_tokens=99, messages=messages)
        return look(order)

    started, used = time.perf_counter(), time.process_time()
    for order in range(int(count)):
        shop(order)
    took = time.perf_counter() - started
    return {"work_s": took, "cpu_s": time.process_time() - used}


def spans(count: str, marks: str) -> dict[str, object]:
    """The same tool again and again."""

    @tellwhy.tool
    def look(order: int) -> str:
        return f"{order} {EACH}"

    at, started = {int(mark) for mark in marks.split(",")}, time.perf_counter()
    memory = {}
    for order in range(int(count)):
        if order in at:
            memory[order] = memory_mb(os.getpid())
        look(order)
    memory[int(count)] = memory_mb(os.getpid())
    return {"rss_mb": memory, "work_s": round(time.perf_counter() - started, 1)}


def send(seconds: str) -> dict[str, object]:
    """Live until nothing but our own folder is left."""
    root = Path(os.environ["TELLWHY_SPOOL_DIR"])
    started = time.monotonic()
    with tellwhy.agent("sender"):
        while len(list(root.iterdir())) > 1 and time.monotonic() - started < float(seconds):
            time.sleep(0.2)
    return {"sending_s": round(time.monotonic() - started, 1)}


if __name__ == "__main__":
    print(json.dumps({"tasks": tasks, "spans": spans, "send": send}[sys.argv[1]](*sys.argv[2:])))
