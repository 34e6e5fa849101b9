"""A scripted model server, and the spans of one test in memory."""

import json

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tellwhy import _configure, _guard, _pending
from tellwhy._model_server import serve

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


class Recorded:
    """The spans that ended so far."""

    def __init__(self, exporter):
        self.exporter = exporter

    def all(self):
        """Every span."""
        return list(self.exporter.get_finished_spans())

    def model_calls(self):
        """Our model calls."""
        return [
            each for each in self.all() if each.attributes.get("tellwhy.step.kind") == "model_call"
        ]

    def tool_calls(self):
        """Our tool calls."""
        return [
            each for each in self.all() if each.attributes.get("tellwhy.step.kind") == "tool_call"
        ]

    def one(self):
        """The only span there is, which must be a model call of ours."""
        names = [each.name for each in self.all()]
        assert len(names) == 1, names
        (span,) = self.model_calls()
        return span

    def clear(self):
        """Forget them."""
        self.exporter.clear()


@pytest.fixture(scope="session")
def running_server():
    with serve() as server:
        yield server


@pytest.fixture
def server(running_server):
    running_server.reset()
    return running_server


@pytest.fixture
def provider(monkeypatch):
    """A TracerProvider of the user's, which tellwhy joins."""
    monkeypatch.setenv("TELLWHY_STRICT", "1")
    monkeypatch.delenv("ANTHROPIC_OPEN_TELEMETRY", raising=False)
    _configure.reset()
    _guard.reset()
    made = TracerProvider(shutdown_on_exit=False)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", made)
    yield made
    made.shutdown()
    _configure.reset()


@pytest.fixture
def recorded(provider):
    """Tellwhy is on; its spans, and whatever else is written, are kept here."""
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    _configure.ensure_configured()
    _pending.forget()
    yield Recorded(exporter)
    assert _guard.counts() == {}


@pytest.fixture
def script():
    """Text of a task that makes the scripted model answer with these steps."""
    return lambda *steps: f"Do it. <<script:{json.dumps(steps)}>>"


@pytest.fixture
def read():
    """A JSON text attribute, read."""
    return lambda span, name: json.loads(span.attributes[name])


@pytest.fixture
def weather():
    """One tool, as each API wants it."""
    said = {"name": "get_weather", "description": "Weather now"}
    return {
        "anthropic": {**said, "input_schema": SCHEMA},
        "chat": {"type": "function", "function": {**said, "parameters": SCHEMA}},
        "responses": {"type": "function", **said, "parameters": SCHEMA, "strict": False},
    }
