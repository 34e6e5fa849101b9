import json
import socket

import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from tellwhy_collector import store as store_module
from tellwhy_collector.app import Collector
from tellwhy_collector.errors import SettingsError
from tellwhy_collector.settings import Settings
from tellwhy_collector.testing import rows, send, span, traces


def exporters(running):
    """The exporters that users have, each as it is configured in practice."""
    url = f"{running.http_url}/v1/traces"
    return {
        "http": HttpExporter(endpoint=url),
        "http gzip": HttpExporter(endpoint=url, compression=Compression.Gzip),
        "grpc": GrpcExporter(endpoint=running.grpc_target, insecure=True),
    }


@pytest.mark.parametrize("name", ["http", "http gzip", "grpc"])
def test_the_exporters_of_the_sdk_are_understood(collector, name):
    """Spans of a real SDK arrive whole: parent, attributes, event, link, status, resource."""
    provider = TracerProvider(resource=Resource({"service.name": "real"}))
    provider.add_span_processor(SimpleSpanProcessor(exporters(collector)[name]))
    tracer = provider.get_tracer("tests", "1.0")
    with tracer.start_as_current_span("parent") as parent:
        context = parent.get_span_context()
        with (
            pytest.raises(ValueError, match="boom"),
            tracer.start_as_current_span(
                "child", attributes={"gen_ai.request.model": "m", "list": (1, 2)}
            ),
        ):
            raise ValueError("boom")
    provider.shutdown()

    found = rows(
        collector.store,
        "SELECT name, parent_span_id, service_name, scope_name, status_code, request_model, "
        "events, attributes.list::JSON::VARCHAR FROM spans ORDER BY name",
    )

    child, above = found
    assert ("child", f"{context.span_id:016x}", "real", "tests", 2, "m") == child[:6]
    assert "boom" in json.loads(child[6])[0]["attributes"]["exception.message"]
    assert "[1,2]" == child[7]
    assert ("parent", None) == above[:2]


def test_a_port_in_use_names_the_port_and_the_setting(tmp_path):
    """Nothing stays open behind the error: the database can be opened again."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for name in ("http_port", "grpc_port"):
            ports = {"http_port": 0, "grpc_port": 0, name: port}
            with pytest.raises(SettingsError) as caught:
                Collector(Settings(database=tmp_path / "x.duckdb", **ports))

            assert f"Port {port} of 127.0.0.1" in str(caught.value)
            assert f"TELLWHY_{name.upper()}" in str(caught.value)
            store_module.open(tmp_path / "x.duckdb").close()


def test_what_was_acknowledged_is_there_after_a_stop_and_a_start(tmp_path):
    """A stop closes the file; the next process goes on where it ended."""
    settings = Settings(database=tmp_path / "x.duckdb", http_port=0, grpc_port=0)
    sent = [span() for _ in range(3)]
    for one in sent:
        with Collector(settings) as running:
            assert 200 == send(f"{running.http_url}/v1/traces", traces([one])).status
    with Collector(settings) as running:
        answer = send(f"{running.http_url}/api/sql", {"sql": "select count(*) from spans"})

        assert [[3]] == answer.json()["rows"]


def test_every_door_is_on_loopback(collector):
    """Nobody else reaches a collector that asks for no password."""
    assert collector.http_url.startswith("http://127.0.0.1:")
    assert collector.grpc_target.startswith("127.0.0.1:")


def test_a_lost_database_is_not_alive(collector):
    """A supervisor sees it: both answers are 503 when the writer has ended."""
    collector.ingest.writer.stop()

    assert 503 == send(f"{collector.http_url}/healthz", method="GET").status
    answer = send(f"{collector.http_url}/readyz", method="GET")
    assert (503, "The writer is not running.") == (answer.status, answer.json()["error"])
    refused = send(f"{collector.http_url}/v1/traces", traces([span()]))
    assert (503, "1") == (refused.status, refused.headers["retry-after"])


def test_stopping_twice_is_no_error(collector):
    """Signals come twice."""
    collector.stop()
    collector.stop()


@pytest.mark.parametrize("path", ["/v1/traces", "/api/sql", "/healthz", "/nowhere"])
def test_every_answer_says_that_it_is_ours(collector, path):
    """The tracer sends what is not finished yet to collectors of ours alone."""
    answer = send(collector.http_url + path, {"resourceSpans": []})

    assert answer.headers["tellwhy-collector"]
