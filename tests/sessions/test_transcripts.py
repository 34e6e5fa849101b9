"""Transcripts of Claude Code → the steps that the collector reads, through real OTLP bytes."""

import pytest
from lines import (
    ACCEPTED,
    NEW,
    OLD,
    PROMPT,
    SESSION,
    Session,
    say,
    think,
    use,
    watering,
)
from whole import whole_steps

from tellwhy._settings import changed
from tellwhy._transcripts.claude_code import Transcript
from tellwhy._transcripts.told import request_bytes
from tellwhy_collector.decode import decode
from tellwhy_collector.dialects.reading import derived_id


def told(*sessions, finish=True):
    """What these files tell, read in turn."""
    seen, spawned, found = {}, {}, []
    for number, session in enumerate(sessions):
        reader = Transcript(str(number), seen, spawned)
        for line in session.lines:
            found += reader.feed(line)
        found += reader.finish() if finish else reader.settle()
    return found


def steps(*sessions, **more):
    """The steps that the collector makes of it, by start."""
    body = request_bytes(told(*sessions, **more), "claude-code", NEW)
    decoded = decode(body, signal="traces", encoding="protobuf")
    found = whole_steps(decoded.records)
    return sorted(found, key=lambda step: (step.start_ns, step.kind))


def by_kind(found, kind):
    """Those of one kind."""
    return [step for step in found if step.kind == kind]


@pytest.mark.parametrize("version", [OLD, NEW])
def test_a_prompt_is_a_run_with_its_calls(version):
    """One agent, two model calls, one tool call; in the trace that events without one get."""
    found = steps(watering(version))

    kinds = [step.kind for step in found if step.kind != "human"]
    assert ["agent", "model_call", "model_call", "tool_call"] == sorted(kinds)
    trace_id = derived_id("claude_code", SESSION, PROMPT, size_bytes=16)
    assert {("transcript", trace_id, SESSION, PROMPT)} == {
        (step.dialect, step.trace_id, step.conversation_id, step.turn_id) for step in found
    }
    (turn,) = by_kind(found, "agent")
    assert ("Is the bed dry?", "It is dry.") == (turn.input, turn.output)


@pytest.mark.parametrize("version", [OLD, NEW])
def test_thinking_choice_and_usage_of_an_answer_are_one_step(version):
    """Several lines, one answer: counted once, with the words that telemetry leaves out."""
    first, _ = by_kind(steps(watering(version)), "model_call")

    assert ("The sensor knows.", "reasoning", "I look.") == (
        first.stated_reason,
        first.stated_reason_source,
        first.stated_text,
    )
    assert [("Bash", "toolu_1", {"command": "sensor"})] == [
        (action["name"], action["tool_call_id"], action["arguments"]) for action in first.chosen
    ]
    assert (210, 31, 200, "tool_use", "req_1111_1", "msg_1111_1") == (
        first.input_tokens,
        first.output_tokens,
        first.cache_write_tokens,
        first.finish_reason,
        first.request_id,
        first.response_id,
    )


def test_requests_are_put_together_exactly():
    """Offered tools, system prompt, parameters and all messages, tool results among them."""
    _, second = by_kind(steps(watering()), "model_call")

    roles = [message["role"] for message in second.input_messages]
    assert ["user", "assistant", "user"] == roles
    assert ["Bash"] == [tool["name"] for tool in second.tools_offered]
    assert "Help with the garden." == second.system_instructions[0]["content"]
    assert "dry" == second.input_messages[2]["parts"][0]["response"]
    known = {span.attributes.get("tellwhy.transcript.request") for span in told(watering())}
    assert {"exact", None} == known


def test_an_older_transcript_gives_the_conversation_in_its_place():
    """What was said before is known; the tools that were offered are not, and it says so."""
    _, second = by_kind(steps(watering(OLD)), "model_call")

    assert ["user", "assistant", "user"] == [m["role"] for m in second.input_messages]
    assert None is second.tools_offered
    known = {span.attributes.get("tellwhy.transcript.request") for span in told(watering(OLD))}
    assert {"conversation", None} == known


def test_a_tool_call_has_its_result_and_who_let_it_run():
    """The permission is a step under the tool call, told as a moment: how long it took is unknown."""
    found = steps(watering())
    (call,), (permission,) = by_kind(found, "tool_call"), by_kind(found, "human")

    assert ("Bash", "toolu_1", {"command": "sensor"}, "dry", "ok") == (
        call.tool_name,
        call.tool_call_id,
        call.tool_arguments,
        call.tool_result,
        call.status,
    )
    assert ("approved", "config", "rule", call.span_id, permission.start_ns) == (
        permission.approval_decision,
        permission.approver,
        permission.approver_kind,
        permission.parent_span_id,
        permission.end_ns,
    )


@pytest.mark.parametrize(
    ("source", "kind"), [("user_reject", "person"), ("hook", "rule"), ("other", "unknown")]
)
def test_a_denied_call_is_told_as_denied(source, kind):
    """By whom, and with the words that the model was given."""
    lines = Session()
    lines.ask("Clear the bed.")
    lines.answer(1, use("toolu_1", "Bash", {"command": "rm -r bed"}))
    decision = {"decision": "reject", "source": source}
    lines.result("toolu_1", "not allowed", is_error=True, decision=decision)
    found = steps(lines)
    (call,), (permission,) = by_kind(found, "tool_call"), by_kind(found, "human")

    assert ("error", "denied", "not allowed") == (call.status, call.error_type, call.error_message)
    assert ("denied", source, kind) == (
        permission.approval_decision,
        permission.approver,
        permission.approver_kind,
    )


def test_a_subagent_stands_under_the_call_that_started_it():
    """Its file is read after the main one; its steps have its name."""
    main = Session()
    main.ask("Ask somebody.")
    main.answer(1, use("toolu_1", "Agent", {"prompt": "dig"}))
    main.result("toolu_1", "dug", toolUseResult={"agentId": "a1", "status": "completed"})
    main.answer(2, say("Dug."))
    below = Session(session=SESSION, agent="a1")
    below.ms = 50
    below.ask("dig")
    below.write("api-request", id="x", querySource="agent:builtin:digger", keep=0, tail=[])
    below.answer(7, say("dug"))
    found = steps(main, below)

    (call,) = by_kind(found, "tool_call")
    agents = {step.agent_name: step for step in by_kind(found, "agent")}
    assert call.span_id == agents["digger"].parent_span_id
    (inside,) = [step for step in by_kind(found, "model_call") if step.agent_name == "digger"]
    assert agents["digger"].span_id == inside.parent_span_id
    assert 1 == len({step.trace_id for step in found})


def test_an_older_subagent_has_the_name_that_its_call_asked_for():
    """2.1.197 says it nowhere else; steps before it is known leave it to the root."""
    main = Session(OLD)
    main.ask("Ask somebody.")
    main.answer(1, use("toolu_1", "Agent", {"prompt": "dig", "subagent_type": "digger"}))
    main.result("toolu_1", "dug", toolUseResult={"agentId": "a1", "status": "completed"})
    below = Session(OLD, agent="a1")
    below.ask("dig")
    below.answer(7, say("dug"))

    assert "digger" in {step.agent_name for step in by_kind(steps(main, below), "agent")}
    assert {None} == {step.agent_name for step in steps(below)}


def test_a_failed_request_is_a_failed_call():
    """The words of the error, and the attempts that were made."""
    lines = Session()
    lines.ask("Hello?")
    for number in (1, 2):
        lines.write("system", subtype="api_error", retryAttempt=number, error={"status": 529})
    message = {
        "id": "m1",
        "model": "<synthetic>",
        "role": "assistant",
        "stop_reason": "stop_sequence",
    }
    content = [say("API Error: 529 overloaded")]
    lines.ms += 10
    lines.write(
        "assistant",
        message=message | {"content": content},
        isApiErrorMessage=True,
        error="overloaded",
    )
    (call,) = by_kind(steps(lines), "model_call")

    assert ("error", "overloaded", "API Error: 529 overloaded", 3, None) == (
        call.status,
        call.error_type,
        call.error_message,
        call.attempts,
        call.response_model,
    )


def test_a_copy_of_an_older_session_is_not_told_again():
    """A resumed session begins with what the first one said; only what is new is told."""
    first = watering()
    resumed = Session(session="22222222-2222-4333-8444-555555555555")
    for line in first.lines:
        copied = {"requestSessionId": SESSION} if line["type"] == "assistant" else {}
        resumed.lines.append(line | {"sessionId": resumed.session} | copied)
    resumed.ms = first.ms + 1000
    resumed.ask("And now?")
    resumed.answer(3, say("Still dry."))
    found = steps(first, resumed)

    assert 3 == len(by_kind(found, "model_call"))
    assert 1 == len(by_kind(found, "tool_call"))
    assert 2 == len(by_kind(found, "agent"))
    assert 1 == len(by_kind(steps(resumed), "model_call"))


def test_a_shorter_conversation_is_a_step():
    """Compaction says what made it necessary."""
    lines = Session()
    lines.ask("Go on.")
    metadata = {"trigger": "auto", "preTokens": 155_000}
    lines.write("system", subtype="compact_boundary", compactMetadata=metadata)
    lines.answer(1, say("Yes."))
    (compaction,) = [s for s in steps(lines) if s.operation == "compaction"]

    assert {"trigger": "auto", "tokens_before": 155_000, "tokens_after": None} == compaction.output


def test_reading_twice_gives_the_same_spans():
    """Ids and times hang on the lines alone, however they were cut into looks."""
    whole = told(watering())
    pieces = Transcript("x", {}, {})
    found = []
    for line in watering().lines:
        found += pieces.feed(line)
        found += pieces.settle() if line["type"] == "user" else ()
    found += pieces.finish()

    assert whole == told(watering())
    assert sorted(whole) == sorted(found)


def test_an_unfinished_prompt_waits_for_its_end():
    """Its calls are told at once; that it is over is not said before it is."""
    lines = Session()
    lines.ask("Look.")
    lines.answer(1, think("First."), use("toolu_1", "Bash", {"command": "sensor"}))

    assert ["model_call"] == [step.kind for step in steps(lines, finish=False)]
    assert ["agent", "model_call"] == sorted(step.kind for step in steps(lines))


def test_secrets_do_not_leave_and_content_may_be_kept_back():
    """Redaction comes before the wire; without content names, ids, times and counts remain."""
    lines = Session()
    lines.ask("Use AKIAIOSFODNN7EXAMPLE for the pump.")
    lines.answer(
        1, think("The key is AKIAIOSFODNN7EXAMPLE."), use("toolu_1", "Bash", {"command": "pump"})
    )
    lines.result("toolu_1", "password=hunter2secret9", decision=ACCEPTED)
    full = request_bytes(told(lines), "claude-code", NEW)
    with changed(content="none"):
        bare = request_bytes(told(lines), "claude-code", NEW)

    for secret in (b"AKIAIOSFODNN7EXAMPLE", b"hunter2secret9"):
        assert secret not in full
    assert b"for the pump" in full
    for content in (b"for the pump", b"The key is", b"password", b"Help with the garden"):
        assert content not in bare
    assert b"toolu_1" in bare
    assert b"req_1111_1" in bare


@pytest.mark.parametrize(
    "line",
    [
        {},
        {"type": "assistant"},
        {"type": "assistant", "message": {"content": "x"}},
        {"type": "user", "message": {"content": [None, 7, {"type": "tool_result"}]}},
        {"type": "api-request", "id": "a", "tail": 7, "keep": "x", "base": ["y"]},
        {"type": "system", "subtype": "compact_boundary", "compactMetadata": 7, "timestamp": "x"},
        {"type": "user", "message": {"content": "x"}, "timestamp": "2026-01-01"},
    ],
)
def test_lines_of_another_form_do_no_harm(line):
    """Versions to come write what they like."""
    lines = watering()
    lines.lines[3:3] = [line]

    assert by_kind(steps(lines), "model_call")
