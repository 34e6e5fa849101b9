"""How a run ended, where its outermost step says so and where it does not."""

import pytest

from tellwhy_collector.reconstruct.settle import settle

ANSWER = [{"action": "answer", "text": "21 degrees"}]
TOOL = [{"action": "tool_call", "name": "pay", "tool_call_id": "c1", "arguments": {}}]
ERROR = {"status": "error", "error_type": "overloaded", "error_message": "try later"}


def interaction(v, **fields):
    """The span around one prompt of Claude Code: it ends well however it ends."""
    return v.make("root", "agent", end=90, parent_span_id=None, dialect="claude_code", **fields)


def tripped(v, start, end):
    """A guardrail that said no."""
    denied = {"status": "error", "error_type": "denied"}
    return v.make(f"g{start}", "guardrail", start=start, end=end, **denied)


def agent(v, **fields):
    """The agent that speaks for the run."""
    return v.make("root", "agent", end=90, parent_span_id=None, **fields)


TRIPWIRE = {
    "status": "error",
    "error_type": "OutputGuardrailTripwireTriggered",
    "error_message": "Guardrail OutputGuardrail triggered tripwire",
}

CASES = {
    "a guardrail tripped on the answer": (
        lambda v: [agent(v), v.make("m", start=1, chosen=ANSWER), tripped(v, 20, 30)],
        "denied",
        None,
    ),
    "a guardrail tripped and its error went on": (
        lambda v: [agent(v, **TRIPWIRE), v.make("m", start=1, chosen=ANSWER), tripped(v, 20, 30)],
        "denied",
        "OutputGuardrailTripwireTriggered",
    ),
    "a guardrail tripped and something else failed": (
        lambda v: [agent(v, **ERROR), v.make("m", start=1, chosen=ANSWER), tripped(v, 20, 30)],
        "failed",
        "overloaded",
    ),
    "a guardrail cut a call short": (
        lambda v: [agent(v), tripped(v, 1, 2), v.make("m", start=3, end=9, **ERROR)],
        "denied",
        None,
    ),
    "a guardrail tripped and the run went on": (
        lambda v: [
            agent(v),
            v.make("m", start=1, chosen=ANSWER),
            tripped(v, 20, 30),
            v.make("n", start=40, chosen=ANSWER),
        ],
        "succeeded",
        None,
    ),
    "a guardrail broke": (
        lambda v: [agent(v), v.make("g", "guardrail", start=1, **ERROR)],
        "succeeded",
        None,
    ),
    "root lost, then an answer": (lambda v: [v.make("m", chosen=ANSWER)], "succeeded", None),
    "root lost, then a failed call": (
        lambda v: [v.make("m", chosen=TOOL), v.make("n", start=20, end=30, **ERROR)],
        "failed",
        "overloaded",
    ),
    "root lost, then a failed tool": (
        lambda v: [v.make("m", chosen=TOOL), v.make("t", "tool_call", start=20, end=30, **ERROR)],
        "failed",
        "overloaded",
    ),
    "root lost, a tool was chosen": (lambda v: [v.make("m", chosen=TOOL)], "unknown", None),
    "root lost, the tool was denied": (
        lambda v: [
            v.make("m", chosen=TOOL),
            v.make("t", "tool_call", start=20, end=30, status="error", error_type="denied"),
        ],
        "unknown",
        None,
    ),
    "root lost, something is open": (
        lambda v: [v.make("m", chosen=TOOL), v.make("t", "tool_call", start=20, end=None)],
        "running",
        None,
    ),
    "an agent's code got over it": (
        lambda v: [
            v.make("root", "agent", end=90, parent_span_id=None),
            v.make("m", start=1, **ERROR),
        ],
        "succeeded",
        None,
    ),
    "Claude Code: all calls failed": (
        lambda v: [interaction(v), v.make("m", start=1, dialect="claude_code", **ERROR)],
        "failed",
        "overloaded",
    ),
    "Claude Code: stopped after a tool": (
        lambda v: [
            interaction(v),
            v.make("m", start=1, chosen=TOOL),
            v.make("t", "tool_call", start=20, end=30),
        ],
        "unknown",
        None,
    ),
    "Claude Code: answered": (
        lambda v: [
            interaction(v),
            v.make("m", start=1, **ERROR),
            v.make("n", start=20, chosen=ANSWER),
        ],
        "succeeded",
        None,
    ),
    "logs alone: the prompt ends nothing": (
        lambda v: [
            v.make("root", "agent", parent_span_id=None, source="log", dialect="gemini_cli"),
            v.make("m", start=1, source="log", chosen=TOOL),
        ],
        "unknown",
        None,
    ),
}


@pytest.mark.parametrize(("steps", "status", "error"), CASES.values(), ids=CASES)
def test_a_run_claims_no_success_that_nobody_recorded(views, steps, status, error):
    """The last thing that happened tells, where the outermost step does not; settled or not."""
    views.put(*steps(views))
    before = views.one("runs", "status", "error_type")
    settle(views.cursor, ["a" * 32])

    assert (status, error) == before == views.one("runs", "status", "error_type")


def test_an_answer_ends_as_its_run_does(views):
    """A text before a failed call came to nothing."""
    views.put(views.make("m", chosen=ANSWER), views.make("n", start=20, end=30, **ERROR))

    assert ("failed",) == views.one("decisions", "outcome")


def asking(v, decision, **tool):
    """A tool that asks inside and raises afterwards."""
    return (
        v.make("root", "agent", end=90, parent_span_id=None),
        v.make("m", start=1, end=5, chosen=TOOL),
        v.make("t", "tool_call", start=20, end=40, tool_call_id="c1", **(ERROR | tool)),
        v.make(
            "h", "human", start=21, end=31, parent_span_id="t", tool_call_id="c1",
            approval_decision=decision,
        ),
    )  # fmt: skip


def test_a_tool_that_raises_because_it_was_denied_has_not_failed(views):
    """It is a decision of a person: no error of the run, and no row of failures."""
    views.put(*asking(views, "denied"))
    settle(views.cursor, ["a" * 32])

    assert (0,) == views.one("runs", "errors")
    assert [] == views.rows("failures", "span_id")
    assert ("denied", "try later") == views.one("decisions", "outcome", "outcome_error")


def test_a_tool_that_raises_although_it_was_approved_has_failed(views):
    """The person is not to blame."""
    views.put(*asking(views, "approved"))
    settle(views.cursor, ["a" * 32])

    assert ("t", "overloaded") == views.one("failures", "span_id", "error_type")
    assert ("failed",) == views.one("decisions", "outcome")


@pytest.mark.parametrize(("source", "wait"), [("span", 10_000_000), ("log", None)])
def test_a_log_does_not_say_how_long_an_approval_took(views, source, wait):
    """It is written when the answer is given; when it was asked for stands nowhere."""
    *others, _ = asking(views, "approved")
    views.put(
        *others,
        views.make(
            "h",
            "human",
            start=21,
            end=31,
            source=source,
            tool_call_id="c1",
            approval_decision="approved",
        ),
    )

    assert ("approved", wait) == views.one("decisions", "approval_decision", "approval_wait_ns")
