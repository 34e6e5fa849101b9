"""Histories of a real Temporal server, replayed with the workflow's code and with changed code."""

import json
import subprocess

import environments
import pytest

pytestmark = [pytest.mark.frameworks, pytest.mark.slow, pytest.mark.timeout(1200)]

SCENARIO = environments.HERE / "scenarios" / "temporal_orders.py"
CODEC = SCENARIO.with_name("temporal_codec.py")
TIMER = "await workflow.sleep(0.1)"


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    """The history of one order, recorded by a worker on a real server."""
    return recorded(tmp_path_factory)


@pytest.fixture(scope="module")
def encoded(tmp_path_factory):
    """The same by a worker whose payloads go through a codec of its own."""
    return recorded(tmp_path_factory, "temporal_codec:converter")


def recorded(tmp_path_factory, *words):
    file = tmp_path_factory.mktemp("history") / "order-7.json"
    done = subprocess.run(
        [str(environments.python_of("temporal")), str(SCENARIO), str(file), *words],
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
        ('raise KeyError("shelf")', 1, ["at orders.py:30 in run: raise KeyError", "shelf"]),
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


def test_the_verdict_is_written_for_machines(history, tmp_path):
    """With --json: what was identical, and the event, the code and the words of what was not."""
    (tmp_path / "orders.py").write_text(SCENARIO.read_text())
    (tmp_path / "changed.py").write_text(SCENARIO.read_text().replace(TIMER, "pass"))
    said = []
    for module in ("orders", "changed"):
        words = ["--temporal-history", str(history), "--workflow", f"{module}:Order"]
        replayed(tmp_path, *words, "--json", f"{module}.json")
        said.append(json.loads((tmp_path / f"{module}.json").read_text()))

    assert [True, False] == [each["identical"] for each in said]
    (same,), (other,) = (each["histories"] for each in said)
    assert ("Order", "order-7", True, "") == (
        same["workflow_type"], same["workflow_id"], same["identical"], same["message"],
    )  # fmt: skip
    assert (False, 5, "TimerStarted") == (
        other["identical"], other["event_id"], other["event_type"],
    )  # fmt: skip
    assert "Nondeterminism" in other["message"]


@pytest.mark.parametrize(
    ("words", "status", "part"),
    [
        ([], 2, "are encoded as binary/turned, which Temporal's own data converter cannot read"),
        (["--data-converter", "temporal_codec:converter"], 0, "replay: IDENTICAL to Order order-7"),
        (
            ["--data-converter", "temporal_codec:Turning"],
            2,
            "temporal_codec:Turning is no data converter",
        ),
        (["--data-converter", "temporal_codec:gone"], 2, "temporal_codec:gone cannot be imported"),
    ],
)
def test_payloads_are_read_by_the_converter_of_the_workers(encoded, tmp_path, words, status, part):
    """What a codec wrote is read by the same one, and without it there is a sentence, no divergence."""
    (tmp_path / "orders.py").write_text(SCENARIO.read_text())
    (tmp_path / CODEC.name).write_text(CODEC.read_text())
    named = ["--temporal-history", str(encoded), "--workflow", "orders:Order"]
    ended, said = replayed(tmp_path, *named, *words)

    assert (ended, part in said) == (status, True), said
    assert "A-17" not in encoded.read_text()
