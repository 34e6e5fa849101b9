"""`tellwhy replay` and `tellwhy export recording`: an unchanged program, its exit status, its report."""

import json
import sys

import pytest

from tellwhy._cli import compare, export, replay
from tellwhy_collector.testing import rows, wait_until_explained

pytestmark = pytest.mark.slow

AGENT = '''
import json, sys
from pathlib import Path
import anthropic, tellwhy

@tellwhy.tool(effect="write")
def find_table(day: str) -> dict:
    """Find a free table."""
    with Path(sys.argv[2]).open("a") as file:
        file.write("ran\\n")
    return {"table": 7, "day": day}

@tellwhy.agent(name="host")
def book(guest: str) -> str:
    """Book a table for a guest."""
    client = anthropic.Anthropic()
    tools = [{"name": "find_table", "description": "Find a free table.", "input_schema": {
        "type": "object", "properties": {"day": {"type": "string"}}, "required": ["day"]}}]
    script = [{"tools": [["find_table", {"day": "Friday"}]]}, {"text": "Table 7 is yours."}]
    messages = [{"role": "user", "content": f"A table for {guest}. <<script:{json.dumps(script)}>>"}]
    while True:
        reply = client.messages.create(model="claude-sonnet-5", max_tokens=200, messages=messages,
                                       tools=tools)
        calls = [block for block in reply.content if block.type == "tool_use"]
        if not calls:
            return reply.content[-1].text
        messages.append({"role": "assistant", "content": reply.content})
        messages.append({"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": call.id,
             "content": json.dumps(find_table(**call.input))} for call in calls]})

print(book(sys.argv[1]))
'''


@pytest.fixture
def program(stage, tmp_path, monkeypatch):
    """The words that run the agent for a guest, in a process of its own; and what its tool did."""
    script, effects = tmp_path / "agent.py", tmp_path / "effects"
    script.write_text(AGENT)
    monkeypatch.setenv("TELLWHY_EXIT_TIMEOUT_S", "20")
    return lambda guest: [sys.executable, str(script), guest, str(effects)], effects


@pytest.fixture
def run_id(stage, program, keeping):
    """A recorded run of it, for Ada."""
    words, _ = program
    return stage.program(keeping, "host", *words("Ada"))[0]


def test_an_unchanged_program_is_identical_and_a_changed_one_says_where(
    program, run_id, capfd, tmp_path
):
    """Status 0 and 1, output of the program before the verdict, JSON beside it, no tool ran."""
    words, effects = program
    verdict = tmp_path / "verdict.json"

    same = replay.run([run_id, "--", *words("Ada")])
    said = capfd.readouterr().out
    other = replay.run([run_id, "--json", str(verdict), "--", *words("Bob")])
    more = capfd.readouterr().out

    assert (0, 1) == (same, other)
    assert said.startswith("Table 7 is yours.\nreplay: IDENTICAL to run")
    assert "2 of 2 model calls and 1 of 1 tool calls" in said
    assert "first divergence" in more
    assert "in book: reply = client.messages.create(" in more
    assert ["request", "not_made", "not_made"] == [
        each["kind"] for each in json.loads(verdict.read_text())["divergences"]
    ]
    assert "ran\n" == effects.read_text()


def test_a_file_needs_no_collector(program, run_id, capfd, tmp_path, monkeypatch):
    """What export writes is enough; the collector is away and nothing else is asked."""
    words, effects = program
    path = tmp_path / "run.jsonl"

    exported = export.run(["recording", run_id, "-o", str(path)])
    monkeypatch.setenv("TELLWHY_ENDPOINT", "http://127.0.0.1:9")
    status = replay.run(["--file", str(path), "--", *words("Ada")])

    assert (0, 0) == (exported, status)
    assert "IDENTICAL" in capfd.readouterr().out
    assert "ran\n" == effects.read_text()


def test_a_recorded_replay_is_a_run_of_its_own(program, run_id, keeping):
    """With --record it arrives, and says of what it is a replay."""
    words, effects = program

    status = replay.run([run_id, "--record", "--", *words("Ada")])
    of = 'SELECT count(*) FROM spans WHERE attributes."tellwhy.replay_of"::VARCHAR = ?'

    assert 0 == status
    assert [(1,)] == rows(keeping.store, of, [run_id])
    assert "ran\n" == effects.read_text()


def test_what_cannot_be_replayed_says_why(program, capfd, tmp_path):
    """An unknown run, a file that is none, a program that is not there or without tellwhy."""
    words, _ = program
    (tmp_path / "no.jsonl").write_text("{}\n")

    statuses = [
        replay.run(["nobody", "--", *words("Ada")]),
        replay.run(["--file", str(tmp_path / "no.jsonl"), "--", *words("Ada")]),
        replay.run(["--file", str(tmp_path / "missing.jsonl"), "--", *words("Ada")]),
    ]
    said = capfd.readouterr().err

    assert [2, 2, 2] == statuses
    assert "There is no run nobody" in said
    assert "has the ids" in said
    assert "has the form None, and this tellwhy reads 1" in said
    assert "missing.jsonl cannot be read" in said


def test_a_program_that_never_imports_tellwhy_is_no_replay(run_id, capfd):
    """There is no verdict on a program that was not watched."""
    status = replay.run([run_id, "--", sys.executable, "-c", "print(1)"])

    assert 2 == status
    assert "never imported tellwhy" in capfd.readouterr().err


def test_a_branch_is_compared_with_its_run(program, run_id, keeping, capfd, tmp_path):
    """Going live with another prompt, stored; the command says what to type, and that tells both."""
    words, _ = program
    edit = tmp_path / "edit.json"
    script = [{"tools": [["find_table", {"day": "Friday"}]]}, {"text": "Nothing is free."}]
    edit.write_text(json.dumps({"$.messages[0].content": f"<<script:{json.dumps(script)}>>"}))
    live = ["--from", "2", "--live", "--edit", str(edit), "--record"]
    status = replay.run([run_id, *live, "--", *words("Ada")])
    said = capfd.readouterr().out
    told = said.partition("stored: `tellwhy compare ")[2].partition("`")[0].split()
    wait_until_explained(keeping.store)
    compared = [compare.run([*told, "--url", keeping.http_url]), compare.run([run_id, run_id])]
    more = capfd.readouterr().out

    assert (0, run_id, [1, 0]) == (status, told[0], compared)
    assert "after is a replay of before, live from step " in more
    assert "  $.messages[0].content = " in more
    assert "  = 1 the same\n" in more
    assert '  ~ 2 answer: "Table 7 is yours."   ← the first difference' in more
    assert '      → answer: "Nothing is free."' in more
    assert "1 the same, 1 other words" in more
    assert 2 == compare.run(["nobody", run_id])
    assert "There is no run 'nobody'" in capfd.readouterr().err
