"""Whoever else writes spans: exactly one model call comes out of one call."""

import asyncio
import os

import anthropic
import openai
import pytest
from opentelemetry import trace
from opentelemetry.instrumentation.genai.anthropic import AnthropicInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tellwhy import _clients, _configure

NATIVE = "com.anthropic.sdk.python"


@pytest.fixture
def ask(script, weather):
    messages = [{"role": "user", "content": script({"tools": [["get_weather", {"city": "Oslo"}]]})}]
    return {
        "model": "m",
        "max_tokens": 99,
        "messages": messages,
        "tools": [weather["anthropic"]],
    }


def use(server, ask, **options):
    """One call in each of the main forms."""
    with anthropic.Anthropic(base_url=server.url, api_key="k", **options) as client:
        run(client, ask)


def run(client, ask):
    client.messages.create(**ask)
    list(client.messages.create(**ask, stream=True))
    with client.messages.stream(**ask) as stream:
        stream.get_final_message()
    client.messages.with_raw_response.create(**ask).parse()
    client.beta.messages.create(**ask)


async def use_async(server, ask):
    async with anthropic.AsyncAnthropic(base_url=server.url, api_key="k") as client:
        await client.messages.create(**ask)
        async for _ in await client.messages.create(**ask, stream=True):
            pass
        async with client.messages.stream(**ask) as stream:
            await stream.get_final_message()


def scopes(spans):
    return {span.instrumentation_scope.name for span in spans}


@pytest.mark.parametrize("setting", [None, "false", "true"])
def test_native_tracing(provider, server, ask, monkeypatch, request, setting):  # noqa: PLR0917
    """The SDK's own tracing unset, off or on: five calls are five spans of ours."""
    if setting is not None:
        monkeypatch.setenv("ANTHROPIC_OPEN_TELEMETRY", setting)
    recorded = request.getfixturevalue("recorded")
    use(server, ask)
    assert len(recorded.all()) == len(recorded.model_calls()) == 5


def test_native_tracing_keeps_its_other_spans(recorded, server, ask, monkeypatch):
    """Spans of the SDK that are no model calls stay, if the user wants them."""
    with anthropic.Anthropic(
        base_url=server.url, api_key="k", open_telemetry={"traces": {"content_mode": "content"}}
    ) as client:
        client.messages.create(**ask)
        client.messages.count_tokens(model="m", messages=ask["messages"])
    assert [span.name for span in recorded.all()] == ["chat m", "anthropic.messages.count_tokens"]


def test_client_made_before_us(provider, server, ask):
    """A client that was made, and traced, before tellwhy came writes no second span."""
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with anthropic.Anthropic(base_url=server.url, api_key="k") as client:
        client.messages.create(**ask)
        assert scopes(exporter.get_finished_spans()) == {NATIVE}
        exporter.clear()
        _configure.ensure_configured()
        run(client, ask)
    assert len(exporter.get_finished_spans()) == 5
    assert scopes(exporter.get_finished_spans()) == {"tellwhy"}


def test_native_tracing_to_another_place(recorded, server, ask):
    """A client with a provider of its own keeps writing there; each place has one span a call."""
    elsewhere = InMemorySpanExporter()
    other = TracerProvider(shutdown_on_exit=False)
    other.add_span_processor(SimpleSpanProcessor(elsewhere))
    use(server, ask, open_telemetry={"tracer_provider": other})
    assert len(recorded.all()) == 5
    assert len(elsewhere.get_finished_spans()) == 5


def test_the_switch_is_given_back(provider):
    """Our setting of the SDK's switch goes with us; the user's stays."""
    _configure.ensure_configured()
    assert os.environ["ANTHROPIC_OPEN_TELEMETRY"] == "false"
    _clients.uninstall()
    assert "ANTHROPIC_OPEN_TELEMETRY" not in os.environ


@pytest.fixture
def official():
    instrumentor = AnthropicInstrumentor()
    yield instrumentor
    instrumentor.uninstrument()


@pytest.mark.parametrize("first", ["theirs", "ours"])
def test_official_instrumentor(provider, server, ask, official, request, first):  # noqa: PLR0917
    """With the official instrumentor, active before or after us, one span a call comes out."""
    if first == "theirs":
        official.instrument()
    recorded = request.getfixturevalue("recorded")
    if first == "ours":
        official.instrument()
    use(server, ask)
    asyncio.run(use_async(server, ask))
    assert scopes(recorded.all()) == {"tellwhy"}
    assert len(recorded.model_calls()) == 8


def test_official_instrumentor_works_again_without_us(provider, server, ask, official):
    """After `uninstall` the instrumentor writes its spans as before."""
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    _configure.ensure_configured()
    official.instrument()
    _configure.reset()
    trace._TRACER_PROVIDER = provider
    use(server, ask, open_telemetry=False)
    assert len(exporter.get_finished_spans()) == 5
    assert scopes(exporter.get_finished_spans()) == {
        "opentelemetry.instrumentation.genai.anthropic"
    }


def test_official_instrumentor_with_another_provider(recorded, server, ask, official):
    """An instrumentor that writes elsewhere goes on: each place has one span a call."""
    elsewhere = InMemorySpanExporter()
    other = TracerProvider(shutdown_on_exit=False)
    other.add_span_processor(SimpleSpanProcessor(elsewhere))
    official.instrument(tracer_provider=other)
    use(server, ask)
    assert len(recorded.all()) == 5
    assert len(elsewhere.get_finished_spans()) == 5


def test_a_client_class_that_was_wrapped_before_us(provider, server, script, monkeypatch, request):
    """As OpenInference wraps it: the retries still belong to one call, and theirs still runs."""
    seen, before = [], openai.OpenAI.request

    def theirs(self, *args, **kwargs):
        seen.append(args)
        return before(self, *args, **kwargs)

    monkeypatch.setattr(openai.OpenAI, "request", theirs, raising=False)
    recorded = request.getfixturevalue("recorded")
    task = script({"text": "Done.", "error": {"status": 529, "times": 1}})
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="k") as client:
        client.chat.completions.create(model="m", messages=[{"role": "user", "content": task}])

    assert 2 == recorded.one().attributes["tellwhy.attempts"]
    assert 1 == len(seen)
    _configure.reset()
    assert theirs is openai.OpenAI.request
