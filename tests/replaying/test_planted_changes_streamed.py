"""The same planted changes in another loop: OpenAI's chat, streamed, asynchronous."""

import json

import openai
import pytest
from replayed_loops import SCHEMA, task

import tellwhy

STEPS = [
    {"tools": [["look_up", {"city": "Oslo"}]]},
    {"tools": [["book", {"city": "Oslo"}]]},
    {"text": "Booked."},
]
TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": SCHEMA}}
    for name in ("look_up", "book")
]


def agent(**changed):
    """An agent of three model calls and two tool calls, with one thing changed."""

    async def act(stage):
        @tellwhy.tool(effect="write")
        async def look_up(city: str) -> str:
            stage.effects.append(city)
            return f"room in {city}"

        @tellwhy.tool(effect="write")
        async def book(city: str) -> str:
            stage.effects.append(city)
            return f"booked {city}"

        tools = {"look_up": look_up, "book": book}
        ask = {"model": "gpt-5", "tools": TOOLS, **changed.get("ask", {})}
        messages = [{"role": "user", "content": changed.get("prompt", "Please. ") + task(*STEPS)}]
        async with openai.AsyncOpenAI() as client:
            for turn in range(1, 9):
                if turn == changed.get("drop_at"):
                    messages = messages[:1] + messages[3:]
                async with client.chat.completions.stream(messages=messages, **ask) as stream:
                    message = (await stream.get_final_completion()).choices[0].message
                if not message.tool_calls:
                    return message.content
                messages = [*messages, message.model_dump(exclude_none=True)]
                for call in changed.get("path", list)(message.tool_calls):
                    given = await tools[call.function.name](**json.loads(call.function.arguments))
                    said = {"role": "tool", "tool_call_id": call.id, "content": given}
                    messages.append(said | changed.get("result", {}))
        return None

    return act


CALLS = [f"model call {number} (chat gpt-5)" for number in (1, 2, 3)]
CHANGES = {
    "prompt": ({"prompt": "Now! "}, "request", CALLS[0], "$.messages[0].content was"),
    "order of tools": (
        {"ask": {"tools": TOOLS[::-1]}},
        "request",
        CALLS[0],
        "$.tools has the same",
    ),
    "temperature": (
        {"ask": {"temperature": 0.3}},
        "request",
        CALLS[0],
        "$.temperature is new: 0.3",
    ),
    "model": ({"ask": {"model": "gpt-5-mini"}}, "request", CALLS[0], '$.model was "gpt-5"'),
    "tool result": (
        {"result": {"content": "no room"}},
        "request",
        CALLS[1],
        '$.messages[2].content was "room in Oslo" and is "no room"',
    ),
    "one message dropped": ({"drop_at": 3}, "request", CALLS[2], "$.messages[1] is gone"),
    "code path": ({"path": lambda calls: calls[1:]}, "request", CALLS[1], "$.messages[2] is gone"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_the_first_divergence_is_where_the_change_is(stage, name):
    """Kind, recorded step and difference; no tool has run and nothing was sent."""
    changed, kind, recorded, difference = CHANGES[name]

    played = stage.play(agent(), agent(**changed))
    first = played.verdict.first

    assert first is not None
    assert (kind, recorded) == (first.kind, first.recorded)
    assert difference in "\n".join(first.differences)
    assert (0, 0) == (played.ran, played.requests)


def test_unchanged_it_is_identical(stage):
    """So that it is the change that is found."""
    played = stage.play(agent())

    assert ("Booked.", True) == (played.again, played.verdict.identical)
