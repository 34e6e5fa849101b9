"""The standard histograms, in the user's MeterProvider and only there."""

import anthropic
import openai
import pytest
from opentelemetry import metrics
from opentelemetry.metrics import _internal
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from tellwhy import _metrics


@pytest.fixture
def reader(monkeypatch):
    found = InMemoryMetricReader()
    provider = MeterProvider([found], shutdown_on_exit=False)
    monkeypatch.setattr(_internal, "_METER_PROVIDER", provider)
    yield found
    provider.shutdown()


def points(reader):
    """Metric name -> its data points."""
    data = reader.get_metrics_data()
    return {
        metric.name: metric.data.data_points
        for resource in (data.resource_metrics if data else ())
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }


def test_histograms(recorded, reader, server, script):
    """Duration, tokens and time to first chunk, with the conventions' boundaries and labels."""
    ask = {
        "model": "m",
        "max_tokens": 99,
        "messages": [{"role": "user", "content": script({"text": "Hi."})}],
    }
    with anthropic.Anthropic(base_url=server.url, api_key="k") as client:
        client.messages.create(**ask)
        list(client.messages.create(**ask, stream=True))
    found = points(reader)
    (duration,) = found["gen_ai.client.operation.duration"]
    assert duration.count == 2
    assert duration.explicit_bounds == _metrics.SECONDS
    assert duration.attributes["gen_ai.provider.name"] == "anthropic"
    assert duration.attributes["gen_ai.response.model"] == "m"
    (first,) = found["gen_ai.client.operation.time_to_first_chunk"]
    assert first.count == 1
    tokens = {p.attributes["gen_ai.token.type"]: p for p in found["gen_ai.client.token.usage"]}
    span = recorded.model_calls()[0]
    assert tokens["input"].explicit_bounds == _metrics.TOKENS
    assert tokens["input"].sum == 2 * span.attributes["gen_ai.usage.input_tokens"]
    assert tokens["output"].sum == 2 * span.attributes["gen_ai.usage.output_tokens"]


def test_failures_are_measured_with_their_type(recorded, reader, server, script):
    """A failed call has a duration with `error.type` and no tokens."""
    step = {"text": "No.", "error": {"status": 400, "type": "invalid_request_error", "times": 9}}
    with (
        openai.OpenAI(base_url=f"{server.url}/v1", api_key="k") as client,
        pytest.raises(openai.BadRequestError),
    ):
        client.responses.create(model="m", input=script(step))
    found = points(reader)
    (duration,) = found["gen_ai.client.operation.duration"]
    assert duration.attributes["error.type"] == "invalid_request_error"
    assert "gen_ai.client.token.usage" not in found


def test_without_a_meter_provider(recorded, server, script):
    """Nobody asked for metrics: nothing is recorded and nothing is set."""
    before = metrics.get_meter_provider()
    with anthropic.Anthropic(base_url=server.url, api_key="k") as client:
        client.messages.create(
            model="m", max_tokens=9, messages=[{"role": "user", "content": "Hi."}]
        )
    assert metrics.get_meter_provider() is before
    recorded.one()
