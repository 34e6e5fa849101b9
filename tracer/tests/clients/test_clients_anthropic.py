"""Every form of an anthropic call gives one span with everything, and the host what it got before."""

import json

import anthropic
import pytest
from anthropic import beta_async_tool, beta_tool

from tellwhy import _configure

STEP = {"think": "I need data.", "text": "Looking.", "tools": [["get_weather", {"city": "Oslo"}]]}


@pytest.fixture
def ask(script, weather):
    def request(*steps, **more):
        return {
            "model": "claude-scripted-1",
            "max_tokens": 2000,
            "messages": [{"role": "user", "content": script(*(steps or (STEP,)))}],
            "tools": [weather["anthropic"]],
            "thinking": {"type": "enabled", "budget_tokens": 1024},
            **more,
        }

    return request


@pytest.fixture
def client(server):
    with anthropic.Anthropic(base_url=server.url, api_key="k") as made:
        yield made


@pytest.fixture
async def async_client(server):
    async with anthropic.AsyncAnthropic(base_url=server.url, api_key="k") as made:
        yield made


def create(client, request):
    return client.messages.create(**request)


def create_beta(client, request):
    return client.beta.messages.create(**request, betas=["computer-use-2025-01-24"])


def raw_stream(client, request):
    return list(client.messages.create(**request, stream=True))


def raw_stream_in_block(client, request):
    with client.messages.create(**request, stream=True) as stream:
        return list(stream)


def stream_helper(client, request):
    with client.messages.stream(**request) as stream:
        return stream.get_final_message()


def stream_helper_beta(client, request):
    with client.beta.messages.stream(**request) as stream:
        return stream.get_final_message()


def raw_response(client, request):
    response = client.messages.with_raw_response.create(**request)
    assert response.headers["request-id"]
    return response.parse()


def raw_response_stream(client, request):
    return list(client.messages.with_raw_response.create(**request, stream=True).parse())


def streaming_response(client, request):
    with client.messages.with_streaming_response.create(**request) as response:
        return response.parse()


def streaming_response_lines(client, request):
    with client.messages.with_streaming_response.create(**request, stream=True) as response:
        return list(response.iter_lines())


FORMS = (
    create,
    create_beta,
    raw_stream,
    raw_stream_in_block,
    stream_helper,
    stream_helper_beta,
    raw_response,
    raw_response_stream,
    streaming_response,
    streaming_response_lines,
)


async def a_create(client, request):
    return await client.messages.create(**request)


async def a_raw_stream(client, request):
    return [event async for event in await client.messages.create(**request, stream=True)]


async def a_stream_helper(client, request):
    async with client.messages.stream(**request) as stream:
        return await stream.get_final_message()


async def a_raw_response(client, request):
    response = await client.messages.with_raw_response.create(**request)
    return await response.parse()


async def a_streaming_response(client, request):
    async with client.messages.with_streaming_response.create(**request) as response:
        return await response.parse()


ASYNC_FORMS = (a_create, a_raw_stream, a_stream_helper, a_raw_response, a_streaming_response)


def check(span, read):
    """Everything that one call of `ask` must have."""
    given = span.attributes
    assert span.name == "chat claude-scripted-1"
    assert given["gen_ai.provider.name"] == "anthropic"
    assert given["gen_ai.request.max_tokens"] == 2000
    assert given["gen_ai.response.id"].startswith("msg_")
    assert given["gen_ai.response.finish_reasons"] == ("tool_use",)
    assert given["tellwhy.provider.request_id"].startswith("req_")
    assert given["tellwhy.attempts"] == 1
    usage = {key: given[f"gen_ai.usage.{key}"] for key in ("input_tokens", "output_tokens")}
    assert min(usage.values()) > 0
    assert given["gen_ai.usage.cache_write.input_tokens"] > 0
    assert given["gen_ai.usage.input_tokens"] > given["gen_ai.usage.cache_write.input_tokens"]
    assert given["gen_ai.usage.reasoning.output_tokens"] > 0
    assert read(span, "tellwhy.rate_limit")["anthropic-ratelimit-requests-limit"] == "1000"
    assert read(span, "tellwhy.request.parameters")["thinking"]["type"] == "enabled"
    assert read(span, "gen_ai.tool.definitions")[0]["name"] == "get_weather"
    (message,) = read(span, "gen_ai.output.messages")
    reasoning, text, call = message["parts"]
    assert reasoning["content"] == "I need data."
    assert reasoning["signature"].startswith("sig_")
    assert text == {"type": "text", "content": "Looking."}
    assert call["arguments"] == {"city": "Oslo"}
    assert read(span, "tellwhy.decision.chosen") == [
        {"action": "tool_call", "name": "get_weather", "tool_call_id": call["id"]}
    ]
    assert read(span, "tellwhy.decision.offered") == ["get_weather"]
    assert given["tellwhy.decision.reason_source"] == "reasoning"
    assert read(span, "tellwhy.decision.reason_path") == ["$[0].parts[0]"]
    streamed = given["gen_ai.request.stream"]
    assert ("gen_ai.response.time_to_first_chunk" in given) == streamed
    (attempt,) = span.events
    assert attempt.attributes["http.response.status_code"] == 200


def plain(value):
    """A host value as something that can be compared."""
    if isinstance(value, list):
        return [plain(each) for each in value]
    return (type(value), value.model_dump() if hasattr(value, "model_dump") else value)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_every_form_gives_one_whole_span(recorded, client, ask, read, form):
    """However the call is written, one span comes out with request, answer, decision and attempt."""
    form(client, ask())
    check(recorded.one(), read)


@pytest.mark.parametrize("form", ASYNC_FORMS, ids=lambda form: form.__name__)
async def test_every_async_form_gives_one_whole_span(recorded, async_client, ask, read, form):
    """The same holds for the asynchronous client."""
    await form(async_client, ask())
    check(recorded.one(), read)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_host_gets_what_the_bare_sdk_gives(recorded, client, ask, form):
    """Types and values are those of the SDK without us."""
    ours = plain(form(client, ask()))
    _configure.reset()
    assert plain(form(client, ask())) == ours


def test_tool_runner(recorded, client, ask, read, script):
    """The SDK's tool runner: a span for each model call, and its tool calls read from requests."""

    @beta_tool
    def get_weather(city: str) -> str:
        """Weather now.

        Args:
            city: Where.
        """
        return f"cold in {city}"

    request = ask()
    messages = [{"role": "user", "content": script(STEP, {"text": "It is cold."})}]
    runner = client.beta.messages.tool_runner(
        model=request["model"], max_tokens=500, tools=[get_weather], messages=messages
    )
    assert runner.until_done().content[0].text == "It is cold."
    assert len(recorded.model_calls()) == 2
    (tool,) = recorded.tool_calls()
    assert tool.attributes["tellwhy.inferred"] is True
    assert read(tool, "gen_ai.tool.call.arguments") == {"city": "Oslo"}
    assert "cold in Oslo" in tool.attributes["gen_ai.tool.call.result"]
    assert len(recorded.all()) == 3


async def test_async_tool_runner(recorded, async_client, script):
    """The asynchronous tool runner as well, streaming."""

    @beta_async_tool
    async def get_weather(city: str) -> str:
        """Weather now.

        Args:
            city: Where.
        """
        return f"cold in {city}"

    messages = [{"role": "user", "content": script(STEP, {"text": "It is cold."})}]
    runner = async_client.beta.messages.tool_runner(
        model="m", max_tokens=500, tools=[get_weather], messages=messages, stream=True
    )
    async for stream in runner:
        await stream.get_final_message()
    assert len(recorded.model_calls()) == 2
    assert len(recorded.tool_calls()) == 1


def test_computer_use(recorded, client, ask, script, read):
    """A screenshot is recorded by type, size and hash; its bytes are not."""
    pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    image = {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": pixel},
    }
    computer = {
        "type": "computer_20250124",
        "name": "computer",
        "display_width_px": 100,
        "display_height_px": 100,
    }
    step = {"tools": [["computer", {"action": "screenshot"}]]}
    task = {"role": "user", "content": script(step, {"text": "I see."})}
    first = client.beta.messages.create(
        model="m",
        max_tokens=99,
        tools=[computer],
        messages=[task],
        betas=["computer-use-2025-01-24"],
    )
    call = first.content[0]
    result = {"type": "tool_result", "tool_use_id": call.id, "content": [image]}
    said = {"role": "assistant", "content": [call.model_dump(exclude_none=True)]}
    client.beta.messages.create(
        model="m",
        max_tokens=99,
        tools=[computer],
        messages=[task, said, {"role": "user", "content": [result]}],
        betas=["computer-use-2025-01-24"],
    )
    span = recorded.model_calls()[1]
    assert pixel not in str(dict(span.attributes))
    (part,) = read(span, "gen_ai.input.messages")[2]["parts"]
    (blob,) = part["response"]
    assert blob["type"] == "blob"
    assert blob["mime_type"] == "image/png"
    assert blob["bytes"] == 70
    assert len(blob["sha256"]) == 64
    assert read(span, "gen_ai.tool.definitions")[0]["type"] == "computer_20250124"


def test_parallel_tool_calls(recorded, client, ask, weather, read):
    """Several calls in one answer are several chosen actions, and all results are found."""
    cities = ["Oslo", "Bergen", "Narvik"]
    step = {"tools": [["get_weather", {"city": city}] for city in cities]}
    request = ask(step, {"text": "Done."}, thinking={"type": "disabled"})
    first = client.messages.create(**request)
    results = [
        {
            "type": "tool_result",
            "tool_use_id": call.id,
            "content": call.input["city"],
            "is_error": bad,
        }
        for call, bad in zip(first.content, (False, True, False), strict=True)
    ]
    request["messages"] += [
        {"role": "assistant", "content": first.content},
        {"role": "user", "content": results},
    ]
    client.messages.create(**request)
    chosen = read(recorded.model_calls()[0], "tellwhy.decision.chosen")
    assert [action["tool_call_id"] for action in chosen] == [call.id for call in first.content]
    tools = recorded.tool_calls()
    assert [read(tool, "gen_ai.tool.call.arguments")["city"] for tool in tools] == cities
    assert [tool.status.is_ok for tool in tools] == [True, False, True]
    assert tools[1].attributes["error.type"] == "tool_error"


def test_threads_name_the_message_they_continue(recorded, client, ask):
    """A message thread sends only what is new; the span names what it continues."""
    request = ask(thread={"type": "create"})
    first = client.beta.messages.create(**request)
    result = {"type": "tool_result", "tool_use_id": first.content[-1].id, "content": "ok"}
    client.beta.messages.create(
        model="m",
        max_tokens=99,
        messages=[{"role": "user", "content": [result]}],
        thread={"type": "continue", "previous_message_id": first.id},
    )
    second = recorded.model_calls()[1]
    assert second.attributes["gen_ai.request.previous_response.id"] == first.id
    assert len(recorded.tool_calls()) == 1


def test_other_endpoints_are_no_model_calls(recorded, client):
    """Counting tokens and listing models write nothing."""
    messages = [{"role": "user", "content": "hello"}]
    client.messages.count_tokens(model="m", messages=messages)
    list(client.models.list())
    assert recorded.all() == []


@pytest.mark.parametrize(
    ("choice", "forced"),
    [("auto", "free"), ("any", "any_tool"), ("tool", "one_tool"), ("none", "no_tool")],
)
def test_tool_choice(recorded, client, ask, read, choice, forced):  # noqa: PLR0917
    """How free the model was to choose stands on the span."""
    given = {"type": choice, **({"name": "get_weather"} if choice == "tool" else {})}
    client.messages.create(**ask(tool_choice=given, thinking={"type": "disabled"}))
    span = recorded.one()
    assert span.attributes["tellwhy.decision.forced"] == forced
    assert read(span, "tellwhy.request.tool_choice") == given


def test_content_none(provider, recorded, client, ask, monkeypatch):
    """Without content there are tokens, model, tool names and ids, and no word of anybody."""
    _configure.configure(content="none")
    request = ask(system="secret plan", metadata={"user_id": "ada"}, stop_sequences=["OVER"])
    first = client.messages.create(**request)
    result = {"type": "tool_result", "tool_use_id": first.content[-1].id, "content": "minus 3"}
    request["messages"] += [
        {"role": "assistant", "content": first.content},
        {"role": "user", "content": [result]},
    ]
    client.messages.create(**request)
    span = recorded.model_calls()[0]
    text = json.dumps([{**each.attributes} for each in recorded.all()])
    words = ("secret plan", "Oslo", "I need data", "Looking", "minus 3", "ada", "Weather now")
    for word in (*words, "OVER"):
        assert word not in text
    assert span.attributes["gen_ai.usage.output_tokens"] > 0
    assert "get_weather" in span.attributes["tellwhy.decision.chosen"]
    assert span.attributes["tellwhy.decision.reason_source"] == "reasoning"
    assert recorded.tool_calls()[0].attributes["gen_ai.tool.call.id"] == first.content[-1].id
