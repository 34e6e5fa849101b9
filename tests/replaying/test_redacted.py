"""Secrets of requests, answers and results are in no table, and a replay is the same without them."""

import json

import anthropic
from replayed_loops import ASK, SCHEMA, task

import tellwhy
from tellwhy_collector.testing import rows

SECRET = "sk-ant-api03-" + "Zq4uW8yXb2" * 9 + "AA"
"""A key by its looks."""


def leaky(stage):
    """A prompt, an answer that comes in pieces, arguments, a result, an error: all hold the secret."""

    @tellwhy.tool
    def look_up(city: str, password: str = "") -> dict:
        stage.effects.append(city)
        if city == "Voss":
            raise ValueError(f"no such key: {SECRET}")
        return {"key": f"it is {SECRET}", "password": "hunter2 is it", "raw": SECRET.encode()}

    steps = [
        {"text": f"Your key is {SECRET}.", "tools": [["look_up", {"city": SECRET}]]},
        {"text": f"Again: {SECRET}"},
    ]
    messages = [{"role": "user", "content": f"My key is {SECRET}. {task(*steps)}"}]
    tools = [{"name": "look_up", "description": "Find.", "input_schema": SCHEMA}]
    with anthropic.Anthropic() as client:
        with client.messages.stream(messages=messages, tools=tools, **ASK) as stream:
            reply = stream.get_final_message()
        (call,) = [block for block in reply.content if block.type == "tool_use"]
        found = look_up(**call.input, password="hunter2 is it")
        messages += [
            {"role": "assistant", "content": reply.content},
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": call.id, "content": str(found["key"])}
                ],
            },
        ]
        last = client.messages.create(messages=messages, tools=tools, **ASK)
    try:
        look_up("Voss")
    except ValueError as error:
        return [reply.content[0].text, last.content[0].text, found, str(error)]


def test_a_run_full_of_secrets_is_kept_and_replayed_without_them(stage, keeping):
    """No piece of it in the recording or in any table; the replay is identical, with [redacted]."""
    first, path = stage.record(leaky)
    again, verdict = stage.replay(leaky, path)
    tables = ("exchanges", "contents", "recorded_values")
    kept = [str(row) for name in tables for row in rows(keeping.store, f"SELECT * FROM {name}")]

    assert SECRET in json.dumps(first, default=str)
    assert [] == [
        row for row in [*kept, path.read_text()] if SECRET[:40] in row or "hunter2" in row
    ]
    assert [] == verdict.divergences
    assert SECRET[:40] not in json.dumps(again, default=str)
    assert "Your key is [redacted]." in again[0]
