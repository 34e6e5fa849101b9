"""Wire formats against golden pairs: what stands in a body, and what we say that it says."""

import dataclasses
import json
from pathlib import Path

import pytest

from tellwhy._clients import anthropic as anthropic_messages
from tellwhy._clients import decision, openai_chat, openai_responses, routes

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.json"))


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden(path):
    """A request body, and a response body or its events, are read exactly so."""
    case = json.loads(path.read_text())
    spoken = getattr(routes, case["format"])
    found = {}
    if "request" in case:
        found["question"] = dataclasses.asdict(spoken.question(case["request"]))
    body, whole = case.get("response"), True
    if "events" in case:
        assembler = spoken.assembler()
        for event in case["events"]:
            assembler.add(event)
        body, whole = assembler.result(), assembler.whole
        found["whole"] = whole
    answer = spoken.answer(body)
    found["answer"] = dataclasses.asdict(answer)
    found["decision"] = decision.response_attributes(answer, complete=whole, content=True)
    assert found == case["expected"]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/messages", "anthropic"),
        ("/v1/messages?beta=true", "anthropic"),
        ("/proxy/v1/messages", "anthropic"),
        ("/v1/messages/count_tokens", None),
        ("/v1/messages/batches", None),
        ("/threads/thread_1/messages", None),
        ("/chat/completions", "openai_chat"),
        ("/openai/deployments/gpt/chat/completions?api-version=1", "openai_chat"),
        ("/completions", "openai_chat"),
        ("/responses", "openai_responses"),
        ("/responses/resp_1", None),
        ("/responses/input_tokens", None),
        ("/embeddings", "openai_embeddings"),
        ("/v1/files", None),
    ],
)
def test_which_path_is_a_model_call(path, name):
    """Only requests that make a model speak (or embed) are model calls."""
    found = routes.of_path(path)
    assert (found.name if found else None) == name


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("api.anthropic.com", "anthropic"),
        ("127.0.0.1", "openai"),
        ("api.openai.com", "openai"),
        ("mine.openai.azure.com", "azure.ai.openai"),
        ("api.groq.com", "groq"),
        ("api.x.ai", "x_ai"),
        ("index.ai", "openai"),
        ("us-east5-aiplatform.googleapis.com", "gcp.vertex_ai"),
        ("bedrock-runtime.us-east-1.amazonaws.com", "aws.bedrock"),
        ("bedrock-mantle.us-east-1.api.aws", "aws.bedrock"),
        ("openrouter.ai", "openrouter"),
    ],
)
def test_provider_by_address(host, name):
    """Many providers speak OpenAI's format; the address says who it is."""
    assert routes.provider(host, routes.CHAT) == name


def test_model_of_cloud_addresses():
    """Bedrock and Vertex name the model, and whether it streams, in the address."""
    vertex = "/v1/projects/p/locations/l/publishers/anthropic/models/claude-x"
    assert routes.in_path(f"{vertex}:streamRawPredict") == ("claude-x", True)
    assert routes.in_path(f"{vertex}:rawPredict") == ("claude-x", False)
    assert routes.in_path("/model/a.claude-x/invoke") == ("a.claude-x", False)
    assert routes.in_path("/model/a.claude-x/invoke-with-response-stream") == ("a.claude-x", True)
    assert routes.in_path("/v1/messages") == (None, False)


def test_several_choices_and_missing_indexes():
    """Chunks of several choices are kept apart; calls without an index are the first."""
    assembler = openai_chat.Assembler()
    for index in (0, 1):
        delta = {"content": f"choice {index}"}
        assembler.add({"choices": [{"index": index, "delta": delta, "finish_reason": "stop"}]})
    said = openai_chat.answer(assembler.result())
    assert [m["parts"][0]["content"] for m in said.messages] == ["choice 0", "choice 1"]
    assembler = openai_chat.Assembler()
    for arguments in ('{"a"', ": 1}"):
        call = {"id": "c", "function": {"name": "", "arguments": arguments}}
        assembler.add({"choices": [{"delta": {"tool_calls": [call]}}]})
    assert not assembler.whole
    assert openai_chat.answer(assembler.result()).calls == []


LONG = "x" * 1000


def _anthropic_text():
    yield {"type": "message_start", "message": {"content": []}}
    yield {"type": "content_block_start", "index": 0, "content_block": {"type": "text"}}
    piece = {"type": "text_delta", "text": LONG}
    for _ in range(20_000):
        yield {"type": "content_block_delta", "index": 0, "delta": piece}


def _chat_text():
    for _ in range(20_000):
        yield {"choices": [{"index": 0, "delta": {"content": LONG}}]}


def _chat_arguments():
    for _ in range(20_000):
        call = {"index": 0, "id": "c", "function": {"arguments": LONG}}
        yield {"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}


def _responses_text():
    item = {"type": "message", "role": "assistant", "content": []}
    yield {"type": "response.output_item.added", "output_index": 0, "item": item}
    for _ in range(20_000):
        yield {"type": "response.output_text.delta", "output_index": 0, "delta": LONG}


@pytest.mark.timeout(30)  # copying 20 MB 20,000 times takes minutes
@pytest.mark.parametrize(
    ("form", "events", "where"),
    [
        (anthropic_messages, _anthropic_text, lambda said: said["content"][0]["text"]),
        (openai_chat, _chat_text, lambda said: said["choices"][0]["message"]["content"]),
        (
            openai_chat,
            _chat_arguments,
            lambda said: said["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"],
        ),
        (openai_responses, _responses_text, lambda said: said["output"][0]["content"][0]["text"]),
    ],
    ids=["anthropic", "chat", "chat_arguments", "responses"],
)
def test_a_long_stream_is_joined_once(form, events, where):
    """Each piece costs the same: nothing that came before is copied for it."""
    reader = form.Assembler()
    for event in events():
        reader.add(event)

    assert where(reader.result()) == LONG * 20_000
