"""What may be spent, never exceeded: the most that a request can cost is set aside before it goes out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

CHARACTERS_A_TOKEN = 2.5
"""Fewer than texts in use have; for requests whose tokens nobody counted."""

MORE_TOKENS = 1.5
"""Another model may cut the same text into more tokens, by at most this factor."""

UNLIMITED_OUTPUT_TOKENS = 32_768
"""Set aside where a request names no limit of its answer."""

MAX_TOKENS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
"""Fields that limit an answer, in the wire formats."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call, as the price list wants them."""

    provider: str | None
    model: str | None
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


Prices = Callable[[Sequence[Usage]], list[float | None]]
"""US dollars of calls; None where there is no public price."""


class Spent(Exception):  # noqa: N818 - says what it is
    """The next request might cost more than is left."""


class Budget:
    """Money and calls that may be spent. Safe to use from many threads."""

    def __init__(self, max_cost_usd: float | None, max_calls: int | None = None) -> None:
        self._max_cost_usd = max_cost_usd
        self._max_calls = max_calls
        self._settled = threading.Condition()
        self.spent_usd = 0.0
        self.calls = 0
        """Requests that went out, each try that may have been worked on by itself."""
        self.lost = 0
        """Of these: without an answer, so that nobody knows what they cost."""
        self.lost_usd = 0.0
        """What is reckoned for them, in what was spent: the most that each can have cost."""
        self._held_usd = 0.0
        self.is_spent = False
        """Whether a request was held back."""

    def hold(self, most_usd: float | None) -> float:
        """Set aside what a request costs at most; gives the amount, for `settle`.

        Raises:
            Spent: It is not there.
        """
        amount = most_usd or 0.0
        with self._settled:
            # What others hold comes back in part when they have their answers.
            while self._is_short(most_usd) and self._held_usd and self._may_fit(most_usd):
                self._settled.wait()
            if self._is_short(most_usd):
                self.is_spent = True
                raise Spent
            self.calls += 1
            self._held_usd += amount
            return amount

    def _is_short(self, most_usd: float | None) -> bool:
        if self._max_calls is not None and self.calls >= self._max_calls:
            return True
        if self._max_cost_usd is None:
            return False
        after = self.spent_usd + self._held_usd + (most_usd or 0.0)
        return most_usd is None or after > self._max_cost_usd

    def _may_fit(self, most_usd: float | None) -> bool:
        if self._max_calls is not None and self.calls >= self._max_calls:
            return False
        assert self._max_cost_usd is not None
        return most_usd is not None and self.spent_usd + most_usd <= self._max_cost_usd

    def lose(self, held_usd: float) -> None:
        """A request had no answer, and may have been worked on: all that was set aside is spent."""
        with self._settled:
            self.lost += 1
            self.lost_usd += held_usd
        self.settle(held_usd, None)

    def settle(self, held_usd: float, cost_usd: float | None) -> None:
        """A request is over: *cost_usd* was spent of what was set aside, all of it when nobody knows."""
        with self._settled:
            self._held_usd = max(self._held_usd - held_usd, 0.0)
            self.spent_usd += held_usd if cost_usd is None else cost_usd
            self._settled.notify_all()


def most_tokens(body: dict[str, Any], recorded_input_tokens: int | None) -> tuple[int, int]:
    """How many tokens a request takes and gives at most."""
    characters = len(repr(body))
    asked = int(characters / CHARACTERS_A_TOKEN)
    if recorded_input_tokens:
        asked = max(asked, int(recorded_input_tokens * MORE_TOKENS))
    limits = [body[name] for name in MAX_TOKENS if isinstance(body.get(name), int)]
    return asked, min(limits, default=UNLIMITED_OUTPUT_TOKENS)
