"""Anthropic's models on Bedrock and Vertex: other addresses, other framing, the same span."""

import base64
import contextlib
import json
import zlib

import anthropic
import httpx2
import pytest

from tellwhy._clients.aws_events import FrameReader
from tellwhy._model_server.anthropic_messages import reply
from tellwhy._model_server.script import Memory


def frame(payload):
    """One message in Amazon's framing."""
    named = {":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}
    headers = b"".join(
        bytes([len(name)])
        + name.encode()
        + b"\x07"
        + len(value).to_bytes(2, "big")
        + value.encode()
        for name, value in named.items()
    )
    total = 12 + len(headers) + len(payload) + 4
    sizes = total.to_bytes(4, "big") + len(headers).to_bytes(4, "big")
    message = sizes + zlib.crc32(sizes).to_bytes(4, "big") + headers + payload
    return message + zlib.crc32(message).to_bytes(4, "big")


def answer(request):
    made = reply(json.loads(request.content), Memory())
    path = request.url.path
    if path.endswith("/invoke-with-response-stream"):
        events = [base64.b64encode(json.dumps(data).encode()).decode() for _, data in made.events]
        body = b"".join(frame(json.dumps({"bytes": each}).encode()) for each in events)
        return httpx2.Response(
            200, headers={"content-type": "application/vnd.amazon.eventstream"}, content=body
        )
    if path.endswith(":streamRawPredict"):
        body = "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in made.events)
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, text=body)
    return httpx2.Response(200, json=made.body, headers={"x-amzn-requestid": "req_cloud"})


def bedrock(http_client):
    return anthropic.AnthropicBedrock(aws_region="us-east-1", api_key="k", http_client=http_client)


def vertex(http_client):
    return anthropic.AnthropicVertex(
        region="us-east5", project_id="p", access_token="t", http_client=http_client
    )


@pytest.mark.parametrize(("make", "name"), [(bedrock, "aws.bedrock"), (vertex, "gcp.vertex_ai")])
def test_clouds(recorded, script, read, make, name):
    """Model and provider come from the address; a stream is read in whatever framing it has."""
    http_client = httpx2.Client(transport=httpx2.MockTransport(answer))
    ask = {
        "model": "claude-x",
        "max_tokens": 99,
        "messages": [{"role": "user", "content": script({"text": "Hello there."})}],
    }
    with make(http_client) as client:
        client.messages.create(**ask)
        with contextlib.suppress(ModuleNotFoundError):
            # The SDK needs botocore, which may not be here, to read Bedrock's frames.
            list(client.messages.create(**ask, stream=True))
    plain, streamed = recorded.model_calls()
    assert plain.attributes["gen_ai.provider.name"] == name
    assert plain.attributes["tellwhy.provider.request_id"] == "req_cloud"
    assert (plain.name, streamed.name) == ("chat claude-x", "chat claude-x")
    assert streamed.attributes["gen_ai.request.stream"] is True
    if "error.type" not in streamed.attributes:
        assert read(streamed, "gen_ai.output.messages")[0]["parts"][0]["content"] == "Hello there."


def test_frames_cut_anywhere():
    """Frames are found wherever the chunks begin; an exception becomes an error event."""
    events = [{"type": "ping"}, {"type": "message_stop"}]
    inner = [base64.b64encode(json.dumps(event).encode()).decode() for event in events]
    raw = b"".join(frame(json.dumps({"bytes": each}).encode()) for each in inner)
    raw += frame(b'{"message": "Too many requests"}')
    for size in (1, 7, len(raw)):
        reader = FrameReader()
        chunks = (raw[at : at + size] for at in range(0, len(raw), size))
        found = [json.loads(text) for chunk in chunks for text in reader.feed(chunk)]
        assert found[:2] == events
        assert found[2]["error"]["message"] == "Too many requests"
        assert reader.flush() == []


def test_bytes_that_are_no_frames():
    """Something else under this content type is given up, and costs no memory."""
    reader = FrameReader()
    assert reader.feed(b"<html>" * 100) == []
    assert reader.feed(b"<html>" * 100) == []
    assert reader._held == b""
