"""Rollouts of codex → steps, and one step a call beside its log events."""

import json
import os
import subprocess
import sys

import pytest
from telemetry import post_logs, values
from test_joined import rest
from whole import whole_steps

from tellwhy._transcripts.codex import Rollout
from tellwhy._transcripts.told import request_bytes
from tellwhy_collector.decode import decode
from tellwhy_collector.dialects.reading import derived_id

SESSION = "01a20000-0000-7000-8000-00000000000c"
BASE_NS = 1_793_671_200 * 10**9


def line(ms, kind, **payload):
    """One line, so many milliseconds after two o'clock."""
    return {"timestamp": f"2026-11-03T02:00:00.{ms:03d}Z", "type": kind, "payload": payload}


def usage(response_id, *, read, written):
    """Tokens of an answer."""
    counts = {"input_tokens": read, "cached_input_tokens": 100, "output_tokens": written}
    return {"response_id": response_id, "usage": counts | {"reasoning_output_tokens": 5}}


def said(role, text):
    """A message."""
    kind = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}


def digging(exit_code=0, ending="task_complete"):
    """A task with one command in it."""
    call = {"type": "function_call", "name": "exec_command", "call_id": "call_1"}
    thought = [{"type": "summary_text", "text": "I look at the bed."}]
    item = {"type": "CommandExecution", "id": "call_1", "exit_code": exit_code}
    return [
        line(
            0, "session_meta", id=SESSION, cli_version="0.169.0", base_instructions={"text": "Dig."}
        ),
        line(1, "event_msg", type="task_started", turn_id="turn-1"),
        line(2, "turn_context", model="gpt-fake-1", turn_id="turn-1"),
        line(3, "response_item", **said("user", "Is the bed dry?")),
        line(20, "response_item", type="reasoning", id="rs_1", summary=thought),
        line(21, "response_item", **call, arguments='{"cmd": "sensor"}'),
        line(22, "token_usage_record", **usage("resp_1", read=500, written=40)),
        line(50, "event_msg", type="item_completed", item=item),
        line(51, "response_item", type="function_call_output", call_id="call_1", output="dry"),
        line(90, "response_item", **said("assistant", "It is dry.")),
        line(91, "token_usage_record", **usage("resp_2", read=600, written=10)),
        line(92, "event_msg", type=ending, turn_id="turn-1", last_agent_message="It is dry."),
    ]


def steps(lines):
    """The steps that the collector makes of it, by start."""
    reader, told = Rollout(), []
    for each in lines:
        told += reader.feed(each)
    told += reader.finish()
    body = request_bytes(told, "codex", reader.version)
    decoded = decode(body, signal="traces", encoding="protobuf")
    found = whole_steps(decoded.records)
    return sorted(found, key=lambda step: (step.start_ns, step.kind))


def test_a_task_is_told_with_its_calls():
    """Reasoning, choice, result, tokens, and the conversation as what was asked."""
    turn, first, tool, second = steps(digging())

    trace_id = derived_id("codex", SESSION, size_bytes=16)
    assert {("transcript", trace_id, SESSION)} == {
        (step.dialect, step.trace_id, step.conversation_id) for step in (turn, first, tool, second)
    }
    assert ("Is the bed dry?", "It is dry.") == (turn.input, turn.output)
    assert ("I look at the bed.", "reasoning", "exec_command") == (
        first.stated_reason,
        first.stated_reason_source,
        first.chosen[0]["name"],
    )
    assert (500, 40, 100, 5, "resp_1") == (
        first.input_tokens,
        first.output_tokens,
        first.cache_read_tokens,
        first.reasoning_tokens,
        first.response_id,
    )
    assert ({"cmd": "sensor"}, "dry", "call_1") == (
        tool.tool_arguments,
        tool.tool_result,
        tool.tool_call_id,
    )
    assert "Dig." == second.system_instructions[0]["content"]
    assert 3 == len(second.input_messages)


def test_a_command_that_failed_is_a_failed_call():
    """By its exit code; the model got the output all the same."""
    tool = next(step for step in steps(digging(exit_code=2)) if step.kind == "tool_call")

    assert ("error", "tool_error", "dry") == (tool.status, tool.error_type, tool.error_message)


def test_a_task_that_was_broken_off_failed():
    """What is complete in it is told."""
    turn = steps(digging(ending="turn_aborted"))[0]

    assert ("error", "aborted") == (turn.status, turn.error_type)


@pytest.mark.parametrize("bad", [{}, {"type": "event_msg"}, {"type": "response_item", "payload": {}},
    {"type": "event_msg", "payload": {"type": "item_completed", "item": 7}}])  # fmt: skip
def test_lines_of_another_form_do_no_harm(bad):
    """Versions to come write what they like."""
    lines = digging()
    lines[4:4] = [bad]

    assert 4 == len(steps(lines))


def event(ms, name, **given):
    """One log event, as codex sends those without a trace."""
    given = {
        "event.name": f"codex.{name}",
        "conversation.id": SESSION,
        "model": "gpt-fake-1",
    } | given
    return {"timeUnixNano": str(BASE_NS + ms * 10**6), "attributes": values(given)}


@pytest.mark.slow
@pytest.mark.parametrize("order", ["events first", "rollout first"])
def test_events_and_rollout_are_one_run(collector, tmp_path, order):
    """Two model calls and one tool call, whoever comes first."""
    running = collector()
    path = tmp_path / "rollout-1.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in digging()))

    def events():
        post_logs(
            running.url,
            "codex",
            [
                event(0, "conversation_starts", provider_name="fake"),
                event(20, "sse_event", input_token_count=500, output_token_count=40, ttft_ms=10),
                event(
                    50, "tool_result", call_id="call_1", tool_name="exec_command", duration_ms=20
                ),
                event(90, "sse_event", input_token_count=600, output_token_count=10, ttft_ms=10),
            ],
        )

    def rollout():
        subprocess.run(
            [sys.executable, "-W", "error", "-m", "tellwhy", "import", "codex", str(tmp_path)],
            env={**os.environ, "TELLWHY_ENDPOINT": running.url},
            check=True,
            timeout=60,
        )

    for send in (events, rollout) if order == "events first" else (rollout, events):
        send()
        rest(running)

    runs = "SELECT model_calls, tool_calls, agent_name, status FROM runs"
    assert [[2, 1, "codex", "succeeded"]] == running.ask(runs)
    decision = (
        "SELECT stated_reason, outcome, outcome_result FROM decisions WHERE action = 'tool_call'"
    )
    assert [["I look at the bed.", "succeeded", '"dry"']] == running.ask(decision)
