import pytest

import tellwhy
from tellwhy import _configure

AGENT = """
import tellwhy
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

@tellwhy.agent
def agent(): return 1

def users_own():
    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    return memory, provider

def names(memory): return [span.name for span in memory.get_finished_spans()]
"""


def test_the_first_call_configures_from_the_environment(program, receiver):
    """One decorator and one variable: the span arrives, with the program's name."""
    done = program(AGENT + "agent()", TELLWHY_ENDPOINT=receiver.url, TELLWHY_SERVICE_NAME="shop")
    resource = {
        each.key: each.value.string_value for each in receiver.resources()[0].resource.attributes
    }

    assert ("", "", 0) == (done.stdout, done.stderr, done.returncode)
    assert ["invoke_agent agent"] == receiver.names()
    assert ("shop", "tellwhy") == (resource["service.name"], resource["telemetry.distro.name"])


def test_spans_of_others_join_where_the_user_has_no_provider(program, receiver):
    """SDKs find our provider as the global one, tracers made before it included."""
    code = """
    early = trace.get_tracer("early")
    @tellwhy.agent
    def outer():
        early.start_span("early").end()
        trace.get_tracer("late").start_span("late").end()
    outer()
    """
    import textwrap

    done = program(AGENT + textwrap.dedent(code), TELLWHY_ENDPOINT=receiver.url)

    assert "" == done.stderr
    assert ["early", "late", "invoke_agent outer"] == receiver.names()
    assert 1 == len({span.trace_id for span in receiver.spans()})


def test_the_users_provider_is_joined_and_never_replaced(program, receiver):
    """Their exporter gets our spans; nothing goes to the default collector."""
    done = program(
        AGENT
        + """
memory, provider = users_own()
trace.set_tracer_provider(provider)
agent()
print(names(memory), trace.get_tracer_provider() is provider, tellwhy._provider.State.exporter)
"""
    )

    assert "['invoke_agent agent'] True None" == done.stdout.strip()
    assert "" == done.stderr


def test_with_an_endpoint_of_ours_the_users_spans_come_too(program, receiver):
    """TELLWHY_ENDPOINT adds our exporter to their provider, once."""
    done = program(
        AGENT
        + """
memory, provider = users_own()
trace.set_tracer_provider(provider)
tellwhy.configure()
with trace.get_tracer("web").start_as_current_span("GET /"): agent()
print(names(memory))
""",
        TELLWHY_ENDPOINT=receiver.url,
    )

    assert "['invoke_agent agent', 'GET /']" == done.stdout.strip()
    assert ["invoke_agent agent", "GET /"] == receiver.names()


def test_nothing_is_sent_twice_to_a_collector_that_the_user_exports_to(program, receiver):
    """An OTLP exporter of theirs with our address is enough."""
    done = program(
        AGENT
        + f"""
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
_, provider = users_own()
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter("{receiver.url}/v1/traces")))
trace.set_tracer_provider(provider)
agent()
""",
        TELLWHY_ENDPOINT=receiver.url,
    )

    assert "" == done.stderr
    assert ["invoke_agent agent"] == receiver.names()


@pytest.mark.parametrize("chosen", [False, True])
def test_a_provider_that_comes_later_takes_the_place(program, receiver, chosen):
    """set_tracer_provider after our first use works, and old tracers follow to it."""
    variable = "TELLWHY_ENDPOINT" if chosen else "OTEL_EXPORTER_OTLP_ENDPOINT"
    done = program(
        AGENT
        + """
old = trace.get_tracer("sdk")
agent()
old.start_span("before").end()
tellwhy.flush()
memory, provider = users_own()
trace.set_tracer_provider(provider)
agent()
old.start_span("after").end()
print(names(memory), trace.get_tracer_provider() is provider)
""",
        **{variable: receiver.url},
    )

    assert "" == done.stderr
    assert "['invoke_agent agent', 'after'] True" == done.stdout.strip()
    before = ["invoke_agent agent", "before"]
    assert before + (["invoke_agent agent", "after"] if chosen else []) == receiver.names()


def test_a_provider_that_takes_no_processors_is_respected(program, receiver):
    """With an endpoint of ours we keep a provider to ourselves; without one we use theirs."""
    code = (
        AGENT
        + """
provider = trace.NoOpTracerProvider()
trace.set_tracer_provider(provider)
agent()
print(trace.get_tracer_provider() is provider)
"""
    )

    assert "True" == program(code).stdout.strip()
    assert [] == receiver.names()
    assert "True" == program(code, TELLWHY_ENDPOINT=receiver.url).stdout.strip()
    assert ["invoke_agent agent"] == receiver.names()


def test_otels_own_off_switch_is_respected(program, receiver):
    """OTEL_SDK_DISABLED=true sends nothing and breaks nothing."""
    done = program(
        AGENT + "print(agent())", TELLWHY_ENDPOINT=receiver.url, OTEL_SDK_DISABLED="true"
    )

    assert ("1", "") == (done.stdout.strip(), done.stderr)
    assert [] == receiver.names()


def test_no_attribute_is_evicted(program, receiver):
    """300 attributes of somebody's span do not push ours out; a limit the user set holds."""
    code = (
        AGENT
        + """
@tellwhy.agent
def busy():
    span = trace.get_current_span()
    for number in range(300): span.set_attribute(f"n{number}", number)
busy()
"""
    )
    program(code, TELLWHY_ENDPOINT=receiver.url)
    program(code, TELLWHY_ENDPOINT=receiver.url, OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT="50")
    unlimited, limited = receiver.spans()

    assert len(unlimited.attributes) > 300
    assert (0, 50) == (unlimited.dropped_attributes_count, len(limited.attributes))


def test_a_processor_that_others_add_to_ours_is_flushed_at_exit(program, receiver):
    """Who finds our provider and adds a batch processor loses nothing at the end."""
    done = program(
        AGENT
        + f"""
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import BatchSpanProcessor
tellwhy.configure()
exporter = OTLPSpanExporter("{receiver.url}/v1/traces")
trace.get_tracer_provider().add_span_processor(BatchSpanProcessor(exporter))
agent()
""",
        TELLWHY_ENDPOINT=receiver.url,
    )

    assert "" == done.stderr
    assert ["invoke_agent agent"] * 2 == receiver.names()


def test_a_multiprocessing_child_sends_its_spans(program, receiver, tmp_path):
    """Forked children end by os._exit; theirs arrive all the same."""
    (tmp_path / "shop.py").write_text(
        AGENT
        + """
import multiprocessing
def work(): agent()
if __name__ == "__main__":
    agent()
    for method in ("fork", "spawn"):
        child = multiprocessing.get_context(method).Process(target=work)
        child.start(); child.join()
"""
    )
    done = program(
        f"import runpy, sys; sys.path.insert(0, {str(tmp_path)!r}); sys.argv = ['shop.py'];"
        f"runpy.run_path({str(tmp_path / 'shop.py')!r}, run_name='__main__')",
        TELLWHY_ENDPOINT=receiver.url,
    )

    assert "" == done.stderr
    assert ["invoke_agent agent"] * 3 == receiver.names()


def test_configure_changes_what_can_be_changed_and_refuses_the_rest(fresh, caplog):
    """Content and redaction at any time; the endpoint only before the first step."""
    tellwhy.configure(endpoint="http://127.0.0.1:9", service_name="a")
    tellwhy.configure(content="none", endpoint="http://127.0.0.1:9")
    assert "" == caplog.text

    tellwhy.configure(endpoint="http://127.0.0.1:10")

    assert "none" == tellwhy._settings.current().content
    assert "http://127.0.0.1:9" == tellwhy._settings.current().endpoint
    assert "configure(endpoint=…) came after tellwhy had started" in caplog.text


def test_configure_names_its_settings_when_one_is_unknown(fresh):
    """A misspelled keyword is an error of the caller, told at once."""
    with pytest.raises(TypeError, match="configure\\(\\) got end_point, which is no setting"):
        tellwhy.configure(end_point="x")


def test_a_bad_value_in_configure_is_one_line_and_the_default(fresh, caplog):
    """The agent starts all the same."""
    tellwhy.configure(content="some", endpoint="http://127.0.0.1:9")

    assert "configure(content=…)" in caplog.text
    assert "full" == tellwhy._settings.current().content


def test_the_users_redaction_is_put_in(fresh):
    """configure(redact=…) is called for what is recorded."""
    tellwhy.configure(
        redact=lambda name, text: "***" if name else text, endpoint="http://127.0.0.1:9"
    )

    assert '{"a":"***"}' == tellwhy._capture.to_json({"a": "b"})


def test_shutdown_stops_and_configure_starts_again(program, receiver):
    """After shutdown functions run bare; configure(disabled=False) records again."""
    done = program(
        AGENT
        + """
agent()
print(tellwhy.shutdown())
agent()
tellwhy.configure(disabled=False)
agent()
print(tellwhy.flush())
""",
        TELLWHY_ENDPOINT=receiver.url,
    )

    assert ("True\nTrue", "") == (done.stdout.strip(), done.stderr)
    assert ["invoke_agent agent"] * 2 == receiver.names()


def test_without_a_meter_provider_there_is_no_meter():
    """Histograms are recorded only where the user asked for metrics."""
    assert _configure.meter() is None


def test_with_a_meter_provider_there_is_a_meter(program):
    """The user's MeterProvider is used."""
    done = program(
        """
        from opentelemetry import metrics
        from opentelemetry.sdk.metrics import MeterProvider
        from tellwhy import _configure
        metrics.set_meter_provider(MeterProvider(shutdown_on_exit=False))
        print(type(_configure.meter()).__name__)
        """
    )

    assert "Meter" == done.stdout.strip()


def test_flush_without_anything_recorded_is_true(fresh):
    """Nothing to send is nothing missed."""
    assert tellwhy.flush()
