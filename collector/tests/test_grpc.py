import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from tellwhy_collector.receive.grpc import SERVICES
from tellwhy_collector.testing import collector, logs, metrics, rows, span, to_protobuf, traces

LIMIT = 64 * 1024


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """One collector for this file, with a small limit on messages."""
    folder = tmp_path_factory.mktemp("grpc")
    with collector(folder, max_body_bytes=LIMIT, max_queue_bytes=LIMIT) as found:
        yield found


@pytest.fixture
def export(running):
    """Calls Export of a signal's service with raw message bytes."""
    with grpc.insecure_channel(running.grpc_target) as channel:

        def call(body, signal="traces", compression=None):
            method = channel.unary_unary(f"/{SERVICES[signal]}/Export")
            return method(body, timeout=20, compression=compression)

        yield call


POINT = {"timeUnixNano": "1", "asInt": "1"}


@pytest.mark.parametrize("compression", [None, grpc.Compression.Gzip])
@pytest.mark.parametrize(
    ("signal", "request_", "response"),
    [
        ("traces", traces([span()]), ExportTraceServiceResponse),
        ("logs", logs([{"timeUnixNano": "1"}]), ExportLogsServiceResponse),
        (
            "metrics",
            metrics([{"name": "n", "gauge": {"dataPoints": [POINT]}}]),
            ExportMetricsServiceResponse,
        ),
    ],
)
def test_all_three_services_answer(export, signal, request_, response, compression):
    """An empty response means that all of it is on disk."""
    answer = export(to_protobuf(request_, signal), signal, compression)

    assert response() == response.FromString(answer)


def test_spans_are_stored_and_refused_ones_counted(running, export):
    """partial_success, as over HTTP."""
    sent = span()
    answer = export(to_protobuf(traces([sent, span(spanId="ab")])))

    assert 1 == ExportTraceServiceResponse.FromString(answer).partial_success.rejected_spans
    assert [(1,)] == rows(
        running.store, "SELECT count(*) FROM spans WHERE span_id = ?", [sent["spanId"]]
    )


def details(error):
    return Status.FromString(dict(error.trailing_metadata())["grpc-status-details-bin"])


def test_bad_data_is_an_invalid_argument(export):
    """Permanent: the sender must not retry."""
    with pytest.raises(grpc.RpcError) as caught:
        export(b"\0")

    assert grpc.StatusCode.INVALID_ARGUMENT == caught.value.code()
    assert "not a protobuf" in caught.value.details()
    assert 3 == details(caught.value).code


@pytest.mark.parametrize("compression", [None, grpc.Compression.Gzip])
def test_a_message_over_the_limit_exhausts_without_leave_to_retry(export, compression):
    """RESOURCE_EXHAUSTED without RetryInfo, also when it is small on the wire."""
    body = to_protobuf(traces([span({"x": "y" * 2 * LIMIT})]))

    with pytest.raises(grpc.RpcError) as caught:
        export(body, compression=compression)

    assert grpc.StatusCode.RESOURCE_EXHAUSTED == caught.value.code()
    assert "grpc-status-details-bin" not in dict(caught.value.trailing_metadata() or ())


def test_overload_is_unavailable_with_when_to_come_back(running, export):
    """UNAVAILABLE with RetryInfo: the sender keeps its spans and comes again."""
    with running.ingest.ticket() as others:
        others.grow(LIMIT - 10)
        with pytest.raises(grpc.RpcError) as caught:
            export(to_protobuf(traces([span()])))

    retry = RetryInfo()
    assert grpc.StatusCode.UNAVAILABLE == caught.value.code()
    assert details(caught.value).details[0].Unpack(retry)
    assert 1 == retry.retry_delay.seconds


def test_an_unknown_method_is_unimplemented(running):
    """GRPC's own answer for services that are not here."""
    with (
        grpc.insecure_channel(running.grpc_target) as channel,
        pytest.raises(grpc.RpcError) as caught,
    ):
        channel.unary_unary("/some.Service/Export")(b"", timeout=20)

    assert grpc.StatusCode.UNIMPLEMENTED == caught.value.code()


def test_a_message_a_little_over_the_limit_gets_our_sentence(export):
    """It names the size, the limit and what to do; far larger ones gRPC refuses in its words."""
    with pytest.raises(grpc.RpcError) as caught:
        export(b"\0" * (LIMIT + 1))

    assert grpc.StatusCode.RESOURCE_EXHAUSTED == caught.value.code()
    assert f"The body is {LIMIT + 1:,} bytes or more; the limit is {LIMIT:,}." in (
        caught.value.details()
    )
    assert [] == list(details(caught.value).details)
