import os
import threading
import time

import pytest
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Status, StatusCode

from tellwhy._export import Exporter
from tellwhy._post import Answer, HttpSink
from tellwhy._settings import Settings
from tellwhy._shipping import MOST_FAULTS

QUICK = Settings(export_interval_s=0.01)


def in_memory(**bounds):
    """Settings without a spool."""
    return Settings(spool_dir="off", export_interval_s=0.01, **bounds)


class Shelf:
    """A sink in memory that answers as a test wants it to."""

    name = "shelf"

    def __init__(self, *answers):
        self.answers = list(answers)
        self.bodies: list[bytes] = []
        self.tried = threading.Condition()
        self.tries = 0
        self.open = threading.Event()
        self.open.set()

    def put(self, batch, timeout_s):
        """Answer from the list, then always well."""
        self.open.wait(10)
        if not batch.spans:  # the question whether this is a tellwhy collector
            return Answer("delivered")
        with self.tried:
            self.tries += 1
            self.tried.notify_all()
            answer = self.answers.pop(0) if self.answers else Answer("delivered")
            if answer.outcome == "delivered":
                self.bodies.append(batch.body)
            return answer

    def forget(self):
        """Nothing is held."""

    def spans(self):
        """Names of the delivered spans, in order."""
        return [span.name for span in self.records()]

    def records(self):
        """The delivered spans as protobuf messages."""
        return [
            span
            for body in self.bodies
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


def pipeline(shelf, settings=QUICK):
    """A provider whose spans go to *shelf*, and the exporter between them."""
    exporter = Exporter(shelf, settings)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(exporter)
    return provider.get_tracer("tellwhy"), exporter


def test_ended_spans_arrive_in_batches():
    """What ends within the interval goes out together."""
    shelf = Shelf()
    tracer, exporter = pipeline(shelf, Settings(export_interval_s=30))
    for number in range(3):
        tracer.start_span(f"s{number}").end()

    assert exporter.flush(5)
    assert (["s0", "s1", "s2"], 1) == (shelf.spans(), len(shelf.bodies))
    assert (3, 0) == (exporter.sent, exporter.dropped)


def test_without_a_flush_the_interval_decides():
    """A span waits for others only so long."""
    shelf = Shelf()
    tracer, _ = pipeline(shelf)
    tracer.start_span("s").end()
    with shelf.tried:
        assert shelf.tried.wait_for(lambda: shelf.tries, 5)


def test_a_missing_collector_costs_one_log_line_and_no_span(caplog):
    """The batch is tried again until it is taken."""
    shelf = Shelf(*[Answer("retry", "refused", 0.01)] * 3)
    tracer, exporter = pipeline(shelf)
    tracer.start_span("s").end()
    with shelf.tried:
        assert shelf.tried.wait_for(lambda: shelf.tries >= 4, 5)

    assert exporter.flush(5)
    assert ["s"] == shelf.spans()
    assert 1 == len(caplog.records)
    assert "cannot be reached (refused)" in caplog.text


def test_a_flush_tries_at_once_and_does_not_wait_for_a_missing_collector():
    """During a long pause a flush is one more try, and says that it failed."""
    shelf = Shelf(*[Answer("retry", "refused", 60.0)] * 2)
    tracer, exporter = pipeline(shelf)
    tracer.start_span("s").end()
    with shelf.tried:
        assert shelf.tried.wait_for(lambda: shelf.tries, 5)
    started = time.monotonic()

    told = [exporter.flush(30) for _ in range(3)]
    assert (False, True) == (told[0], told[-1])
    assert time.monotonic() - started < 30
    assert ["s"] == shelf.spans()


def test_a_full_queue_drops_counts_and_says_so_once(caplog):
    """Memory is bounded; every drop is counted."""
    shelf = Shelf()
    shelf.open.clear()
    tracer, exporter = pipeline(shelf, in_memory(max_queue_spans=10))
    for number in range(25):
        tracer.start_span(f"s{number}").end()
    shelf.open.set()

    assert exporter.flush(5)
    assert (10, 15) == (exporter.sent, exporter.dropped)
    assert [f"s{number}" for number in range(10)] == shelf.spans()
    assert 1 == caplog.text.count("newer ones are dropped")


def test_the_queue_is_bounded_in_bytes_too():
    """A few huge spans fill it as many small ones do."""
    shelf = Shelf()
    shelf.open.clear()
    tracer, exporter = pipeline(shelf, in_memory(max_queue_bytes=100_000))
    for _ in range(5):
        tracer.start_span("s", attributes={"a": "x" * 40_000}).end()
    shelf.open.set()
    exporter.flush(5)

    assert exporter.dropped >= 2


def test_a_batch_is_bounded_in_bytes():
    """Long spans go out in several requests."""
    shelf = Shelf()
    tracer, exporter = pipeline(shelf, Settings(max_batch_bytes=50_000, export_interval_s=30))
    for _ in range(6):
        tracer.start_span("s", attributes={"a": "x" * 20_000}).end()

    assert exporter.flush(5)
    assert 3 == len(shelf.bodies)


def test_a_batch_that_is_too_large_is_halved():
    """413 halves the batch until it fits; what fits no more is dropped and counted."""
    shelf = Shelf(Answer("too_large"), Answer("delivered"), Answer("too_large"))
    tracer, exporter = pipeline(shelf, Settings(export_interval_s=30))
    for number in range(2):
        tracer.start_span(f"s{number}").end()

    assert exporter.flush(5)
    assert (["s0"], 1) == (shelf.spans(), exporter.dropped)


def test_a_refused_batch_is_dropped_counted_and_said(caplog):
    """400 cannot be mended by sending it again."""
    shelf = Shelf(Answer("refused", "status 400: no"))
    tracer, exporter = pipeline(shelf)
    tracer.start_span("s").end()

    assert exporter.flush(5)
    assert 1 == exporter.dropped
    assert "refused spans (status 400: no)" in caplog.text


def test_a_receiver_that_stumbles_is_asked_often_but_not_for_ever(caplog):
    """It may be these spans that it stumbles over; those behind them must not wait for good."""
    fault = Answer("retry", "status 500: oops", 0.001, is_fault=True)
    shelf = Shelf(*[fault] * MOST_FAULTS)
    tracer, exporter = pipeline(shelf)
    tracer.start_span("bad").end()
    with shelf.tried:
        assert shelf.tried.wait_for(lambda: shelf.tries >= MOST_FAULTS, 20)
    tracer.start_span("good").end()

    assert exporter.flush(5)
    assert (["good"], 1) == (shelf.spans(), exporter.dropped)
    assert "refused spans (status 500: oops)" in caplog.text


def test_what_a_good_answer_rejects_is_counted(caplog):
    """Delivered in part: neither silence nor a second try."""
    shelf = Shelf(Answer("delivered", "too old", rejected=1))
    tracer, exporter = pipeline(shelf, Settings(export_interval_s=30))
    for name in ("a", "b"):
        tracer.start_span(name).end()

    assert exporter.flush(5)
    assert (1, 1) == (exporter.sent, exporter.dropped)
    assert "refused spans (too old)" in caplog.text


def test_what_cannot_even_be_tried_is_dropped_counted_and_said(lenient, receiver, caplog):
    """A header that HTTP forbids costs spans, and no silence: not even a flush says all is well."""
    settings = Settings(endpoint=receiver.url, headers={"x-key": "a\nb"}, export_interval_s=30)
    tracer, exporter = pipeline(HttpSink(settings), settings)
    tracer.start_span("a").end()
    exporter.flush(5)

    assert (0, 1) == (exporter.sent, exporter.dropped)
    assert "refused spans (ValueError)" in caplog.text


def test_one_bad_span_does_not_cost_the_batch(lenient):
    """A foreign span that cannot be encoded is left out and counted."""
    shelf = Shelf()
    tracer, exporter = pipeline(shelf, Settings(export_interval_s=30))
    tracer.start_span("good").end()
    tracer.start_span("bad", start_time=-1).end()
    tracer.start_span("good too").end()

    assert exporter.flush(5)
    assert ["good", "good too"] == shelf.spans()
    assert 1 == exporter.dropped


def test_spans_of_others_are_redacted_on_the_way_out():
    """A secret in another instrumentor's attribute or event does not leave the process."""
    shelf = Shelf()
    exporter = Exporter(shelf, Settings(export_interval_s=30))
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(exporter)
    key = "sk-ant-api03-AbCdEf0123456789AbCdEf"
    span = provider.get_tracer("openinference").start_span(
        "llm", attributes={"input.value": f"use {key}", "http.api_key": "k", "n": 3, "l": [key]}
    )
    span.add_event("e", {"text": key})
    span.update_name(f"llm {key}")
    span.set_status(Status(StatusCode.ERROR, f"ValueError: {key}"))
    span.end()

    assert exporter.flush(5)
    (record,) = shelf.records()
    text = str(record)

    assert key not in text
    assert 6 == text.count("[redacted]")
    assert "int_value: 3" in text


def test_unsampled_spans_are_not_sent():
    """The sampler's word holds."""
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

    shelf = Shelf()
    exporter = Exporter(shelf, QUICK)
    provider = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False)
    provider.add_span_processor(exporter)
    provider.get_tracer("tellwhy").start_span("s").end()

    assert exporter.flush(1)
    assert 0 == shelf.tries


def test_closing_waits_no_longer_than_it_may(caplog):
    """A collector that hangs costs the timeout once, however often close is called."""
    shelf = Shelf()
    shelf.open.clear()
    tracer, exporter = pipeline(shelf)
    tracer.start_span("s").end()
    started = time.monotonic()
    exporter.close(0.2)
    exporter.shutdown()
    waited = time.monotonic() - started
    shelf.open.set()

    assert 0.2 <= waited < 1
    assert "1 spans were not sent" in caplog.text


def test_after_stop_nothing_is_taken_until_resume():
    """Shutting down is not an error, and can be undone."""
    shelf = Shelf()
    tracer, exporter = pipeline(shelf)
    exporter.stop()
    tracer.start_span("a").end()
    exporter.resume()
    tracer.start_span("b").end()

    assert exporter.flush(5)
    assert ["b"] == shelf.spans()


def test_many_threads_lose_nothing():
    """Spans that end at once in eight threads all arrive."""
    shelf = Shelf()
    tracer, exporter = pipeline(shelf)

    def work(number):
        for each in range(200):
            tracer.start_span(f"{number}-{each}").end()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert exporter.flush(10)
    assert 1600 == len(set(shelf.spans())) == exporter.sent


def test_our_thread_is_not_traced_by_others():
    """Instrumentation of HTTP clients is suppressed while we export."""
    from opentelemetry.instrumentation.utils import is_instrumentation_enabled

    seen = []

    class Looking(Shelf):
        def put(self, batch, timeout_s):
            """Note what the thread sees."""
            seen.append((is_instrumentation_enabled(), trace.get_current_span().is_recording()))
            return super().put(batch, timeout_s)

    tracer, exporter = pipeline(Looking())
    with tracer.start_as_current_span("outer"):
        tracer.start_span("s").end()
    exporter.flush(5)

    assert {(False, False)} == set(seen)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_starts_empty_and_exports_its_own():
    """The parent sends what waited; the child has its own thread and its own spans."""
    shelf = Shelf()
    tracer, exporter = pipeline(shelf, Settings(export_interval_s=30))
    tracer.start_span("parent's").end()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            tracer.start_span("child's").end()
            delivered = exporter.flush(5)
            os.write(writer, f"{delivered} {shelf.spans()}".encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        text = answer.read()
    os.waitpid(child, 0)

    assert 'True ["child\'s"]' == text
    assert exporter.flush(5)
    assert ["parent's"] == shelf.spans()
