"""The page of how often planted causes are found, from the results in benchmarks/causes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks/causes"
RESULTS = FOLDER / "results.json"
COVERAGE = FOLDER / "coverage.json"

RUN = ("run", "coverage")
"""Scripts that the figures come from."""

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

INTERVALS = """\
## What the intervals hold

A test stops drawing when it is clear, so its intervals must hold whenever it stops. They were looked at where {tests} tests of each line stopped, over six
items of which one moves the rate of the choice. *Fixed* are the intervals that were told before, which are made for a number of draws that is
fixed beforehand (Newcombe 1998). *Always valid* are those that are told (Turner and Grünwald 2023); their promise is 95 % or more,
for everybody who looks at any time.

"""

PRICE = """
What this costs is width and no call: drawing stops as before, and no decision rests on an interval. The intervals are about {wider:.1f} times as wide.
They hold more often than they promise, because they would also hold for somebody who stops as soon as they look best.

"""

LIMITS = """\
## What the figures do not mean

- A rule that reads one sentence is an easy model: what it reads changes its choice wholly. Causes that only shift a rate are found
  less often; those below about half of the rate are [not looked for](../explanation/causes.md).
- The histories are made up and the decisions were not recorded by a tracer: the requests were handed to the search as a recording
  would give them. That recordings give them so is what the tests of `tellwhy prove` show.
- No real model was asked, and nobody was asked which item mattered. How noisy real models are on your decisions the report of each test says.
- Two things of different kinds of which either is enough are the dearest to find: everything has to be left out first, then some ten
  smaller sets, and the pair is confirmed with draws of its own. At a noise of 20 % a few of them are not found with 200 calls. Three that
  each suffice, or a rule that chooses the same thing for other reasons when something is missing, want `--max-calls` above 200.
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
    text += f"\n{_told(lines)}\n{_intervals(table)}{LIMITS}\n## Run it\n\n```text\n"
    return text + "".join(f"python benchmarks/causes/{each}.py --save\n" for each in RUN) + "```\n"


def _intervals(table: Table) -> str:
    lines: list[Line] = json.loads(COVERAGE.read_text(encoding="utf-8"))["results"]
    head = ["with", "without", "calls: mean", "fixed: hold", "width"]
    rows = [
        [f"{line['kept']:.0%}", f"{line['lost']:.0%}", f"{line['calls']:.0f}"]
        + [
            shown
            for name in ("fixed", "always_valid")
            for shown in (f"{line[name]['held']:.1%}", f"{line[name]['width'] * 100:.0f} points")
        ]
        for line in lines
    ]
    before, after = (
        sum(line[name]["width"] for line in lines) for name in ("fixed", "always_valid")
    )
    text = INTERVALS.format(tests=lines[0]["tests"])
    text += table([*head, "always valid: hold", "width"], rows)
    return text + PRICE.format(wider=after / before)


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
