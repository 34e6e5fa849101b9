"""Tool calls that OpenInference spans of models tell in ``gen_ai.tool.*``."""

from tellwhy_collector.dialects import normalise
from tellwhy_collector.testing import record

CALL = {
    "openinference.span.kind": "LLM",
    "gen_ai.tool.name": "get_user",
    "gen_ai.tool.call.id": "c1",
    "gen_ai.tool.call.arguments": '{"id": "u1"}',
}
CHOSEN = {
    "action": "tool_call",
    "name": "get_user",
    "tool_call_id": "c1",
    "arguments": {"id": "u1"},
}


def read(attributes):
    return normalise(record(attributes=attributes))


def test_a_call_told_in_tool_attributes_stands_beside_the_text():
    """The text is the stated reason then, and no answer."""
    step = read(CALL | {"output.value": "Let me look that up."})

    assert [CHOSEN] == step.chosen
    assert ("Let me look that up.", "text") == (step.stated_reason, step.stated_reason_source)


def test_a_call_without_text_is_the_whole_answer():
    """Nothing is stated."""
    step = read(CALL)

    assert ([CHOSEN], None) == (step.chosen, step.stated_reason)


def test_calls_that_the_messages_tell_go_first():
    """The attributes only repeat one of them."""
    part = "llm.output_messages.0.message.tool_calls.0.tool_call."
    told = {part + "function.name": "find_user", part + "id": "c2"}
    step = read(CALL | {"llm.output_messages.0.message.role": "assistant"} | told)

    assert [("find_user", "c2")] == [(one["name"], one["tool_call_id"]) for one in step.chosen]
