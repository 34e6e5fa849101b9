"""A program that knows nothing of tellwhy: the two SDKs in every way, and what it saw, as JSON.

Usage: python proxied_loops.py OUT NAME [WORD]
"""

import asyncio
import json
import sys
from pathlib import Path

import anthropic
import openai

WORD = sys.argv[3] if len(sys.argv) > 3 else "please"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"name": "get_weather", "description": "Weather now", "input_schema": SCHEMA}]
ASK = {"model": "claude-sonnet-5", "max_tokens": 500, "tools": TOOLS}


def task(*steps):
    return [{"role": "user", "content": f"Tell me, {WORD}. <<script:{json.dumps(steps)}>>"}]


def told(city, text="Rain."):
    return task({"tools": [["get_weather", {"city": city}]]}, {"text": f"{text} In {city}."})


def turn(messages, reply):
    calls = [block for block in reply.content if block.type == "tool_use"]
    results = [
        {"type": "tool_result", "tool_use_id": call.id, "content": f"rain in {call.input['city']}"}
        for call in calls
    ]
    return [
        *messages,
        {"role": "assistant", "content": reply.content},
        {"role": "user", "content": results},
    ]


def plain():
    messages, seen = told("Oslo"), []
    with anthropic.Anthropic() as client:
        for _ in range(2):
            reply = client.messages.create(messages=messages, **ASK)
            seen.append(reply.model_dump())
            messages = turn(messages, reply)
        return [*seen, reply._request_id]


def streamed():
    seen = []
    with anthropic.Anthropic() as client:
        with client.messages.stream(messages=told("Oslo"), **ASK) as stream:
            seen += [event.model_dump() for event in stream]
        with client.messages.with_streaming_response.create(
            messages=task({"text": "Rain, rain and more rain."}), stream=True, **ASK
        ) as said:
            return [*seen, b"".join(said.iter_bytes()).decode()]


def refused():
    bad = {"status": 400, "type": "invalid_request_error", "message": "No.", "times": 9}
    with anthropic.Anthropic() as client:
        try:
            client.messages.create(messages=task({"error": bad}), **ASK)
        except anthropic.BadRequestError as error:
            return [error.status_code, error.body, error.request_id]


def retried():
    busy = {"status": 529, "type": "overloaded_error", "message": "Overloaded", "times": 2}
    busy["headers"] = {"retry-after-ms": "1"}
    with anthropic.Anthropic(max_retries=3) as client:
        messages = task({"error": busy, "text": "At last."})
        return client.messages.create(messages=messages, **ASK).model_dump()


def broken():
    seen = []
    with anthropic.Anthropic(max_retries=0) as client:
        for cut in ("error", True):
            try:
                messages = task({"text": "It rains in Oslo.", "cut": cut})
                events = client.messages.create(messages=messages, stream=True, **ASK)
                seen.extend(event.type for event in events)
            except Exception as error:
                seen.append(type(error).__name__)
    return seen


def interleaved():
    async def one(client, number):
        messages, seen = told(f"city {number}"), []
        for _ in range(2):
            reply = await client.messages.create(messages=messages, **ASK)
            seen.append(reply.model_dump())
            messages = turn(messages, reply)
        return seen

    async def every():
        async with anthropic.AsyncAnthropic() as client:
            return await asyncio.gather(*(one(client, number) for number in range(40)))

    return asyncio.run(every())


def chat():
    async def stream():
        async with openai.AsyncOpenAI() as client:
            said = await client.chat.completions.create(
                model="gpt-5", messages=task({"text": "Rain."}), stream=True
            )
            return [chunk.model_dump() async for chunk in said]

    with openai.OpenAI() as client:
        reply = client.responses.create(model="gpt-5", input=task({"text": "Snow."}))
        return [asyncio.run(stream()), reply.model_dump()]


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(globals()[sys.argv[2]]()))
