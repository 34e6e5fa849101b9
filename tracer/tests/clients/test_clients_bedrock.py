"""Bedrock Converse as boto3 speaks it: what is asked, and an answer whole and in frames."""

import pytest

from tellwhy._clients import bedrock_converse as converse
from tellwhy._clients.aws_events import FrameReader
from tellwhy._clients.body import Body
from tellwhy._clients.routes import CONVERSE, in_path
from tellwhy._model_server.bedrock_converse import frame, reply
from tellwhy._model_server.script import Memory

SPEC = {
    "name": "get_weather",
    "description": "Weather in a city.",
    "inputSchema": {"json": {"type": "object", "properties": {"city": {"type": "string"}}}},
}
CALL = {"toolUseId": "t1", "name": "get_weather", "input": {"city": "Oslo"}}
ASKED = {
    "messages": [
        {"role": "user", "content": [{"text": "Weather?"}]},
        {"role": "assistant", "content": [{"text": "Let me see."}, {"toolUse": CALL}]},
        {
            "role": "user",
            "content": [
                {"toolResult": {"toolUseId": "t1", "content": [{"json": {"c": -3}}]}},
                {"toolResult": {"toolUseId": "t2", "content": [{"text": "no"}], "status": "error"}},
                {"image": {"format": "png", "source": {"bytes": "aGVsbG8="}}},
                {"document": {"format": "pdf", "source": {"s3Location": {"uri": "s3://b/a.pdf"}}}},
                {"cachePoint": {"type": "default"}},
            ],
        },
    ],
    "system": [{"text": "Be brief."}],
    "inferenceConfig": {"maxTokens": 100, "stopSequences": ["END"]},
    "toolConfig": {
        "tools": [{"toolSpec": SPEC}, {"cachePoint": {"type": "default"}}],
        "toolChoice": {"tool": {"name": "get_weather"}},
    },
    "additionalModelRequestFields": {"thinking": {"type": "enabled"}},
}
SCRIPT = (
    '<<script:[{"think":"A city.","text":"Looking.","tools":[["get_weather",{"city":"Oslo"}]]}]'
)


def test_what_is_asked_is_read():
    """Messages, results, media, tools, and how free the model was."""
    asked = converse.question(ASKED)

    parts = [part for message in asked.messages for part in message["parts"]]
    assert [
        "text",
        "text",
        "tool_call",
        "tool_call_response",
        "tool_call_response",
        "blob",
        "uri",
        "cachePoint",
    ] == [part["type"] for part in parts]
    assert [("t1", {"c": -3}, False), ("t2", "no", True)] == [
        (each.call_id, each.content, each.is_error) for each in asked.results
    ]
    assert {"mime_type": "image/png", "modality": "image", "bytes": 5}.items() <= parts[5].items()
    assert [{"type": "text", "content": "Be brief."}] == asked.system
    (tool,) = asked.tools
    assert SPEC["inputSchema"]["json"] == tool["parameters"]
    assert (["get_weather"], "one_tool") == (asked.offered, asked.forced)
    assert {
        "gen_ai.request.max_tokens": 100,
        "gen_ai.request.stop_sequences": ["END"],
    } == asked.attributes
    assert {"maxTokens", "stopSequences", "additionalModelRequestFields"} == set(asked.parameters)


@pytest.fixture
def made():
    """What the scripted server answers to a question with that script."""
    question = {"role": "user", "content": [{"text": SCRIPT}]}
    return reply({**ASKED, "messages": [question]}, Memory())


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_frames_say_what_the_whole_answer_says(made, size):
    """However the bytes are cut."""
    headers = {"content-type": "application/vnd.amazon.eventstream"}
    body = Body(CONVERSE, headers, "urllib3")
    stream = b"".join(frame(name, data) for name, data in made.events)
    for at in range(0, len(stream), size):
        body.feed(stream[at : at + size])

    whole, built = converse.answer(made.body), converse.answer(body.result())
    assert (True, 0) == (body.done, body.unread)
    assert whole.messages == built.messages
    assert whole.calls == built.calls
    assert whole.attributes == built.attributes
    assert ["reasoning", "text", "tool_call"] == [
        part["type"] for part in built.messages[0]["parts"]
    ]
    assert ("get_weather", {"city": "Oslo"}) == (built.calls[0].name, built.calls[0].arguments)


def test_a_call_that_was_cut_short_is_not_chosen(made):
    """Its arguments are not whole; what had come is kept."""
    assembler = converse.Assembler()
    reader = FrameReader()
    events = list(made.events)
    at = next(at for at, (_, data) in enumerate(events) if "toolUse" in str(data.get("delta")))
    for name, data in events[: at + 1]:
        for text in reader.feed(frame(name, data)):
            assembler.add(converse.parsed(text))

    said = converse.answer(assembler.result())
    assert ([], False, False) == (said.calls, assembler.whole, assembler.done)
    assert "tool_call" == said.messages[0]["parts"][-1]["type"]


def test_tokens_hold_those_of_the_cache():
    """The wire leaves them out of its input tokens."""
    usage = {
        "inputTokens": 10,
        "outputTokens": 5,
        "cacheReadInputTokens": 100,
        "cacheWriteInputTokens": 7,
    }
    found = converse.answer({"stopReason": "guardrail_intervened", "usage": usage})

    assert 117 == found.attributes["gen_ai.usage.input_tokens"]
    assert (True, "guardrail_intervened") == (found.refused, found.finish)


def test_an_exception_in_a_stream_has_bedrocks_word():
    """In the shape of an error event."""
    (text,) = FrameReader().feed(frame("error", {"message": "Overloaded"}))
    assembler = converse.Assembler()
    assembler.add(converse.parsed(text))

    error = converse.answer(assembler.result()).error
    assert ("modelStreamErrorException", "Overloaded") == (error.kind, error.message)


@pytest.mark.parametrize("junk", [b"\xff", b"\x05:even", b"\x01a\x07\xff\xff", b"\x01a\x63"])
def test_headers_that_are_none_do_no_harm(junk):
    """What cannot be read is left out."""
    payload = b'{"message": "x"}'
    total = 12 + len(junk) + len(payload) + 4
    prelude = total.to_bytes(4, "big") + len(junk).to_bytes(4, "big") + bytes(4)

    (text,) = FrameReader().feed(prelude + junk + payload + bytes(4))
    assert "bedrock_exception" in text


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/model/eu.anthropic.claude-v1:0/converse", ("eu.anthropic.claude-v1:0", False)),
        ("/model/amazon.nova/converse-stream", ("amazon.nova", True)),
        ("/model/arn:aws:bedrock:x:1:inference-profile/eu.a/invoke", None),
    ],
)
def test_the_address_names_the_model(path, found):
    """Names of profiles have a stroke in them."""
    assert in_path(path) == (found or ("arn:aws:bedrock:x:1:inference-profile/eu.a", False))
