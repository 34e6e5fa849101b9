"""How sure: what counts of "the same choice" in two arms say about leaving something out. Pure.

Draws of two arms come in pairs. The evidence of n pairs is an e-value that may be looked at after
every pair: if leaving out changes nothing, it ever reaches 1/a with a probability of at most a, however
one stops. So stopping early costs no validity, and Holm's procedure holds for p = 1/e whatever the
arms share.

Source: Turner, Ly, Grünwald, "Generic E-variables for exact sequential k-sample tests that allow for
optional stopping", J. Stat. Plan. Inference 230 (2024); Ville's inequality; Holm, Scand. J. Stat. 6
(1979); Wilson, JASA 22 (1927).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

KEPT_RATES = (0.6, 0.7, 0.8, 0.88, 0.94, 0.99)
"""How often the choice may be made again as it was recorded: what the test looks for."""

LOST_RATES = (0.01, 0.06, 0.15, 0.3, 0.45)
"""How often with something left out."""

SMALLEST_STEP = 0.3
"""Pairs of rates that lie closer are not looked for."""

RATES_LOOKED_FOR = [
    (kept, lost) for kept in KEPT_RATES for lost in LOST_RATES if kept - lost >= SMALLEST_STEP
]
"""With and without, of what would be a cause."""

CLEARLY_LESS = 0.5
"""Futility asks whether leaving out takes away at least this part of the rate."""


class Count(NamedTuple):
    """Draws of one arm."""

    same: int
    """In so many the choice was made again."""
    n: int

    @property
    def rate(self) -> float:
        """Share of the draws with the same choice; 0 without draws."""
        return self.same / self.n if self.n else 0.0


NONE = Count(0, 0)
"""No draw."""


class Interval(NamedTuple):
    """What lies between, ends included."""

    low: float
    high: float


def _weights(kept: float, lost: float) -> tuple[float, float, float, float]:
    """Logarithms of what a kept, a not kept, a lost and a not lost draw weigh."""
    middle = (kept + lost) / 2
    return (
        math.log(kept / middle),
        math.log((1 - kept) / (1 - middle)),
        math.log(lost / middle),
        math.log((1 - lost) / (1 - middle)),
    )


_WEIGHTS = [_weights(*rates) for rates in RATES_LOOKED_FOR]


def e_value(control: Count, left_out: Count) -> float:
    """Evidence that the choice is made less often with something left out.

    Args:
        control: Draws of the request as it was recorded.
        left_out: As many draws of the request without something.

    Returns:
        At least 0. Under "no difference" its expectation is at most 1, at every number of pairs: a
        mixture of products, each of whose factors has expectation 1 at most at the mean of the rates.
    """
    if control.n != left_out.n:
        raise ValueError(f"{control.n} and {left_out.n} draws are no pairs.")
    logs = [
        control.same * a
        + (control.n - control.same) * b
        + left_out.same * c
        + (left_out.n - left_out.same) * d
        for a, b, c, d in _WEIGHTS
    ]
    return math.fsum(math.exp(min(each, 700)) for each in logs) / len(logs)


def odds_of_nothing(control: Count, left_out: Count) -> float:
    """How many times likelier the draws are if nothing changes than if much does.

    It only says when to stop looking; no claim rests on it.
    """
    rate = (control.same + left_out.same + 0.5) / (control.n + left_out.n + 1)
    less = max(rate * (1 - CLEARLY_LESS), 0.01)
    rate = min(max(rate, 0.02), 0.98)
    lost = left_out.n - left_out.same
    return math.exp(
        left_out.same * math.log(rate / less) + lost * math.log((1 - rate) / (1 - less))
    )


def wilson(count: Count, confidence: float = 0.95) -> Interval:
    """The score interval of one rate."""
    if not count.n:
        return Interval(0.0, 1.0)
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    n, rate = count.n, count.rate
    middle = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return Interval(max(0.0, middle - half), min(1.0, middle + half))


def holm(p_values: Sequence[float], hypotheses: int) -> list[float]:
    """Adjusted p-values, in the same order.

    Args:
        p_values: Of the hypotheses that were looked at.
        hypotheses: How many might have been; the others count as 1.
    """
    order = sorted(range(len(p_values)), key=lambda at: p_values[at])
    adjusted, highest = [1.0] * len(p_values), 0.0
    for rank, at in enumerate(order):
        highest = max(highest, min(1.0, (hypotheses - rank) * p_values[at]))
        adjusted[at] = highest
    return adjusted
