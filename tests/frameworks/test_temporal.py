"""Temporal on a real server: each step once, whatever is run again, and the same out of a history."""

import subprocess
import sys
import time

import environments
import facts
import pytest

pytestmark = [pytest.mark.frameworks, pytest.mark.slow, pytest.mark.timeout(1200)]

PARENT = "SELECT run_id FROM runs WHERE agent_name = 'Parent'"
FACTS = {
    "runs": (
        "SELECT agent_name, status, conversation_id FROM runs ORDER BY start_ns",
        [
            ["Parent", "succeeded", "parent-1"],
            ["desk", "succeeded", "desk-1"],
            ["Loop", "succeeded", "desk-1"],
            ["Loop", "succeeded", "desk-1"],
            ["Broken", "failed", "broken-1"],
            ["Waiting", "running", "waiting-1"],
        ],
    ),
    "a run is told once": (
        "SELECT agent_name, count(*) FROM steps WHERE kind = 'agent' GROUP BY ALL ORDER BY ALL",
        [["Broken", 1], ["Child", 1], ["Loop", 2], ["Parent", 1], ["Waiting", 1], ["desk", 1]],
    ),
    "attempts": (
        f"""SELECT s.status, s.error_message, p.attributes."tellwhy.node.attempt"::INT,
            p.attributes."tellwhy.activity.heartbeats"::INT
        FROM steps s JOIN spans p USING (trace_id, span_id)
        WHERE s.name = 'activity flaky' AND run_id IN ({PARENT}) ORDER BY s.start_ns""",
        [
            ["error", "A-17 is locked", 1, 1],
            ["error", "A-17 is locked", 2, 1],
            ["ok", None, 3, 1],
        ],
    ),
    "arguments and results": (
        """SELECT input, output FROM steps
        WHERE name IN ('activity flaky', 'activity near') AND status = 'ok' ORDER BY start_ns""",
        [['{"order":"A-17"}', '"A-17 is packed"'], ['{"order":"A-17"}', '"A-17"']],
    ),
    "the result of a run": (
        "SELECT input, output FROM runs WHERE agent_name = 'Parent'",
        [['{"order":"A-17"}', '["A-17 is packed","A-17","A-17: two coats","gift wrap","reject"]']],
    ),
    "timers": (
        """SELECT s.name, p.attributes."tellwhy.wait.timeout_s"::DOUBLE, s.status FROM steps s
        JOIN spans p USING (trace_id, span_id) WHERE s.operation = 'timer' ORDER BY s.start_ns""",
        [["timer timer", 0.2, "ok"], ["timer cooling", 0.1, "ok"]],
    ),
    "waits": (
        """SELECT name, status, process_instance IS NULL FROM steps
        WHERE operation = 'wait' ORDER BY start_ns""",
        [
            ["wait a note", "ok", True],
            ["wait wait", "ok", True],
            ["wait the manager", "pending", True],
        ],
    ),
    "a signal that decides nothing": (
        "SELECT name, kind, input FROM steps WHERE operation = 'signal'",
        [["signal note", "other", '["gift wrap"]']],
    ),
    "an update that answers": (
        "SELECT decision, approver, approver_kind, wait_ns > 0 FROM approvals",
        [["denied", "maya", "unknown", True]],
    ),
    "an activity under a model's id": (
        "SELECT tool_name, tool_call_id, agent_name FROM tool_calls",
        [["lookup", "toolu_17", "Child"]],
    ),
    "a child is an agent inside": (
        f"""SELECT c.agent_name, p.agent_name FROM steps c JOIN steps p
        ON c.parent_span_id = p.span_id WHERE c.agent_name = 'Child' AND c.kind = 'agent'
        AND c.run_id IN ({PARENT})""",
        [["Child", "Parent"]],
    ),
    "it goes on as new": (
        """SELECT count(*) FROM steps s JOIN spans p USING (trace_id, span_id)
        JOIN steps before ON before.turn_id = p.attributes."tellwhy.continued_from"::VARCHAR
        AND before.kind = 'agent' WHERE s.agent_name = 'Loop' AND s.kind = 'agent'""",
        [[1]],
    ),
    "nothing is lost": ("SELECT count(*) FROM gaps", [[0]]),
}


ALIKE = (
    "timers", "a signal that decides nothing", "an update that answers",
    "an activity under a model's id", "a child is an agent inside", "it goes on as new",
)  # fmt: skip
IN_HISTORIES = {name: FACTS[name][1] for name in ALIKE} | {
    "runs": [row for row in FACTS["runs"][1] if row[0] != "desk"],
    "the result of a run": [['{"args":["A-17"]}', FACTS["the result of a run"][1][0][1]]],
}
"""What a history tells as the workers do; names of arguments are not in it."""


def imported(folder, running):
    """Import the histories in *folder* as the command does; what it says."""
    files = sorted(map(str, folder.glob("*.json")))
    done = subprocess.run(
        [sys.executable, "-m", "tellwhy", "import", "temporal-history", *files],
        env=environments.variables(running.url) | {"PYTHONPATH": str(environments.TRACER)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def at_rest(running):
    """Wait until the collector has looked at everything."""
    deadline = time.monotonic() + 60
    while running.ask(facts.AT_REST) != [[True]]:
        assert time.monotonic() < deadline, "the traces did not come to rest"
        time.sleep(0.05)


def test_every_path_of_a_workflow(collector, tmp_path):
    """Retries, timers, children, answers and new runs, with a worker that forgets after each task."""
    environments.python_of("temporal")
    running = collector()
    said = environments.run(
        "temporal", "temporal_paths.py", environments.variables(running.url), str(tmp_path)
    )
    assert said.strip().endswith("6"), said
    at_rest(running)

    assert {name: expected for name, (_, expected) in FACTS.items()} == {
        name: running.ask(sql) for name, (sql, _) in FACTS.items()
    }
    before = running.ask("SELECT count(*) FROM steps")
    assert "6 histories" in imported(tmp_path, running)
    at_rest(running)
    assert before == running.ask("SELECT count(*) FROM steps")

    alone = collector(tmp_path / "alone.duckdb")
    imported(tmp_path, alone)
    imported(tmp_path, alone)
    at_rest(alone)
    assert IN_HISTORIES == {name: alone.ask(FACTS[name][0]) for name in IN_HISTORIES}


def test_beside_temporals_own_interceptor(ask_after):
    """Each run, activity and signal is one step, and the decisions are the same."""
    ask = ask_after("temporal", "run_temporal.py", "", "temporalio.contrib.opentelemetry")

    own = "SELECT count(*) > 10 FROM steps WHERE dialect = 'temporal'"
    counted = """SELECT operation, count(*) FROM steps WHERE duplicate_of IS NULL
        AND operation IN ('invoke_agent', 'RunWorkflow', 'CompleteWorkflow', 'activity', 'RunActivity',
        'StartActivity', 'execute_tool', 'approve', 'HandleSignal') GROUP BY ALL ORDER BY ALL"""
    assert [
        [[True]],
        [["activity", 4], ["approve", 1], ["execute_tool", 3], ["invoke_agent", 2]],
    ] == [
        ask(own),
        ask(counted),
    ]
    decided = "SELECT approval_decision, outcome FROM decisions WHERE chosen = 'pay'"
    assert [["approved", "succeeded"]] == ask(decided)


ELSEWHERE = {
    "runs": (
        "SELECT agent_name, status, conversation_id FROM runs ORDER BY start_ns",
        [
            ["desk", "succeeded", "desk-7"],
            ["Trip", "succeeded", "desk-7"],
            ["Ride", "succeeded", "desk-7"],
            ["Given", "failed", "given-2"],
        ],
    ),
    "a run is told once": (
        "SELECT agent_name, count(*) FROM steps WHERE kind = 'agent' GROUP BY ALL ORDER BY ALL",
        [["Given", 1], ["Ride", 2], ["Trip", 1], ["desk", 1]],
    ),
    "attempts": (
        """SELECT agent_name, name, count(*) > 1, count(*) FILTER (status = 'ok') FROM steps
        WHERE operation = 'activity' GROUP BY ALL ORDER BY ALL""",
        [
            ["Given", "activity endless", False, 0],
            ["Given", "activity slow", True, 1],
            ["Trip", "activity crunch", False, 1],
            ["Trip", "activity near", True, 1],
            ["Trip", "activity slow", True, 1],
        ],
    ),
    "a tool in a pool of processes": (
        """SELECT t.tool_name, p.name, p.agent_name FROM tool_calls t
        JOIN steps s ON s.span_id = t.span_id JOIN steps p ON p.span_id = s.parent_span_id""",
        [["weigh", "activity crunch", "Trip"]],
    ),
    "a wait that two workers saw": (
        "SELECT name, status FROM steps WHERE operation IN ('wait', 'signal') ORDER BY start_ns",
        [["wait departure", "ok"], ["signal go", "ok"]],
    ),
    "questions are no steps": ("SELECT count(*) FROM steps WHERE name LIKE '%where%'", [[0]]),
    "cancelled": (
        "SELECT split_part(error_type, '.', -1) FROM runs WHERE agent_name = 'Given'",
        [["CancelledError"]],
    ),
    "nothing is lost": ("SELECT count(*) FROM gaps", [[0]]),
}


def test_a_worker_that_is_killed_tells_nothing_twice(collector):
    """Plugins, a pool of processes, queries, a cancelled run; another process goes on with the run."""
    running = collector()
    environments.run(
        "temporal", "temporal_elsewhere.py", environments.variables(running.url), running.url
    )
    at_rest(running)

    assert {name: expected for name, (_, expected) in ELSEWHERE.items()} == {
        name: running.ask(sql) for name, (sql, _) in ELSEWHERE.items()
    }
