"""The part of the page of figures that is made from benchmarks/frameworks/results.json."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

RESULTS = Path(__file__).resolve().parents[1] / "benchmarks" / "frameworks" / "results.json"

HEAD = """
## Adapters of frameworks

`benchmarks/frameworks/overhead.py`, run in the environments of `tests/frameworks`: one agent of 5 model calls and 4 tool calls, in blocks of ten runs
with every adapter and with none by turns, in processor time of the whole process, the scripted model included. The client hook works in both. `added` is the median of the
differences of twelve pairs. Of the Claude Agent SDK only this process is counted, not the program that it starts. Temporal was not measured.

"""

CAUSE = """
LangGraph's adapter writes 14 steps a run: the agent, 9 nodes, 4 tools; {each:.2f} ms each. In a profile of the code that it adds in the graph's own thread (the agent and the nodes) about
half is the spool, which has a step on disk before it runs and again when it has ended; redaction of names and reading the graph's
names and ids are an eighth each; most of the rest is the span of OpenTelemetry. LlamaIndex's writes 29 steps, CrewAI's 7, the OpenAI Agents SDK's 5.
Differences of less than a millisecond are noise: there the medians themselves stand in either order.
"""

TOOLS, NODES = 4, 10
"""Steps of LangGraph's adapter in a run: tools; nodes and the agent."""


def section(table: Callable[[list[str], list[list[str]]], str]) -> str:
    """The section in Markdown."""
    lines = json.loads(RESULTS.read_text(encoding="utf-8"))["results"]
    rows = [
        [
            line["framework"],
            line["environment"],
            f"{line['run_ms_with_none']:g}",
            f"{line['run_ms_with_all']:g}",
            f"{line['added_ms']:g}",
            f"{line['added_percent']:g} %",
            line["date"],
        ]
        for line in lines
    ]
    head = ["framework", "environment", "ms a run with none", "ms with all", "added ms", "added"]
    text = HEAD + table([*head, "measured"], rows)
    graph = next(line for line in lines if line["framework"] == "langgraph")
    return text + CAUSE.format(each=graph["added_ms"] / (TOOLS + NODES))
