"""The page of how well findings and suspects locate failures, from benchmarks/explanation/results.json."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

RESULTS = Path(__file__).resolve().parents[1] / "benchmarks/explanation/results.json"

Table = Callable[[list[str], list[list[str]]], str]
Line = dict[str, Any]


class Figure(NamedTuple):
    """One figure of one set, and what it is to be compared with."""

    folder: str
    what: str
    key: str
    constant: str
    """The best of what needs no looking: a constant, or a published figure; with its value."""
    unseen: str | None = None
    """Name of the cross-validated figure."""


FIGURES = (
    Figure("trail_gaia", "category and span (joint F1)", "joint_f1", "Gemini 2.5 Flash, other GAIA traces: 0.131"),
    Figure("trail_gaia", "category and span, precision", "joint_precision", "the same: 0.172"),
    Figure("trail_gaia", "category and span, recall", "joint_recall", "published, Gemini 2.5 Pro: 0.183"),
    Figure("trail_gaia", "span alone (F1)", "location_f1", "every LLM span: 0.385"),
    Figure("trail_swe", "category and span (joint F1)", "joint_f1", "-"),
    Figure("trail_swe", "span alone (F1)", "location_f1", "-"),
    Figure("ww_algorithm", "step", "step", "always step 1: 0.25", "step_cv"),
    Figure("ww_algorithm", "agent", "agent", "published, all of the set: 0.535", "agent_cv"),
    Figure("ww_hand", "step", "step", "best constant, step 12: 0.17; published, all of the set: 0.142", "step_cv"),
    Figure("ww_hand", "agent", "agent", "always WebSurfer: 0.50; published, all of the set: 0.535", "agent_cv"),
    Figure("agentrx_magentic", "step of the root cause", "root_step", "best constant, the last step: 0.32; two people agree: 0.35", "step_cv"),
    Figure("agentrx_magentic", "within 3 steps", "within_3", "two people agree: 0.58"),
    Figure("agentrx_tau", "step of the root cause", "root_step", "best constant, step 21: 0.27; two people agree: 0.35", "step_cv"),
    Figure("agentrx_tau", "within 3 steps", "within_3", "two people agree: 0.58"),
    Figure("tau", "repair site is the first suspect", "top1", "always the last change: 0.93; the first: 0.77", "step_cv"),
    Figure("tau", "repair site is among the first three", "top3", "-"),
    Figure("tau", "mean reciprocal rank", "mrr", "always the last change: 0.97; the first: 0.87", "reciprocal_rank_cv"),
)  # fmt: skip

NAMES = {
    "trail_gaia": "TRAIL, GAIA",
    "trail_swe": "TRAIL, SWE-bench",
    "ww_algorithm": "Who&When, algorithm-generated",
    "ww_hand": "Who&When, hand-crafted",
    "agentrx_magentic": "AgentRx, Magentic-One",
    "agentrx_tau": "AgentRx, tau-bench",
    "tau": "tau-bench",
}

MEANING = """\
Each run is posted to a collector; when it has come to rest, the tables `findings` and `suspects` are read. No model is asked and
nothing leaves the machine; a run takes a fraction of a second of processor time, storing included. Every run of a set counts, also those of which nothing was said.

- **TRAIL** asks for each error its category (of 21) and its span. Findings are what we predict: each rule stands for the categories
  that its description fits (`benchmarks/explanation/categories.py`). F1 counts what is said wrongly as much as what is missed.
- **Who&When** and **AgentRx** ask for the one decisive step of a failed chat. The step is that of the first suspect; the agent is the one
  whose suspects have the largest share together. Exact match only.
- **tau-bench**: where one changed or left out action makes the final database right (found by running the environment), the place of
  that action among the suspects.

The column *unseen tasks* is the figure to believe for other runs: the weights were fitted again without the tasks that are counted,
five folds, three shuffles. *here* is what the weights of the product, fitted on these very runs and rounded, give.
"""

LIMITS = """\
## What the figures do not mean

- They are small sets: one run more or less is two to nine per cent. The rules and the choice of signals, and which category a
  rule stands for, were made while reading these runs; only the weights are cross-validated.
- Who&When and AgentRx mark one step each; where both mark the same run, they often mark different ones. A first suspect that is
  not the marked step need not be a bad place to begin.
- All of these runs failed. `suspects` ranks the calls of runs that went well in the same way, and says nothing of whether a run failed.
- "Best constant" is the constant that fits these runs best, chosen with hindsight. Where ours is hardly above it (AgentRx), the
  ranking has found little that is particular to the run.
- tau-bench is easy for a ranking that knows which tools change something: a run seldom changes more than three things.
- In chats that were recorded as answers alone, what a model saw is not known; what was said before it in the run stands in for that.
- A user who misleads the agent is never a suspect; in AgentRx, tau-bench, three of eleven root causes are the user's.
- The tag that `instruction_broken` misses in TRAIL may have been cut off by the provider as a stop sequence; the annotators count it
  as an error, and the traces do not tell.
"""


def page(note: str, table: Table) -> str:
    """The whole page in Markdown.

    Args:
        note: What stands at the head of each generated page.
        table: Makes a Markdown table of a head and rows.
    """
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    text = f"# Where runs went wrong: how often we are right\n\n{note}\n{MEANING}\n"
    head = ["set", "runs", "figure", "here", "unseen tasks", "beside"]
    text += table(head, _rows(results))
    text += f"\n{LIMITS}\n## Signals\n\n{_SIGNALS_TEXT}\n\n"
    text += table(["signal", "kind", "weight", "when"], _signals())
    text += "\n## Run it\n\n```text\npython benchmarks/explanation/run.py --data FOLDER --save\n"
    return text + "python benchmarks/explanation/fit.py --data FOLDER --save\n```\n"


_SIGNALS_TEXT = """\
A model call is suspected for what is seen of it: the weights of its signals and of the rules that found something at it are added up.
A weight of 1 makes it e times as suspect. `suspects.reasons` names each."""


def _rows(results: dict[str, Any]) -> list[list[str]]:
    here = {line["set"]: line for line in results["results"]}
    unseen = {line["set"]: line for line in results.get("cross_validated", [])}
    rows = []
    for one in FIGURES:
        line, other = here.get(one.folder), unseen.get(one.folder, {})
        if line is None:
            continue
        count = next(line[key] for key in ("traces", "runs", "repairable_runs") if key in line)
        away = other.get(one.unseen) if one.unseen else None
        shown = "-" if away is None else f"{away:.3f}"
        name = NAMES[one.folder]
        rows.append([name, str(count), one.what, f"{line[one.key]:.3f}", shown, one.constant])
    return rows


def _signals() -> list[list[str]]:
    from tellwhy_collector.reconstruct.suspects.signals import FINDING_WEIGHTS, SIGNALS

    rows = [[f"`{s.name}`", s.category, f"{s.weight:+g}", s.says] for s in SIGNALS]
    return rows + [
        [f"a rule of severity {severity}", "the rule", f"{weight:+g}", "Its message."]
        for severity, weight in FINDING_WEIGHTS.items()
    ]
