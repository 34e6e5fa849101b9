"""The scripted model server, asked by the real SDKs."""

import json
import socket

import anthropic
import httpx2
import openai
import pytest

from tellwhy._model_server import serve

WEATHER = {
    "name": "get_weather",
    "description": "Weather now",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}
FUNCTION = {
    "name": "get_weather",
    "description": "Weather now",
    "parameters": WEATHER["input_schema"],
}


@pytest.fixture(scope="module")
def server():
    with serve() as running:
        yield running


@pytest.fixture
def claude(server):
    server.reset()
    with anthropic.Anthropic(
        base_url=server.url, api_key="k", max_retries=2, open_telemetry=False
    ) as client:
        yield client


@pytest.fixture
def gpt(server):
    server.reset()
    with openai.OpenAI(base_url=server.url + "/v1", api_key="k", max_retries=2) as client:
        yield client


def script(*steps):
    return f"Do it. <<script:{json.dumps(steps)}>>"


def ask(text, **more):
    messages = [{"role": "user", "content": text}]
    return {"model": "claude-scripted-1", "max_tokens": 500, "messages": messages, **more}


def test_message_follows_the_script(claude):
    """Thinking, text and tool calls stand in the prompt; the next turn gets the next step."""
    task = script(
        {"think": "Need data.", "text": "Looking.", "tools": [["get_weather", {"city": "Oslo"}]]},
        {"text": "Cold."},
    )
    thinking = {"type": "enabled", "budget_tokens": 1024}
    first = claude.messages.create(**ask(task, tools=[WEATHER], thinking=thinking))
    assert [block.type for block in first.content] == ["thinking", "text", "tool_use"]
    assert first.content[0].signature.startswith("sig_")
    assert first.content[2].input == {"city": "Oslo"}
    assert first.stop_reason == "tool_use"
    assert first.usage.cache_creation_input_tokens > 0
    result = {"type": "tool_result", "tool_use_id": first.content[2].id, "content": "-3 °C"}
    second = claude.messages.create(
        model="claude-scripted-1",
        max_tokens=500,
        tools=[WEATHER],
        messages=[
            {"role": "user", "content": task},
            {"role": "assistant", "content": first.content},
            {"role": "user", "content": [result]},
        ],
    )
    assert second.content[0].text == "Cold."
    assert second.usage.cache_read_input_tokens > 0


def test_stream_builds_the_same_message(claude):
    """The events of a stream add up to the JSON answer of the same request."""
    request = ask(
        script(
            {
                "think": "Two words.",
                "text": "A few words.",
                "tools": [["get_weather", {"city": "Bergen"}]],
            }
        ),
        tools=[WEATHER],
        thinking={"type": "adaptive"},
    )
    plain = claude.messages.create(**request)
    with claude.messages.stream(**request) as stream:
        streamed = stream.get_final_message()
    assert streamed.content[0].thinking == plain.content[0].thinking
    assert streamed.content[1].text == plain.content[1].text
    assert streamed.content[2].input == plain.content[2].input
    assert streamed.id == plain.id
    assert streamed.usage.output_tokens == plain.usage.output_tokens


def test_error_then_success(claude, server):
    """A scripted 529 is refused once; the SDK's retry gets the answer."""
    answer = claude.messages.create(
        **ask(script({"text": "At last.", "error": {"status": 529, "times": 1}}))
    )
    assert answer.content[0].text == "At last."
    assert len(server.requests) == 2
    assert server.requests[1].headers["x-stainless-retry-count"] == "1"
    assert "x-api-key" not in server.requests[0].headers


def test_cut_streams(claude, gpt):
    """A cut stream ends with an error event, or with the connection, as the script says."""
    words = "one two three four five six seven eight"
    with pytest.raises(anthropic.APIStatusError, match="Overloaded"):
        list(claude.messages.create(**ask(script({"text": words, "cut": "error"})), stream=True))
    with pytest.raises(httpx2.RemoteProtocolError):
        list(claude.messages.create(**ask(script({"text": words, "cut": True})), stream=True))
    messages = [{"role": "user", "content": script({"text": words, "cut": "error"})}]
    with pytest.raises(openai.APIError, match="Overloaded"):
        list(gpt.chat.completions.create(model="gpt-scripted-1", messages=messages, stream=True))


def test_default_calls_the_first_tool(claude):
    """Without a script the first tool is called with arguments that fit its schema."""
    answer = claude.messages.create(**ask("What is the weather?", tools=[WEATHER]))
    assert answer.content[-1].input == {"city": "Paris"}


def test_threads_are_held(claude):
    """A request that continues a thread sees the script and the tools of its beginning."""
    task = script({"tools": [["get_weather", {"city": "Oslo"}]]}, {"text": "Done."})
    first = claude.beta.messages.create(**ask(task, tools=[WEATHER], thread={"type": "create"}))
    result = {"type": "tool_result", "tool_use_id": first.content[0].id, "content": "ok"}
    second = claude.beta.messages.create(
        model="claude-scripted-1",
        max_tokens=500,
        messages=[{"role": "user", "content": [result]}],
        thread={"type": "continue", "previous_message_id": first.id},
    )
    assert second.content[0].text == "Done."


def test_count_models_embeddings(claude, gpt):
    """The smaller endpoints answer as their SDKs expect."""
    messages = [{"role": "user", "content": "hello there"}]
    counted = claude.messages.count_tokens(model="claude-scripted-1", messages=messages)
    assert counted.input_tokens > 0
    assert [model.id for model in gpt.models.list()] == ["claude-scripted-1", "gpt-scripted-1"]
    vectors = gpt.embeddings.create(model="embed-1", input=["a", "b"], encoding_format="float")
    assert len(vectors.data) == 2
    assert len(vectors.data[0].embedding) == 16


def test_chat_stream_and_json_agree(gpt):
    """Chat completions give the same tool call as JSON and as chunks."""
    task = script({"text": "Let me see.", "tools": [["get_weather", {"city": "Oslo"}]]})
    request = {
        "model": "gpt-scripted-1",
        "messages": [{"role": "user", "content": task}],
        "tools": [{"type": "function", "function": FUNCTION}],
    }
    plain = gpt.chat.completions.create(**request)
    call = plain.choices[0].message.tool_calls[0]
    with gpt.chat.completions.stream(**request, stream_options={"include_usage": True}) as stream:
        final = stream.get_final_completion()
    assert final.choices[0].message.tool_calls[0].id == call.id
    assert json.loads(call.function.arguments) == {"city": "Oslo"}
    assert final.usage.prompt_tokens == plain.usage.prompt_tokens


def test_responses_continue_on_the_server(gpt):
    """`previous_response_id` continues the conversation, so the next step is served."""
    task = script({"think": "Look.", "tools": [["get_weather", {"city": "Oslo"}]]}, {"text": "Ok."})
    tools = [{"type": "function", **FUNCTION, "strict": False}]
    request = {"model": "gpt-scripted-1", "tools": tools, "reasoning": {"effort": "low"}}
    first = gpt.responses.create(**request, input=task)
    assert [item.type for item in first.output] == ["reasoning", "function_call"]
    result = {
        "type": "function_call_output",
        "call_id": first.output[1].call_id,
        "output": "-3 °C",
    }
    with gpt.responses.stream(**request, input=[result], previous_response_id=first.id) as stream:
        assert stream.get_final_response().output_text == "Ok."


def test_unreadable_requests(server):
    """A body that is not JSON gets 400, an unknown route 404, both as the API words it."""
    for path, body, status in (("/v1/messages", b"{", b"400"), ("/nowhere", b"{}", b"404")):
        with socket.create_connection(("127.0.0.1", server.port)) as wire:
            head = f"POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
            wire.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
            answer = b"".join(iter(lambda: wire.recv(4096), b""))
        assert answer.startswith(b"HTTP/1.1 " + status)
        assert json.loads(answer.split(b"\r\n\r\n")[1])["type"] == "error"


def test_close_ends_kept_alive_connections():
    """Closing wakes connections that clients keep open; the port answers no more."""
    running = serve()
    with socket.create_connection(("127.0.0.1", running.port)) as wire:
        wire.sendall(b"HEAD / HTTP/1.1\r\nhost: x\r\n\r\n")
        assert wire.recv(4096).startswith(b"HTTP/1.1 200")
        running.close()
        assert wire.recv(1) == b""
    running.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", running.port))
