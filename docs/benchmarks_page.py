"""The page of measured figures, made from benchmarks/results.json: goals, what was met, and why not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import faults_page
import overhead_page
import viewer_page

RESULTS = Path(__file__).resolve().parents[1] / "benchmarks" / "results.json"
MILLION = 900_000
"""Fewer spans are a small run: its figures stand on the page, but no goal is judged by it."""

Line = dict[str, Any]


class Goal(NamedTuple):
    """What is wanted of one figure."""

    question: str
    benchmark: str
    figure: str
    most: float | None
    """At most this, or"""
    least: float | None
    """at least this."""
    unit: str
    cause: Callable[[Line], str]
    """Why it is missed, when it is."""


def _ingest(line: Line) -> str:
    cost = line["collector_cpu_us_a_span"]
    return (
        f"A span costs {cost:g} µs of processor time in the collector, settling and checkpoints "
        f"included, so that two cores wholly its own could store {2e6 / cost:,.0f} a second. Python "
        f"runs one thread at a time: {line['collector_cpus']:g} cores were busy."
    )


GOALS = (
    Goal(
        "one model call with everything recorded, beside the bare SDK",
        "call_overhead",
        "tellwhy_ratio",
        1.35,
        None,
        "times",
        lambda line: (
            f"{line['tellwhy_us'] - line['bare_us']:,.0f} µs a call: the request, the answer and "
            "the decision are read and written as JSON in the caller's thread, beside an SDK call "
            f"that takes {line['bare_us']:,.0f} µs because there is no network here."
        ),
    ),
    Goal(
        "`@tellwhy.tool` beside a bare OpenTelemetry span",
        "decorator_overhead",
        "ratio",
        2.0,
        None,
        "times",
        lambda line: (
            f"{line['tool_us'] - line['span_us']:,.0f} µs a call: the bare span has no attributes; "
            "ours has name, run, agent, arguments and result, the last two as JSON."
        ),
    ),
    Goal(
        "spans a second stored for good, two cores",
        "durable_ingest",
        "spans_s",
        None,
        15_000,
        "",
        _ingest,
    ),
    Goal(
        "longest time without an answer while a million is stored",
        "durable_ingest",
        "longest_silence_s",
        1.0,
        None,
        "s",
        lambda line: (
            "DuckDB takes no inserts while it writes a checkpoint, which happens about every "
            f"{128e6 / max(line['disk_bytes_a_span'], 1) / 1000:,.0f},000 spans."
        ),
    ),
    Goal(
        "bytes on disk for each byte sent",
        "durable_ingest",
        "disk_over_payload",
        0.25,
        None,
        "",
        lambda line: (
            "Messages and results stand twice, as sent (`spans`) and as understood (`steps`), and "
            f"results a third time beside their decision. {line['used_over_payload']:.2f} is in "
            "use; the rest are blocks that checkpoints left free and later spans fill."
        ),
    ),
)

LATENCY_GOALS = {"one_trace": 35, "latest_50_runs": 20, "cost_a_day_and_model": 100}
"""Question -> milliseconds, while spans arrive."""

LATENCY_CAUSES = {
    "one_trace": (
        "There is no index (each would make storing dearer): the ids of all row groups are looked "
        "through, and the trace's own row group is unpacked."
    ),
    "latest_50_runs": (
        "The rows themselves are found in few milliseconds; what is left is planning a view that "
        "is exact at any moment, and working out the runs that are under way."
    ),
    "cost_a_day_and_model": "Every call ever stored is added up; nothing is added up beforehand.",
}

QUESTIONS = {
    "one_trace": "one trace, all steps with their content",
    "one_run": "one run",
    "decisions_of_a_run": "the decisions of one run",
    "latest_50_runs": "latest 50 runs",
    "newest_50_decisions": "newest 50 decisions, all columns",
    "cost_a_day_and_model": "cost per day and model, over everything",
    "errors_of_15_minutes": "errors of 15 minutes, the newest 200",
    "errors_by_type_of_15_minutes": "errors of 15 minutes, counted by type",
    "p95_by_model_of_an_hour": "p95 by model of an hour",
    "decisions_by_action_and_outcome": "decisions by action and outcome, over everything",
    "viewer_runs_page": "the viewer's page of runs (3 statements)",
    "viewer_run_page": "the viewer's page of one run (3 statements)",
}

PEERS = """\
What others cost in the same two experiments, measured in November 2026 on a machine of this kind (two shared cores) with the
versions named. Compare the ratios to the bare SDK and to the bare span of the same round, not the microseconds.

| one Anthropic call with content, beside the bare SDK | ratio |
|---|---|
| anthropic 2.12, its own tracing with content | 1.64 |
| opentelemetry-instrumentation-genai-anthropic 1.3b0, content on spans | 2.04 |
| traceloop 0.62.4 | 2.06 |
| openinference 3.1.0 | 2.29 |
| langsmith 0.15 `wrap_anthropic` | 2.75 |

| a decorated function that does nothing | µs a call |
|---|---|
| OpenTelemetry span without attributes | 14 |
| traceloop `@task` | 51 |
| logfire `instrument` | 107 |
| langsmith `@traceable` | 139 |
| langfuse `@observe` | 158 |
| mlflow `trace` over OTLP | 245 |

The round: `messages.create` of three messages with thinking, text and a tool call as the answer, from a mock transport, four times
5,000 calls; functions four times 20,000 calls (mlflow 5,000, langsmith 10,000); exporters that do nothing. No storing peer was
measured by these scripts."""

MEANINGS = """\
- **Spans** are agent conversations made by `benchmarks/workload.py`: model calls with the history so far, instructions and tools,
  tool calls, approvals, failures; text is made word by word from this documentation, so that no passage repeats by chance, and
  squeezes like prose. `new_text_share` says how much of the text stands there for the first time. One run in ten is
  told by a second instrumentor as well.
- **Stored for good**: posted as OTLP/HTTP in requests of 512 by eight senders to `tellwhy serve`, answered after the commit, while
  traces are settled and checkpoints are written. The requests were made before; making and posting them is stated apart.
- **Questions** are asked over HTTP by another process, in turn, p50 / p95 of 20. One to five million spans come from a collector
  that took 61,440 and were then copied inside the database with other ids and times; 500 spans a second arrive while "ingesting"."""


def lines(results: dict[str, Any], name: str) -> list[Line]:
    """What *name* measured."""
    return [line for line in results["results"] if line["benchmark"] == name]


def judged(goal: Goal, line: Line) -> list[str]:
    """A row: question, goal, measured, met or how far, and the cause."""
    value = line[goal.figure]
    wanted = goal.most if goal.most is not None else goal.least
    assert wanted is not None
    good = value <= wanted if goal.most is not None else value >= wanted
    sign = "≤" if goal.most is not None else "≥"
    verdict = (
        "met" if good else f"missed by a factor of {max(value, wanted) / min(value, wanted):.1f}"
    )
    return [
        goal.question,
        f"{sign} {wanted:,g} {goal.unit}".strip(),
        f"{value:,g} {goal.unit}".strip(),
        verdict,
        "" if good else goal.cause(line),
    ]


def _latency_goals(line: Line) -> list[list[str]]:
    return [
        judged(
            Goal(
                f"{QUESTIONS[name]}, {line['spans'] / 1e6:.1f} million spans, ingesting (p50)",
                "query_latency",
                f"busy_{name}_p50_ms",
                most,
                None,
                "ms",
                lambda _, name=name: LATENCY_CAUSES[name],
            ),
            line,
        )
        for name, most in LATENCY_GOALS.items()
    ]


def goals(results: dict[str, Any]) -> list[list[str]]:
    """A row for each goal that something large enough was measured for."""
    rows = []
    for goal in GOALS:
        rows += [
            judged(goal, line)
            for line in lines(results, goal.benchmark)
            if line.get("spans", MILLION) >= MILLION and goal.figure in line
        ]
    for line in lines(results, "query_latency"):
        if line["spans"] >= MILLION and "busy_one_trace_p50_ms" in line:
            rows += _latency_goals(line)
    return rows


def latencies(results: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Head and rows: each question at each size, idle and ingesting."""
    found = [one for one in lines(results, "query_latency") if "busy_one_trace_p50_ms" in one]
    head = ["question, ms p50 / p95"]
    for line in found:
        size = f"{line['spans']:,}"
        head += [f"{size} idle", f"{size} ingesting"]
    rows = []
    for name, words in QUESTIONS.items():
        row = [words]
        for line in found:
            for phase in ("idle", "busy"):
                key = f"{phase}_{name}"
                times = line.get(f"{key}_p50_ms"), line.get(f"{key}_p95_ms")
                row.append("-" if None in times else f"{times[0]:,g} / {times[1]:,g}")
        rows.append(row)
    return head, rows if found else []


def memory(results: dict[str, Any]) -> list[list[str]]:
    """A row for each database: how large, and what the collector's process held."""
    keys = ("ready_mb", "idle_mb", "busy_mb", "peak_mb", "ready_after_s", "busy_cpus")
    return [
        [f"{line['spans']:,}", f"{line['bytes_a_span']:,}", *(f"{line[key]:g}" for key in keys)]
        for line in lines(results, "query_latency")
        if all(key in line for key in keys)
    ]


def everything(results: dict[str, Any]) -> list[list[str]]:
    """A row for each figure that stands in no other table."""
    rows = []
    for line in results["results"]:
        size = f" of {line['spans']:,}" if "spans" in line else ""
        for key, value in line.items():
            told = key.startswith(("idle_", "busy_")) and key.endswith("_ms")
            if key not in ("benchmark", "spans") and not told:
                shown = f"{value:,}" if isinstance(value, int) else str(value)
                rows.append([f"{line['benchmark']}{size}", f"`{key}`", shown])
    return rows


def page(note: str, table: Callable[[list[str], list[list[str]]], str]) -> str:
    """The whole page in Markdown.

    Args:
        note: What stands at the head of each generated page.
        table: Makes a Markdown table of a head and rows.
    """
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    machine = results["machine"]
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    dates = sorted({line["date"] for line in results["results"] if "date" in line})
    text = (
        f"# Benchmarks\n\n{note}\n`python3 dev.py bench --full --save` measures all of this in at "
    )
    text += "most 25 minutes; `python3 dev.py bench` is smaller. Machines are noisy: compare ratios.\n\n"
    rows = [
        ["processor", f"{machine['processor']}, {machine.get('cores', '?')} cores"],
        ["memory", f"{machine.get('memory_gb', '?')} GB"],
        ["system", f"{machine['system']}, Python {machine['python']}"],
        ["versions", packages],
        ["measured", ", ".join(dates) or "before dates were written down"],
    ]
    text += table(["what", "value"], rows) + "\n## Goals\n\n"
    text += table(["question", "goal", "measured", "verdict", "cause"], goals(results))
    text += f"\n## What the words mean\n\n{MEANINGS}\n"
    head, found = latencies(results)
    if found:
        text += "\n## Questions\n\n" + table(head, found)
    if sizes := memory(results):
        head = ["spans", "bytes a span on disk", "MB when ready", "MB after questions"]
        head += ["MB while ingesting", "MB at most", "ready after s", "cores while ingesting"]
        text += "\n## Memory of the collector\n\n" + table(head, sizes)
    text += overhead_page.section(table)
    text += viewer_page.section(table)
    text += faults_page.section(table)
    text += f"\n## Peers\n\n{PEERS}\n\n## Every figure\n\n"
    return text + table(["benchmark", "figure", "value"], everything(results))
