"""Every form of a call with whatever major version is on the path; prints the spans as JSON.

Run as a script: ``scenario.py anthropic|openai URL`` with ``PYTHONPATH`` at the side environment.
"""

import asyncio
import json
import sys

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import tellwhy

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
STEPS = [
    {"think": "I need data.", "text": "Looking.", "tools": [["get_weather", {"city": "Oslo"}]]},
    {"text": "Cold.", "error": {"status": 529, "times": 1}},
]
TASK = {"role": "user", "content": f"Do it. <<script:{json.dumps(STEPS)}>>"}


def with_anthropic(url):
    import anthropic

    ask = {
        "model": "m",
        "max_tokens": 2000,
        "tools": [{"name": "get_weather", "description": "Now.", "input_schema": SCHEMA}],
        "thinking": {"type": "enabled", "budget_tokens": 1024},
    }

    def agent_loop(client):
        first = client.messages.create(messages=[TASK], **ask)
        call = first.content[-1]
        result = {"type": "tool_result", "tool_use_id": call.id, "content": "-3"}
        said = [TASK, {"role": "assistant", "content": first.content}]
        client.messages.create(messages=[*said, {"role": "user", "content": [result]}], **ask)

    async def use_async():
        async with anthropic.AsyncAnthropic(base_url=url, api_key="k") as client:
            await client.messages.create(messages=[TASK], **ask)
            async for _ in await client.messages.create(messages=[TASK], stream=True, **ask):
                pass
            async with client.messages.stream(messages=[TASK], **ask) as stream:
                await stream.get_final_message()

    with anthropic.Anthropic(base_url=url, api_key="k") as client:
        agent_loop(client)
        list(client.messages.create(messages=[TASK], stream=True, **ask))
        with client.messages.stream(messages=[TASK], **ask) as stream:
            stream.get_final_message()
        client.messages.with_raw_response.create(messages=[TASK], **ask).parse()
        client.beta.messages.create(messages=[TASK], **ask)
        client.messages.count_tokens(model="m", messages=[TASK])
    asyncio.run(use_async())
    return anthropic.__version__


def with_openai(url):
    import openai

    ask = {"model": "m", "messages": [TASK]}
    tools = [{"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}]
    own = [{"type": "function", "name": "get_weather", "parameters": SCHEMA, "strict": False}]
    respond = {"model": "m", "input": TASK["content"], "tools": own, "reasoning": {"effort": "low"}}

    def agent_loop(client):
        first = client.chat.completions.create(**ask, tools=tools).choices[0].message
        result = {"role": "tool", "tool_call_id": first.tool_calls[0].id, "content": "-3"}
        messages = [TASK, first.model_dump(exclude_none=True), result]
        client.chat.completions.create(model="m", messages=messages, tools=tools)

    async def use_async():
        async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="k") as client:
            await client.chat.completions.create(**ask, tools=tools)
            async for _ in await client.responses.create(**respond, stream=True):
                pass

    with openai.OpenAI(base_url=f"{url}/v1", api_key="k") as client:
        agent_loop(client)
        list(client.chat.completions.create(**ask, tools=tools, stream=True))
        client.chat.completions.with_raw_response.create(**ask, tools=tools).parse()
        client.responses.create(**respond)
        with client.responses.stream(**respond) as stream:
            stream.get_final_response()
        client.embeddings.create(model="m", input="a")
        list(client.models.list())
    asyncio.run(use_async())
    return openai.__version__


def main(sdk, url):
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    trace.set_tracer_provider(provider)
    tellwhy.configure()
    version = {"anthropic": with_anthropic, "openai": with_openai}[sdk](url)
    found = [
        {
            "name": span.name,
            "scope": span.instrumentation_scope.name,
            "ok": span.status.is_ok,
            "attributes": dict(span.attributes),
        }
        for span in spans.get_finished_spans()
    ]
    print(json.dumps({"version": version, "spans": found}))


if __name__ == "__main__":
    main(*sys.argv[1:])
