"""What a tellwhy collector is told, and what every other receiver is."""

import threading

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import TracerProvider

from tellwhy import _shipping
from tellwhy._export import Exporter
from tellwhy._post import HttpSink


@pytest.fixture
def pipeline(spooled):
    """`pipeline(receiver, …)`: a tracer, and the exporter that ships its spans there."""
    exporters = []

    def make(url, **more):
        settings = spooled(**{"endpoint": url, "export_interval_s": 0.01, **more})
        exporter = Exporter(HttpSink(settings), settings)
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(exporter)
        exporters.append(exporter)
        return provider.get_tracer("tellwhy"), exporter

    yield make
    for each in exporters:
        each.close(5, reason="exit")


def test_a_tellwhy_collector_hears_of_a_step_before_it_ends(receiver, pipeline):
    """The pending record comes first, then the final one, with instance and number."""
    receiver.header = "1"
    tracer, exporter = pipeline(receiver.url)
    span = tracer.start_span("call", attributes={"q": "how"})
    receiver.wait_for(receiver.names)
    span.end()
    assert exporter.flush(5)
    pending, final = receiver.spans()

    assert ("call", 0) == (pending.name, pending.end_time_unix_nano)
    assert pending.span_id == final.span_id
    said = {each.key for each in pending.attributes}
    assert {"q", "tellwhy.pending", "tellwhy.process.instance"} == said
    [attributes] = receiver.final().values()
    assert 1 == attributes["tellwhy.sequence"]
    assert 32 == len(attributes["tellwhy.process.instance"])
    assert "tellwhy.pending" not in attributes


def test_a_pending_step_is_told_again_when_it_says_more(receiver, pipeline):
    """Other instrumentors set their attributes after the start."""
    receiver.header = "1"
    tracer, _ = pipeline(receiver.url)
    span = tracer.start_span("call")
    receiver.wait_for(receiver.names)
    span.set_attribute("late", "yes")
    receiver.wait_for(lambda: len(receiver.names()) > 1)
    span.end()

    assert "late" in {each.key for each in receiver.spans()[1].attributes}


def test_other_receivers_see_final_spans_and_nothing_of_ours(receiver, pipeline):
    """No pending record, no instance, no number, no sign of life; one empty question."""
    tracer, exporter = pipeline(receiver.url, heartbeat_interval_s=0.01)
    with tracer.start_as_current_span("outer", attributes={"q": "how"}):
        for _ in range(3):
            tracer.start_span("inner").end()
            assert exporter.flush(5)
    assert exporter.flush(5)

    assert all(span.end_time_unix_nano for span in receiver.spans())
    assert [set(), {"q"}] == [set(receiver.final()["inner"]), set(receiver.final()["outer"])]
    assert [] == receiver.logs
    assert [0] == [len(body) for body in receiver.bodies if not body]


def test_pending_records_can_be_switched_off(receiver, pipeline):
    """pending="never": final spans keep their numbers."""
    receiver.header = "1"
    tracer, exporter = pipeline(receiver.url, pending="never")
    span = tracer.start_span("call")
    receiver.wait_for(receiver.beats)
    span.end()
    assert exporter.flush(5)

    assert 1 == len(receiver.spans())
    assert 1 == receiver.final()["call"]["tellwhy.sequence"]


def test_a_process_with_open_steps_gives_signs_of_life(receiver, pipeline):
    """At once, every interval, and once when it ends."""
    receiver.header = "1"
    tracer, exporter = pipeline(receiver.url, heartbeat_interval_s=0.05)
    span = tracer.start_span("call")
    receiver.wait_for(lambda: len(receiver.beats()) > 2)
    span.end()
    exporter.close(5, reason="exit")
    first, last = receiver.beats()[0], receiver.beats()[-1]

    assert (1, 0) == (first["tellwhy.open_spans"], first["tellwhy.sequence"])
    assert 0.05 == first["tellwhy.heartbeat_interval_s"]
    assert {"process.pid", "host.name", "tellwhy.process.started_ns"} < set(first)
    assert ("exit", 1) == (last["tellwhy.process.ended"], last["tellwhy.sequence"])
    assert first["tellwhy.process.instance"] == last["tellwhy.process.instance"]


def test_what_is_open_at_the_end_is_told_as_lost(receiver, pipeline, root):
    """With its arguments and a reason; the spool is gone when all has arrived."""
    tracer, exporter = pipeline(receiver.url)
    tracer.start_span("call", attributes={"q": "how"})
    exporter.close(5, reason="exit")
    [span] = receiver.spans()
    said = receiver.final()["call"]

    assert ("process_died", True, "exit") == (
        said["error.type"],
        said["tellwhy.lost"],
        said["tellwhy.lost.reason"],
    )
    assert ("how", 2) == (said["q"], span.status.code)
    assert "The process ended before this step did (exit)." == span.status.message
    assert span.end_time_unix_nano >= span.start_time_unix_nano
    assert [] == list(root.iterdir())


def test_down_then_up_everything_arrives_in_order(receiver, pipeline, nobody, monkeypatch, caplog):
    """An hour without a collector costs disk, one log line, and no span."""
    monkeypatch.setattr(_shipping, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(_shipping, "MAX_BATCH_SPANS", 50)
    tracer, exporter = pipeline(nobody)
    for number in range(500):
        tracer.start_span(f"s{number}").end()
    assert not exporter.flush(5)
    sink = exporter._shipper._sink
    sink._host, sink._port = "127.0.0.1", receiver.server_port
    receiver.wait_for(lambda: len(receiver.names()) == 500)

    assert [f"s{number}" for number in range(500)] == receiver.names()
    assert 1 == sum("cannot be reached" in each.message for each in caplog.records)
    assert "kept in" in caplog.text


@pytest.mark.parametrize("status", [429, 503])
def test_busy_is_tried_again(receiver, pipeline, status, monkeypatch):
    """The batch arrives once, and nothing is dropped."""
    monkeypatch.setattr(_shipping, "FIRST_PAUSE_S", 0.01)
    receiver.statuses = [status, status]
    tracer, exporter = pipeline(receiver.url)
    tracer.start_span("s").end()
    receiver.wait_for(receiver.names)

    assert (["s"], 0) == (receiver.names(), exporter.dropped)


def test_a_collector_that_comes_back_as_another_is_seen_as_such(receiver, pipeline):
    """Every answer says again whether it is tellwhy's."""
    receiver.header = "1"
    tracer, exporter = pipeline(receiver.url)
    tracer.start_span("first").end()
    assert exporter.flush(5)
    receiver.header = None
    tracer.start_span("second").end()
    assert exporter.flush(5)
    tracer.start_span("third").end()
    assert exporter.flush(5)

    assert 1 == receiver.final()["first"]["tellwhy.sequence"]
    assert {} == receiver.final()["third"]


def test_numbers_have_no_gap_when_nothing_is_lost(receiver, pipeline):
    """Over many batches, in the order in which the spans ended."""
    receiver.header = "1"
    tracer, exporter = pipeline(receiver.url)
    for number in range(1500):
        tracer.start_span(f"s{number}").end()
    assert exporter.flush(10)
    said = [
        receiver.final()[f"s{number}"]["tellwhy.sequence"] for number in (0, 1, 700, 1498, 1499)
    ]

    assert [1, 2, 701, 1499, 1500] == said
    assert 1500 == len(receiver.final()) == exporter.sent


def test_an_empty_question_is_a_valid_export():
    """Nothing in it is an ExportTraceServiceRequest without spans."""
    assert ExportTraceServiceRequest() == ExportTraceServiceRequest.FromString(b"")


@pytest.mark.parametrize("where", ["", "off"])
def test_a_thread_with_nothing_to_do_takes_no_time(receiver, pipeline, monkeypatch, root, where):
    """It sleeps until it is woken, also when it is time to look for spools of the dead."""
    monkeypatch.setattr(_shipping, "FIRST_ADOPTION_S", 0.01)
    rounds = []
    go = _shipping.Shipper._go_round
    monkeypatch.setattr(
        _shipping.Shipper, "_go_round", lambda self: (rounds.append(self), go(self))
    )
    tracer, exporter = pipeline(receiver.url, spool_dir=where or str(root))
    tracer.start_span("s").end()
    assert exporter.flush(5)
    threading.Event().wait(0.3)

    assert rounds.count(exporter._shipper) < 10
