import json

from tellwhy_viewer.shape.card import decision_card
from tellwhy_viewer.shape.context import conversation, messages_of, news, whole_message

USER = {"role": "user", "parts": [{"type": "text", "content": "Where is my parcel?"}]}
ASKED = {
    "role": "assistant",
    "parts": [{"type": "tool_call", "id": "c1", "name": "track", "arguments": {"id": 1}}],
}
FOUND = {
    "role": "tool",
    "parts": [{"type": "tool_call_response", "id": "c1", "response": {"at": "depot"}}],
}


def row(**more):
    base = {
        "decision_id": "m:0",
        "trace_id": "t",
        "span_id": "m",
        "made_by": "model",
        "agent_name": "a",
        "model": "m-1",
        "duration_ns": 2_000_000_000,
        "action": "tool_call",
        "chosen": "track",
        "tool_call_id": "c1",
        "arguments": '{"id": 1, "deep": {"x": [1, 2]}}',
        "answer_text": None,
        "choice_index": 0,
        "choice_count": 1,
        "offered": '["track", "refund"]',
        "forced": "free",
        "stated_reason": "I must know where it is.",
        "stated_reason_source": "reasoning",
        "outcome": "succeeded",
        "outcome_result": '{"at": "depot"}',
        "outcome_error": None,
        "outcome_duration_ns": 1_000_000,
        "outcome_inferred": False,
        "outcome_span_id": "x",
        "outcome_attempts": 1,
        "outcome_error_type": None,
        "outcome_service_name": "s",
        "tool_effect": None,
        "approval_decision": None,
        "approver": None,
        "approver_kind": None,
        "approval_wait_ns": None,
        "finish_reason": "tool_use",
        "input_tokens": 10,
        "output_tokens": 2,
        "cost_usd": 0.01,
        "input_messages": json.dumps([USER]),
        "system_instructions": None,
        "tools_offered": '[{"name": "track", "description": "Find a parcel."}, {"name": "refund"}]',
    }
    return base | more


def card(before=None, approval=None, **more):
    return decision_card(row(**more), before=before, approval=approval)


def test_what_the_model_saw_is_told_by_what_is_new():
    """Of a history of many messages the reviewer reads the one that came."""
    before = {"input_messages": json.dumps([USER]), "output_messages": "[]"}
    saw = card(before, input_messages=json.dumps([USER, ASKED, FOUND]))["saw"]

    assert 3 == saw["messages"]
    assert 0 == saw["dropped"]
    assert 1 == saw["own"]
    assert [("tool_call_response", "track", '{"at": "depot"}')] == [
        (line["kind"], line["name"], line["text"]) for line in saw["new"]
    ]


def test_a_history_that_was_rewritten_is_told():
    """A compacted context is not passed off as a longer one."""
    told = news(json.dumps([FOUND]), {"input_messages": json.dumps([USER, ASKED])})

    assert 2 == told["dropped"]


def test_the_offered_tools_have_their_descriptions_and_the_chosen_one_its_mark():
    """Could: what else it could have done."""
    could = card()["could"]

    assert [("track", "Find a parcel.", True), ("refund", "", False)] == [
        (tool["name"], tool["description"], tool["chosen"]) for tool in could["tools"]
    ]
    assert could["recorded"]
    assert could["chosen_listed"]


def test_alternatives_that_were_not_recorded_are_not_invented():
    """No list is different from an empty list."""
    assert not card(offered=None)["could"]["recorded"]
    assert card(offered="[]")["could"]["recorded"]


def test_arguments_come_one_by_one_and_keep_their_kind():
    """Chose: text looks like text, values like values."""
    chose = card()["chose"]["arguments"]

    assert [("id", "value", "1"), ("deep", "value", '{"x": [1, 2]}')] == [
        (argument["name"], argument["kind"], argument["text"]) for argument in chose
    ]


def test_arguments_that_are_no_object_are_shown_as_they_are():
    """A model that writes broken JSON is seen writing it."""
    chose = card(arguments='{"id": ')["chose"]

    assert chose["arguments"] is None
    assert '{"id": ' == chose["raw"]["text"]


def test_the_stated_reason_stands_apart_and_is_missing_when_there_is_none():
    """The model's words are never filled in from elsewhere."""
    assert "I must know where it is." == card()["said"]["text"]
    assert card(stated_reason=None)["said"] is None
    assert not card(output_messages=None)["answer_recorded"]
    assert card(output_messages="[]")["answer_recorded"]


def test_what_happened_names_the_step_and_its_failure():
    """Happened: result or error, how long, how often."""
    happened = card(
        outcome="failed",
        outcome_error="no answer",
        outcome_error_type="Timeout",
        outcome_result=None,
        outcome_attempts=2,
    )["happened"]

    assert ("failed", "no answer", "Timeout", 2) == (
        happened["outcome"],
        happened["error"]["text"],
        happened["error_type"],
        happened["attempts"],
    )
    assert {"trace": "t", "span": "x"} == happened["step"]


def test_an_approval_tells_who_how_long_and_what_was_shown():
    """Who allowed it, and seeing what."""
    step = {
        "trace_id": "t",
        "span_id": "p",
        "input": '{"amount": 249}',
        "output": '"OK"',
        "stated_reason": None,
    }
    told = card(
        approval=step,
        approval_decision="approved",
        approver="mara",
        approver_kind="person",
        approval_wait_ns=130 * 10**9,
    )["approval"]

    assert ("approved", "mara", 130_000, "OK") == (
        told["decision"],
        told["approver"],
        told["waited_ms"],
        told["note"]["text"],
    )
    assert '{"amount": 249}' == told["shown"]["text"]


def test_messages_of_any_shape_are_read():
    """Senders differ; nothing they sent is dropped."""
    assert [{"role": "unknown", "parts": [{"type": "text", "content": "hi"}]}] == messages_of(
        '"hi"'
    )
    assert [] == messages_of(None)
    assert [{"parts": [7]}] == messages_of("[7]")
    assert "hi" == whole_message('[{"role": "user", "content": "hi"}]', 0)
    assert whole_message("[]", 0) is None


def test_the_whole_context_has_system_text_messages_and_answer():
    """The reader shows all that the model was given."""
    told = conversation(
        {
            "system_instructions": '[{"type": "text", "content": "Be brief."}]',
            "input_messages": json.dumps([USER, ASKED, FOUND]),
            "output_messages": json.dumps([USER]),
        }
    )

    assert ["Be brief."] == [line["text"] for line in told["system"]]
    assert [None, "track", "track"] == [line.get("name") for line in told["messages"]]
    assert 3 == told["count"]
    assert 1 == len(told["answer"])


def test_an_image_is_told_by_its_size_not_by_its_bytes():
    """Base64 never reaches the page."""
    image = {"type": "blob", "mime_type": "image/png", "content": "AAAA" * 100, "bytes": 300}
    told = news(json.dumps([{"role": "user", "parts": [image]}]), None)

    assert '{"mime_type": "image/png", "bytes": 300}' == told["new"][0]["text"]
