"""Intervals of tested causes: what they promise, by arithmetic and by simulated tests."""

import random

import pytest

from tellwhy_collector.prove.intervals import MISSED, always_valid, nearest
from tellwhy_collector.prove.sampling import RATES_LOOKED_FOR, Count, e_value
from tellwhy_collector.prove.search import Search, evidence_needed

KINDS = ("instructions", "tool", "tool", "user", "result", "result")
MATTERS = 4


@pytest.mark.parametrize("change", [-0.98, -0.6, -0.2, 0.0, 0.3, 0.9])
def test_a_stake_expects_no_gain_where_the_rates_differ_by_that_change(change):
    """Wherever the two rates are: one pair of draws multiplies the evidence by one at most."""
    rates = [(a, b) for pair in RATES_LOOKED_FOR for a, b in (pair, pair[::-1])]
    for control, left_out in rates:
        base = nearest(control, left_out, change)
        moved = base + change
        for step in range(101):
            rate = max(0.0, -change) + step / 100 * (1 - abs(change))
            other = rate + change
            first = rate * control / base + (1 - rate) * (1 - control) / (1 - base)
            second = other * left_out / moved + (1 - other) * (1 - left_out) / (1 - moved)
            assert first * second <= 1 + 1e-6


def ever_missed(kept, lost, pairs):
    """The chance that any interval of the first *pairs* pairs does not hold the change."""
    left, missed = {(0, 0): 1.0}, 0.0
    for n in range(1, pairs + 1):
        after = {}
        for (a, b), chance in left.items():
            for same, p in ((1, kept), (0, 1 - kept)):
                for again, q in ((1, lost), (0, 1 - lost)):
                    place = a + same, b + again
                    after[place] = after.get(place, 0.0) + chance * p * q
        left = {}
        for (a, b), chance in after.items():
            low, high = always_valid(Count(a, n), Count(b, n))
            if low <= lost - kept <= high:
                left[a, b] = chance
            else:
                missed += chance
    return missed


@pytest.mark.parametrize(("kept", "lost"), [(0.55, 0.45), (0.9, 0.1), (0.8, 0.8)])
def test_intervals_may_be_looked_at_after_every_pair(kept, lost):
    """Summed over everything that can happen in 14 pairs: the chance that one ever misses."""
    assert 0 < ever_missed(kept, lost, 14) <= MISSED


@pytest.mark.parametrize(("kept", "lost"), [(0.95, 0.05), (0.7, 0.3), (0.8, 0.5), (0.6, 0.6)])
def test_intervals_hold_the_change_where_a_test_stops(kept, lost):
    """Of all arms of 60 tests, each stopped when it was clear, at least 95 in 100."""
    held = []
    for seed in range(60):
        chance = random.Random(seed)

        def draw(wanted, chance=chance):
            return [chance.random() < (lost if MATTERS in left else kept) for left, _ in wanted]

        for arm in Search(KINDS, draw, samples=32).run().arms.values():
            low, high = always_valid(arm.control, arm.count)
            held.append(low <= (lost - kept if MATTERS in arm.left else 0.0) <= high)

    assert len(held) > 250
    assert sum(held) / len(held) >= 1 - MISSED


def test_what_is_called_a_cause_has_an_interval_of_losses():
    """The evidence that a cause needs, of a single item in the least, puts no change outside."""
    named = [
        (control, left_out)
        for n in (4, 6, 8, 12, 16)
        for a in range(n + 1)
        for b in range(n + 1)
        if e_value(control := Count(a, n), left_out := Count(b, n)) >= evidence_needed(1)
    ]

    assert len(named) > 50
    assert all(always_valid(*each).high <= 0 for each in named)


def test_ends_hold_what_was_seen_and_draw_nearer():
    """Whole points; more draws tell more; without draws anything is possible."""
    few, more = (always_valid(Count(n, n), Count(0, n)) for n in (6, 16))

    assert few == (-1.0, -0.35)
    assert few.high > more.high > -1
    assert always_valid(Count(0, 0), Count(0, 0)) == (-1.0, 1.0)
    assert always_valid(Count(10, 12), Count(1, 12)) == (-0.98, -0.21)
    with pytest.raises(ValueError, match="3 and 2 draws are no pairs"):
        always_valid(Count(1, 3), Count(1, 2))
