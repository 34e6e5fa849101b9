"""Decisions of two runs are put beside each other as a person would do it."""

import pytest

from tellwhy_collector.reconstruct import aligning
from tellwhy_collector.reconstruct.aligning import Choice, aligned, differences, first_change
from tellwhy_collector.reconstruct.canonical import canonical


def choices(*said, side="a"):
    """Decisions: ``tool(argument)``, or the text of an answer."""
    found = []
    for at, each in enumerate(said):
        agent, _, text = each.rpartition(": ")
        name, is_call, argument = text.partition("(")
        found.append(
            Choice(
                decision_id=f"{side}{at}",
                agent_name=agent or None,
                action="tool_call" if is_call else "answer",
                chosen=name if is_call else None,
                arguments=canonical({"city": argument[:-1]}) if is_call else None,
                answer_text=None if is_call else text,
                saw={},
            )
        )
    return found


def told(before, after):
    """Changes, and places on both sides."""
    pairs = aligned(choices(*before), choices(*after, side="b"))
    return [
        (
            pair.change,
            pair.before and int(pair.before.decision_id[1:]),
            pair.after and int(pair.after.decision_id[1:]),
        )
        for pair in pairs
    ]


CASES = {
    "nothing changed": (
        ["look(Oslo)", "Done."],
        ["look(Oslo)", "Done."],
        [("same", 0, 0), ("same", 1, 1)],
    ),
    "another argument": (
        ["look(Oslo)", "book(Oslo)", "Done."],
        ["look(Oslo)", "book(Voss)", "Done."],
        [("same", 0, 0), ("arguments", 1, 1), ("same", 2, 2)],
    ),
    "another tool": (
        ["look(Oslo)", "book(Oslo)", "Done."],
        ["look(Oslo)", "cancel(Oslo)", "Done."],
        [("same", 0, 0), ("chosen", 1, 1), ("same", 2, 2)],
    ),
    "an answer instead of a tool": (
        ["look(Oslo)", "book(Oslo)"],
        ["look(Oslo)", "No room."],
        [("same", 0, 0), ("action", 1, 1)],
    ),
    "other words": (["Done."], ["It is done."], [("answer_text", 0, 0)]),
    "one more in the middle": (
        ["look(Oslo)", "book(Oslo)", "Done."],
        ["look(Oslo)", "look(Voss)", "book(Oslo)", "Done."],
        [("same", 0, 0), ("only_after", None, 1), ("same", 1, 2), ("same", 2, 3)],
    ),
    "one left out": (
        ["look(Oslo)", "look(Voss)", "book(Voss)"],
        ["look(Oslo)", "book(Voss)"],
        [("same", 0, 0), ("only_before", 1, None), ("same", 2, 1)],
    ),
    "ended early": (["a(1)", "b(2)"], [], [("only_before", 0, None), ("only_before", 1, None)]),
    "agents that took turns otherwise": (
        ["one: a(1)", "two: a(2)", "one: b(1)", "Done."],
        ["two: a(2)", "one: a(1)", "one: b(1)", "Done."],
        [("same", 0, 1), ("same", 1, 0), ("same", 2, 2), ("same", 3, 3)],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_decisions_stand_beside_their_like(name):
    """Each with what stands for it in the other run, and how that differs."""
    before, after, expected = CASES[name]

    assert sorted(expected, key=str) == sorted(told(before, after), key=str)


def test_the_first_change_is_named():
    """The place of the first pair that is not the same."""
    pairs = aligned(choices("a(1)", "b(1)", "Done."), choices("a(1)", "b(2)", "Done.", side="b"))

    assert 1 == first_change(pairs)
    assert first_change(pairs[:1]) is None


def test_what_is_the_same_in_another_order_has_moved():
    """So that agents beside each other do not look changed."""
    before, after = ["x: a(1)", "y: a(2)"], ["y: a(2)", "x: a(1)"]
    pairs = aligned(choices(*before), choices(*after, side="b"))

    assert {"same"} == {pair.change for pair in pairs}
    assert [False, True] == sorted(pair.moved for pair in pairs)


@pytest.mark.parametrize("cells", [0, aligning.MAX_CELLS])
def test_every_decision_is_told_once(cells, monkeypatch):
    """In short runs, which are weighed, and in very long ones, which are not."""
    monkeypatch.setattr(aligning, "MAX_CELLS", cells)
    before = choices(*(f"a({at % 7})" for at in range(60)))
    after = choices(*(f"a({at % 5})" for at in range(45)), side="b")
    pairs = aligned(before, after)

    assert before == [pair.before for pair in pairs if pair.before]
    assert sorted(each.decision_id for each in after) == sorted(
        pair.after.decision_id for pair in pairs if pair.after
    )


def test_differences_are_told_by_path():
    """Changed, gone and new; a number is not its text, a true is not a one."""
    found = differences(
        {"a": 1, "b": [1, {"c": "x"}], "d": None, "e": 1},
        {"a": "1", "b": [1, {"c": "y"}, 3], "e": True},
    )

    assert [
        {"path": "$.a", "before": 1, "after": "1"},
        {"path": "$.b[1].c", "before": "x", "after": "y"},
        {"path": "$.b[2]", "after": 3},
        {"path": "$.d", "before": None},
        {"path": "$.e", "before": 1, "after": True},
    ] == found
