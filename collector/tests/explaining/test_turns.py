"""A run as turns: who spoke, what came of it, what is a change."""

import pytest

from tellwhy_collector.reconstruct.effects import changes
from tellwhy_collector.reconstruct.findings.script import Script
from tellwhy_collector.reconstruct.turns import MOST_TEXT, plain, turns_of


def test_results_belong_to_the_turn_that_asked_for_them():
    """Also when another turn came in between."""
    script = Script("a", "b").user("x").chose(("a", {"n": 1}), ("b", {"n": 2}))
    script = script.ran("first").ran("Error: second").answered("done")
    one, two = turns_of(script.case())

    assert (["first", "Error: second"], "Error: second") == (one.results, one.error)
    assert ("done", [], None, "Error: second") == (two.text, two.results, two.error, two.heard)
    assert 'a {"n":1}\nb {"n":2}' == one.action


def test_what_people_say_is_heard_and_is_no_turn():
    """In chats, people speak in spans of model calls as well."""
    script = Script().user("x").answered("Find it.", agent_name="human")
    script = script.answered("I look.", agent_name="Searcher")
    (turn,) = turns_of(script.case())

    assert ("Searcher", "I look.") == (turn.agent, turn.text)


def test_the_step_around_a_turn_tells_how_its_code_went():
    """Agents that act by writing code have no tool call of it."""
    script = Script().user("x")
    script = script.step("other", "Step 1", "", output="7", status="error", error_message="broke")
    script = script.answered("```py\nprint(7)\n```", parent_span_id="0000000000000001")
    (turn,) = turns_of(script.case())

    assert (True, "7", "broke") == (turn.code, turn.enclosing, turn.error)


def test_long_texts_are_read_at_both_ends():
    """The cost of a run is bounded by its turns."""
    text = plain("a" * MOST_TEXT + "end")

    assert (MOST_TEXT + 1, "end") == (len(text), text[-3:])


@pytest.mark.parametrize(
    ("name", "effect", "expected"),
    [
        ("cancel_order", None, True),
        ("mcp__shop__updateOrder", None, True),
        ("get_order_return", None, False),
        ("weather", None, False),
        ("cancel_order", "read", False),
        ("weather", "irreversible", True),
        (None, None, False),
    ],
)
def test_the_first_verb_tells_whether_a_tool_changes_something(name, effect, expected):
    """Unless its developer said so."""
    assert expected == changes(name, effect)
