"""Long sessions: what is sent grows with the session, and every call has its whole request."""

import json
import os
import subprocess
import sys

import pytest
from lines import NEW, OLD, Session, say, use
from test_joined import imported, rest
from test_rollouts import line
from whole import whole_steps

from tellwhy._transcripts.claude_code import Transcript
from tellwhy._transcripts.codex import Rollout
from tellwhy._transcripts.told import request_bytes
from tellwhy_collector.decode import decode


def gardening(prompts, version=NEW):
    """So many prompts in one session, each with a tool call."""
    session = Session(version)
    for number in range(prompts):
        session.prompt = f"aaaaaaaa-0000-4000-8000-{number:012d}"
        session.ask(f"Is bed {number} dry?")
        call = use(f"toolu_{number}", "Bash", {"command": f"sensor {number}"})
        session.answer(2 * number, say("I look."), call)
        session.result(f"toolu_{number}", f"bed {number} is dry " + "and sandy " * 40)
        session.answer(2 * number + 1, say(f"Bed {number} is dry."))
    return session


def digging(tasks):
    """So many tasks in one rollout of codex, each with a command."""
    lines, ms = (
        [line(0, "session_meta", id="s", base_instructions={"text": "Dig."})],
        iter(range(999)),
    )
    for number in range(tasks):
        lines += [
            line(next(ms), "event_msg", type="task_started", turn_id=f"t{number}"),
            line(next(ms), "turn_context", model="gpt-fake-1"),
            line(next(ms), "response_item", type="message", role="user", content=[
                {"type": "input_text", "text": f"Dig hole {number}."}]),
            line(next(ms), "response_item", type="function_call", call_id=f"c{number}", name="dig",
                arguments=json.dumps({"hole": number})),
            line(next(ms), "response_item", type="function_call_output", call_id=f"c{number}",
                output=f"hole {number} " + "and earth " * 40),
            line(next(ms), "response_item", type="message", role="assistant", id=f"m{number}",
                content=[{"type": "output_text", "text": f"Dug {number}."}]),
            line(next(ms), "event_msg", type="task_complete", turn_id=f"t{number}",
                last_agent_message=f"Dug {number}."),
        ]  # fmt: skip
    return lines


def sent(lines, reader):
    """The bytes that tell of them."""
    told = [each for one in lines for each in reader.feed(one)]
    return request_bytes([*told, *reader.finish()], "program", "1")


def claude(prompts, version=NEW):
    """Bytes of so many prompts."""
    return sent(gardening(prompts, version).lines, Transcript("file", {}, {}))


def codex(tasks):
    """Bytes of so many tasks."""
    return sent(digging(tasks), Rollout())


@pytest.mark.parametrize("told", [claude, lambda n: claude(n, OLD), codex])
def test_twice_as_long_a_session_is_twice_as_much_to_send(told):
    """The sender tells each message once; it does not repeat the conversation with every call."""
    short, long = len(told(40)), len(told(80))

    assert long < 2.1 * short


@pytest.mark.parametrize(
    ("told", "prompts"), [(claude, 30), (lambda n: claude(n, OLD), 30), (codex, 30)]
)
def test_every_call_has_the_whole_conversation(told, prompts):
    """All that was said before, in its order, the newest at the end; and the same instructions."""
    decoded = decode(told(prompts), signal="traces", encoding="protobuf")
    calls = [step for step in whole_steps(decoded.records) if step.kind == "model_call"]
    last = calls[-1].input_messages
    asked = [
        part["content"]
        for m in last
        for part in m["parts"]
        if m["role"] == "user" and part["type"] == "text"
    ]
    results = [
        part["response"]
        for m in last
        for part in m["parts"]
        if part["type"] == "tool_call_response"
    ]

    assert 2 * prompts == len(calls)
    assert [str(number) in text for number, text in enumerate(asked)] == [True] * prompts
    assert [str(number) in text for number, text in enumerate(results)] == [True] * prompts
    assert 4 * prompts - 1 == len(last)
    assert calls[0].system_instructions == calls[-1].system_instructions
    assert calls[0].tools_offered == calls[-1].tools_offered


def test_after_a_compaction_a_request_is_told_whole():
    """What came before is not in it any more, so nothing is taken from there."""
    session = gardening(3, OLD)
    session.write("system", subtype="compact_boundary", compactMetadata={"trigger": "auto"})
    session._conversation.clear()
    session.ask("In short: all is dry.", isCompactSummary=True)
    session.prompt = "aaaaaaaa-0000-4000-8000-00000000ffff"
    session.ask("And the trees?")
    session.answer(90, say("They too."))
    decoded = decode(
        sent(session.lines, Transcript("f", {}, {})), signal="traces", encoding="protobuf"
    )
    last = [step for step in whole_steps(decoded.records) if step.kind == "model_call"][-1]

    texts = [part["content"] for message in last.input_messages for part in message["parts"]]
    assert ["In short: all is dry.", "And the trees?"] == texts


WHOLE = """
    SELECT json_array_length(input_messages), json_array_length(tools_offered) FROM model_calls
    ORDER BY start_ns"""


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_collector_that_was_started_anew_goes_on_from_what_it_has(collector, tmp_path):
    """The session grows meanwhile; `renormalise` puts the same together from the raw spans."""
    session = gardening(3)
    folder = tmp_path / "transcripts"
    more, session.lines = session.lines, session.lines[: len(session.lines) * 2 // 3]
    session.save(folder)
    running = collector()
    imported(running, folder)
    rest(running)
    running.stop()
    session.lines = more
    session.save(folder)
    running = collector()
    imported(running, folder)
    rest(running)
    expected = [[2 * number + 1, 1] for number in range(6)]
    assert expected == running.ask(WHOLE)

    running.stop()
    done = subprocess.run(
        [sys.executable, "-m", "tellwhy", "renormalise", "--database", str(running.database)],
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert 0 == done.returncode, done.stderr
    assert expected == collector().ask(WHOLE)
