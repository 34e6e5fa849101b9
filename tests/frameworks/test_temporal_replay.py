"""Histories of a real Temporal server, replayed with the workflow's code and with changed code."""

import subprocess

import environments
import pytest

pytestmark = [pytest.mark.frameworks, pytest.mark.slow, pytest.mark.timeout(1200)]

SCENARIO = environments.HERE / "scenarios" / "temporal_orders.py"
TIMER = "await workflow.sleep(0.1)"


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    """The history of one order, recorded by a worker on a real server."""
    file = tmp_path_factory.mktemp("history") / "order-7.json"
    done = subprocess.run(
        [str(environments.python_of("temporal")), str(SCENARIO), str(file)],
        env=environments.variables("http://127.0.0.1:9"),
        cwd=file.parent,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (file.parent / "ran").read_text() == "x"
    return file


def replayed(folder, *words):
    """What `tellwhy replay` ends with and says in *folder*; no activity may run."""
    done = subprocess.run(
        [str(environments.python_of("temporal")), "-m", "tellwhy", "replay", *words],
        env=environments.variables("http://127.0.0.1:9") | {"PYTHONPATH": str(environments.TRACER)},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert not (folder / "ran").exists()
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("code", "status", "parts"),
    [
        (TIMER, 0, ["replay: IDENTICAL to Order order-7", "No activity ran."]),
        (
            'await workflow.execute_activity("weigh", order, start_to_close_timeout=SHORT)',
            1,
            ["event 5, TimerStarted", "the code did instead: Activity"],
        ),
        ("pass", 1, ["replay: DIVERGED from Order order-7", "event 5, TimerStarted"]),
        ('raise KeyError("shelf")', 1, ["at orders.py:27 in run: raise KeyError", "shelf"]),
    ],
)
def test_the_code_is_compared_with_its_history(history, tmp_path, code, status, parts):
    """The same code is identical; a changed one diverges at its event or line, and runs nothing."""
    (tmp_path / "orders.py").write_text(SCENARIO.read_text().replace(TIMER, code))
    words = ["--temporal-history", str(history), "--workflow", "orders:Order"]
    ended, said = replayed(tmp_path, *words)
    assert ended == status, said
    assert [part for part in parts if part not in said] == [], said


@pytest.mark.parametrize(
    ("named", "part"),
    [("missing:Order", "cannot be imported"), ("orders:pack", "orders:pack is no workflow")],
)
def test_what_cannot_be_replayed_is_told(history, tmp_path, named, part):
    """A class that is not there, or is no workflow, ends with 2 and a sentence."""
    (tmp_path / "orders.py").write_text(SCENARIO.read_text())
    ended, said = replayed(tmp_path, "--temporal-history", str(history), "--workflow", named)
    assert (ended, part in said) == (2, True), said
