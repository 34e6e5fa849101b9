"""Questions to people and what their answers are taken for."""

import pytest

import tellwhy
from tellwhy._frameworks.pauses import Pauses, verdict
from tellwhy._frameworks.steps import Steps


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (True, "approved"),
        (False, "denied"),
        ("Yes.", "approved"),
        ("reject", "denied"),
        ("let me think", None),
        ({"approved": False, "note": "too much"}, "denied"),
        ({"type": "edit", "args": {"amount": 1}}, "approved"),
        ({"decisions": [{"type": "approve"}]}, "approved"),
        ({"decisions": [{"type": "approve"}, {"type": "reject"}]}, None),
        ({"type": "approve", "approved": False}, None),
        ([{"type": "accept"}], "approved"),
        ({"amount": 3}, None),
        (None, None),
        (7, None),
    ],
)
def test_a_verdict_is_read_and_never_guessed(answer, expected):
    """Yes and no in the words of frameworks; anything else, and a contradiction, is neither."""
    assert expected == verdict(answer)


def test_a_question_is_asked_once_and_answered_with_its_wait(recorded):
    """The same interrupt passes several layers; the answer starts when it was asked."""
    steps, pauses = Steps("lab"), Pauses("lab")
    with tellwhy.agent("clerk"):
        step = steps.tool("t", "pay", {"amount": 3}, call_id="c1")
        assert pauses.ask("case", "q", "pay", shown={"amount": 3}, context=step.context)
        assert not pauses.ask("case", "q", "pay", context=step.context)
        step.paused()
        (asked,) = pauses.waiting("case")
        pauses.answer("case", asked, "no", context=step.context)
        assert [] == pauses.waiting("case")
    question, answer = (s for s in recorded.spans() if s["name"] == "approve pay")

    assert "asked" == question["attributes"]["tellwhy.approval.decision"]
    assert "denied" == answer["attributes"]["tellwhy.approval.decision"]
    assert answer["start_ns"] == question["start_ns"] < answer["end_ns"]
    tool = recorded.span("execute_tool pay")
    assert ("other", True) == (
        tool["attributes"]["tellwhy.step.kind"],
        tool["attributes"]["tellwhy.paused"],
    )


def test_without_content_neither_question_nor_answer_is_kept():
    """Only that somebody was asked and what it came to."""
    with tellwhy.testing.recording(content="none") as recorded, tellwhy.agent("clerk"):
        pauses = Pauses("lab")
        pauses.ask("case", "q", "pay", shown={"amount": 3})
        pauses.answer("case", pauses.waiting("case")[0], "yes, for Bob")
    said = [s["attributes"] for s in recorded.spans() if s["name"] == "approve pay"]

    assert not [name for each in said for name in each if name.endswith((".shown", ".note"))]
