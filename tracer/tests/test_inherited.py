"""The trace that a process was started in, and the one it hands to its children."""

import pytest

import tellwhy
from tellwhy import _inherited

TRACE, SPAN = "1" * 32, "2" * 16
PARENT = f"00-{TRACE}-{SPAN}-01"
TWO_RUNS = """
import tellwhy
@tellwhy.agent
def first(): return tellwhy.current_run().run_id
print(first()); print(first())
"""


@pytest.fixture
def runs(program, receiver):
    """The run ids that two agents in a process of its own see, and the spans they left."""

    def run(**environment):
        done = program(
            TWO_RUNS, TELLWHY_ENDPOINT=receiver.url, TELLWHY_SPOOL_DIR="off", **environment
        )
        assert "" == done.stderr
        return done.stdout.split(), [span for span in receiver.spans() if span.end_time_unix_nano]

    return run


@pytest.mark.slow
def test_the_first_run_continues_the_parents_trace(runs):
    """A server under a supervisor that sets the variable once must not have one trace for ever."""
    (first, second), spans = runs(TRACEPARENT=PARENT)

    assert (TRACE, SPAN) == (spans[0].trace_id.hex(), spans[0].parent_span_id.hex())
    assert f"{TRACE}-{spans[0].span_id.hex()}" == first
    assert second == spans[1].trace_id.hex() != TRACE


@pytest.mark.slow
def test_a_tellwhy_parent_names_the_run(runs):
    """Parent and child are one run then; with ``all`` every agent of the process is."""
    state = {"TRACESTATE": f"other=1,tellwhy={TRACE}", "TELLWHY_INHERIT_TRACE": "all"}
    seen, spans = runs(TRACEPARENT=PARENT, **state)

    assert [TRACE, TRACE] == seen
    assert {(TRACE, SPAN)} == {(s.trace_id.hex(), s.parent_span_id.hex()) for s in spans}


@pytest.mark.slow
def test_none_leaves_the_variables_alone(runs):
    """The way out."""
    seen, _ = runs(TRACEPARENT=PARENT, TELLWHY_INHERIT_TRACE="none")

    assert TRACE not in seen


@pytest.mark.parametrize(
    "text",
    ["", "x", f"ff-{TRACE}-{SPAN}-01", f"00-{'0' * 32}-{SPAN}-01", f"00-{TRACE}-{'0' * 16}-01",
     f"00-{TRACE}-{SPAN}-01-more", f"00-{TRACE.replace('1', 'A')}-{SPAN}-01"],
)  # fmt: skip
def test_what_is_no_parent_is_ignored(text):
    """Only what the standard allows is read."""
    assert None is _inherited.parent_in({"TRACEPARENT": text})


def test_a_later_version_of_the_standard_is_read_as_far_as_known():
    """More fields may follow there."""
    parent = _inherited.parent_in(
        {"TRACEPARENT": f"01-{TRACE}-{SPAN}-01-more", "TRACESTATE": ",,=bad"}
    )

    assert (int(TRACE, 16), True) == (parent.trace_id, parent.is_remote)


def test_a_run_is_handed_to_processes_that_an_agent_starts(recorded):
    """`trace_environment` names the open step and the run; outside there is nothing to name."""

    @tellwhy.agent
    def outer():
        return tellwhy.trace_environment(), tellwhy.current_run().run_id

    said, run_id = outer()
    parent = _inherited.parent_in(said)
    (span,) = recorded.spans()
    assert f"tellwhy={run_id}" == said["TRACESTATE"]
    assert (run_id, span["span_id"]) == (f"{parent.trace_id:032x}", f"{parent.span_id:016x}")
    assert {} == tellwhy.trace_environment()
