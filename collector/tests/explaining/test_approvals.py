"""Who was asked, what they saw and what ran then, on runs written by hand."""

import pytest

from tellwhy_collector.reconstruct.approvals import approvals_of, effects_without_approval
from tellwhy_collector.reconstruct.canonical import sha256_of
from tellwhy_collector.reconstruct.case import Case, Decision
from tellwhy_collector.records import Step

SECOND = 1_000_000_000
ASKED, DONE = {"order": "A-17", "amount": 80}, {"order": "A-17", "amount": 800}


def step(span_id, kind, start_s, end_s=None, **fields):
    """A step; without an end it ends as it starts."""
    common = {
        "trace_id": "t",
        "span_id": span_id,
        "parent_span_id": None,
        "run_id": "t",
        "source": "span",
        "dialect": "native",
        "kind": kind,
        "name": kind,
        "start_ns": int(start_s * SECOND),
        "end_ns": int((start_s if end_s is None else end_s) * SECOND),
        "status": "ok",
    }
    return Step(**(common | fields))


def asked(span_id, start_s, end_s=None, decision="approved", arguments=ASKED, **fields):
    """A question about a refund, as our tracer tells it."""
    common = {
        "operation": "approve",
        "tool_name": "refund",
        "tool_arguments": arguments,
        "arguments_sha256": arguments and sha256_of(arguments),
        "approval_decision": decision,
        "approver": "ana",
        "approver_kind": "person",
    }
    return step(span_id, "human", start_s, end_s, **(common | fields))


def refund(span_id, start_s, end_s=None, arguments=ASKED, **fields):
    """A run of the tool."""
    common = {"tool_name": "refund", "tool_arguments": arguments, "tool_effect": "irreversible"}
    return step(span_id, "tool_call", start_s, end_s, **(common | fields))


def chose(span_id, start_s, call_id="c1", arguments=ASKED, index=0):
    """A model's choice of the refund."""
    values = dict.fromkeys(Decision.__dataclass_fields__)
    return Decision(
        **values
        | {
            "decision_id": f"{span_id}:{index}",
            "span_id": span_id,
            "start_ns": int(start_s * SECOND),
            "action": "tool_call",
            "chosen": "refund",
            "tool_call_id": call_id,
            "arguments": arguments,
            "dialect": "native",
        }
    )


def effects(steps, decisions=()):
    """What nobody approved, and why."""
    case = Case({}, tuple(steps), tuple(decisions), {}, approvals_of(steps, decisions))
    return [(effect.span_id, effect.gap) for effect in effects_without_approval(case)]


def test_a_question_knows_its_choice_its_answer_and_what_ran():
    """Everything that an auditor asks stands in one row."""
    steps = [
        asked("h", 2, 44, tool_call_id="c1", output="fine", input="Pay 80?"),
        refund("t", 45, 46, tool_call_id="c1"),
    ]
    (found,) = approvals_of(steps, [chose("m", 1)])

    assert ("m:0", "approved", "ana", "person", "fine") == (
        found.decision_id,
        found.decision,
        found.approver,
        found.approver_kind,
        found.reason,
    )
    assert ("Pay 80?", ASKED, "t", ASKED) == (
        found.shown,
        found.arguments,
        found.executed_span_id,
        found.executed,
    )
    assert (sha256_of("Pay 80?"), sha256_of(ASKED), sha256_of(ASKED)) == (
        found.shown_sha256,
        found.arguments_sha256,
        found.executed_sha256,
    )
    assert (False, 42 * SECOND, False, 44 * SECOND) == (
        found.changed_after_approval,
        found.wait_ns,
        found.rubber_stamp,
        found.decided_ns,
    )
    assert [] == effects(steps, [chose("m", 1)])


def test_other_arguments_than_those_approved_are_told():
    """By the hash of the exact arguments, whatever else was shown."""
    steps = [
        asked("h", 2, 9, tool_call_id="c1"),
        refund("t", 10, arguments=DONE, tool_call_id="c1"),
    ]
    (found,) = approvals_of(steps, [chose("m", 1)])

    assert (True, sha256_of(DONE)) == (found.changed_after_approval, found.executed_sha256)
    assert [("t", "other_arguments")] == effects(steps, [chose("m", 1)])


def test_without_content_the_hashes_are_enough():
    """They were made before the content was left out."""
    bare = {"tool_arguments": None, "tool_call_id": "c1"}
    ran = refund("t", 10, arguments=None, arguments_sha256=sha256_of(DONE), tool_call_id="c1")
    choice = chose("m", 1, arguments=None)
    (found,) = approvals_of([asked("h", 2, 9, **bare), ran], [choice])

    assert (None, True) == (found.executed, found.changed_after_approval)


def test_a_reused_call_id_keeps_each_question_with_its_choice():
    """A question belongs to the last choice of its id before it."""
    steps = [
        asked("h1", 2, 3, tool_call_id="c1"),
        refund("t1", 4, tool_call_id="c1"),
        asked("h2", 12, 13, arguments=DONE, tool_call_id="c1"),
        refund("t2", 14, arguments=DONE, tool_call_id="c1"),
    ]
    found = approvals_of(steps, [chose("m1", 1), chose("m2", 11, arguments=DONE)])

    assert [("m1:0", "t1", False), ("m2:0", "t2", False)] == [
        (one.decision_id, one.executed_span_id, one.changed_after_approval) for one in found
    ]


def test_parallel_calls_are_told_apart():
    """Each question has the run of its own id, in whatever order they ran."""
    steps = [
        asked("h1", 2, 3, tool_call_id="c1"),
        asked("h2", 2, 4, arguments=DONE, tool_call_id="c2"),
        refund("t2", 5, arguments=DONE, tool_call_id="c2"),
        refund("t1", 6, tool_call_id="c1"),
    ]
    choices = [chose("m", 1), chose("m", 1, "c2", DONE, index=1)]
    found = approvals_of(steps, choices)

    assert [("m:0", "t1", False), ("m:1", "t2", False)] == [
        (one.decision_id, one.executed_span_id, one.changed_after_approval) for one in found
    ]


def test_plain_code_is_matched_by_the_exact_arguments():
    """No model, no ids: the run with the arguments that were asked about, else the next one."""
    steps = [
        asked("h1", 1, 2),
        asked("h2", 3, 4, arguments=DONE),
        refund("t2", 5, arguments=DONE),
        refund("t1", 6),
        asked("h3", 7, 8, arguments={"order": "B"}),
        refund("t3", 9, arguments={"order": "C"}),
    ]
    found = approvals_of(steps, [])

    assert [("t1", False), ("t2", False), ("t3", True)] == [
        (one.executed_span_id, one.changed_after_approval) for one in found
    ]
    assert [("t3", "other_arguments")] == effects(steps)


def test_one_approval_covers_one_run():
    """The second refund of the same order was not asked about."""
    steps = [asked("h", 1, 2), refund("t1", 3), refund("t2", 4)]

    assert [("t2", "nobody_asked")] == effects(steps)


def test_a_denied_tool_that_did_not_run_is_no_effect():
    """Neither where it asked inside, nor where the model was told no."""
    inside = refund("t", 1, 9, status="error", error_type="denied", tool_call_id="c1")
    question = asked("h", 2, 3, "denied", parent_span_id="t", tool_call_id="c1")
    (found,) = approvals_of([inside, question], [chose("m", 0)])

    assert ("denied", None, None) == (
        found.decision,
        found.executed_span_id,
        found.changed_after_approval,
    )
    assert [] == effects([inside, question], [chose("m", 0)])


def test_denied_and_done_anyway_is_told():
    """The gate said no, and the tool ran."""
    steps = [
        asked("h", 2, 3, "denied", tool_call_id="c1", output="too much"),
        refund("t", 4, tool_call_id="c1"),
    ]
    (found,) = approvals_of(steps, [chose("m", 1)])

    assert ("denied", "too much", "t") == (found.decision, found.reason, found.executed_span_id)
    assert [("t", "denied")] == effects(steps, [chose("m", 1)])


def test_a_denied_call_is_not_taken_for_the_next_one():
    """Somebody said no to one payload; another that runs later was not asked about."""
    steps = [asked("h", 2, 3, "denied"), refund("t", 4, arguments=DONE)]

    assert [None] == [one.executed_span_id for one in approvals_of(steps, [])]
    assert [("t", "nobody_asked")] == effects(steps)


def test_an_unanswered_question_of_ours_approves_nothing():
    """Elsewhere a framework that goes on was answered, and does not tell how."""
    ours = [asked("h", 2, 3, "asked", tool_call_id="c1"), refund("t", 4, tool_call_id="c1")]
    pause = [
        asked("h", 2, 3, "asked", tool_call_id="c1", dialect="openinference"),
        refund("t", 4, tool_call_id="c1"),
    ]

    through_ours = [
        asked("h", 2, 3, "asked", tool_call_id="c1", operation="execute_tool"),
        refund("t", 4, tool_call_id="c1"),
    ]

    assert [("t", "not_answered")] == effects(ours, [chose("m", 1)])
    assert [] == effects(pause, [chose("m", 1)])
    assert [] == effects(through_ours, [chose("m", 1)])


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"end_s": 3.9}, True),
        ({"end_s": 4.0}, False),
        ({"end_s": 2.5, "approver_kind": "rule"}, False),
        ({"end_s": 2.5, "decision": "denied"}, False),
        ({"end_s": 2.5, "approver_kind": "unknown"}, None),
        ({"end_s": 2.5, "source": "log"}, None),
    ],
)
def test_a_rubber_stamp_is_a_person_who_allows_within_two_seconds(fields, says):
    """A log does not tell how long it took."""
    (found,) = approvals_of([asked("h", 2, **fields)], [])

    assert says is found.rubber_stamp


def test_a_log_tells_of_no_wait():
    """Its record is made when the answer is there."""
    (found,) = approvals_of([asked("h", 2, 2, source="log")], [])

    assert (None, 2 * SECOND) == (found.wait_ns, found.decided_ns)


def test_a_tool_that_is_marked_needs_no_effect_to_be_told():
    """The tracer knows whether it was covered when it ran."""
    marked = {"tool_effect": None, "tool_name": "publish"}

    assert [("t", "nobody_asked")] == effects([refund("t", 1, unapproved=True, **marked)])
    assert [] == effects([refund("t", 1, unapproved=False, **marked)])
    assert [] == effects([refund("t", 1, tool_effect="read")])
