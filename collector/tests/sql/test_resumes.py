"""A decision that waits in one run, and what a later run of the same conversation brings."""

import pytest

from tellwhy_collector.reconstruct.settle import settle

FIRST, SECOND = "a" * 32, "b" * 32
SHOWN = (
    "outcome",
    "approval_decision",
    "approver",
    "approval_wait_ns // 1000000",
    "outcome_result",
)


def run(trace_id, conversation="case-7"):
    """Fields of the steps of one run."""
    return {"trace_id": trace_id, "run_id": trace_id, "conversation_id": conversation}


def paused(views, **more):
    """A model call that chose to pay, and a question that nobody has answered."""
    of = run(FIRST, **more)
    chosen = [{"action": "tool_call", "name": "pay", "tool_call_id": "c1"}]
    return [
        views.make("m1", start=0, end=5, chosen=chosen, **of),
        views.make(
            "q1",
            kind="human",
            start=6,
            end=6,
            tool_name="pay",
            tool_call_id="c1",
            approval_decision="asked",
            **of,
        ),
    ]


def resumed(views, decision="approved", *, ran=True, conversation="case-7"):
    """A run that begins with the answer; the tool runs if it may."""
    of = run(SECOND, conversation)
    steps = [
        views.make(
            "h2",
            kind="human",
            start=106,
            end=106,
            tool_name="pay",
            tool_call_id="c1",
            approval_decision=decision,
            approver="ana",
            **of,
        )
    ]
    if ran:
        call = {"tool_name": "pay", "tool_call_id": "c1", "tool_result": "paid 42"}
        steps.append(views.make("t2", kind="tool_call", start=107, end=109, **call, **of))
    return steps


def decided(views):
    """The row of the decision of the first run."""
    return views.rows("decisions", *SHOWN)[0]


@pytest.mark.parametrize("order", [(FIRST, SECOND), (SECOND, FIRST)])
def test_the_answer_and_the_result_come_from_the_later_run(views, order):
    """Whichever trace comes to rest first."""
    views.put(*paused(views), *resumed(views))
    for trace_id in order:
        settle(views.cursor, [trace_id])

    assert ("succeeded", "approved", "ana", 100, '"paid 42"') == decided(views)


def test_a_denial_is_carried_over_and_stays_when_the_first_run_is_settled_again(views):
    """No tool has run."""
    views.put(*paused(views), *resumed(views, "denied", ran=False))
    settle(views.cursor, [FIRST, SECOND])
    settle(views.cursor, [FIRST])

    assert ("denied", "denied", "ana", 100, None) == decided(views)


def test_another_conversation_s_call_of_the_same_id_says_nothing(views):
    """Providers use ids again."""
    views.put(*paused(views), *resumed(views, conversation="case-8"))
    settle(views.cursor, [FIRST, SECOND])

    assert ("pending", "asked", None, 0, None) == decided(views)


def test_a_call_that_its_own_run_has_chosen_says_nothing(views):
    """Its id belongs to that choice."""
    chosen = [{"action": "tool_call", "name": "pay", "tool_call_id": "c1"}]
    own = views.make("m2", start=100, end=105, chosen=chosen, **run(SECOND))
    views.put(*paused(views), own, *resumed(views))
    settle(views.cursor, [FIRST, SECOND])

    assert ("pending", "asked", None, 0, None) == decided(views)
