"""From one decorator to SQL, through real processes, also when the collector is killed or absent."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[1] / "examples"

AGENT = '''
import json, sys
import anthropic, tellwhy

@tellwhy.tool(effect="read")
def find_table(day: str) -> dict:
    """Find a free table."""
    return {"table": 7, "day": day}

@tellwhy.agent(name="host")
def book(guest: str) -> str:
    """Book a table for a guest."""
    client = anthropic.Anthropic()
    tools = [{"name": "find_table", "description": "Find a free table.", "input_schema": {
        "type": "object", "properties": {"day": {"type": "string"}}, "required": ["day"]}}]
    script = [{"think": "I need a table.", "tools": [["find_table", {"day": "Friday"}]]},
              {"text": "Table 7 is yours."}]
    messages = [{"role": "user", "content": f"A table for {guest}. <<script:{json.dumps(script)}>>"}]
    while True:
        reply = client.messages.create(model="claude-sonnet-5", max_tokens=2000, messages=messages,
                                       thinking={"type": "adaptive"}, tools=tools)
        calls = [block for block in reply.content if block.type == "tool_use"]
        if not calls:
            return reply.content[-1].text
        messages.append({"role": "assistant", "content": reply.content})
        messages.append({"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": call.id,
             "content": json.dumps(find_table(**call.input))} for call in calls]})

for line in sys.stdin:
    print(book(line.strip()), flush=True)
'''
"""An agent that works on one task per line of its standard input."""


@pytest.fixture
def start_agent(tmp_path, agent_environment):
    """Start agents that report to an address; those that still run after the test are ended."""
    path = tmp_path / "host_agent.py"
    path.write_text(AGENT)
    running = []

    def start(collector_url: str, **variables: str) -> subprocess.Popen:
        running.append(
            subprocess.Popen(
                [sys.executable, str(path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=agent_environment | {"TELLWHY_ENDPOINT": collector_url} | variables,
            )
        )
        return running[-1]

    yield start
    for one in running:
        if one.poll() is None:
            one.kill()
            one.communicate()


def do_task(agent: subprocess.Popen, guest: str) -> str:
    """Give the agent one task and wait for its answer."""
    agent.stdin.write(f"{guest}\n")
    agent.stdin.flush()
    return agent.stdout.readline().strip()


def test_a_decorated_agent_becomes_rows(collector, start_agent):
    """One run: the decision, what was offered, the stated reason, the tool call and its result."""
    running = collector()
    agent = start_agent(running.url)
    assert do_task(agent, "Ada") == "Table 7 is yours."
    assert agent.communicate(timeout=30) == ("", "")
    assert agent.returncode == 0
    running.wait_for(
        [["host", "succeeded", 2, 1]],
        "SELECT agent_name, status, model_calls, tool_calls FROM runs",
    )
    assert running.ask(
        "SELECT choice_index, action, chosen, json_extract_string(arguments, '$.day'),"
        " stated_reason, outcome FROM decisions ORDER BY start_ns"
    ) == [
        [0, "tool_call", "find_table", "Friday", "I need a table.", "succeeded"],
        [0, "answer", None, None, None, "succeeded"],
    ]
    assert running.ask(
        "SELECT t.tool_name, json_extract(t.result, '$.table')::INT, t.tool_effect,"
        " m.kind FROM tool_calls t JOIN steps m ON m.span_id = t.decided_by"
    ) == [["find_table", 7, "read", "model_call"]]


def test_the_file_holds_what_was_answered(collector, start_agent):
    """After a clean stop the database file can be read by DuckDB itself and has every step."""
    import duckdb

    running = collector()
    agent = start_agent(running.url)
    do_task(agent, "Ada")
    agent.communicate(timeout=30)
    steps = running.ask("SELECT count(*) FROM steps")[0][0]
    assert running.stop() == 0
    with duckdb.connect(str(running.database), read_only=True) as file:
        assert file.execute("SELECT count(*) FROM steps").fetchall() == [(steps,)]
    assert steps == 4


def test_a_killed_collector_costs_nothing(collector, start_agent):
    """Runs from before, during and after a collector's death are all there, each once."""
    first = collector()
    agent = start_agent(first.url)
    do_task(agent, "Ada")
    first.wait_for([["succeeded", 1]], "SELECT status, count(*) FROM runs GROUP BY ALL")
    first.kill()
    assert do_task(agent, "Grace") == "Table 7 is yours."
    second = collector(first.database, first.port)
    assert do_task(agent, "Edsger") == "Table 7 is yours."
    second.wait_for([["succeeded", 3]], "SELECT status, count(*) FROM runs GROUP BY ALL")
    agent.communicate(timeout=30)
    assert second.ask("SELECT count(*), count(DISTINCT (trace_id, span_id)) FROM steps") == [
        [12, 12]
    ]


def test_without_a_collector_the_agent_is_unharmed(start_agent):
    """Nobody listens: the agent's answers and exit status are as ever, and one line is logged."""
    import socket

    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        agent = start_agent(url, TELLWHY_EXIT_TIMEOUT_S="0.8")
        assert do_task(agent, "Ada") == "Table 7 is yours."
        assert do_task(agent, "Grace") == "Table 7 is yours."
        _, said = agent.communicate(timeout=30)
    assert agent.returncode == 0
    lines = [line for line in said.splitlines() if line.strip()]
    assert len(lines) == 1, said
    assert "127.0.0.1" in lines[0]


def test_every_example_runs(collector, agent_environment):
    """Each file in examples/ ends well against the scripted model and leaves its run."""
    running = collector()
    variables = {"TELLWHY_ENDPOINT": running.url, "OTEL_EXPORTER_OTLP_ENDPOINT": running.url}
    started = {
        path.name: subprocess.Popen(
            [sys.executable, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=agent_environment | variables,
        )
        for path in sorted(EXAMPLES.glob("*.py"))
    }
    assert started
    for name, process in started.items():
        _, complaint = process.communicate("y\n", timeout=90)
        assert (process.returncode, complaint) == (0, ""), name
    running.wait_for(
        [["succeeded", len(started)]], "SELECT status, count(*) FROM runs GROUP BY ALL"
    )
