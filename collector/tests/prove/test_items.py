"""What can be left out of requests, and that what remains is valid."""

import json

import pytest

from tellwhy_collector.prove import anthropic_messages, openai_chat, openai_responses
from tellwhy_collector.prove.items import NEUTRAL, blobs, sections, without
from tellwhy_collector.prove.wire import Choice, Usage

SYSTEM = "# Role\nYou help.\n\n# Money\nNever pay twice."
MESSAGES = {
    "model": "m",
    "max_tokens": 100,
    "stream": True,
    "system": SYSTEM,
    "tools": [
        {"name": "pay", "description": "Pays.", "input_schema": {"type": "object"}},
        {"name": "look", "input_schema": {"type": "object"}},
    ],
    "messages": [
        {"role": "user", "content": "Pay it."},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Look first.", "signature": "s"},
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "t1", "name": "look", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "t1",
                    "is_error": True,
                    "content": [{"type": "text", "text": "not paid"}],
                },
                {"type": "text", "text": "And?"},
            ],
        },
    ],
}
CHAT = {
    "model": "m",
    "stream": True,
    "stream_options": {"include_usage": True},
    "n": 1,
    "tools": [{"type": "function", "function": {"name": "pay", "description": "Pays."}}],
    "messages": [
        {"role": "developer", "content": "You help."},
        {"role": "user", "content": [{"type": "text", "text": "Pay it."}]},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "not paid"},
    ],
}
RESPONSES = {
    "model": "m",
    "instructions": SYSTEM,
    "background": True,
    "tools": [{"type": "function", "name": "pay", "description": "Pays."}],
    "input": [
        {"role": "user", "content": "Pay it."},
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": [{"text": "not paid"}]},
    ],
}
ALL = [
    (anthropic_messages.WIRE, MESSAGES),
    (openai_chat.WIRE, CHAT),
    (openai_responses.WIRE, RESPONSES),
]


def kinds(wire, body):
    return [item.kind for item in wire.items(body)]


def test_everything_that_says_something_is_an_item():
    """Parts of instructions, descriptions, messages, the model's texts, results of tools."""
    assert kinds(anthropic_messages.WIRE, MESSAGES) == [
        *("instructions", "instructions", "tool", "user", "assistant", "result", "user")
    ]
    assert kinds(openai_chat.WIRE, CHAT) == ["instructions", "tool", "user", "result"]
    assert kinds(openai_responses.WIRE, RESPONSES) == [
        *("instructions", "instructions", "tool", "user", "result")
    ]


@pytest.mark.parametrize(("wire", "body"), ALL, ids=lambda each: getattr(each, "name", ""))
def test_what_is_left_out_is_gone_and_the_rest_is_as_it_was(wire, body):
    """The request that was given stays what it is; places hold nothing or say that it was left out."""
    before = json.dumps(body)
    for item in wire.items(body):
        made = wire.plain(without(body, [item]))
        assert json.dumps(made) != json.dumps(wire.plain(body))
        assert {"stream", "stream_options", "n", "background"}.isdisjoint(made)
        for name in ("messages", "input"):
            assert len(made.get(name, [])) == len(body.get(name, []))
    made = json.dumps(wire.plain(without(body, wire.items(body))))
    assert not any(text in made for text in ("Pay it", "not paid", "You help", "Pays."))
    assert json.dumps(body) == before


def test_pairs_stay_pairs():
    """A result keeps its call, loses its mark of failure; thinking is untouched; no system is left."""
    made = without(MESSAGES, anthropic_messages.items(MESSAGES))

    assert "system" not in made
    assert made["tools"][0] == {"name": "pay", "input_schema": {"type": "object"}}
    assert made["messages"] == [
        {"role": "user", "content": NEUTRAL},
        {
            "role": "assistant",
            "content": [
                MESSAGES["messages"][1]["content"][0],
                {"type": "text", "text": NEUTRAL},
                MESSAGES["messages"][1]["content"][2],
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "t1", "content": NEUTRAL},
                {"type": "text", "text": NEUTRAL},
            ],
        },
    ]


def test_something_can_stand_in_the_place():
    """A text of the user's, instead of nothing."""
    result = next(i for i in openai_chat.items(CHAT) if i.kind == "result")

    assert without(CHAT, [result], "paid")["messages"][3]["content"] == "paid"
    assert result.where == "$.messages[3].content"


def test_parts_of_instructions_cover_them():
    """By headings, by tags, by paragraphs; never more than twelve; one where there is no mark."""
    parts = sections(SYSTEM)
    assert [SYSTEM[a:b] for a, b in parts] == ["# Role\nYou help.\n\n", "# Money\nNever pay twice."]
    assert sections("one line") == [(0, 8)]
    tagged = "<role>\nHelp.\n</role>\n<rules>\nNone.\n</rules>\n"
    assert [tagged[a:b][:6] for a, b in sections(tagged)] == ["<role>", "<rules"]
    many = "\n\n".join(f"Paragraph {n}." for n in range(40))
    parts = sections(many)
    assert len(parts) == 12
    assert "".join(many[a:b] for a, b in parts) == many


def test_choices_and_tokens_of_answers():
    """Calls with parsed arguments, else the kind of the answer."""
    call = {"type": "tool_use", "name": "pay", "input": {"a": 1}}
    usage = {"input_tokens": 5, "cache_read_input_tokens": 7, "output_tokens": 3}
    said = {"content": [{"type": "text"}, call], "stop_reason": "tool_use", "usage": usage}
    assert anthropic_messages.choices(said) == [Choice("tool_call", "pay", {"a": 1})]
    assert anthropic_messages.usage(said) == Usage(12, 3, 7, 0)
    for stopped, action in (
        ("end_turn", "answer"),
        ("refusal", "refusal"),
        ("max_tokens", "truncated"),
    ):
        assert anthropic_messages.choices({"stop_reason": stopped}) == [Choice(action)]

    function = {"name": "pay", "arguments": '{"a": 1}'}
    message = {"tool_calls": [{"function": function}]}
    assert openai_chat.choices({"choices": [{"message": message}]}) == [
        Choice("tool_call", "pay", {"a": 1})
    ]
    for stopped, action in (
        ("stop", "answer"),
        ("content_filter", "refusal"),
        ("length", "truncated"),
    ):
        answer = {"choices": [{"message": {}, "finish_reason": stopped}]}
        assert openai_chat.choices(answer) == [Choice(action)]

    output = [{"type": "reasoning"}, {"type": "function_call", **function}]
    assert openai_responses.choices({"output": output}) == [Choice("tool_call", "pay", {"a": 1})]
    cut = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    assert openai_responses.choices(cut) == [Choice("truncated")]
    refused = {"output": [{"type": "message", "content": [{"type": "refusal"}]}]}
    assert openai_responses.choices(refused) == [Choice("refusal")]


def test_hashes_of_bytes_are_seen():
    """Where a recording kept no picture."""
    body = {"messages": [{"content": [{"source": {"type": "blob", "sha256": "0", "bytes": 9}}]}]}

    assert list(blobs(body)) == ["$.messages[0].content[0].source"]
    assert list(blobs(MESSAGES)) == []
