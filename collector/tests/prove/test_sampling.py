"""The statistics of tested causes: what they promise, by arithmetic and by simulation."""

import math
import random

import pytest

from tellwhy_collector.prove.sampling import (
    KEPT_RATES,
    LOST_RATES,
    SMALLEST_STEP,
    Count,
    e_value,
    holm,
    odds_of_nothing,
    wilson,
)


@pytest.mark.parametrize("rate", [0.0, 0.03, 0.2, 0.5, 0.77, 0.99, 1.0])
def test_the_expectation_of_one_pair_is_at_most_one_when_nothing_changes(rate):
    """Whatever the rate is: the e-value is one."""
    expected = sum(
        (rate if a else 1 - rate) * (rate if b else 1 - rate) * e_value(Count(a, 1), Count(b, 1))
        for a in (0, 1)
        for b in (0, 1)
    )

    assert expected <= 1 + 1e-12


@pytest.mark.parametrize("rate", [0.5, 0.9])
def test_the_expectation_of_many_pairs_is_at_most_one(rate):
    """Also at the end of twelve pairs, summed over everything that can happen."""
    n = 12

    def chance(same):
        return math.comb(n, same) * rate**same * (1 - rate) ** (n - same)

    expected = sum(
        chance(a) * chance(b) * e_value(Count(a, n), Count(b, n))
        for a in range(n + 1)
        for b in range(n + 1)
    )

    assert expected <= 1 + 1e-9


@pytest.mark.parametrize("rate", [0.6, 0.8, 0.95])
def test_looking_after_every_pair_keeps_the_error_rate(rate):
    """Of 600 arms without an effect at most five in a hundred ever reach 20."""
    chance = random.Random(11)
    wrong = 0
    for _ in range(600):
        a = b = 0
        for n in range(1, 41):
            a += chance.random() < rate
            b += chance.random() < rate
            if e_value(Count(a, n), Count(b, n)) >= 20:
                wrong += 1
                break

    assert wrong / 600 <= 0.05


def test_clear_differences_are_soon_clear():
    """Six pairs are enough for one of 25 sets; a change for the better is none."""
    needed = 25 / 0.04

    assert e_value(Count(6, 6), Count(0, 6)) >= needed > e_value(Count(5, 5), Count(0, 5))
    assert e_value(Count(0, 6), Count(6, 6)) < 0.01
    assert e_value(Count(4, 4), Count(4, 4)) < 1


def test_only_pairs_are_compared():
    """Arms of different length are a mistake of the caller."""
    with pytest.raises(ValueError, match="3 and 2 draws are no pairs"):
        e_value(Count(1, 3), Count(1, 2))


def test_an_arm_is_given_up_when_nothing_is_much_likelier_than_much():
    """Equal arms are clear after a few draws; an arm in between is not."""
    assert odds_of_nothing(Count(6, 6), Count(6, 6)) > 20
    assert odds_of_nothing(Count(6, 6), Count(3, 6)) < 20
    assert odds_of_nothing(Count(6, 6), Count(0, 6)) < 0.1


def test_wilson_is_the_published_one():
    """81 of 263: Newcombe 1998, table of single proportions, method 3."""
    found = wilson(Count(81, 263))

    assert (round(found.low, 4), round(found.high, 4)) == (0.2553, 0.3662)
    assert wilson(Count(0, 0)) == (0.0, 1.0)


def test_holm_counts_what_was_not_looked_at():
    """The smallest is multiplied by all hypotheses, the next by one less, in order."""
    assert holm([0.01, 0.001, 0.2], 10) == [pytest.approx(0.09), pytest.approx(0.01), 1.0]
    assert holm([0.004, 0.004], 5) == [pytest.approx(0.02)] * 2
    assert holm([], 5) == []


def test_what_is_looked_for_is_a_difference():
    """Rates with and without lie apart."""
    apart = [kept - lost for kept in KEPT_RATES for lost in LOST_RATES]

    assert sum(each >= SMALLEST_STEP for each in apart) > len(apart) / 2
