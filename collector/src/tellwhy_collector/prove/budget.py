"""What a test may cost: a forecast before anything is sent, and caps that hold."""

from __future__ import annotations

import json
import math
import threading
from dataclasses import dataclass, field
from typing import NamedTuple

from tellwhy_collector.costs import PRICE_VERSION, cost_of
from tellwhy_collector.prove.recorded import Recorded
from tellwhy_collector.prove.search import FIRST_DRAWS, STEADY_DRAWS
from tellwhy_collector.prove.tree import planted
from tellwhy_collector.prove.wire import Usage

CHARACTERS_PER_TOKEN = 2.5
"""Fewer than in any text that models are commonly given, so that a forecast is no less than it is."""

OUTPUT_TOKENS = 32_768
"""Longest answer that is reckoned with, where a request sets no limit: models have limits of their own."""

OTHER_TOKENISER = 1.5
"""So many times as many tokens the same text may be to another model than the recorded one."""

PROVIDERS = {"anthropic_messages": "anthropic"}
"""Whose prices count when the recording does not say; others: openai."""


class Forecast(NamedTuple):
    """What a test will need."""

    call_usd: float | None
    """One call that is like the recorded one; None: the price of the model is not known."""
    worst_usd: float | None
    """One call whose answer is as long as it may be."""
    few: int
    """Calls when no item matters and every arm is clear at once."""
    usual: int
    """Calls when one item matters and the model hardly wavers."""


@dataclass(slots=True)
class Budget:
    """Counts against the caps. Safe to use from many threads."""

    recorded: Recorded
    max_calls: int
    max_cost_usd: float | None
    """None: the price is not known and calls alone are limited."""
    worst_usd: float | None
    calls: int = 0
    spent_usd: float = 0.0
    reserved: int = 0
    """Calls that may be under way, each as dear as it can be."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def reserve(self, wanted: int) -> int:
        """How many of *wanted* calls may be made; they are set aside until they are settled."""
        with self._lock:
            free = self.max_calls - self.calls - self.reserved
            granted = max(0, min(wanted, free, self._afforded()))
            self.reserved += granted
            return granted

    @property
    def reason(self) -> str:
        """Why no more is allowed."""
        if self.calls >= self.max_calls:
            return f"{self.calls} calls were made, and --max-calls is {self.max_calls}"
        return (
            f"${self.spent_usd:.4f} were spent, one more call may cost ${self.worst_usd or 0:.4f}, and "
            f"--max-cost-usd is {self.max_cost_usd or 0:g}"
        )

    def _afforded(self) -> int:
        if self.max_cost_usd is None or not self.worst_usd:
            return self.max_calls
        rest = self.max_cost_usd - self.spent_usd - self.reserved * self.worst_usd
        return math.floor(rest / self.worst_usd + 1e-9)

    def settle(self, reserved: int, *, answered: bool, cost_usd: float | None, lost: int) -> None:
        """Count what became of a call.

        Args:
            reserved: What was set aside for it.
            answered: Whether it was answered in the end.
            cost_usd: Of the answer; None: nobody knows, and calls alone are limited.
            lost: Requests whose answer was lost: the provider may have worked on them, at the most.
        """
        with self._lock:
            self.reserved -= reserved
            self.calls += lost + answered
            self.spent_usd += lost * (self.worst_usd or 0.0) + (cost_usd or 0.0)

    def price(self, usage: Usage) -> float | None:
        """What a call with so many tokens costs. US dollars."""
        return cost_usd(self.recorded, usage)


def forecast(
    recorded: Recorded, kinds: list[str], *, said: str = "", other_model: bool = False
) -> Forecast:
    """What a test of that decision will need.

    Args:
        recorded: The decision.
        kinds: Of each item.
        said: What is put in the place of an item.
        other_model: Whether another model than the recorded one is asked.
    """
    text = json.dumps(recorded.wire.plain(recorded.body), ensure_ascii=False)
    tokens = recorded.input_tokens or int(len(text) / CHARACTERS_PER_TOKEN) + 400
    answered = recorded.output_tokens or 200
    limit = recorded.wire.max_tokens(recorded.body) or max(OUTPUT_TOKENS, 4 * answered)
    # The dearest that input can be: written to a cache.
    most = int(tokens * (OTHER_TOKENISER if other_model else 1.1)) + 100
    most += len(said.encode()) * len(kinds)  # no token is shorter than a byte
    worst = Usage(most, limit, 0, most if "cache_control" in text else 0)
    roots = planted(kinds)
    few = STEADY_DRAWS + FIRST_DRAWS * len(roots)
    deepest = max((math.ceil(math.log2(len(root.left))) for root in roots), default=0)
    usual = STEADY_DRAWS + 6 * len(roots) + 13 * deepest + 6
    return Forecast(
        cost_usd(recorded, Usage(tokens, answered)), cost_usd(recorded, worst), few, usual
    )


def cost_usd(recorded: Recorded, usage: Usage) -> float | None:
    """By public prices; None when the model is not listed."""
    provider = recorded.provider or PROVIDERS.get(recorded.wire.name, "openai")
    return cost_of(provider, recorded.model, **usage._asdict())


def price_version(cost: float | None) -> str | None:
    """Which list a price stands in."""
    return None if cost is None else PRICE_VERSION
