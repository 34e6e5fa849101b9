"""Calls that a framework's instrumentor tells in a tree of its own, beside our steps."""

from tellwhy_collector.reconstruct import reconstruct
from tellwhy_collector.records import Step

TRACE = "a" * 32
MS = 1_000_000


def step(span_id, kind="model_call", start=0, end=100, **fields):
    """A step of the trace; times in milliseconds."""
    common = {
        "trace_id": TRACE,
        "span_id": span_id,
        "parent_span_id": "root",
        "run_id": TRACE,
        "source": "span",
        "dialect": "otel_genai",
        "kind": kind,
        "name": kind,
        "start_ns": start * MS,
        "end_ns": end * MS,
        "status": "ok",
    }
    return Step(**(common | fields))


def pairs(*steps):
    """Left-out and kept span ids with the reason."""
    found = reconstruct(list(steps))
    return {(d.span_id, d.kept_span_id, d.reason) for d in found.duplicates}


def choosing(call_id, amount):
    """A choice to pay."""
    return [
        {
            "action": "tool_call",
            "name": "pay",
            "tool_call_id": call_id,
            "arguments": {"amount": amount},
        }
    ]


CHOICE = choosing("t1", 42)


def test_a_model_call_told_in_another_tree_is_one_with_ours():
    """Neither above nor below nor beside: its times and its choice tell."""
    ours = step("ours", start=10, end=90, dialect="native", parent_span_id="node", chosen=CHOICE)
    theirs = step(
        "oi", start=0, end=100, dialect="openinference", parent_span_id="c", chosen=CHOICE
    )

    assert {("oi", "ours", "alike")} == pairs(ours, theirs)


def test_calls_that_chose_differently_are_two():
    """Two models asked at the same time."""
    other = choosing("t2", 43)
    ours = step("ours", start=10, end=90, dialect="native", parent_span_id="node", chosen=CHOICE)
    theirs = step("oi", start=0, end=100, dialect="openinference", parent_span_id="c", chosen=other)

    assert set() == pairs(ours, theirs)


def test_a_late_teller_beside_us_is_known_by_its_counts():
    """It began half-way through ours and says no word of what was chosen."""
    ours = step("ours", start=0, end=65, dialect="native", input_tokens=348, output_tokens=61)
    late = step("otel", start=33, end=64, input_tokens=348, output_tokens=61)
    other = step("otel", start=33, end=64, input_tokens=348, output_tokens=60)
    after = step("otel", start=33, end=99, input_tokens=348, output_tokens=61)

    assert {("otel", "ours", "same_times")} == pairs(ours, late)
    assert set() == pairs(ours, other)
    assert set() == pairs(ours, after)


def test_one_teller_does_not_tell_one_call_twice():
    """The same words, asked for twice at the same time, are two calls."""
    said = [{"action": "answer", "text": "ok"}]
    one = step("one", start=0, end=100, parent_span_id="a", chosen=said)
    two = step("two", start=10, end=90, parent_span_id="b", chosen=said)

    assert set() == pairs(one, two)


def test_a_framework_a_client_and_we_tell_one_call():
    """OpenInference's instrumentors of LangChain and of Anthropic do not see one another."""
    fields = {"dialect": "openinference", "chosen": CHOICE}
    outer = step("lc", name="ChatAnthropic", start=0, end=100, parent_span_id="c", **fields)
    inner = step("cl", name="messages.create", start=5, end=95, parent_span_id="r", **fields)
    ours = step("ours", start=10, end=90, dialect="native", parent_span_id="node", chosen=CHOICE)

    found = {(gone, kept) for gone, kept, _ in pairs(outer, inner, ours)}
    assert {("lc", "ours"), ("cl", "ours")} == found


def test_a_tool_whose_only_argument_is_told_bare_is_one_with_ours():
    """OpenInference's LangChain instrumentor leaves the name of a single argument out."""
    ours = step(
        "ours", "tool_call", 10, 90, dialect="native", parent_span_id="node",
        tool_name="pay", tool_call_id="t1", tool_arguments={"amount": 42},
    )  # fmt: skip
    theirs = step(
        "oi", "tool_call", 0, 100, dialect="openinference", parent_span_id="c",
        tool_name="pay", tool_arguments="42",
    )  # fmt: skip

    assert {("oi", "ours", "alike")} == pairs(ours, theirs)


def test_tools_one_after_the_other_are_two():
    """The second begins when the first has ended."""
    ours = step(
        "ours", "tool_call", 0, 50, dialect="native", parent_span_id="node",
        tool_name="pay", tool_arguments={"amount": 42}, tool_result="paid",
    )  # fmt: skip
    theirs = step(
        "oi", "tool_call", 100, 150, dialect="openinference", parent_span_id="c",
        tool_name="pay", tool_arguments={"amount": 42}, tool_result="paid",
    )  # fmt: skip

    assert set() == pairs(ours, theirs)
