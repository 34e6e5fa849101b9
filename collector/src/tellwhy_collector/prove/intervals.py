"""Intervals of a change of a rate that hold whenever drawing stops. Pure.

An interval is what a test could not rule out: every change d for which the evidence against "the rate
changes by d" has not reached 20. That evidence is an e-value, as the one that causes are told by
(`sampling`), with the nearest pair of rates that differ by d in the place of equal rates. So all
intervals of one arm, after every pair together, hold the true change with a probability of at least
95 %, and that of the draws at which somebody stopped does too.

Source: Turner, Grünwald, "Exact anytime-valid confidence intervals for contingency tables and beyond",
Statistics and Probability Letters 198 (2023).
"""

from __future__ import annotations

import bisect
import functools
import math
from collections.abc import Sequence
from typing import NamedTuple

from tellwhy_collector.prove.sampling import KEPT_RATES, RATES_LOOKED_FOR, Count, Interval

MISSED = 0.05
"""How often an interval may miss the change that is true."""

SHARES = (0.8, 0.15, 0.05)
"""How much is staked on a loss as of a cause, on no change, and on a gain: where intervals are narrow.
With 0.8 on a loss no interval of what is called a cause reaches above 0."""

SAME_RATES = (0.01, 0.06, 0.15, 0.3, 0.5, *KEPT_RATES[1:])
"""Rates that do not change, of which intervals are narrow."""

POINTS = 100
"""Changes are looked at in steps of one percentage point, and ends are rounded outwards."""

MOST = POINTS - 1
"""The greatest that is looked at: beyond it is all or nothing, of which one draw may decide."""

_NEARLY = 1e-12
"""Rates keep so far from 0 and 1 that they have logarithms."""


class _Stake(NamedTuple):
    """What one pair of rates pays for each draw, in logarithms."""

    share: float
    control_same: float
    control_other: float
    left_same: float
    left_other: float


def always_valid(control: Count, left_out: Count) -> Interval:
    """The interval of the change of the rate, left out minus control, at 95 %.

    Args:
        control: Draws of the request as it was recorded.
        left_out: As many draws of the request without something.

    Returns:
        Ends in whole percentage points, as parts of 1.
    """
    if control.n != left_out.n:
        raise ValueError(f"{control.n} and {left_out.n} draws are no pairs.")
    seen = max(-MOST, min(MOST, round((left_out.rate - control.rate) * POINTS)))
    below, above = range(-MOST, seen + 1), range(seen, MOST + 1)

    def held(change: int) -> bool:
        return _evidence(control, left_out, change) < -math.log(MISSED)

    first = bisect.bisect_left(below, True, key=held)
    last = bisect.bisect_left(above, True, key=lambda change: not held(change))
    low = below[first - 1] if first else -POINTS
    high = above[last] if last < len(above) else POINTS
    return Interval(low / POINTS, high / POINTS)


def _evidence(control: Count, left_out: Count, change: int) -> float:
    """Logarithm of the evidence against a change of so many points."""
    terms = [
        stake.share
        + control.same * stake.control_same
        + (control.n - control.same) * stake.control_other
        + left_out.same * stake.left_same
        + (left_out.n - left_out.same) * stake.left_other
        for stake in _stakes(change)
    ]
    most = max(terms)
    return most + math.log(math.fsum(math.exp(term - most) for term in terms))


@functools.cache
def _stakes(change: int) -> tuple[_Stake, ...]:
    gains = [(lost, kept) for kept, lost in RATES_LOOKED_FOR]
    groups: tuple[Sequence[tuple[float, float]], ...] = (
        RATES_LOOKED_FOR,
        [(rate, rate) for rate in SAME_RATES],
        gains,
    )
    return tuple(
        _stake(share / len(group), control, left_out, change / POINTS)
        for share, group in zip(SHARES, groups, strict=True)
        for control, left_out in group
    )


def _stake(share: float, control: float, left_out: float, change: float) -> _Stake:
    base = nearest(control, left_out, change)
    moved = base + change
    return _Stake(
        math.log(share),
        math.log(control / base),
        math.log((1 - control) / (1 - base)),
        math.log(left_out / moved),
        math.log((1 - left_out) / (1 - moved)),
    )


def nearest(control: float, left_out: float, change: float) -> float:
    """The rate p for which p and p + *change* come nearest to two rates (Kullback-Leibler).

    With these two in the denominator a pair of draws has an expectation of at most 1 wherever the
    rates differ by *change*: the factors of the two arms are linear in their rates, 1 at p, and their
    slopes there cancel, so that their product is 1 minus a square.
    """
    low, high = max(0.0, -change) + _NEARLY, min(1.0, 1 - change) - _NEARLY
    if low >= high:
        return (low + high) / 2
    for _ in range(50):
        middle = (low + high) / 2
        moved = middle + change
        slope = (middle - control) / (middle * (1 - middle))
        slope += (moved - left_out) / (moved * (1 - moved))
        low, high = (middle, high) if slope < 0 else (low, middle)
    return (low + high) / 2
