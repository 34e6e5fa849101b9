"""`tellwhy run` against a real collector: the view of jobs, lost ones, and the guide's questions."""

import contextlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tellwhy_viewer.client import Collector
from tellwhy_viewer.queries.health import SCHEDULES

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

GUIDE = Path(__file__).parents[2] / "docs/guides/schedules.md"
RESULT = {
    "type": "result",
    "subtype": "error_max_turns",
    "is_error": True,
    "num_turns": 2,
    "session_id": "s-1",
    "total_cost_usd": 0.25,
    "terminal_reason": "max_turns",
    "errors": ["Reached maximum number of turns (2)"],
    "permission_denials": [
        {"tool_name": "Bash", "tool_use_id": "toolu_1", "tool_input": {"command": "rm -r bed"}}
    ],
}


def environment(running, folder):
    """Variables of the wrapper."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("CLAUDE_CODE")}
    return kept | {
        "TELLWHY_ENDPOINT": running.url,
        "TELLWHY_SPOOL_DIR": str(folder / "spool"),
        "TELLWHY_EXIT_TIMEOUT_S": "20",
    }


def job(running, folder, *words):
    """One job to its end."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "tellwhy", "run", *words],
        env=environment(running, folder),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def stand_in(folder):
    """A program named claude that prints one result and fails."""
    path = folder / "claude"
    path.write_text(f"#!{sys.executable}\nprint({json.dumps(RESULT)!r})\nraise SystemExit(1)\n")
    path.chmod(0o755)
    return path


def test_jobs_are_rows_and_the_guides_questions_have_answers(collector, tmp_path):
    """How each ended, in the agent's own words, by schedule; the viewer's table says the same."""
    running = collector()
    job(running, tmp_path, "--schedule-name", "nightly-deps", "--", "true")
    claude = stand_in(tmp_path)
    words = ["-p", "Update", "--output-format", "json"]
    done = job(running, tmp_path, "--schedule-name", "nightly-deps", "--", str(claude), *words)
    assert (1, RESULT) == (done.returncode, json.loads(done.stdout))

    running.wait_for(
        [
            ["nightly-deps", "succeeded", None, None, 0, None, None],
            ["nightly-deps", "failed", "error_max_turns", "max_turns", 1, 2, 0.25],
        ],
        """SELECT schedule_name, status, error_type, stop_reason, exit_code, turns, stated_cost_usd
        FROM job_runs ORDER BY start_ns""",
    )
    with contextlib.closing(Collector(running.url)) as client:
        asked = SCHEDULES.bind(agent=None, since_ns=0)
        (row,) = client.sql(SCHEDULES.sql, asked).dicts()
    assert ("nightly-deps", 2, 0.5, "failed", [0, 1]) == tuple(
        row[name] for name in ("name", "runs", "succeeded", "last_status", "failures")
    )
    running.wait_for(
        [["s-1", "failed"]], "SELECT conversation_id, status FROM runs WHERE status = 'failed'"
    )
    week, stopped, silent, denied = re.findall(r"```sql\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    assert [["nightly-deps", 2, 1, 0, 0.25]] == running.ask(week)
    assert "Reached maximum number of turns (2)" in running.ask(stopped)[0]
    assert [] == [row for row in running.ask(silent) if row[2] is None]
    assert [["nightly-deps", "Bash", '{"command":"rm -r bed"}']] == [
        row[1:] for row in running.ask(denied)
    ]


def test_a_wrapper_that_was_killed_leaves_a_lost_run(collector, tmp_path):
    """With its schedule; a collector that adopts the spool says so."""
    running = collector(None, 0, "--adopt", str(tmp_path / "spool"))
    wrapper = subprocess.Popen(
        [sys.executable, "-m", "tellwhy", "run", "--schedule-name", "slow", "--", "sleep", "60"],
        env=environment(running, tmp_path),
    )
    state = "SELECT status FROM job_runs WHERE schedule_name = 'slow'"
    running.wait_for([["running"]], state)
    (child,) = [int(pid) for (pid,) in _pids(running)]
    wrapper.kill()
    wrapper.wait(30)
    try:
        running.wait_for([["lost"]], state)
    finally:
        os.kill(child, 9)
    lost = "SELECT status, lost_reason, agent_name FROM runs"
    assert [["lost", "killed", "slow"]] == running.ask(lost)


def _pids(running):
    """Of the command: the child of the wrapper."""
    said = "SELECT attributes.\"tellwhy.job.pid\"::VARCHAR FROM spans WHERE operation = 'run_job'"
    running.wait_for([[1]], f"SELECT count(*) FROM ({said}) AS t(pid) WHERE pid IS NOT NULL")
    return running.ask(said)
