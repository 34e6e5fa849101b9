"""What a trace says as a whole, for senders that leave something out: read from their fixtures."""

from dataclasses import replace
from pathlib import Path

from tellwhy_collector.decode import decode
from tellwhy_collector.dialects import normalise
from tellwhy_collector.reconstruct import reconstruct
from tellwhy_collector.records import Step

FIXTURES = Path(__file__).parent / "dialects" / "fixtures"
SECOND = 1_000_000_000


def read(*names):
    """The steps of fixtures."""
    steps = []
    for name in names:
        body = (FIXTURES / f"{name}.otlp.json").read_bytes()
        signal = "logs" if b'"resourceLogs"' in body else "traces"
        records = decode(body, signal=signal, encoding="json").records
        steps += [step for record in records if (step := normalise(record)) is not None]
    return steps


def settled(steps):
    """Kept steps as they read in the end, by start."""
    found = reconstruct(steps)
    gone = {duplicate.span_id for duplicate in found.duplicates}
    now = {step.span_id: step for step in (*steps, *found.changed, *found.added)}
    return sorted((s for s in now.values() if s.span_id not in gone), key=lambda s: s.start_ns)


def of(steps, kind):
    return [step for step in steps if step.kind == kind]


def test_codex_chose_the_tools_that_ran():
    """Its events hold no answer; the tool that ran after a call is what the call chose."""
    calls = of(settled(read("codex/session_of_two_calls_and_a_tool")), "model_call")

    assert [["exec_command"], []] == [[a["name"] for a in c.chosen or ()] for c in calls]


def test_span_and_event_of_gemini_cli_are_one_call_with_the_thoughts_counted():
    """The span leaves the thoughts out of its count, the event counts them in."""
    steps = read("gemini_cli/spans_with_content", "gemini_cli/events_beside_spans")
    one_run = settled(steps)

    assert 1 == len({step.trace_id for step in steps})
    assert [(101, 27, 7), (102, 27, 7)] == [
        (c.input_tokens, c.output_tokens, c.reasoning_tokens) for c in of(one_run, "model_call")
    ]
    assert 2 == len(of(one_run, "tool_call"))


def test_an_output_that_differs_by_more_than_the_thoughts_is_another_call():
    """Only the stated reasoning explains a difference."""
    steps = read("gemini_cli/spans_with_content", "gemini_cli/events_beside_spans")
    other = [
        replace(s, output_tokens=99) if s.source == "log" and s.kind == "model_call" else s
        for s in steps
    ]

    assert 4 == len(of(settled(other), "model_call"))


def test_an_approval_gets_the_call_id_of_the_tool_that_was_recorded():
    """Events of Gemini CLI name the tool and its arguments alone."""
    steps = settled(read("gemini_cli/spans_with_content", "gemini_cli/events_beside_spans"))

    assert {s.tool_call_id for s in of(steps, "tool_call")} == {
        s.tool_call_id for s in of(steps, "human")
    }


def test_the_older_form_of_google_adk_tells_a_call_twice():
    """``generate_content`` inside ``call_llm`` is the same call."""
    calls = of(settled(read("google_adk/request_and_answer_as_json")), "model_call")

    assert ["call_llm", "call_llm"] == [call.name for call in calls]


def test_an_activity_with_the_id_of_a_call_takes_name_and_arguments_from_it():
    """Temporal knows the id alone when the workflow used it for its activity."""
    steps = read("temporal/plugin_workflow_activities_signal")
    tool = of(steps, "tool_call")[0]
    call = Step(
        trace_id=tool.trace_id,
        span_id="c" * 16,
        parent_span_id=tool.parent_span_id,
        run_id=tool.run_id,
        source="span",
        dialect="anthropic_sdk",
        kind="model_call",
        name="chat",
        start_ns=tool.start_ns - SECOND,
        end_ns=tool.start_ns - 1,
        status="ok",
        chosen=[
            {
                "action": "tool_call",
                "name": "get_weather",
                "tool_call_id": tool.tool_call_id,
                "arguments": {"city": "Paris"},
            }
        ],
    )
    now = {step.span_id: step for step in settled([*steps, call])}[tool.span_id]

    assert ("get_weather", {"city": "Paris"}) == (now.tool_name, now.tool_arguments)
