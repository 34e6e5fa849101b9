"""Which model calls of a recording can be asked again, where, and what is kept of answers."""

import json

import pytest

from tellwhy._clients.routes import CHAT, MESSAGES, RESPONSES
from tellwhy._reask.kept import Kept, key_of
from tellwhy._reask.provider import NoProvider, Response, Target, wait_s
from tellwhy._reask.requests import Left, requests_of
from tellwhy._replay.recording import read

ANSWER = '[{"action": "answer", "text": "Hello."}]'


def recording(body, *, path="/v1/messages", chosen=ANSWER, kept=True):
    """One model call, as a collector tells it."""
    about = {"trace_id": "t", "span_id": "s1", "run_id": "r1", "start_ns": 1}
    step = {**about, "kind": "model_call", "name": "chat m", "status": "ok", "chosen": chosen}
    exchange = {
        **about,
        "attempt": 1,
        "method": "POST",
        "path": path,
        "request": json.dumps([f"={json.dumps(body)}"]),
        "request_headers": '{"anthropic-beta": "x"}',
        "status": 200,
        "response": "={}",
    }
    lines = [{"recording": 1, "run_id": "r1"}, {"step": step}]
    lines += [{"exchange": exchange}] if kept else []
    return read(map(json.dumps, lines))


def test_a_request_is_what_was_sent_without_how_its_answer_came():
    """Body, format, kept headers and the recorded choice."""
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    (found,) = requests_of(recording(body))

    assert {"model": "m", "messages": body["messages"]} == found.body
    assert (MESSAGES, {"anthropic-beta": "x"}, 1) == (found.spoken, found.headers, found.number)
    assert [{"action": "answer", "text": "Hello."}] == found.chosen


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"kept": False}, "its request was not kept"),
        ({"chosen": "[]"}, "it chose nothing"),
        ({"path": "/model/m/invoke"}, "is no address that can be asked again"),
        ({"path": "/v1/embeddings"}, "is no address that can be asked again"),
        (
            {"body": {"messages": [{"type": "blob", "modality": "image", "bytes": 9}]}},
            "it holds a picture or another file",
        ),
    ],
)
def test_what_cannot_be_asked_again_says_why(changes, why):
    """Nothing is asked in half."""
    body = changes.pop("body", {"model": "m", "messages": []})
    (found,) = requests_of(recording(body, **changes))

    assert isinstance(found, Left)
    assert why in found.why


def test_addresses_and_keys_are_those_of_the_sdks():
    """The same variables; only the end of a recorded path counts."""
    said = {
        "ANTHROPIC_API_KEY": "a",
        "OPENAI_API_KEY": "o",
        "OPENAI_BASE_URL": "http://house/openai/v1/",
        "OPENAI_ORG_ID": "org",
    }
    claude, chat = Target.of(MESSAGES, said), Target.of(CHAT, said)

    assert "https://api.anthropic.com/v1/messages" == claude.url("/proxy/v1/messages")
    assert {"anthropic-version": "2023-06-01", "x-api-key": "a"} == claude.headers
    newer = {"anthropic-version": "2026-10-21"}
    assert {**newer, "authorization": "Bearer a"} == Target.of(MESSAGES, said, newer).headers
    assert "http://house/openai/v1/chat/completions" == chat.url("/v1/chat/completions")
    assert "http://house/openai/v1/responses" == Target.of(RESPONSES, said).url("/v1/responses")
    assert {"authorization": "Bearer o", "openai-organization": "org"} == chat.headers
    for spoken in (MESSAGES, CHAT):
        with pytest.raises(NoProvider, match="_API_KEY is not set"):
            Target.of(spoken, {})


def test_a_wait_is_what_the_provider_asks_for_up_to_a_bound():
    """Longer each time otherwise; none where it does not help."""
    assert 0.25 == wait_s(Response(429, [("Retry-After-Ms", "250")], b""), 1)
    assert 60 == wait_s(Response(529, [("retry-after", "900")], b""), 1)
    assert [0.5, 1, 2, 4, None] == [wait_s(Response(0, [], b"", "no"), at) for at in range(1, 6)]
    assert wait_s(Response(400, [], b""), 1) is None
    assert wait_s(Response(200, [], b"{}"), 1) is None


def test_answers_are_kept_by_what_was_asked(tmp_path):
    """Not by who asks; a second answer to the same has its own place; what is broken is no answer."""
    kept = Kept(tmp_path / "answers")
    key = key_of("http://m", {"model": "m", "user": "ann"})
    kept.put(key, {"chosen": []})
    path = next((tmp_path / "answers").rglob("*.json"))

    assert key == key_of("http://m", {"user": "bob", "model": "m"})
    assert key not in {key_of("http://m", {"model": "m"}, 1), key_of("http://n", {"model": "m"})}
    assert {"chosen": []} == kept.get(key)
    assert "0o600" == oct(path.stat().st_mode & 0o777)
    path.write_text("{")
    assert kept.get(key) is None
    Kept(None).put(key, {})
    assert Kept(None).get(key) is None
