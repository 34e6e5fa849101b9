"""The page of how often planted causes are found, from benchmarks/causes/results.json."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parents[1] / "benchmarks/causes/results.json"

Table = Callable[[list[str], list[list[str]]], str]
Line = dict[str, Any]

SORTS = {
    "single": "one cause",
    "joint": "two, both needed",
    "redundant_same_kind": "two of one kind, either is enough",
    "redundant_across_kinds": "two of different kinds, either is enough",
    "control": "control: nothing matters",
}

MEANING = """\
[`tellwhy prove`](../guides/prove.md) was given decisions whose cause is known, because it was put there: a sentence at a random place of an
agent's history (instructions, the description of a tool, a message of a user, a text of the model, the result of a tool), and
a [model server](../guides/testing.md) whose rule reads that sentence and nothing else. *Noise* is how often this model chooses something else than its rule
says. It was asked in the same process, without a socket. Half of the decisions are Anthropic Messages, half OpenAI chat completions. The budget is the default: 200 calls, $1, 32 draws of one arm.

- **Hit**: the item that the report names first is the planted one. Of two that are both needed: it is one of them. Where either
  of two is enough: the set that is named is just these two.
- **False alarm**: anything that does not matter is named as a cause, also besides a hit. In a control: anything at all, groups too.
- **Out of calls**: the budget ended before any cause was named. **Not steady**: the recorded choice seemed too rare to test.
"""

LIMITS = """\
## What the figures do not mean

- A rule that reads one sentence is an easy model: what it reads changes its choice wholly. Causes that only shift a rate are found
  less often; those below about half of the rate are [not looked for](../explanation/causes.md).
- The histories are made up and the decisions were not recorded by a tracer: the requests were handed to the search as a recording
  would give them. That recordings give them so is what the tests of `tellwhy prove` show.
- No real model was asked, and nobody was asked which item mattered. How noisy real models are on your decisions the report of each test says.
- Two things of different kinds of which either is enough are the dearest to find: everything has to be left out first, and the
  pair is confirmed with draws of its own. `--max-calls` above 200 is for these.
"""


def page(note: str, table: Table) -> str:
    """The whole page in Markdown.

    Args:
        note: What stands at the head of each generated page.
        table: Makes a Markdown table of a head and rows.
    """
    lines: list[Line] = json.loads(RESULTS.read_text(encoding="utf-8"))["results"]
    head = ["decisions", "noise", "n", "hits", "false alarms", "out of calls", "not steady"]
    text = f"# Planted causes: how often they are found\n\n{note}\n{MEANING}\n"
    text += table([*head, "calls: median", "most"], [_row(line) for line in lines])
    text += f"\n{_told(lines)}\n{LIMITS}\n## Run it\n\n"
    return text + "```text\npython benchmarks/causes/run.py --save\n```\n"


def _row(line: Line) -> list[str]:
    hits = "-" if "hits" not in line else _share(line["hits"], line["decisions"])
    return [
        SORTS[line["sort"]],
        f"{line['noise']:.0%}",
        str(line["decisions"]),
        hits,
        _share(line["false_alarms"], line["decisions"]),
        str(line["stopped"]),
        str(line["unsteady"]),
        str(line["calls_median"]),
        str(line["calls_max"]),
    ]


def _told(lines: list[Line]) -> str:
    single = [line for line in lines if line["sort"] == "single"]
    control = [line for line in lines if line["sort"] == "control"]
    joint = [line for line in lines if line["sort"] == "joint"]
    either = [line for line in lines if line["sort"].startswith("redundant")]
    items = (
        f"{min(each['items_min'] for each in lines)} to {max(each['items_max'] for each in lines)}"
    )
    return (
        f"Goals: 95 % hits, 5 % false alarms. One cause, all noises together: {_all(single, 'hits')} hits, "
        f"{_all(single, 'false_alarms')} with something wrong named; controls: {_all(control, 'false_alarms')} false "
        f"alarms. Of two that are both needed, both were named in {_all(joint, 'both_named')}. Where either of two is enough, "
        f"the pair was named in {_all(either, 'hits')}. A request had {items} items that can be left out.\n"
    )


def _all(lines: Iterable[Line], key: str) -> str:
    found = list(lines)
    return _share(sum(line[key] for line in found), sum(line["decisions"] for line in found))


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({part / whole:.1%})"
