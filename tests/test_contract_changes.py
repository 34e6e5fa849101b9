"""Tracer and collector say in the same words how one choice differs from another."""

import pytest

from tellwhy._reask.choices import change_of
from tellwhy_collector.reconstruct import aligning
from tellwhy_collector.reconstruct.aligning import Choice
from tellwhy_collector.reconstruct.canonical import canonical


def call(name, **arguments):
    return {"action": "tool_call", "name": name, "arguments": arguments}


def answer(text, action="answer"):
    return {"action": action, "text": text}


def choice(action):
    arguments = action.get("arguments")
    return Choice(
        decision_id="",
        agent_name=None,
        action=action["action"],
        chosen=action.get("name"),
        arguments=None if arguments is None else canonical(arguments),
        answer_text=action.get("text"),
        saw={},
    )


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (call("book", city="Oslo", n=1), call("book", n=1.0, city="Oslo"), "same"),
        (call("book", city="Oslo"), call("book", city="Voss"), "arguments"),
        (call("book", n=1), call("book", n=True), "arguments"),
        (call("book", city="Oslo"), call("cancel", city="Oslo"), "chosen"),
        (call("book", city="Oslo"), answer("No."), "action"),
        (answer("No."), answer("No."), "same"),
        (answer("No."), answer("No!"), "answer_text"),
        (answer("No."), answer("No.", "refusal"), "action"),
    ],
)
def test_one_choice_beside_another(before, after, change):
    """In both rooms, in both directions."""
    assert (change, change) == (change_of([before], [after]), change_of([after], [before]))
    assert change == aligning.change_of(choice(before), choice(after))


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        ([call("a"), call("b")], [call("b"), call("a")], "same"),
        ([call("a"), call("b")], [call("a")], "chosen"),
        ([call("a", x=1), call("b")], [call("b"), call("a", x=2)], "arguments"),
        ([], [call("a")], "chosen"),
        ([{"action": "tool_call", "name": "a", "arguments": '{"x":1}'}], [call("a", x=1)], "same"),
    ],
)
def test_parallel_choices_stand_in_any_order(before, after, change):
    """What a model chose in one answer is done at once."""
    assert change == change_of(before, after)
