"""The part of the page of figures that is made from benchmarks/viewer/results.json."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parents[1] / "benchmarks" / "viewer" / "results.json"

MEANINGS = """\
Browser, viewer and collector share the machine. `load` is how many processes wanted a processor meanwhile: above the number of
cores, others were at work and every time is longer than on a machine of one's own. So the best of several is stated beside the median.

- **By address**: from the beginning of the navigation, in a new tab of a browser that has been there before; Streamlit's own start is
  in it. **From the list**: from the click on a run, in a tab that shows the list.
- **Timeline**: until the whole run is drawn. **Decision**: until the card of the first decision is filled, too.
- **Click**: from a click on a decision somewhere in the run, which nothing fetched before, until it is the chosen one on the screen;
  **card**: until its card is filled.
- **Processor**: what the tab's main thread, the viewer and the collector computed for one opening from the list. Others at work
  lengthen the waiting far more than this.
- Bytes are those on the wire, compressed. A viewer's process that gave back more than ten tabs took shows less than 0 MB a tab.
"""

RUN = {
    "address_timeline": "timeline by address",
    "address_decision": "decision by address",
    "list_timeline": "timeline from the list",
    "list_decision": "decision from the list",
}
CPU = ("list_tab_cpu_ms", "list_viewer_cpu_ms", "list_collector_cpu_ms")
CLICK = {"click": "click", "card": "card"}
GOAL_STEPS, GOAL_MS = 5_000, 1_000
Line = dict[str, Any]
Table = Callable[[list[str], list[list[str]]], str]


def _runs(lines: list[Line], table: Table) -> str:
    head = ["run of"] + [f"{words}, ms best / median" for words in RUN.values()]
    head += [f"{words}, ms p50 / p95" for words in CLICK.values()]
    head += ["processor, ms tab + viewer + collector"]
    head += ["kB of the run", "kB of a decision", "kB by websocket", "MB in the tab", "load"]
    rows = []
    for line in lines:
        row = [f"{line['steps']:,} steps"]
        row += [f"{line[f'{one}_best_ms']:,} / {line[f'{one}_median_ms']:,}" for one in RUN]
        row += [f"{line[f'{one}_median_ms']:,g} / {line[f'{one}_p95_ms']:,g}" for one in CLICK]
        used = [line[name] for name in CPU if name in line]
        row += [" + ".join(f"{value:,}" for value in used) or "not measured"]
        sizes = (line[f"{one}_bytes"] / 1000 for one in ("run", "decision", "websocket"))
        rows.append(
            [*row, *(f"{size:,.1f}" for size in sizes), str(line["tab_heap_mb"]), str(line["load"])]
        )
    return table(head, rows)


def _told(line: Line) -> list[list[str]]:
    left_out = {"benchmark", "what", "date", "load_before"}
    return [
        [line["what"], f"`{name}`", f"{value:,}" if isinstance(value, int | float) else value]
        for name, value in line.items()
        if name not in left_out
    ]


def _goal(lines: list[Line]) -> str:
    """Whether the one goal was reached; nothing when it was not measured."""
    for line in lines:
        if line["what"] == "run" and line["steps"] == GOAL_STEPS:
            took = line["list_timeline_median_ms"]
            word = "met" if took < GOAL_MS else "missed"
            return (
                f"Goal: a run of {GOAL_STEPS:,} steps is drawn within {GOAL_MS:,} ms of a click on it. "
                f"{word.capitalize()}, with a median of {took:,} ms; by address, Streamlit's start "
                f"included, {line['address_timeline_median_ms']:,} ms.\n\n"
            )
    return ""


def section(table: Table) -> str:
    """The section in Markdown; empty before anything was measured."""
    if not RESULTS.exists():
        return ""
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    lines, cores = results["results"], results.get("machine", {}).get("cores") or 1
    text = "\n## Viewer\n\n`python3 dev.py bench viewer --full --save` measures this in at most an hour "
    text += "(benchmarks/viewer/measure.py); a test runs it in small.\n\n"
    text += f"{MEANINGS}\n"
    before = max(line.get("load_before", 0) for line in lines)
    if before > 2 * cores:
        text += f"**The machine was busy with other work: a load of {before:g} on {cores} cores.** What a "
        text += "reviewer waits for on an idle machine these figures do not show.\n\n"
    text += _goal(lines)
    text += _runs([line for line in lines if line["what"] == "run"], table)
    others = [row for line in lines if line["what"] != "run" for row in _told(line)]
    return text + "\n" + table(["what", "figure", "value"], others)
