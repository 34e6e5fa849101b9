"""A budget is never exceeded, whoever asks at the same time; shares come with how sure they are."""

import threading

import pytest

from tellwhy._reask.budget import UNLIMITED_OUTPUT_TOKENS, Budget, Spent, most_tokens
from tellwhy._reask.shares import interval


def test_what_may_be_needed_is_set_aside_and_given_back():
    """A request that cost less leaves room for another."""
    budget = Budget(1.0)
    held = budget.hold(0.6)
    budget.settle(held, 0.1)

    assert 0.6 == budget.hold(0.6)
    assert (2, 0.1) == (budget.calls, budget.spent_usd)


def test_a_request_that_may_not_fit_is_held_back():
    """And one whose price nobody knows."""
    budget = Budget(1.0)
    for most in (1.1, None):
        with pytest.raises(Spent):
            budget.hold(most)

    assert budget.is_spent
    assert 0 == budget.calls


def test_who_may_fit_later_waits_for_the_others():
    """What is set aside for a request at work comes back in part when it is over."""
    budget = Budget(1.0)
    held = budget.hold(0.9)
    found = []
    waiting = threading.Thread(target=lambda: found.append(budget.hold(0.5)))
    waiting.start()
    budget.settle(held, 0.2)
    waiting.join(20)

    assert [0.5] == found


def test_many_at_once_never_spend_more():
    """Eight threads, requests that cost anything up to their most."""
    budget, most = Budget(1.0), 0.05

    def work(share):
        try:
            while True:
                budget.settle(budget.hold(most), most * share)
        except Spent:
            return

    threads = [threading.Thread(target=work, args=(at / 8,)) for at in range(1, 9)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)

    assert 1.0 - most <= budget.spent_usd <= 1.0


def test_calls_are_capped_as_well():
    """Where there is no price."""
    budget = Budget(None, 1)
    budget.settle(budget.hold(None), None)
    with pytest.raises(Spent):
        budget.hold(None)


def test_the_most_that_a_request_takes_is_read_off_it():
    """Its limit on the answer where it names one."""
    assert 200 == most_tokens({"max_tokens": 200, "messages": []}, None)[1]
    assert UNLIMITED_OUTPUT_TOKENS == most_tokens({"messages": []}, None)[1]
    assert 1_500 == most_tokens({"messages": []}, 1_000)[0]


def test_intervals_are_those_of_wilson():
    """Known values; sound at both ends and for nothing."""
    low, high = interval(8, 50)

    assert (0.0834, 0.2851) == (round(low, 4), round(high, 4))
    assert 0.0 == interval(0, 10)[0]
    assert 0.2775 == round(interval(0, 10)[1], 4)
    assert 1.0 == interval(10, 10)[1]
    assert (0.0, 1.0) == interval(0, 0)
