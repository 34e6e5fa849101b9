"""What the tracer records of approvals, through real OTLP bytes, as the collector tells it."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

import tellwhy
from tellwhy import _canonical, _capture, _granted, testing
from tellwhy_collector.reconstruct import canonical
from tellwhy_collector.testing import collector, rows, wait_until_explained

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)  # fmt: skip


@settings(deadline=None)
@given(JSON)
def test_both_rooms_write_the_same_canonical_text(value):
    """The rules stand twice, because rooms never import each other."""
    assert canonical.canonical(value) == _canonical.canonical(value)


@settings(deadline=None)
@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_a_payload_has_the_same_hash_before_and_behind_the_wire(payload):
    """The tracer hashes what it records, the collector what it received."""
    received = json.loads(_capture.to_json(payload))

    assert _capture.sha256_of(payload) == canonical.sha256_of(received)


def policy(question):
    """Denies what is dear, and says why."""
    if question.arguments["amount"] > 100:
        return f"{question.arguments['amount']} is over the limit"
    return True


@tellwhy.tool(effect="irreversible", needs_approval=policy)
def refund(order: str, amount: float) -> str:
    """Pay money back."""
    return f"{amount} for {order}"


@tellwhy.tool(effect="write", needs_approval=True)
def publish(text: str) -> None:
    """Put a text on the web site."""


@tellwhy.tool
def archive(text: str) -> None:
    """Put a text away."""
    with tellwhy.approval("archive", arguments={"text": text}) as question:
        question.deny(by="ana", note="keep it")
    raise tellwhy.Denied("archive", "ana", "keep it")


@tellwhy.agent
def desk() -> None:
    """Everything that can become of a question."""
    refund("A-17", 80.0)
    with pytest.raises(tellwhy.Denied):
        refund("B-4", amount=800)
    tellwhy.approval("publish", arguments={"text": "draft"}, approved=True, by="ana", waited_s=0.4)
    publish("draft")
    tellwhy.approval("publish", arguments={"text": "short"}, approved=True, by="bo", waited_s=60)
    publish("longer")
    publish("nobody knows")
    with pytest.raises(tellwhy.Denied):
        archive("old")


@pytest.fixture(scope="module", params=["all", "none"])
def store(request, tmp_path_factory):
    """A collector's store with one run of the desk in it, with and without content."""
    _granted.forget()
    with testing.recording(content=request.param) as recorded:
        desk()
        body = encode_spans(recorded._ended).SerializeToString()
    with collector(tmp_path_factory.mktemp("desk")) as running:
        running.ingest.submit(body, signal="traces", encoding="protobuf").result(30)
        wait_until_explained(running.store, timeout_s=240)
        yield running.store


def test_each_question_is_told_with_its_answer_and_what_ran(store):
    """Hashes are enough: it is the same where no content is recorded."""
    found = rows(
        store,
        "SELECT tool_name, decision, approver, approver_kind, executed_span_id IS NOT NULL,"
        " changed_after_approval, rubber_stamp, arguments_sha256 = executed_sha256"
        " FROM approvals ORDER BY decided_ns",
    )

    assert [
        ("refund", "approved", "policy", "unknown", True, False, None, True),
        ("refund", "denied", "policy", "unknown", False, None, False, None),
        ("publish", "approved", "ana", "person", True, False, True, True),
        ("publish", "approved", "bo", "person", True, True, False, False),
        ("archive", "denied", "ana", "person", False, None, False, None),
    ] == found


def test_the_hash_on_the_wire_is_that_of_the_payload_beside_it(store):
    """Whoever has the payload can prove it."""
    found = rows(store, "SELECT arguments, shown, arguments_sha256, shown_sha256 FROM approvals")

    assert 5 == len(found)
    for arguments, shown, arguments_sha256, shown_sha256 in found:
        for payload, sha256 in ((arguments, arguments_sha256), (shown, shown_sha256)):
            assert payload is None or canonical.sha256_of(json.loads(payload)) == sha256


def test_what_nobody_approved_is_told_with_the_reason(store):
    """What was denied and did not run is not among it."""
    found = rows(store, "SELECT tool_name, gap FROM effects_without_approval ORDER BY start_ns")

    assert [("publish", "other_arguments"), ("publish", "nobody_asked")] == found


def test_a_denied_call_is_denied_and_no_failure(store):
    """Also for the tool that asked inside and raised the exception itself."""
    assert [("archive", "denied"), ("refund", "denied")] == rows(
        store,
        "SELECT tool_name, error_type FROM tool_calls WHERE status = 'error' ORDER BY tool_name",
    )
    assert [] == rows(store, "SELECT span_id FROM failures WHERE kind = 'tool_call'")


def test_unapproved_says_what_the_process_knew(store):
    """A column of steps; NULL for tools that are not marked."""
    assert [
        ("archive", None),
        ("publish", False),
        ("publish", True),
        ("publish", True),
        ("refund", False),
        ("refund", None),
    ] == rows(
        store,
        "SELECT tool_name, unapproved FROM steps WHERE kind = 'tool_call' ORDER BY ALL",
    )
