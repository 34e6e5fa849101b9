"""Every form of an openai call gives one span with everything, and the host what it got before."""

import base64

import openai
import pytest

from tellwhy import _configure

STEP = {"think": "I need data.", "text": "Looking.", "tools": [["get_weather", {"city": "Oslo"}]]}


@pytest.fixture
def client(server):
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="k") as made:
        yield made


@pytest.fixture
async def async_client(server):
    async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="k") as made:
        yield made


@pytest.fixture
def chat(script, weather):
    def request(*steps, **more):
        return {
            "model": "gpt-scripted-1",
            "messages": [{"role": "user", "content": script(*(steps or (STEP,)))}],
            "tools": [weather["chat"]],
            "temperature": 0.5,
            **more,
        }

    return request


@pytest.fixture
def respond(script, weather):
    def request(*steps, **more):
        return {
            "model": "gpt-scripted-1",
            "input": script(*(steps or (STEP,))),
            "tools": [weather["responses"]],
            "reasoning": {"effort": "low"},
            "instructions": "Be brief.",
            **more,
        }

    return request


def chat_create(client, request):
    return client.chat.completions.create(**request)


def chat_stream(client, request):
    usage = {"include_usage": True}
    return list(client.chat.completions.create(**request, stream=True, stream_options=usage))


def chat_stream_helper(client, request):
    usage = {"include_usage": True}
    with client.chat.completions.stream(**request, stream_options=usage) as stream:
        return stream.get_final_completion()


def chat_raw(client, request):
    response = client.chat.completions.with_raw_response.create(**request)
    assert response.headers["x-request-id"]
    return response.parse()


def chat_streaming_response(client, request):
    with client.chat.completions.with_streaming_response.create(**request) as response:
        return response.parse()


CHAT = (chat_create, chat_stream, chat_stream_helper, chat_raw, chat_streaming_response)


def responses_create(client, request):
    return client.responses.create(**request)


def responses_stream(client, request):
    return list(client.responses.create(**request, stream=True))


def responses_stream_helper(client, request):
    with client.responses.stream(**request) as stream:
        return stream.get_final_response()


def responses_raw(client, request):
    return client.responses.with_raw_response.create(**request).parse()


RESPONSES = (responses_create, responses_stream, responses_stream_helper, responses_raw)


async def a_chat_create(client, request):
    return await client.chat.completions.create(**request)


async def a_chat_stream(client, request):
    usage = {"include_usage": True}
    stream = await client.chat.completions.create(**request, stream=True, stream_options=usage)
    return [chunk async for chunk in stream]


async def a_responses_create(client, request):
    return await client.responses.create(**request)


async def a_responses_stream(client, request):
    async with client.responses.stream(**request) as stream:
        return await stream.get_final_response()


def check(span, read):
    given = span.attributes
    assert span.name == "chat gpt-scripted-1"
    assert given["gen_ai.provider.name"] == "openai"
    assert given["tellwhy.provider.request_id"].startswith("req_")
    assert given["gen_ai.usage.input_tokens"] > given["gen_ai.usage.cache_read.input_tokens"] > 0
    assert given["gen_ai.usage.output_tokens"] > 0
    assert given["gen_ai.usage.reasoning.output_tokens"] == 12
    assert read(span, "tellwhy.rate_limit")["x-ratelimit-limit-requests"] == "10000"
    (tool,) = read(span, "gen_ai.tool.definitions")
    assert tool["type"] == "function"
    assert tool["name"] == "get_weather"
    assert tool["parameters"]["required"] == ["city"]
    (message,) = read(span, "gen_ai.output.messages")
    call = message["parts"][-1]
    assert call["type"] == "tool_call"
    assert call["arguments"] == {"city": "Oslo"}
    assert read(span, "tellwhy.decision.chosen") == [
        {"action": "tool_call", "name": "get_weather", "tool_call_id": call["id"]}
    ]
    assert ("gen_ai.response.time_to_first_chunk" in given) == given["gen_ai.request.stream"]


def check_chat(span, read):
    check(span, read)
    assert span.attributes["gen_ai.response.finish_reasons"] == ("tool_calls",)
    assert span.attributes["gen_ai.request.temperature"] == 0.5
    assert span.attributes["tellwhy.decision.reason_source"] == "text"


def check_responses(span, read):
    check(span, read)
    assert span.attributes["gen_ai.response.id"].startswith("resp_")
    assert span.attributes["gen_ai.request.reasoning.level"] == "low"
    assert span.attributes["tellwhy.decision.reason_source"] == "reasoning"
    assert read(span, "gen_ai.system_instructions") == [{"type": "text", "content": "Be brief."}]
    assert read(span, "gen_ai.output.messages")[0]["parts"][0]["content"] == "I need data."


def plain(value):
    if isinstance(value, list):
        return [plain(each) for each in value]
    return (type(value), value.model_dump())


@pytest.mark.parametrize("form", CHAT, ids=lambda form: form.__name__)
def test_chat_forms(recorded, client, chat, read, form):
    """Every form of a chat completion gives one whole span."""
    form(client, chat())
    check_chat(recorded.one(), read)


@pytest.mark.parametrize("form", RESPONSES, ids=lambda form: form.__name__)
def test_responses_forms(recorded, client, respond, read, form):
    """Every form of a response gives one whole span."""
    form(client, respond())
    check_responses(recorded.one(), read)


@pytest.mark.parametrize("form", [a_chat_create, a_chat_stream], ids=lambda form: form.__name__)
async def test_async_chat_forms(recorded, async_client, chat, read, form):
    """So do the asynchronous forms of a chat completion."""
    await form(async_client, chat())
    check_chat(recorded.one(), read)


@pytest.mark.parametrize("form", [a_responses_create, a_responses_stream], ids=lambda f: f.__name__)
async def test_async_responses_forms(recorded, async_client, respond, read, form):
    """And those of a response."""
    await form(async_client, respond())
    check_responses(recorded.one(), read)


@pytest.mark.parametrize("form", [*CHAT, *RESPONSES], ids=lambda form: form.__name__)
def test_host_gets_what_the_bare_sdk_gives(recorded, client, chat, respond, form):
    """Types and values are those of the SDK without us."""
    request = chat() if form in CHAT else respond()
    ours = plain(form(client, request))
    _configure.reset()
    assert plain(form(client, request)) == ours


def test_previous_response_and_inferred_tool(recorded, client, respond, read):
    """Server-side state: the chain is named, and the tool's result is found in the new items."""
    request = respond(STEP, {"text": "Cold."})
    first = client.responses.create(**request)
    call = next(item for item in first.output if item.type == "function_call")
    request["input"] = [{"type": "function_call_output", "call_id": call.call_id, "output": "-3"}]
    client.responses.create(**request, previous_response_id=first.id)
    second = recorded.model_calls()[1]
    assert second.attributes["gen_ai.request.previous_response.id"] == first.id
    (tool,) = recorded.tool_calls()
    assert read(tool, "gen_ai.tool.call.result") == "-3"
    assert tool.attributes["gen_ai.tool.call.id"] == call.call_id


def test_images_are_not_kept(recorded, client, read):
    """A data address is recorded by type, size and hash, in both APIs."""
    data = base64.b64encode(b"\x89PNG" + bytes(range(256)) * 4).decode()
    address = f"data:image/png;base64,{data}"
    content = [{"type": "image_url", "image_url": {"url": address}}]
    client.chat.completions.create(model="m", messages=[{"role": "user", "content": content}])
    content = [{"type": "input_image", "image_url": address, "detail": "auto"}]
    client.responses.create(model="m", input=[{"role": "user", "content": content}])
    for span in recorded.model_calls():
        assert data not in str(dict(span.attributes))
        (part,) = read(span, "gen_ai.input.messages")[0]["parts"]
        assert (part["type"], part["modality"], part["bytes"]) == ("blob", "image", 1028)


def test_embeddings(recorded, client, read):
    """Embeddings are one span of their own kind, with tokens and without vectors."""
    client.embeddings.create(model="embed-1", input=["a", "b"], dimensions=16)
    span = recorded.one()
    assert span.name == "embeddings embed-1"
    assert span.attributes["gen_ai.operation.name"] == "embeddings"
    assert span.attributes["gen_ai.usage.input_tokens"] > 0
    assert span.attributes["gen_ai.embeddings.dimension.count"] == 16
    assert "gen_ai.output.messages" not in span.attributes
    assert "tellwhy.decision.forced" not in span.attributes


def test_other_endpoints_are_no_model_calls(recorded, client):
    """Listing models writes nothing."""
    list(client.models.list())
    assert recorded.all() == []


def test_refusal_truncation_and_answer(recorded, client, chat, read):
    """What the model did instead of calling a tool is an action too."""
    for stop in ("length", "content_filter", "stop"):
        client.chat.completions.create(**chat({"text": "Hm.", "stop": stop}))
    actions = [read(span, "tellwhy.decision.chosen") for span in recorded.model_calls()]
    assert actions == [[{"action": "truncated"}], [{"action": "refusal"}], [{"action": "answer"}]]
