"""`tellwhy export pytest RUN` writes a test that passes offline, and fails where the agent changed."""

import os
import shlex
import subprocess
import sys

import pytest

from tellwhy._cli import export

pytestmark = pytest.mark.slow

AGENT = '''
import dataclasses, json
import datetime as dt
import anthropic, tellwhy

@dataclasses.dataclass
class Guest:
    name: str
    comes: dt.date

@tellwhy.tool(effect="write")
def find_table(day: str) -> Guest:
    """Find a free table."""
    return Guest("somebody", dt.date(2026, 1, 2))

@tellwhy.agent(name="host")
async def book(guest: Guest, tone: str = "kind") -> str:
    """Book a table for a guest."""
    client = anthropic.AsyncAnthropic()
    tools = [{"name": "find_table", "description": "Find a free table.", "input_schema": {
        "type": "object", "properties": {"day": {"type": "string"}}, "required": ["day"]}}]
    script = [{"tools": [["find_table", {"day": "Friday"}]]}, {"text": "Table 7 is yours."}]
    said = f"Be polite. A table for {guest.name}, {guest.comes}. <<script:{json.dumps(script)}>>"
    messages = [{"role": "user", "content": said}]
    while True:
        reply = await client.messages.create(model="claude-sonnet-5", max_tokens=200, messages=messages,
                                             tools=tools)
        calls = [block for block in reply.content if block.type == "tool_use"]
        if not calls:
            return reply.content[-1].text
        messages.append({"role": "assistant", "content": reply.content})
        messages.append({"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": call.id,
             "content": str(find_table(**call.input))} for call in calls]})

if __name__ == "__main__":
    import asyncio
    print(asyncio.run(book(Guest("Ada", dt.date(2026, 3, 1)))))
'''


@pytest.fixture
def recorded(stage, keeping, tmp_path, monkeypatch):
    """A program, and the id of a recorded run of it."""
    script = tmp_path / "host_agent.py"
    script.write_text(AGENT)
    monkeypatch.setenv("TELLWHY_EXIT_TIMEOUT_S", "20")
    return script, stage.program(keeping, "host", sys.executable, str(script))[0]


@pytest.fixture
def exported(recorded, tmp_path):
    """A recorded program, and the folder of the test that was written for its run."""
    script, run_id = recorded
    assert 0 == export.run(["pytest", run_id, "-o", str(tmp_path / "written here")])
    return script, tmp_path / "written here"


def run_tests(folder, script):
    """Run what was written, with no collector, no model and no key."""
    kept = {name: text for name, text in os.environ.items() if "TELLWHY" not in name}
    places = {"PYTHONPATH": os.pathsep.join([str(script.parent), *sys.path])}
    keys = {"ANTHROPIC_API_KEY": "none", "ANTHROPIC_BASE_URL": "https://nobody.invalid"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)],
        env=kept | places | keys,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_it_runs_as_it_was_said(recorded, tmp_path, monkeypatch, capsys):
    """The line that is printed, typed where the agent's file is."""
    script, run_id = recorded
    monkeypatch.chdir(tmp_path)
    assert 0 == export.run(["pytest", run_id, "-o", "tests of it"])
    said = capsys.readouterr().out.splitlines()[-1]
    words = shlex.split(said.removeprefix("Run it with: "))
    kept = {name: text for name, text in os.environ.items() if "TELLWHY" not in name}
    done = subprocess.run(
        [sys.executable, *words[1:], "-p", "no:cacheprovider"],
        env=kept,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert ["python", "-m", "pytest"] == words[:3]
    assert 0 == done.returncode, done.stdout
    assert "1 passed" in done.stdout
    assert script.exists()


def test_an_exported_test_passes_and_fails_where_the_agent_changed(exported):
    """Green as it is; red with the first divergence when the prompt is another."""
    script, folder = exported
    green = run_tests(folder, script)
    script.write_text(AGENT.replace("Be polite", "Be rude"))
    red = run_tests(folder, script)
    (written,) = folder.glob("test_*.py")
    text = written.read_text()

    assert 0 == green.returncode, green.stdout
    assert "1 passed" in green.stdout
    assert 1 == red.returncode
    assert "DIVERGED from run" in red.stdout
    assert 'was "Be polite' in red.stdout
    assert "'name': 'find_table'" in text
    assert "Guest" in text
