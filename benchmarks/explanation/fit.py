"""Fits the weights of the signals on marked runs, and says how well fitted weights do on others.

    python benchmarks/explanation/fit.py --data FOLDER [--save]

A conditional logit over the turns of each run, with a penalty; five folds, three shuffles, runs of
the same task always together. The weights in ``suspects/signals.py`` are the fit on all runs,
rounded; the cross-validated figures are what to expect of it on runs it has not seen.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import tempfile
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from marked import Mark, marks
from sets import recordings

from tellwhy_collector.reconstruct.evidence import evidence_of
from tellwhy_collector.reconstruct.explaining import cases_of
from tellwhy_collector.reconstruct.findings import findings_of
from tellwhy_collector.reconstruct.suspects.seeing import seen_of
from tellwhy_collector.reconstruct.suspects.signals import SIGNALS
from tellwhy_collector.testing import collector, send, wait_until_explained

HERE = Path(__file__).resolve().parent
PENALTY = 2.0
"""Of the squared weights, beside the sum of the runs' log likelihoods."""
FOLDS, SHUFFLES, ROUNDS = 5, 3, 200
RATE = 0.05
NAMES = [*(signal.name for signal in SIGNALS), "medium"]
"""The last: rules of medium severity that found something."""


class Marked(NamedTuple):
    """One run: a row for each turn."""

    folder: str
    mark: Mark
    values: Any
    """Signals, a row a turn, a column a name."""
    right: Any
    """1 where the turn is marked."""
    agents: list[str]


def marked_runs(data: Path) -> list[Marked]:
    """Every marked run of *data* as the collector sees it."""
    truth = marks(data)
    found = []
    with tempfile.TemporaryDirectory() as scratch, collector(Path(scratch)) as running:
        wanted = [one for one in recordings(data) if (one.folder, one.name) in truth]
        for one in wanted:
            send(f"{running.http_url}/v1/traces", one.body, one.content_type)
        wait_until_explained(running.store, 1_800)
        cursor = running.store.cursor()
        for one in wanted:
            mark = truth[one.folder, one.name]
            for case in cases_of(cursor, one.trace_id):
                evidence = evidence_of(case)
                seen = seen_of(case, evidence, findings_of(case, evidence))
                places = [one.places.get(s.turn.step.span_id) for s in seen]
                values = [[*(float(signal.see(s)) for signal in SIGNALS), _medium(s)] for s in seen]
                right = np.array([place in mark.places for place in places], float)
                agents = [re.sub(r"\s*\(.*\)\s*$", "", s.turn.agent) for s in seen]
                found.append(Marked(one.folder, mark, np.array(values), right, agents))
        cursor.close()
    return found


def _medium(seen: Any) -> float:
    return float(sum(finding.severity == "medium" for finding in seen.findings))


def fitted(runs: Sequence[Marked]) -> Any:
    """Weights by name: Adam on the penalised log likelihood of the marked turns."""
    told = [run for run in runs if run.right.any()]
    weights = np.zeros(len(NAMES))
    mean, square = np.zeros_like(weights), np.zeros_like(weights)
    for count in range(1, ROUNDS + 1):
        slope = -PENALTY * weights
        for run in told:
            shares = _shares(run, weights)
            right = shares * run.right
            slope += run.values.T @ (right / max(right.sum(), 1e-12) - shares)
        slope /= len(told)
        mean, square = 0.9 * mean + 0.1 * slope, 0.999 * square + 0.001 * slope**2
        step = mean / (1 - 0.9**count) / (np.sqrt(square / (1 - 0.999**count)) + 1e-8)
        weights = weights + RATE * step
    return weights


def _shares(run: Marked, weights: Any) -> Any:
    sums = run.values @ weights
    powers = np.exp(sums - sums.max())
    return powers / powers.sum()


def cross_validated(runs: Sequence[Marked]) -> list[dict[str, Any]]:
    """A line for each set: how often the first suspect, and the agent, are right on unseen tasks."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    groups = sorted({run.mark.group for run in runs})
    for shuffle in range(SHUFFLES):
        order = random.Random(shuffle).sample(groups, len(groups))
        fold_of = {group: place % FOLDS for place, group in enumerate(order)}
        for fold in range(FOLDS):
            weights = fitted([run for run in runs if fold_of[run.mark.group] != fold])
            for run in runs:
                if fold_of[run.mark.group] == fold:
                    name = "tau" if run.folder.startswith("tau_") else run.folder
                    counts[name] += _judged(run, _shares(run, weights))
    lines = []
    for name, count in sorted(counts.items()):
        line: dict[str, Any] = {"set": name, "runs": count["runs"] // SHUFFLES}
        keys = ("step", "reciprocal_rank", *(["agent"] if count["named"] else []))
        lines.append(line | {f"{key}_cv": round(count[key] / count["runs"], 4) for key in keys})
    return lines


def _judged(run: Marked, shares: Any) -> Counter[str]:
    order = np.argsort(-shares, kind="stable")
    hit = next((rank for rank, place in enumerate(order) if run.right[place]), None)
    count: Counter[Any] = Counter(runs=1, step=int(hit == 0))
    count["reciprocal_rank"] = 0 if hit is None else 1 / (hit + 1)  # type: ignore[assignment]
    if run.mark.agent is not None:
        agents: Counter[str] = Counter()
        for agent, share in zip(run.agents, shares, strict=True):
            agents[agent] += share
        count["named"] = 1
        count["agent"] = int(agents.most_common(1)[0][0].lower() == run.mark.agent.lower())
    return count


def main() -> None:
    """Print the cross-validated lines and the weights; keep the lines with ``--save``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="see sets.py for its layout")
    parser.add_argument("--save", action="store_true", help="write them into results.json")
    given = parser.parse_args()
    runs = marked_runs(given.data)
    lines = cross_validated(runs)
    for line in lines:
        print(json.dumps(line))
    for name, weight in zip(NAMES, fitted(runs), strict=True):
        print(f"{name:20} {weight:6.2f}")
    if given.save:
        path = HERE / "results.json"
        kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        kept["cross_validated"] = lines
        path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
