"""Runs of processes that died, and of several: what is served of them."""

import subprocess
import sys
import time
import urllib.request

import tellwhy
from tellwhy_collector.testing import rows


def test_a_run_whose_process_died_is_replayed_up_to_there(stage, keeping, tmp_path):
    """Killed in a tool: what ended before is served, that tool is not run again, and it is said why."""
    script = tmp_path / "dying.py"
    script.write_text(DYING)
    subprocess.run([sys.executable, str(script)], check=False, timeout=60)
    with tellwhy.agent("next"):  # a program that adopts what the dead one left
        wait_for(
            keeping,
            "SELECT count(*) FROM steps WHERE lost_reason IS NOT NULL AND name = 'execute_tool last'",
        )
    run_id = rows(keeping.store, "SELECT run_id FROM steps WHERE name = 'invoke_agent dying'")[0][0]
    path = tmp_path / "run.jsonl"
    with urllib.request.urlopen(f"{stage.url}/api/runs/{run_id}/recording") as said:
        path.write_bytes(said.read())

    def again(stage):
        @tellwhy.tool
        def first() -> str:
            stage.effects.append("first")
            return "never"

        @tellwhy.tool
        def last() -> None:
            stage.effects.append("last")

        stage.given = first()
        last()

    _, verdict = stage.replay(again, path)

    assert "done" == stage.given
    assert "missing" == verdict.first.kind
    assert "it had not ended when its process did" in verdict.first.what
    assert [] == stage.effects


DYING = """
import os, signal
import tellwhy

@tellwhy.tool
def first() -> str:
    return "done"

@tellwhy.tool
def last() -> None:
    os.kill(os.getpid(), signal.SIGKILL)

@tellwhy.agent(name="dying")
def dying():
    first()
    last()

dying()
"""


def wait_for(keeping, sql):
    """Ask until the answer is not 0."""
    deadline = time.monotonic() + 30
    while not rows(keeping.store, sql)[0][0]:
        assert time.monotonic() < deadline, sql
        time.sleep(0.05)


def test_lanes_of_two_processes_are_two():
    """Their numbers begin elsewhere, within what the collector keeps."""
    code = "from tellwhy._recording.lane import number; print(number())"
    found = {
        int(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
        for _ in range(3)
    }

    assert len(found) > 1
    assert all(0 < each < 2**31 for each in found)
