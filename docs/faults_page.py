"""The part of the page of figures that is made from benchmarks/faults/results.json."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parents[1] / "benchmarks" / "faults" / "results.json"

PROMISES = {
    "kill_collector": (
        "collector gets SIGKILL under load by OpenTelemetry's HTTP and gRPC exporters and the tracer",
        "every acknowledged span is there once, in tables and views",
    ),
    "kill_agent": (
        "agents die in a model call, a stream or a tool: SIGKILL, SIGTERM, `os._exit`, an exception",
        "every started call is there once, with its arguments and the right end",
    ),
    "collector_down": (
        "no collector during the whole run, then one",
        "all arrives; at most 1.05 times the run time; memory stays flat",
    ),
    "hostile": (
        "a folder of hostile requests",
        "the right status and the right number of spans; a good request is taken behind each",
    ),
    "fuzz": (
        "damaged requests and random bytes at both doors",
        "no 5xx but 503, no INTERNAL, no silence",
    ),
    "sustained": (
        "a steady rate, address space bounded as by `ulimit -v`",
        "nothing is lost and memory stays flat",
    ),
}
"""Fault -> what is done, what has to hold."""

LEFT_OUT = {"benchmark", "fault", "date", "load_before", "broken", "broken_count"}

Line = dict[str, Any]


def told(value: Any) -> str:
    """A figure in words."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {told(each)}" for name, each in value.items())
    if isinstance(value, list):
        return " ".join(map(told, value))
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def verdict(line: Line) -> str:
    """Whether everything held."""
    broken = line["broken_count"]
    return "held" if not broken else f"broken {broken} times: {line['broken'][0]}"


def pace(lines: list[Line]) -> str:
    """Where a steady rate was asked for and not reached; empty where all were."""
    short = [
        f"{line['kind']} spans of {line['bytes_a_span']:,} bytes came in at {line['spans_s']:,} "
        f"a second instead of {line['rate_wanted']:,} (load {line['load_before']} before)"
        for line in lines
        if line["benchmark"] == "sustained" and line["spans_s"] < line["rate_wanted"]
    ]
    if not short:
        return ""
    return (
        f"\nThe steady rate was not reached: {'; '.join(short)}. Senders waited for their answers, "
        "nothing was turned away and nothing lost; what a span costs stands under [goals](#goals).\n"
    )


def section(table: Callable[[list[str], list[list[str]]], str]) -> str:
    """The section in Markdown; empty before anything was run."""
    if not RESULTS.exists():
        return ""
    lines = json.loads(RESULTS.read_text(encoding="utf-8"))["results"]
    text = (
        "\n## Faults\n\n`python3 dev.py bench faults --full --save` breaks things on purpose, for "
    )
    text += "about an hour; without `--full` for five minutes. Tests run all of it in small.\n\n"
    rows = [
        [
            " ".join([line["benchmark"], line.get("kind", "")]).strip(),
            *PROMISES[line["benchmark"]],
            verdict(line),
            line["date"],
        ]
        for line in lines
    ]
    text += table(["script", "what is done", "what has to hold", "verdict", "measured"], rows)
    figures = [
        [" ".join([line["benchmark"], line.get("kind", "")]).strip(), f"`{name}`", told(value)]
        for line in lines
        for name, value in line.items()
        if name not in LEFT_OUT
    ]
    text += pace(lines)
    return text + "\n" + table(["script", "figure", "value"], figures)
