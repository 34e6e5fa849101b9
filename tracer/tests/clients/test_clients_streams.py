"""Streams that end early, late, badly or not at all; nothing is held back for our sake."""

import asyncio
import gc
import logging
import threading
import time

import anthropic
import httpx2
import openai
import pytest
from opentelemetry import trace

import tellwhy
from tellwhy import _configure

WORDS = " ".join(f"word{number}" for number in range(40))


@pytest.fixture
def claude(server):
    with anthropic.Anthropic(base_url=server.url, api_key="k", max_retries=0) as made:
        yield made


@pytest.fixture
def gpt(server):
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="k", max_retries=0) as made:
        yield made


@pytest.fixture
async def async_claude(server):
    async with anthropic.AsyncAnthropic(base_url=server.url, api_key="k", max_retries=0) as made:
        yield made


@pytest.fixture
def ask(script):
    def request(**step):
        messages = [{"role": "user", "content": script({"text": WORDS, **step})}]
        return {"model": "m", "max_tokens": 999, "messages": messages}

    return request


def said(span, read):
    (message,) = read(span, "gen_ai.output.messages")
    return message["parts"][0]["content"]


def test_cut_by_an_error_event(recorded, claude, ask, read):
    """An error in mid-stream keeps what was said and names the provider's error."""
    with pytest.raises(anthropic.APIStatusError, match="Overloaded"):
        list(claude.messages.create(**ask(cut="error"), stream=True))
    span = recorded.one()
    assert not span.status.is_ok
    assert span.attributes["error.type"] == "overloaded_error"
    assert span.status.description == "Overloaded"
    assert WORDS.startswith(said(span, read))
    assert span.attributes["tellwhy.stream.complete"] is False
    assert "tellwhy.decision.chosen" not in span.attributes


def test_cut_by_the_connection(recorded, claude, ask, read):
    """A connection lost in mid-stream keeps what was said and names the exception."""
    with pytest.raises(httpx2.RemoteProtocolError):
        list(claude.messages.create(**ask(cut=True), stream=True))
    span = recorded.one()
    assert span.attributes["error.type"] == "RemoteProtocolError"
    assert WORDS.startswith(said(span, read))


async def test_cut_async(recorded, async_claude, ask):
    """The same for the asynchronous client."""
    with pytest.raises(httpx2.RemoteProtocolError):
        async for _ in await async_claude.messages.create(**ask(cut=True), stream=True):
            pass
    assert recorded.one().attributes["error.type"] == "RemoteProtocolError"


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_cut_openai(recorded, gpt, script, read, api):
    """OpenAI's two APIs, cut by an error event."""
    text = script({"text": WORDS, "cut": "error"})
    if api == "chat":
        messages = [{"role": "user", "content": text}]
        with pytest.raises(openai.APIError):
            list(gpt.chat.completions.create(model="m", messages=messages, stream=True))
    else:
        list(gpt.responses.create(model="m", input=text, stream=True))
    span = recorded.one()
    assert not span.status.is_ok
    assert span.attributes["error.type"] in {"overloaded_error", "server_error"}
    assert WORDS.startswith(said(span, read))


def test_left_early(recorded, claude, ask, read, caplog):
    """A stream that the host leaves ends its span, is no error, and says that it is not whole."""
    caplog.set_level(logging.DEBUG, "opentelemetry")
    with claude.messages.create(**ask(), stream=True) as stream:
        for event in stream:
            if event.type == "content_block_delta":
                break
    span = recorded.one()
    assert span.status.status_code is trace.StatusCode.UNSET
    assert span.attributes["tellwhy.stream.complete"] is False
    assert WORDS.startswith(said(span, read))
    assert "Failed to detach context" not in caplog.text


async def test_left_early_async(recorded, async_claude, ask, caplog):
    """Leaving an asynchronous stream, or cancelling its task, ends the span without noise."""
    async with async_claude.messages.stream(**ask()) as stream:
        async for _ in stream:
            break
    assert recorded.one().attributes["tellwhy.stream.complete"] is False
    recorded.clear()
    started = asyncio.Event()

    async def read_on():
        async for _ in await async_claude.messages.create(**ask(latency_ms=20_000), stream=True):
            started.set()

    task = asyncio.create_task(read_on())
    await asyncio.wait_for(started.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert recorded.one().attributes["tellwhy.stream.complete"] is False
    assert "Failed to detach context" not in caplog.text


def test_dropped_after_first_event(recorded, claude, ask):
    """A stream that is forgotten half-way ends its span when Python collects it."""
    stream = claude.messages.create(**ask(), stream=True)
    next(stream)
    del stream
    gc.collect()
    assert recorded.one().attributes["tellwhy.stream.complete"] is False


def test_dropped_unread(recorded, claude, ask):
    """A stream that nobody ever read is written at the next call, with the time of its end."""
    response = claude.messages.with_raw_response.create(**ask(), stream=True)
    dropped_ns = time.time_ns()
    connection = response.http_response
    del response
    stream = connection.stream
    del connection
    gc.collect()
    del stream
    gc.collect()
    tellwhy.flush()
    span = recorded.one()
    assert span.attributes["tellwhy.stream.complete"] is False
    assert span.end_time >= dropped_ns


def test_span_is_there_when_the_last_event_is(recorded, claude, gpt, ask, script):
    """Whoever acts on the last event finds the call recorded, though the stream is still open."""
    stream = claude.messages.create(**ask(), stream=True)
    for event in stream:
        if event.type == "message_stop":
            assert "tellwhy.stream.complete" not in recorded.one().attributes
    recorded.clear()
    stream = gpt.responses.create(model="m", input=script({"text": "Hm."}), stream=True)
    for event in stream:
        if event.type == "response.completed":
            recorded.one()


def first_event_after(client, request):
    started = time.perf_counter()
    with client.messages.create(**request, stream=True) as stream:
        next(iter(stream))
        first = time.perf_counter() - started
        for _ in stream:
            pass
    return first, time.perf_counter() - started


def test_nothing_is_held_back(recorded, claude, ask):
    """The first event comes long before the last, as in the bare SDK."""
    request = ask(latency_ms=600)
    first, whole = first_event_after(claude, request)
    assert first < whole / 3
    assert recorded.one().attributes["gen_ai.response.time_to_first_chunk"] < whole / 3
    _configure.reset()
    bare, _ = first_event_after(claude, request)
    assert first < bare + 0.1


def test_read_in_another_thread(recorded, claude, ask):
    """A stream that is read in another thread ends its span there."""
    stream = claude.messages.create(**ask(), stream=True)
    thread = threading.Thread(target=list, args=(stream,))
    thread.start()
    thread.join()
    assert "tellwhy.stream.complete" not in recorded.one().attributes


def test_packed_bodies(recorded, ask, read):
    """Gzip and deflate, streamed or not, are read like plain bodies."""
    import gzip
    import json
    import zlib

    from tellwhy._model_server.anthropic_messages import reply
    from tellwhy._model_server.script import Memory

    def answer(request):
        body = json.loads(request.content)
        made = reply(body, Memory())
        data, kind = json.dumps(made.body), "application/json"
        if body.get("stream"):
            data = "".join(f"event: {n}\ndata: {json.dumps(d)}\n\n" for n, d in made.events)
            kind = "text/event-stream"
        how = request.headers["x-pack"]
        packed = gzip.compress(data.encode()) if how == "gzip" else zlib.compress(data.encode())
        headers = {"content-type": kind, "content-encoding": how}
        return httpx2.Response(200, headers=headers, stream=httpx2.ByteStream(packed))

    transport = httpx2.MockTransport(answer)
    with anthropic.Anthropic(api_key="k", http_client=httpx2.Client(transport=transport)) as client:
        for how in ("gzip", "deflate"):
            extra = {"extra_headers": {"x-pack": how}}
            assert client.messages.create(**ask(), **extra).content[0].text == WORDS
            list(client.messages.create(**ask(), stream=True, **extra))
    spans = recorded.model_calls()
    assert [said(span, read) for span in spans] == [WORDS] * 4


def test_body_that_is_there_at_once(recorded, ask, read):
    """A stream out of a cache, whose body nobody reads from a connection, is read all the same."""
    import gzip
    import json

    from tellwhy._model_server.anthropic_messages import reply
    from tellwhy._model_server.script import Memory

    def answer(request):
        made = reply(json.loads(request.content), Memory())
        body = "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in made.events)
        headers = {"content-type": "text/event-stream", "content-encoding": "gzip"}
        return httpx2.Response(200, headers=headers, content=gzip.compress(body.encode()))

    http_client = httpx2.Client(transport=httpx2.MockTransport(answer))
    with anthropic.Anthropic(api_key="k", http_client=http_client) as client:
        assert list(client.messages.create(**ask(), stream=True))
    assert said(recorded.one(), read) == WORDS


def test_streaming_response_of_json(recorded, claude, ask, read):
    """A JSON body that the host takes in pieces is whole once it was taken, and says if it was not."""
    with claude.messages.with_streaming_response.create(**ask()) as response:
        b"".join(response.iter_bytes())
    assert said(recorded.one(), read) == WORDS
    recorded.clear()
    with claude.messages.with_streaming_response.create(**ask()) as response:
        assert response.status_code == 200
    assert recorded.one().attributes["tellwhy.stream.complete"] is False
