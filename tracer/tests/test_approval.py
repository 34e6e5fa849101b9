import asyncio
import hashlib

import pytest

import tellwhy
from tellwhy import _pending

PAYLOAD = {"order": "4412", "amount": 80.0}


def test_an_approval_says_who_allowed_what_and_how_long_it_took(recorded):
    """Everything an auditor asks for is on one span, with the hash of what was shown."""
    with tellwhy.approval("refund", arguments=PAYLOAD, call_id="c1") as ask:
        ask.approve(by="ana@example.com", note="fine")

    (span,) = recorded.spans()
    sha256 = hashlib.sha256(b'{"amount":80,"order":"4412"}').hexdigest()

    assert ("approve refund", "unset") == (span["name"], span["status"])
    assert {
        "tellwhy.step.kind": "human",
        "gen_ai.operation.name": "approve",
        "tellwhy.approval.decision": "approved",
        "tellwhy.approval.approver": "ana@example.com",
        "tellwhy.approval.approver_kind": "person",
        "tellwhy.approval.tool_call_id": "c1",
        "tellwhy.approval.tool_name": "refund",
        "tellwhy.approval.shown": '{"order":"4412","amount":80.0}',
        "tellwhy.approval.shown_sha256": sha256,
        "tellwhy.approval.arguments_sha256": sha256,
        "tellwhy.approval.note": "fine",
    } == span["attributes"]


def test_a_rule_may_deny(recorded):
    """A policy is named and marked as a rule."""
    with tellwhy.approval("refund", shown="over 50", approver_kind="rule") as ask:
        ask.deny(by="limit-50")

    attributes = recorded.spans()[0]["attributes"]

    assert ("denied", "limit-50", "rule") == (
        attributes["tellwhy.approval.decision"],
        attributes["tellwhy.approval.approver"],
        attributes["tellwhy.approval.approver_kind"],
    )


def test_no_answer_is_recorded_as_asked(recorded):
    """A wait that ends without an answer, or in a timeout, says so."""
    with tellwhy.approval("refund", arguments=PAYLOAD):
        pass
    with pytest.raises(TimeoutError), tellwhy.approval("refund", arguments=PAYLOAD):
        raise TimeoutError

    silent, timed_out = recorded.spans()

    assert "asked" == silent["attributes"]["tellwhy.approval.decision"]
    assert ("asked", "TimeoutError") == (
        timed_out["attributes"]["tellwhy.approval.decision"],
        timed_out["attributes"]["error.type"],
    )


async def test_the_wait_ends_with_the_answer_and_not_with_the_block(recorded):
    """Work after the answer, inside the block, is not waiting; the context stays in order."""
    from opentelemetry import trace

    async with tellwhy.approval("refund", arguments=PAYLOAD) as ask:
        await asyncio.sleep(0)
        with trace.get_tracer("x").start_as_current_span("chat"):
            ask.approve(by="ana")
        with trace.get_tracer("x").start_as_current_span("after"):
            pass

    approve, after = recorded.span("approve refund"), recorded.span("after")

    assert approve["end_ns"] < after["start_ns"]
    assert not trace.get_current_span().get_span_context().is_valid


def test_after_the_fact_it_is_one_call(recorded):
    """The wait is told in seconds."""
    tellwhy.approval("refund", arguments=PAYLOAD, approved=False, by="bo", waited_s=3.0)

    (span,) = recorded._ended

    assert "denied" == span.attributes["tellwhy.approval.decision"]
    assert 3.0 == pytest.approx((span.end_time - span.start_time) / 1e9, abs=0.5)


def test_an_answer_without_a_block_is_recorded_once(recorded):
    """approve() on its own writes the span; a second answer changes nothing."""
    ask = tellwhy.approval("refund", arguments=PAYLOAD)
    ask.approve(by="ana")
    ask.deny(by="bo")

    assert ["approve refund"] == recorded.names()
    assert "approved" == recorded.spans()[0]["attributes"]["tellwhy.approval.decision"]


def test_inside_the_tool_the_call_id_is_known(recorded):
    """An approval within the tool it is about carries the tool's call id."""
    with tellwhy.tool("refund", arguments=PAYLOAD, call_id="c7"):
        tellwhy.approval("refund", arguments=PAYLOAD, approved=True)

    found = recorded.span("approve refund")["attributes"]["tellwhy.approval.tool_call_id"]

    assert "c7" == found


def test_before_the_tool_runs_the_call_id_is_found_and_left_for_it(recorded):
    """The pending call that is asked about stays free for the tool that executes it."""
    from opentelemetry.trace import INVALID_SPAN_CONTEXT

    from tellwhy._clients.messages import ToolCall

    @tellwhy.tool
    def refund(order, amount):
        return amount

    _pending.forget()
    _pending.asked(
        _pending.run_key(None),
        [ToolCall(id="c9", name="refund", arguments=PAYLOAD)],
        model_call=INVALID_SPAN_CONTEXT,
        parent=INVALID_SPAN_CONTEXT,
        said={},
        ended_ns=1,
    )
    tellwhy.approval("refund", arguments=PAYLOAD, approved=True)
    refund(**PAYLOAD)
    _pending.forget()

    approve, tool = recorded.spans()

    assert "c9" == approve["attributes"]["tellwhy.approval.tool_call_id"]
    assert "c9" == tool["attributes"]["gen_ai.tool.call.id"]


def test_without_content_the_hash_remains(recorded):
    """What was shown can still be proven, and is not told."""
    with tellwhy.testing.recording(content="none") as inner:
        tellwhy.approval("refund", arguments=PAYLOAD, approved=True, by="ana", note="secret")

    attributes = inner.spans()[0]["attributes"]

    assert "tellwhy.approval.shown_sha256" in attributes
    assert "tellwhy.approval.shown" not in attributes
    assert "tellwhy.approval.note" not in attributes


def test_disabled_approvals_do_nothing(fresh):
    """Every form works and records nothing."""
    tellwhy.configure(disabled=True)
    with tellwhy.approval("refund") as ask:
        ask.approve(by="ana")
    tellwhy.approval("refund", approved=True).deny()

    assert not tellwhy._configure._State.running
    with tellwhy.testing.recording() as recorded:
        tellwhy.approval("refund").approve()

    assert ["approve refund"] == recorded.names()
