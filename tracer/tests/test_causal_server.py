"""A model server with a rule, asked by the real SDKs."""

import json

import anthropic
import openai
import pytest

from tellwhy.testing import Call, model_server

SCHEMA = {"type": "object", "properties": {"order": {"type": "string"}}, "required": ["order"]}
NAMES = {"refund": "Pays money back.", "escalate": "Asks a person.", "close": "Closes it."}
CLAUDE = [
    {"name": name, "description": text, "input_schema": SCHEMA} for name, text in NAMES.items()
]
FUNCTIONS = [
    {"name": name, "description": text, "parameters": SCHEMA} for name, text in NAMES.items()
]
CHAT = [{"type": "function", "function": each} for each in FUNCTIONS]
RESPONSES = [{"type": "function", **each} for each in FUNCTIONS]


def rule(context):
    """Refund what the order says is damaged."""
    if "damaged" in context.result("get_order"):
        return Call("refund", {"order": "A-1"})
    return Call("escalate", {"order": "A-1"})


def claude_messages(result):
    return [
        {"role": "user", "content": "Where is my money?"},
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "toolu_1", "name": "get_order", "input": {}}],
        },
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": result}],
        },
    ]


def claude(server, result, **more):
    with anthropic.Anthropic(base_url=server.url, api_key="k", open_telemetry=False) as client:
        asked = {
            "model": "claude-causal",
            "max_tokens": 100,
            "tools": CLAUDE,
            "messages": claude_messages(result),
        }
        if more.pop("stream", False):
            with client.messages.stream(**asked, **more) as stream:
                message = stream.get_final_message()
        else:
            message = client.messages.create(**asked, **more)
    return [(block.name, block.input) for block in message.content if block.type == "tool_use"]


def chat(server, result):
    call = {"id": "c1", "type": "function", "function": {"name": "get_order", "arguments": "{}"}}
    with openai.OpenAI(base_url=server.url + "/v1", api_key="k") as client:
        answer = client.chat.completions.create(
            model="gpt-causal",
            tools=CHAT,
            messages=[
                {"role": "user", "content": "Where is my money?"},
                {"role": "assistant", "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "c1", "content": result},
            ],
        )
    calls = answer.choices[0].message.tool_calls or []
    return [(each.function.name, json.loads(each.function.arguments)) for each in calls]


def responses(server, result):
    with openai.OpenAI(base_url=server.url + "/v1", api_key="k") as client:
        answer = client.responses.create(
            model="gpt-causal",
            tools=RESPONSES,
            input=[
                {"role": "user", "content": "Where is my money?"},
                {
                    "type": "function_call",
                    "call_id": "c1",
                    "name": "get_order",
                    "arguments": "{}",
                },
                {"type": "function_call_output", "call_id": "c1", "output": result},
            ],
        )
    return [
        (item.name, json.loads(item.arguments))
        for item in answer.output
        if item.type == "function_call"
    ]


@pytest.mark.parametrize("ask", [claude, chat, responses])
def test_a_rule_reads_the_context_of_every_wire_format(ask):
    """The result of a tool decides which tool is called with which arguments."""
    with model_server(rule) as server:
        assert ask(server, "It arrived damaged.") == [("refund", {"order": "A-1"})]
        assert ask(server, "It arrived whole.") == [("escalate", {"order": "A-1"})]


def test_a_stream_follows_the_rule_too():
    """What is streamed is what the rule says."""
    with model_server(rule) as server:
        assert claude(server, "damaged", stream=True) == [("refund", {"order": "A-1"})]


def test_noise_comes_as_often_as_asked_for_and_again_with_the_same_seed():
    """One in four does something else, in the same places for the same seed."""

    def chosen(seed):
        with model_server(rule, noise=0.25, seed=seed) as server:
            return [tuple(name for name, _ in claude(server, "damaged")) for _ in range(80)]

    first, again, other = chosen(1), chosen(1), chosen(2)

    assert first == again != other
    assert 0.1 < 1 - first.count(("refund",)) / 80 < 0.4
    assert {("escalate",), ("close",), ()} <= set(first)


def test_a_rule_sees_instructions_tools_and_failures():
    """Everything that a request says is in the context."""
    seen = []

    def look(context):
        seen.append(context)
        return "Done."

    with model_server(look) as server:
        claude(server, "late", system=[{"type": "text", "text": "Be kind."}])
    context = seen[0]

    assert (context.model, context.system) == ("claude-causal", "Be kind.")
    assert dict(context.tools) == NAMES
    assert context.schemas["close"] == SCHEMA
    assert [each.role for each in context.messages] == ["user", "assistant", "user"]
    assert context.user == "Where is my money?"
    assert context.messages[1].calls == (Call("get_order", {}),)
    assert (context.result("get_order"), context.result("refund")) == ("late", "")
    assert context.says("Pays money")
    assert context.says("late")
    assert not context.says("early")


def test_a_rule_may_answer_with_several_calls_or_refuse():
    """A list is a parallel call; a step of a script can be an error."""
    both = [Call("refund", {"order": "A-1"}), Call("close", {"order": "A-1"})]
    with model_server(lambda _: both) as server:
        assert [name for name, _ in claude(server, "x")] == ["refund", "close"]
    refusing = {"error": {"status": 400, "type": "invalid_request_error", "message": "No."}}
    with model_server(lambda _: refusing) as server, pytest.raises(anthropic.BadRequestError):
        claude(server, "x")


def test_a_rate_that_is_none_is_refused():
    """The message says what a rate is."""
    with pytest.raises(ValueError, match="give a rate from 0 to 1"):
        model_server(rule, noise=20)
