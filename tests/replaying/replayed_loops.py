"""Agents in every way in which the two SDKs are used; each gives what it saw, as plain data."""

import json

import anthropic
import openai

import tellwhy

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"name": "get_weather", "description": "Weather now"}
TOOLS = {
    "anthropic": [{**WEATHER, "input_schema": SCHEMA}],
    "chat": [{"type": "function", "function": {**WEATHER, "parameters": SCHEMA}}],
    "responses": [{"type": "function", **WEATHER, "parameters": SCHEMA, "strict": False}],
}
STEPS = [
    {"think": "I need it.", "text": "Let me see.", "tools": [["get_weather", {"city": "Oslo"}]]},
    {"text": "It rains in Oslo, and it is cold."},
]


def task(*steps):
    """A task whose script the model server answers with."""
    return f"How is it in Oslo? <<script:{json.dumps(steps or STEPS)}>>"


def weather_tool(stage):
    """A tool that counts."""

    @tellwhy.tool(effect="write")
    def get_weather(city: str) -> dict:
        stage.effects.append(city)
        return {"city": city, "sky": "rain", "count": len(stage.effects)}

    return get_weather


ASK = {"model": "claude-sonnet-5", "max_tokens": 500}


def anthropic_loop(stage):
    """Messages, a tool, an answer."""
    tool, messages, seen = weather_tool(stage), [{"role": "user", "content": task()}], []
    with anthropic.Anthropic() as client:
        while True:
            reply = client.messages.create(messages=messages, tools=TOOLS["anthropic"], **ASK)
            seen.append(reply.model_dump())
            calls = [block for block in reply.content if block.type == "tool_use"]
            if not calls:
                return [type(reply).__name__, reply._request_id, seen]
            messages = [*messages, *_anthropic_turn(reply, [(c, tool(**c.input)) for c in calls])]


def _anthropic_turn(reply, results):
    said = [
        {"type": "tool_result", "tool_use_id": call.id, "content": json.dumps(result)}
        for call, result in results
    ]
    return [{"role": "assistant", "content": reply.content}, {"role": "user", "content": said}]


async def anthropic_async_loop(stage):
    """The same, with the asynchronous client."""
    tool, messages, seen = weather_tool(stage), [{"role": "user", "content": task()}], []
    async with anthropic.AsyncAnthropic() as client:
        while True:
            reply = await client.messages.create(messages=messages, tools=TOOLS["anthropic"], **ASK)
            seen.append(reply.model_dump())
            calls = [block for block in reply.content if block.type == "tool_use"]
            if not calls:
                return seen
            messages = [*messages, *_anthropic_turn(reply, [(c, tool(**c.input)) for c in calls])]


def anthropic_stream_loop(stage):
    """The stream helper."""
    tool, messages, seen = weather_tool(stage), [{"role": "user", "content": task()}], []
    with anthropic.Anthropic() as client:
        while True:
            with client.messages.stream(
                messages=messages, tools=TOOLS["anthropic"], **ASK
            ) as stream:
                seen += [event.type for event in stream]
                reply = stream.get_final_message()
            seen.append(reply.model_dump())
            calls = [block for block in reply.content if block.type == "tool_use"]
            if not calls:
                return seen
            messages = [*messages, *_anthropic_turn(reply, [(c, tool(**c.input)) for c in calls])]


async def anthropic_async_stream(stage):
    """The stream helper of the asynchronous client."""
    async with (
        anthropic.AsyncAnthropic() as client,
        client.messages.stream(
            messages=[{"role": "user", "content": task({"text": "Rain, I hear."})}], **ASK
        ) as stream,
    ):
        return [text async for text in stream.text_stream]


def anthropic_raw_stream(stage):
    """Events as they come, and bytes as they come."""
    messages = [{"role": "user", "content": task({"text": "Rain, rain and more rain."})}]
    with anthropic.Anthropic() as client:
        events = [
            event.model_dump()
            for event in client.messages.create(messages=messages, stream=True, **ASK)
        ]
        with client.messages.with_streaming_response.create(messages=messages, **ASK) as said:
            return [events, b"".join(said.iter_bytes()).decode()]


def anthropic_retries(stage):
    """Overloaded twice, then an answer."""
    error = {
        "status": 529,
        "type": "overloaded_error",
        "message": "Overloaded",
        "times": 2,
        "headers": {"retry-after-ms": "1"},
    }
    messages = [{"role": "user", "content": task({"error": error, "text": "At last."})}]
    with anthropic.Anthropic(max_retries=3) as client:
        reply = client.messages.create(messages=messages, **ASK)
        with client.messages.stream(
            messages=[*messages, {"role": "assistant", "content": "…"}], **ASK
        ) as stream:
            return [reply.model_dump(), stream.get_final_text()]


def anthropic_refused(stage):
    """An error that is not tried again, plain and streamed."""
    error = {"status": 400, "type": "invalid_request_error", "message": "No.", "times": 9}
    messages = [{"role": "user", "content": task({"error": error})}]
    seen = []
    with anthropic.Anthropic() as client:
        for stream in (False, True):
            try:
                client.messages.create(messages=messages, stream=stream, **ASK)
            except anthropic.BadRequestError as refused:
                seen.append([refused.status_code, refused.body, str(refused), refused.request_id])
    return seen


def anthropic_error_in_stream(stage):
    """An error event in the middle, and a connection that breaks."""
    seen = []
    with anthropic.Anthropic(max_retries=0) as client:
        for cut in ("error", True):
            messages = [
                {"role": "user", "content": task({"text": "It rains in Oslo today.", "cut": cut})}
            ]
            try:
                events = client.messages.create(messages=messages, stream=True, **ASK)
                seen.extend(event.type for event in events)
            except Exception as broken:
                seen.append([type(broken).__name__, str(broken)])
    return seen


def chat_loop(stage):
    """Chat completions, a tool, an answer."""
    tool, messages, seen = weather_tool(stage), [{"role": "user", "content": task()}], []
    with openai.OpenAI() as client:
        while True:
            reply = client.chat.completions.create(
                model="gpt-5", messages=messages, tools=TOOLS["chat"]
            )
            seen.append(reply.model_dump())
            message = reply.choices[0].message
            if not message.tool_calls:
                return seen
            messages.append(message.model_dump(exclude_none=True))
            messages += [
                {
                    "role": "tool",
                    "tool_call_id": call.id,
                    "content": json.dumps(tool(**json.loads(call.function.arguments))),
                }
                for call in message.tool_calls
            ]


async def chat_async_stream(stage):
    """Chunks of the asynchronous client."""
    async with openai.AsyncOpenAI() as client:
        stream = await client.chat.completions.create(
            model="gpt-5",
            messages=[{"role": "user", "content": task({"text": "Rain again, I fear."})}],
            stream=True,
            stream_options={"include_usage": True},
        )
        return [chunk.model_dump() async for chunk in stream]


def chat_stream_helper(stage):
    """The helper of the synchronous client."""
    with (
        openai.OpenAI() as client,
        client.chat.completions.stream(
            model="gpt-5", messages=[{"role": "user", "content": task({"text": "Rain it is."})}]
        ) as stream,
    ):
        kinds = [event.type for event in stream]
        return [kinds, stream.get_final_completion().model_dump()]


def responses_loop(stage):
    """Responses that go on from the one before, and a tool."""
    tool, seen = weather_tool(stage), []
    with openai.OpenAI() as client:
        reply = client.responses.create(model="gpt-5", input=task(), tools=TOOLS["responses"])
        while True:
            seen.append(reply.model_dump())
            calls = [item for item in reply.output if item.type == "function_call"]
            if not calls:
                return seen
            given = [
                {
                    "type": "function_call_output",
                    "call_id": call.call_id,
                    "output": json.dumps(tool(**json.loads(call.arguments))),
                }
                for call in calls
            ]
            reply = client.responses.create(
                model="gpt-5", input=given, previous_response_id=reply.id, tools=TOOLS["responses"]
            )


async def responses_async_stream(stage):
    """Events of the asynchronous client."""
    async with openai.AsyncOpenAI() as client:
        stream = await client.responses.create(
            model="gpt-5", input=task({"text": "Rain, of course."}), stream=True
        )
        return [event.model_dump() async for event in stream]


def responses_stream_helper(stage):
    """The helper of the synchronous client."""
    with (
        openai.OpenAI() as client,
        client.responses.stream(model="gpt-5", input=task({"text": "Rain, yes."})) as stream,
    ):
        kinds = [event.type for event in stream]
        return [kinds, stream.get_final_response().model_dump()]


def openai_retries(stage):
    """Too many requests, then an answer; and an error that stays."""
    error = {
        "status": 429,
        "type": "rate_limit",
        "message": "Slow down",
        "times": 1,
        "headers": {"retry-after-ms": "1"},
    }
    bad = {"status": 400, "type": "invalid_request_error", "message": "No.", "times": 9}
    with openai.OpenAI() as client:
        said = client.chat.completions.create(
            model="gpt-5",
            messages=[{"role": "user", "content": task({"error": error, "text": "At last."})}],
        )
        try:
            client.responses.create(model="gpt-5", input=task({"error": bad}))
        except openai.BadRequestError as refused:
            return [said.model_dump(), refused.body, str(refused)]
        return None


def openai_embeddings(stage):
    """Numbers."""
    with openai.OpenAI() as client:
        return client.embeddings.create(
            model="text-embedding-3-small", input=["rain", "snow"]
        ).model_dump()


LOOPS = [
    anthropic_loop,
    anthropic_async_loop,
    anthropic_stream_loop,
    anthropic_async_stream,
    anthropic_raw_stream,
    anthropic_retries,
    anthropic_refused,
    anthropic_error_in_stream,
    chat_loop,
    chat_async_stream,
    chat_stream_helper,
    responses_loop,
    responses_async_stream,
    responses_stream_helper,
    openai_retries,
    openai_embeddings,
]
