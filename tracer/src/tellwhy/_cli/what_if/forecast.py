"""What asking will cost, before anything is asked: from recorded usage and the collector's prices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tellwhy._cli import asking
from tellwhy._cli.asking import Asking, Silent
from tellwhy._cli.what_if.selection import Chosen
from tellwhy._reask.asking import Asker
from tellwhy._reask.budget import CHARACTERS_A_TOKEN, Usage

CALLS_AT_ONCE = 10_000

USUAL_OUTPUT_TOKENS = 500
"""Where nobody counted what was answered."""


class Prices:
    """Asks a collector what calls cost."""

    def __init__(self, asker: Asking, *, may_fail: bool = False) -> None:
        """Take a collector.

        Args:
            asker: The collector.
            may_fail: A collector that does not answer knows no price: answers that were paid for
                are not given up for it, and with a cap on the cost nothing more is sent.
        """
        self._asker = asker
        self._may_fail = may_fail

    def __call__(self, calls: Sequence[Usage]) -> list[float | None]:
        """US dollars of each; None where there is no public price.

        Raises:
            Silent: The collector does not answer, and has to.
        """
        found: list[float | None] = []
        for at in range(0, len(calls), CALLS_AT_ONCE):
            part = [each.as_dict() for each in calls[at : at + CALLS_AT_ONCE]]
            try:
                found += asking.post(self._asker, "/api/costs", {"calls": part})["costs_usd"]
            except Silent:
                if not self._may_fail:
                    raise
                found += [None] * len(part)
        return found


@dataclass(slots=True)
class Forecast:
    """What is to come."""

    to_send: int = 0
    kept: int = 0
    """Answers that were had before, and cost nothing."""
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    """With as many tokens as were recorded, nothing out of a provider's cache."""
    unpriced: list[str] = field(default_factory=list)
    """Models without a public price."""


def forecast_of(asker: Asker, prices: Prices, wanted: Chosen) -> Forecast:
    """What asking *wanted* takes.

    Raises:
        NoProvider: There is no key.
        Silent: The collector does not answer.
    """
    result = Forecast()
    calls: list[Usage] = []
    asked: set[str] = set()
    for task in wanted.tasks:
        if asker.is_kept(task.request, task.body):
            result.kept += 1
            continue
        model = str(task.body.get("model") or "")
        asked.add(model)
        characters = len(repr(task.body)) / CHARACTERS_A_TOKEN
        calls.append(
            Usage(
                asker.provider_of(task.request),
                model,
                task.recorded.input_tokens or int(characters),
                task.recorded.output_tokens or USUAL_OUTPUT_TOKENS,
            )
        )
    costs = prices(calls)
    result.to_send = len(calls)
    result.input_tokens = sum(each.input_tokens for each in calls)
    result.output_tokens = sum(each.output_tokens for each in calls)
    result.cost_usd = sum(cost or 0.0 for cost in costs)
    without = {call.model or "" for call, cost in zip(calls, costs, strict=True) if cost is None}
    result.unpriced = sorted(without)
    return result
