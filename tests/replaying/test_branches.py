"""From a decision on everything is live, with one thing changed: what was before stays recorded."""

import json

import anthropic
import pytest
from replayed_loops import ASK, SCHEMA, task

import tellwhy
from tellwhy._replay.edits import UnusableEdit, edited
from tellwhy._replay.recording import UnusableRecording
from tellwhy_collector.testing import rows, wait_until_explained

STEPS = [
    {"tools": [["look_up", {"city": "Oslo"}]]},
    {"tools": [["book", {"city": "Oslo"}]]},
    {"text": "Booked."},
]
TOOLS = [
    {"name": name, "description": f"To {name}.", "input_schema": SCHEMA}
    for name in ("look_up", "book", "cancel")
]


def agent(stage):
    """Three model calls: one that reads, one that writes, an answer."""

    @tellwhy.tool(effect="read")
    def look_up(city: str) -> str:
        stage.effects.append(f"look up {city}")
        return f"room in {city}"

    @tellwhy.tool(effect="write")
    def book(city: str) -> str:
        stage.effects.append(f"book {city}")
        return f"booked {city}"

    tools = {"look_up": look_up, "book": book}
    messages = [{"role": "user", "content": task(*STEPS)}]
    with anthropic.Anthropic() as client:
        while True:
            reply = client.messages.create(messages=messages, tools=TOOLS, **ASK)
            calls = [block for block in reply.content if block.type == "tool_use"]
            if not calls:
                return reply.content[-1].text
            results = [
                {
                    "type": "tool_result",
                    "tool_use_id": call.id,
                    "content": tools[call.name](**call.input),
                }
                for call in calls
            ]
            messages = [
                *messages,
                {"role": "assistant", "content": reply.content},
                {"role": "user", "content": results},
            ]


def instead(*steps):
    """An edit that makes the scripted model answer otherwise."""
    return {"$.messages[0].content": task(*steps)}


def test_what_is_before_is_recorded_and_what_is_after_is_live(stage):
    """Two requests go out; the tool that writes is not run again, the answer is the same."""
    played = stage.play(agent, live_from="2")

    assert ("Booked.", True) == (played.again, played.verdict.identical)
    assert (0, 2) == (played.ran, played.requests)
    assert (1, 2) == (played.verdict.model_calls, played.verdict.live_requests)
    assert not played.verdict.flipped
    assert ['book({"city": "Oslo"})', "answer"] == [
        each["now"] for each in played.verdict.decisions
    ]


def test_an_edit_flips_a_decision_and_both_are_told(stage):
    """The model looks up another town instead of booking: that tool reads, and runs."""
    first = {"tools": [["look_up", {"city": "Oslo"}]]}
    edit = instead(first, {"tools": [["look_up", {"city": "Voss"}]]}, {"text": "Full."})
    played = stage.play(agent, live_from="2", edits=edit)

    assert "Full." == played.again
    assert played.verdict.flipped
    assert {"recorded": 'book({"city": "Oslo"})', "now": 'look_up({"city": "Voss"})'} == (
        played.verdict.decisions[0]
    )
    assert ["look up Voss"] == stage.effects[-1:]
    assert "FLIPPED a decision of run" in str(played.verdict)
    assert '≠ look_up({"city": "Voss"})' in str(played.verdict)


def test_a_tool_that_writes_stays_as_recorded_unless_it_is_named(stage):
    """Another booking than the recorded one is refused; named, it runs."""
    first = {"tools": [["look_up", {"city": "Oslo"}]]}
    edit = instead(first, {"tools": [["book", {"city": "Voss"}]]}, {"text": "Done."})
    refused = stage.play(agent, live_from="2", edits=edit)
    allowed = stage.play(agent, live_from="2", edits=edit, live_tools=("book",))

    assert ("tool", 0) == (refused.verdict.first.kind, refused.ran)
    assert ("Done.", 1, True) == (allowed.again, allowed.ran, allowed.verdict.identical)


def test_before_the_live_part_the_recording_holds(stage):
    """A program that was changed does not get as far as going live."""
    played = stage.play(agent, lambda stage: anthropic.Anthropic().messages.create(
        messages=[{"role": "user", "content": "Hello"}], **ASK
    ), live_from="3")  # fmt: skip

    assert ("request", 0) == (played.verdict.first.kind, played.requests)


def test_a_step_that_is_none_is_refused(stage):
    """Before anything runs; the message says which there are."""
    _, path = stage.record(agent)

    with pytest.raises(UnusableRecording, match="9 is no model call of run"):
        stage.replay(agent, path, live_from="9")


def test_edits_change_what_a_path_leads_to():
    """Set, add, take away; a path that leads nowhere, or is none, is refused."""
    body = {"model": "a", "messages": [{"content": [{"text": "x"}]}], "tools": [{"name": "t"}]}
    made = edited(
        body, {"$.model": "b", "messages[0].content[-1].text": "y", "$.tools[0]": None, "$.k": 1}
    )

    assert {"model": "b", "messages": [{"content": [{"text": "y"}]}], "tools": [], "k": 1} == made
    assert "a" == body["model"]
    for path in ("$.messages[3].content", "$.model.name", "messages[", "", "$.a..b"):
        with pytest.raises(UnusableEdit):
            edited(json.loads(json.dumps(body)), {path: 1})


def test_a_tool_that_runs_live_is_asked_for(stage):
    """An approval is given again in the recorded part, and asked for in the live one."""
    asked = []

    def ask(question):
        asked.append(question)
        return True

    def careful(stage):
        @tellwhy.tool(effect="read", needs_approval=ask)
        def look_up(city: str) -> str:
            stage.effects.append(city)
            return city

        messages = [{"role": "user", "content": task({"text": "Hello."})}]
        with anthropic.Anthropic() as client:
            before = look_up("Oslo")
            client.messages.create(messages=messages, **ASK)
            return [before, look_up("Voss")]

    _, path = stage.record(careful)
    asked.clear()
    given, verdict = stage.replay(careful, path, live_from="1")

    assert (["Oslo", "Voss"], 1) == (given, len(asked))
    assert ["Oslo", "Voss", "Voss"] == stage.effects
    assert verdict.identical


def test_a_recorded_branch_is_kept_beside_its_run(stage, keeping):
    """Parent, step, edits without their secrets, and the decisions of both in pairs."""
    first = {"tools": [["look_up", {"city": "Oslo"}]]}
    edit = instead(first, {"tools": [["look_up", {"city": "Voss"}]]}, {"text": "Full."})
    edit["$.metadata"] = {"user_id": "sk-ant-api03-0123456789abcdefghijklmnop"}
    stage.play(agent, live_from="2", edits=edit, record=True)
    assert tellwhy.flush(20)
    wait_until_explained(keeping.store)
    parent = "SELECT run_id FROM runs r WHERE r.run_id = b.parent_run_id"
    said = "SELECT ({}), from_span_id, edits, live_tools, pairs, same, first_place FROM branches b"
    (found,) = rows(keeping.store, said.format(parent) + " ORDER BY start_ns DESC LIMIT 1")
    pairs = rows(
        keeping.store,
        "SELECT d.change, d.differences FROM branch_decisions d JOIN branches b USING (run_id)"
        " WHERE b.start_ns = (SELECT max(start_ns) FROM branches) ORDER BY d.place",
    )

    assert found[0] is not None
    assert (16, "[]", (3, 1, 1)) == (len(found[1]), found[3], found[4:])
    assert "Voss" in json.loads(found[2])["$.messages[0].content"]
    assert "0123456789abcdefghij" not in found[2]
    assert [("same", "[]"), ("chosen", "[]"), ("answer_text", "[]")] == pairs
