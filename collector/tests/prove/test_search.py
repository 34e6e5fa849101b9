"""Looking for causes with an oracle instead of a model."""

import random

import pytest

from tellwhy_collector.prove.search import Search, Spent
from tellwhy_collector.prove.tree import grown, planted, size

KINDS = ["instructions"] * 3 + ["tool"] * 4 + ["user"] + ["result"] * 3


def search(same, *, noise=0.0, seed=1, most=400, samples=32):
    """What is found when *same* says whether the choice is made without some items."""
    chance, calls = random.Random(seed), []

    def draw(wanted):
        if len(calls) + len(wanted) > most:
            raise Spent
        calls.extend(wanted)
        return [
            None if same(left) is None else same(left) ^ (chance.random() < noise)
            for left, _ in wanted
        ]

    return Search(KINDS, draw, samples=samples).run(), calls


def causes(found):
    return [sorted(arm.left) for arm in found.causes()]


@pytest.mark.parametrize("cause", range(len(KINDS)))
def test_each_item_is_found_when_it_is_the_cause(cause):
    """Wherever it stands; little is spent on the others."""
    found, calls = search(lambda left: cause not in left)

    assert causes(found) == [[cause]]
    assert found.smallest.left == {cause}
    assert found.smallest.flips
    assert len(calls) < 80


def test_two_that_are_needed_are_both_found():
    """Leaving out either changes the choice."""
    found, _ = search(lambda left: not left & {0, 9})

    assert sorted(causes(found)) == [[0], [9]]


@pytest.mark.parametrize("pair", [{0, 2}, {1, 9}, {3, 7}, {8, 10}])
def test_two_that_each_suffice_are_found_together(pair):
    """Neither alone; the pair is confirmed with draws that nothing else was told by."""
    found, calls = search(lambda left: not pair <= left)

    assert causes(found) == []
    assert found.smallest.left == pair
    assert (found.smallest.verdict, found.smallest.stage) == ("cause", 2)
    assert {stage for left, stage in calls if not left} == {0, 2}
    assert {stage for _, stage in calls} == {0, 1, 2}


@pytest.mark.parametrize("pair", [{1, 9}, {3, 7}])
def test_two_of_different_kinds_are_found_in_noise_within_the_usual_budget(pair):
    """At a noise of 15 % and 200 calls nine of ten pairs are found, and no other set is named."""
    named = [
        search(lambda left: not pair <= left, noise=0.15, seed=seed, most=200)[0].smallest
        for seed in range(20)
    ]
    sure = [arm.left for arm in named if arm is not None and arm.verdict == "cause"]

    assert len(sure) >= 18
    assert set(sure) == {frozenset(pair)}


def test_what_an_arm_told_of_the_whole_is_not_asked_of_its_parts():
    """Without all instructions the choice stayed; no part of them is left out alone."""
    _, calls = search(lambda left: not {1, 9} <= left)
    alone = {left for left, stage in calls if stage == 1 and left <= {0, 1, 2}}

    assert alone == set()


def test_nothing_is_found_where_nothing_matters():
    """In forty searches with noise no item is called a cause."""
    named = [causes(search(lambda _: True, noise=0.2, seed=seed)[0]) for seed in range(40)]

    assert named == [[]] * 40


def test_a_choice_that_is_seldom_made_again_is_not_tested():
    """Eight draws tell; nothing is left out."""
    found, calls = search(lambda _: False)

    assert found.unsteady
    assert len(calls) == 8


def test_what_was_found_when_money_ran_out_is_told():
    """An arm that was clear stays clear."""
    found, _ = search(lambda left: 9 not in left, most=40)

    assert found.ended
    assert [arm.verdict for arm in found.arms.values()].count("cause") >= 1


def test_an_arm_that_is_refused_is_no_cause():
    """The others go on."""
    found, _ = search(lambda left: None if 3 in left else 9 not in left)

    assert causes(found) == [[9]]
    assert [arm.verdict for left, arm in found.arms.items() if 3 in left] == ["refused"]


def test_the_tree_has_every_item_once():
    """Groups by kind, halves, single items; all sets are counted."""
    roots = planted(KINDS)

    assert [sorted(root.left) for root in roots] == [[0, 1, 2], [3, 4, 5, 6], [7], [8, 9, 10]]
    leaves = [node.left for root in roots for node in root.walk() if not node.children]
    assert sorted(leaves, key=min) == [{at} for at in range(len(KINDS))]
    assert size(roots) == sum(2 * len(root.left) - 1 for root in roots) + 1
    assert size([grown([0])]) == 1
