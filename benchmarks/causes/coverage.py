"""How often the interval of an arm holds the true change, when drawing stops as a test stops.

    python benchmarks/causes/coverage.py [--tests N] [--save]

Every test is the search of `tellwhy prove` over six items, of which one moves the rate of the choice.
Beside the interval that is told stands the one that was told before, which is made for a number of draws
that is fixed beforehand. ``--save`` writes ``coverage.json``, which the documentation quotes.
"""

from __future__ import annotations

import argparse
import json
import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tellwhy_collector.prove.intervals import always_valid
from tellwhy_collector.prove.proof import SAMPLES
from tellwhy_collector.prove.sampling import Count, Interval, wilson
from tellwhy_collector.prove.search import Arm, Search
from tellwhy_collector.prove.tree import Left

RESULTS = Path(__file__).resolve().parent / "coverage.json"
TESTS = 400
"""For each pair of rates."""
KINDS = ("instructions", "tool", "tool", "user", "result", "result")
MATTERS = 4
"""Number of the item that moves the rate."""

RATES = (
    (1.0, 0.0),
    (0.95, 0.05),
    (0.9, 0.1),
    (0.8, 0.2),
    (0.7, 0.3),
    (0.95, 0.5),
    (0.8, 0.5),
    (0.95, 0.95),
    (0.8, 0.8),
    (0.6, 0.6),
)
"""How often the choice is made with that item, and without it."""


def fixed(control: Count, left_out: Count) -> Interval:
    """The hybrid score interval, for a number of draws that is fixed beforehand.

    Source: Newcombe, method 10, Stat. Med. 17 (1998).
    """
    a, b = wilson(left_out), wilson(control)
    change = left_out.rate - control.rate
    low = change - math.hypot(left_out.rate - a.low, b.high - control.rate)
    high = change + math.hypot(a.high - left_out.rate, control.rate - b.low)
    return Interval(max(-1.0, low), min(1.0, high))


@dataclass(slots=True)
class Tally:
    """What was seen of one kind of intervals."""

    interval: Callable[[Count, Count], Interval]
    held: list[bool] = field(default_factory=list)
    widths: list[float] = field(default_factory=list)

    def add(self, arm: Arm, change: float) -> None:
        """Look at one arm, whose true change is known."""
        low, high = self.interval(arm.control, arm.count)
        self.held.append(low - 1e-9 <= change <= high + 1e-9)
        self.widths.append(high - low)

    def line(self) -> dict[str, Any]:
        """Shares and means."""
        n = len(self.held)
        return {"held": round(sum(self.held) / n, 4), "width": round(sum(self.widths) / n, 3)}


def arms(kept: float, lost: float, seed: int) -> tuple[list[Arm], int]:
    """The arms of one test as it ended, and how often the model was asked.

    Args:
        kept: Rate of the choice.
        lost: Rate without the item that matters.
        seed: Of the draws.
    """
    chance, calls = random.Random(seed), 0

    def draw(wanted: Sequence[tuple[Left, int]]) -> list[bool | None]:
        nonlocal calls
        calls += len(wanted)
        return [chance.random() < (lost if MATTERS in left else kept) for left, _ in wanted]

    found = Search(KINDS, draw, samples=SAMPLES).run()
    return [arm for arm in found.arms.values() if arm.count.n], calls


def measured(tests: int = TESTS) -> Iterator[dict[str, Any]]:
    """A line for each pair of rates.

    Args:
        tests: Of each pair.
    """
    for kept, lost in RATES:
        tallies = {"fixed": Tally(fixed), "always_valid": Tally(always_valid)}
        calls = 0
        for seed in range(tests):
            found, asked = arms(kept, lost, seed)
            calls += asked
            for arm in found:
                for tally in tallies.values():
                    tally.add(arm, lost - kept if MATTERS in arm.left else 0.0)
        line: dict[str, Any] = {"kept": kept, "lost": lost, "tests": tests}
        line |= {"calls": round(calls / tests, 1), "arms": len(tallies["fixed"].held)}
        yield line | {name: tally.line() for name, tally in tallies.items()}


def main() -> None:
    """Print the lines; keep them with ``--save``."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tests", type=int, default=TESTS, help="of each pair of rates")
    parser.add_argument("--save", action="store_true", help="write coverage.json")
    given = parser.parse_args()
    lines = []
    for line in measured(given.tests):
        print(json.dumps(line), flush=True)
        lines.append(line)
    if given.save:
        RESULTS.write_text(json.dumps({"results": lines}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
