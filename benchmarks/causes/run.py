"""How often `tellwhy prove` names the cause that was planted; one JSON line for each sort and noise.

    python benchmarks/causes/run.py [--only SORT] [--scale S] [--http] [--save]

Every decision is tested with the default budget (200 calls, $1, 32 draws an arm) against the model
server of `tellwhy.testing`, whose rule is the truth: in this process, or with ``--http`` over a socket.
No provider is asked.
``--save`` writes ``results.json``, which the documentation quotes.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

from planted import Planted, Sort, planted

from tellwhy._model_server.causal import Causal
from tellwhy._model_server.http import REPLIES
from tellwhy._model_server.script import Memory
from tellwhy.testing import model_server
from tellwhy_collector.prove.budget import Budget, forecast
from tellwhy_collector.prove.command import MAX_CALLS, MAX_COST_USD
from tellwhy_collector.prove.proof import Wish, prove
from tellwhy_collector.prove.provider import Answered, Provider, provider_for

RESULTS = Path(__file__).resolve().parent / "results.json"
SORTS: tuple[Sort, ...] = get_args(Sort)
NOISES = (0.0, 0.05, 0.1, 0.2)
COUNTS: dict[str, int] = {
    "single": 26,
    "joint": 10,
    "redundant_same_kind": 6,
    "redundant_across_kinds": 6,
    "control": 20,
}
"""Decisions of each sort, for each noise and wire format."""
KEYS = {"ANTHROPIC_API_KEY": "offline", "OPENAI_API_KEY": "offline"}


class InProcess(Provider):
    """The model server's answers without its socket: the same rule, noise, seed and wire format."""

    memory: Memory

    def ask(self, body: dict[str, Any], again: Callable[[], bool] = lambda: True) -> Answered:  # noqa: ARG002 - nothing is lost here
        """What the server would answer to *body*."""
        replies = (reply for end, reply in REPLIES.items() if self.url.endswith(end))
        return Answered(200, next(replies)(body, self.memory).body, 0.0)


@contextmanager
def asked(case: Planted, noise: float, seed: int, *, http: bool) -> Iterator[Provider]:
    """Who answers.

    Args:
        case: The decision.
        noise: Of the model.
        seed: Of the noise.
        http: Whether over a socket.
    """
    wire = case.recorded.wire
    if not http:
        made = InProcess(f"http://127.0.0.1{wire.path}", {})
        made.memory = Memory()
        made.memory.choose = Causal(case.rule, noise, seed).step
        yield made
        return
    with model_server(case.rule, noise=noise, seed=seed) as server:
        base = server.url if wire.path.startswith("/v1/") else f"{server.url}/v1"
        yield provider_for(wire, {}, None, base, KEYS)


def tested(case: Planted, noise: float, seed: int, *, http: bool) -> dict[str, Any]:
    """What is said of one decision, beside the truth."""
    recorded = case.recorded
    worst = forecast(recorded, [item.kind for item in case.items]).worst_usd
    if worst is None:
        raise SystemExit(f"The price of {recorded.model} is not known; name another model.")
    budget = Budget(recorded, MAX_CALLS, MAX_COST_USD, worst)
    wish = Wish() if http else Wish(parallel=1)
    with asked(case, noise, seed, http=http) as provider:
        told = prove(
            recorded, case.items, provider, budget, wish, cached=[], store=lambda _body: None
        )
    return {"calls": told["proof"]["calls"], "items": len(case.items), **judged(case, told)}


def judged(case: Planted, told: dict[str, Any]) -> dict[str, Any]:
    """Whether what was told is the truth.

    Args:
        case: The decision.
        told: Its proof and its causes, in the order in which the report names them.
    """
    causes = [row for row in told["causes"] if row["verdict"] == "cause"]
    named = [set(json.loads(row["paths"])) for row in causes if row["what"] != "group"]
    truth = set(case.truth)
    first = named[0] if named else set()
    hit = first == truth
    if case.sort == "joint":
        hit = len(first) == 1 and first <= truth
    whole = hit if case.sort != "joint" else truth == set().union(*named)
    wrong = any(not paths <= truth for paths in named)
    if case.sort == "control":
        wrong = bool(causes)
    found: dict[str, Any] = {"hit": hit, "whole": whole, "wrong": wrong}
    found["unsteady"] = told["proof"]["result"] == "unsteady"
    found["stopped"] = told["proof"]["reason"] is not None and not named
    return found


def line_of(sort: str, noise: float, found: list[dict[str, Any]]) -> dict[str, Any]:
    """The figures of one sort at one noise."""
    calls = [each["calls"] for each in found]
    line: dict[str, Any] = {"sort": sort, "noise": noise, "decisions": len(found)}
    if sort != "control":
        line |= {"hits": sum(each["hit"] for each in found)}
        line |= {"hit_rate": round(line["hits"] / len(found), 3)}
    if sort == "joint":
        line["both_named"] = sum(each["whole"] for each in found)
    line["false_alarms"] = sum(each["wrong"] for each in found)
    line["false_alarm_rate"] = round(line["false_alarms"] / len(found), 3)
    for end in ("stopped", "unsteady"):
        line[end] = sum(each[end] for each in found)
    line |= {"calls_median": round(statistics.median(calls)), "calls_max": max(calls)}
    items = [each["items"] for each in found]
    return line | {"items_min": min(items), "items_max": max(items)}


def measured(
    sorts: Sequence[Sort], scale: float = 1.0, *, http: bool = False
) -> Iterator[dict[str, Any]]:
    """A line for each sort and noise.

    Args:
        sorts: Of decisions.
        scale: Of the number of decisions.
        http: Whether the model is asked over a socket.
    """
    for sort in sorts:
        for noise in NOISES:
            seeds = range(max(1, round(COUNTS[sort] * scale)))
            yield line_of(
                sort,
                noise,
                [
                    tested(
                        planted(sort, wire, 1000 * seed + round(noise * 100)),
                        noise,
                        seed,
                        http=http,
                    )
                    for wire in ("anthropic", "openai")
                    for seed in seeds
                ],
            )


def save(lines: list[dict[str, Any]]) -> None:
    """Keep *lines* in the place of earlier ones of the same sorts."""
    kept = json.loads(RESULTS.read_text(encoding="utf-8"))["results"] if RESULTS.exists() else []
    new = {line["sort"] for line in lines}
    lines = [line for line in kept if line["sort"] not in new] + lines
    lines.sort(key=lambda line: SORTS.index(line["sort"]))
    RESULTS.write_text(json.dumps({"results": lines}, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Print the lines; keep them with ``--save``."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=SORTS, help="decisions of this sort")
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of decisions")
    parser.add_argument("--http", action="store_true", help="ask over a socket; slower")
    parser.add_argument("--save", action="store_true", help="write results.json")
    given = parser.parse_args()
    lines = []
    for line in measured([given.only] if given.only else SORTS, given.scale, http=given.http):
        print(json.dumps(line), flush=True)
        lines.append(line)
    if given.save:
        save(lines)


if __name__ == "__main__":
    main()
