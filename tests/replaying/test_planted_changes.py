"""A program that was changed leaves its recording where the change is, and is told so."""

import json

import anthropic
import pytest
from replayed_loops import ASK, SCHEMA, task

import tellwhy

STEPS = [
    {"tools": [["look_up", {"city": "Oslo"}], ["book", {"city": "Oslo"}]]},
    {"tools": [["look_up", {"city": "Bergen"}]]},
    {"text": "Both are booked."},
]
TOOLS = [
    {"name": name, "description": f"To {name}.", "input_schema": SCHEMA}
    for name in ("look_up", "book")
]


def agent(stage, **changed):
    """An agent of three model calls and three tool calls, with one thing changed."""

    @tellwhy.tool
    def look_up(city: str) -> str:
        stage.effects.append(city)
        return changed.get("result", "rain") + city

    @tellwhy.tool(effect="write")
    def book(city: str) -> str:
        stage.effects.append(city)
        return f"booked {city}"

    @tellwhy.tool(effect="write")
    def note(text: str) -> None:
        stage.effects.append(text)

    tools = {"look_up": look_up, "book": book}
    ask = {**ASK, **changed.get("ask", {})}
    messages = [{"role": "user", "content": changed.get("prompt", "Please. ") + task(*STEPS)}]
    with anthropic.Anthropic() as client:
        for turn in range(1, 9):
            if turn == changed.get("drop_at"):
                messages = messages[:1] + messages[3:]
            reply = client.messages.create(
                messages=messages, tools=changed.get("tools", TOOLS), **ask
            )
            calls = [block for block in reply.content if block.type == "tool_use"]
            if not calls:
                break
            ran = {}
            for call in reversed(calls) if changed.get("reversed") else calls:
                arguments = {**call.input, **changed.get("arguments", {})}
                ran[call.id] = changed.get("edit", str)(tools[call.name](**arguments))
            if not changed.get("silent"):
                note(f"turn {turn}")
            results = [
                {"type": "tool_result", "tool_use_id": call.id, "content": ran[call.id]}
                for call in calls
            ]
            messages = [
                *messages,
                {"role": "assistant", "content": reply.content},
                {"role": "user", "content": results},
            ]
    return reply.content[-1].text


MODEL_1 = "model call 1 (chat claude-sonnet-5)"
MODEL_2 = "model call 2 (chat claude-sonnet-5)"
MODEL_3 = "model call 3 (chat claude-sonnet-5)"

CHANGES = {
    "prompt": ({"prompt": "Now! "}, "request", MODEL_1, "$.messages[0].content was"),
    "offered tools in another order": (
        {"tools": TOOLS[::-1]},
        "request",
        MODEL_1,
        "$.tools has the same 2",
    ),
    "temperature": (
        {"ask": {"extra_body": {"temperature": 0.3}}},
        "request",
        MODEL_1,
        "$.temperature is new: 0.3",
    ),
    "model": (
        {"ask": {"model": "claude-haiku-4-5"}},
        "request",
        MODEL_1,
        '$.model was "claude-sonnet-5"',
    ),
    "tool result": (
        {"edit": lambda said: said.upper()},
        "request",
        MODEL_2,
        '$.messages[2].content[0].content was "rainOslo" and is "RAINOSLO"',
    ),
    "one message dropped": ({"drop_at": 3}, "request", MODEL_3, "$.messages[1] is gone"),
    "tools called in another order": ({"reversed": True}, "order", "tool call 1 (look_up)", ""),
    "a tool's argument": (
        {"arguments": {"city": "Voss"}},
        "tool",
        "tool call 1 (look_up)",
        '$.city was "Oslo" and is "Voss"',
    ),
    "a tool not called any more": ({"silent": True}, "not_made", "tool call 3 (note)", ""),
}


@pytest.mark.parametrize("name", CHANGES)
def test_the_first_divergence_is_where_the_change_is(stage, name):
    """Kind, recorded step and difference of each planted change; no tool has run."""
    changed, kind, recorded, difference = CHANGES[name]

    played = stage.play(agent, lambda stage: agent(stage, **changed))
    first = played.verdict.first

    assert first is not None
    assert (kind, recorded) == (first.kind, first.recorded)
    assert difference in "\n".join(first.differences)
    assert (0, 0) == (played.ran, played.requests)
    assert "test_planted_changes.py" in first.place


def test_a_change_inside_a_tool_changes_nothing(stage):
    """Its body does not run: what it gave is what was recorded."""
    played = stage.play(agent, lambda stage: agent(stage, result="snow"))

    assert played.verdict.identical
    assert 0 == played.ran


def test_what_is_new_is_refused(stage):
    """Another code path that calls a tool which the recording does not have."""

    def other(stage):
        @tellwhy.tool(effect="irreversible")
        def drop_everything(table: str) -> None:
            stage.effects.append(table)

        drop_everything("orders")

    played = stage.play(agent, other)

    assert "tool" == played.verdict.first.kind
    assert "the tool drop_everything was called" in played.verdict.first.what
    assert 0 == played.ran


def test_the_program_cannot_swallow_a_divergence(stage):
    """An agent that goes on after every Exception is stopped all the same."""

    def stubborn(stage):
        try:
            return agent(stage, prompt="Now! ")
        except Exception:
            return "went on"

    played = stage.play(agent, stubborn)

    assert played.again is None
    assert not played.verdict.identical


def test_the_report_says_where_and_what(stage):
    """Kind, line of the program, recorded step, difference, and what came later."""
    from tellwhy._replay.report import text_of

    played = stage.play(agent, lambda stage: agent(stage, ask={"extra_body": {"temperature": 0.3}}))
    said = text_of(played.verdict)

    assert "replay: DIVERGED from run" in said
    assert "reply = client.messages.create(" in said
    assert "$.temperature is new: 0.3" in said
    assert "later (7)" in said, json.dumps(played.verdict.as_dict(), indent=1)
