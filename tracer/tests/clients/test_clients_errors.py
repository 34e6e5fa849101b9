"""Retries, refusals, lost connections: each attempt is told, and the host gets its own exception."""

import anthropic
import httpx
import httpx2
import openai
import pytest
from opentelemetry import trace

from tellwhy import _clients, _configure
from tellwhy._clients import hook

ANSWER = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [{"type": "text", "text": "Hello."}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 3, "output_tokens": 2},
}


@pytest.fixture
def claude(server):
    with anthropic.Anthropic(base_url=server.url, api_key="k", max_retries=2) as made:
        yield made


@pytest.fixture
def ask(script):
    def request(*steps):
        messages = [{"role": "user", "content": script(*steps)}]
        return {"model": "m", "max_tokens": 999, "messages": messages}

    return request


@pytest.mark.parametrize("stream", [False, True])
def test_overload_then_success(recorded, claude, ask, stream):
    """A retried call is one span with an event for each attempt."""
    error = {"status": 529, "times": 2, "headers": {"retry-after-ms": "10"}}
    made = claude.messages.create(**ask({"text": "At last.", "error": error}), stream=stream)
    if stream:
        list(made)
    span = recorded.one()
    assert span.status.is_ok
    assert "error.type" not in span.attributes
    assert span.attributes["tellwhy.attempts"] == 3
    assert span.attributes["http.request.resend_count"] == 2
    first, _, last = (event.attributes for event in span.events)
    assert first["http.response.status_code"] == 529
    assert first["error.type"] == "529"
    assert first["tellwhy.attempt.retry_after_ms"] == 10
    assert first["tellwhy.provider.request_id"].startswith("req_")
    assert last["http.response.status_code"] == 200
    assert last["tellwhy.attempt.number"] == 3
    assert span.end_time - span.start_time > 20_000_000


async def test_overload_then_success_async(recorded, server, ask):
    """The same for the asynchronous client."""
    async with anthropic.AsyncAnthropic(base_url=server.url, api_key="k") as client:
        await client.messages.create(**ask({"text": "Ok.", "error": {"status": 529}}))
    assert recorded.one().attributes["tellwhy.attempts"] == 2


def test_attempts_exhausted(recorded, claude, ask):
    """When every attempt failed, the span failed with the provider's word."""
    error = {"status": 529, "times": 9, "headers": {"retry-after-ms": "1"}}
    with pytest.raises(anthropic.APIStatusError) as caught:
        claude.messages.create(**ask({"text": "No.", "error": error}))
    span = recorded.one()
    assert span.attributes["error.type"] == "overloaded_error"
    assert span.status.description == "Overloaded"
    assert span.attributes["http.response.status_code"] == 529
    assert span.attributes["tellwhy.attempts"] == 3
    assert "tellwhy.decision.chosen" not in span.attributes
    assert "tellwhy" not in str(caught.value)


def test_bad_request_of_both_sdks(recorded, server, claude, ask):
    """A refusal is not retried; error type and message are the provider's."""
    error = {"status": 400, "type": "invalid_request_error", "message": "Too long.", "times": 9}
    task = ask({"text": "No.", "error": error})
    with pytest.raises(anthropic.BadRequestError):
        claude.messages.create(**task)
    with (
        openai.OpenAI(base_url=f"{server.url}/v1", api_key="k") as client,
        pytest.raises(openai.BadRequestError),
    ):
        client.chat.completions.create(model="m", messages=task["messages"])
    for span in recorded.model_calls():
        assert span.attributes["error.type"] == "invalid_request_error"
        assert span.status.description == "Too long."
        assert span.attributes["tellwhy.attempts"] == 1
    assert len(recorded.all()) == 2


def test_an_error_quotes_nothing_when_there_is_no_content(recorded, claude, ask):
    """Providers quote the request in their errors: without content its type has to do."""
    _configure.configure(content="none")
    error = {"status": 400, "type": "invalid_request_error", "message": "Bad: my plan.", "times": 9}
    with pytest.raises(anthropic.BadRequestError):
        claude.messages.create(**ask({"text": "No.", "error": error}))
    assert recorded.one().status.description == "invalid_request_error"
    assert "my plan" not in str(recorded.one().to_json())


def test_stop_sequences_are_redacted(recorded, claude, ask):
    """They are the one list of texts that is no JSON."""
    stops = ["END", "sk-ant-api03-AbCdEf0123456789AbCdEf0123456789"]
    claude.messages.create(**ask({"text": "Yes."}), stop_sequences=stops)
    found = recorded.one().attributes["gen_ai.request.stop_sequences"]
    assert found == ("END", "[redacted]")


@pytest.mark.parametrize("stream", [False, True])
def test_nobody_answers(recorded, ask, stream):
    """A connection that cannot be made is told for each attempt."""
    with (
        anthropic.Anthropic(base_url="http://127.0.0.1:9", api_key="k", max_retries=1) as client,
        pytest.raises(anthropic.APIConnectionError),
    ):
        client.messages.create(**ask({"text": "No."}), stream=stream)
    span = recorded.one()
    assert span.attributes["error.type"] == "APIConnectionError"
    assert [event.attributes["error.type"] for event in span.events] == ["ConnectError"] * 2
    assert "gen_ai.input.messages" in span.attributes


def test_timeout(recorded, server, ask):
    """A call that takes too long fails with the SDK's own exception."""
    with (
        anthropic.Anthropic(base_url=server.url, api_key="k", max_retries=0, timeout=0.2) as client,
        pytest.raises(anthropic.APITimeoutError),
    ):
        client.messages.create(**ask({"text": "Slow.", "latency_ms": 3000}))
    assert recorded.one().attributes["error.type"] == "APITimeoutError"


def test_call_that_never_went_out(recorded, server, ask):
    """A closed client raises before any request; the call that the agent made is still told."""
    client = anthropic.Anthropic(base_url=server.url, api_key="k", max_retries=0)
    client.close()
    with pytest.raises(anthropic.APIConnectionError):
        client.messages.create(**ask({"text": "No."}))
    span = recorded.one()
    assert span.name == "chat m"
    assert not span.status.is_ok


def answer(request):
    assert trace.get_current_span().is_recording()
    return httpx2.Response(200, json=ANSWER, headers={"request-id": "req_mock"})


class OwnTransport(httpx2.BaseTransport):
    """One that a user wrote."""

    def handle_request(self, request):
        """Answer without a network."""
        return answer(request)


class OwnClient(httpx2.Client):
    """A client that a user derived."""

    def send(self, request, **kwargs):
        """Pass it on."""
        return super().send(request, **kwargs)


@pytest.mark.parametrize(
    "http_client",
    [
        lambda: httpx2.Client(transport=httpx2.MockTransport(answer)),
        lambda: httpx2.Client(transport=OwnTransport()),
        lambda: OwnClient(transport=OwnTransport()),
    ],
    ids=["mock", "own transport", "own client"],
)
def test_transports_of_the_user(recorded, ask, http_client):
    """Whatever carries the request, it is seen, and runs with the call's span as the current one."""
    with anthropic.Anthropic(api_key="k", http_client=http_client()) as client:
        client.messages.create(**ask({}))
    assert recorded.one().attributes["tellwhy.provider.request_id"] == "req_mock"
    assert recorded.one().attributes["server.address"] == "api.anthropic.com"
    assert recorded.one().attributes["server.port"] == 443


@pytest.mark.parametrize("library", [httpx, httpx2], ids=["httpx", "httpx2"])
def test_bare_http_request(recorded, server, ask, library):
    """A program that posts to a model without an SDK is seen as well, one span a request."""
    body = ask({"text": "Hello."})
    with library.Client() as client:
        client.post(f"{server.url}/v1/messages", json=body)
        with client.stream("POST", f"{server.url}/v1/messages", json={**body, "stream": True}) as r:
            r.read()
        client.post(f"{server.url}/v1/messages", json={**body, "messages": 7})
        client.post(f"{server.url}/v1/messages/count_tokens", json=body)
        client.post(f"{server.url}/survey/responses", json={"model": "T", "answers": [1]})
        client.get(f"{server.url}/v1/models")
    plain, streamed, refused = recorded.all()
    assert plain.attributes["gen_ai.response.finish_reasons"] == ("end_turn",)
    assert streamed.attributes["gen_ai.response.finish_reasons"] == ("end_turn",)
    assert refused.attributes["error.type"] == "invalid_request_error"


@pytest.mark.parametrize("library", [httpx, httpx2], ids=["httpx", "httpx2"])
async def test_bare_http_request_async(recorded, server, ask, library):
    """The same for asynchronous clients."""
    async with library.AsyncClient() as client:
        body = {**ask({"text": "Hello."}), "stream": True}
        async with client.stream("POST", f"{server.url}/v1/messages", json=body) as response:
            assert len([line async for line in response.aiter_lines()]) > 4
    assert recorded.one().attributes["gen_ai.response.finish_reasons"] == ("end_turn",)


def test_sdk_without_the_known_method(recorded, server, ask, monkeypatch):
    """If an SDK renames `request`, each attempt is still a span."""
    _clients.uninstall()
    monkeypatch.setattr(
        _clients, "PATCHES", [p for p in _clients.PATCHES if p[1] is not hook.patch]
    )
    _clients.install()
    with anthropic.Anthropic(base_url=server.url, api_key="k") as client:
        client.messages.create(**ask({"text": "Ok.", "error": {"status": 529}}))
    failed, good = recorded.all()
    assert failed.attributes["error.type"] == "overloaded_error"
    assert good.status.is_ok


def test_uninstall_gives_the_sdk_back(provider, server):
    """After `uninstall` the classes are as they were, and installing twice wraps once."""
    from anthropic._base_client import SyncAPIClient

    before = (SyncAPIClient.request, httpx.Client.send, httpx2.AsyncClient.send)
    _configure.ensure_configured()
    _clients.install()
    assert httpx.Client.send.__wrapped__ is before[1]
    _clients.uninstall()
    assert (SyncAPIClient.request, httpx.Client.send, httpx2.AsyncClient.send) == before


def test_our_error_is_not_the_hosts(recorded, server, ask, monkeypatch):
    """If we fail in the middle, the call goes on and the failure is counted."""
    from tellwhy import _guard, _settings
    from tellwhy._clients import call

    def broken(value):
        raise RuntimeError("our bug")

    _settings.change(strict=False)
    monkeypatch.setattr(call, "text_of", broken)
    with anthropic.Anthropic(base_url=server.url, api_key="k") as client:
        assert client.messages.create(**ask({"text": "Fine."})).content[0].text == "Fine."
        assert list(client.messages.create(**ask({"text": "Fine."}), stream=True))
    assert _guard.counts()
    _guard.reset()
