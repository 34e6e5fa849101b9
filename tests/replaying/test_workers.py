"""Workers of pools and forks are inside a replay: they do nothing again either."""

import concurrent.futures
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pooled_work
import pytest

import tellwhy
from tellwhy._cli import replay
from tellwhy_collector.testing import rows

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("plain_main")]

METHODS = ("fork", "spawn", "forkserver")


def in_worker(method, work, *given):
    """What *work* gives in a process of its own."""
    context = multiprocessing.get_context(method)
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(work, *given).result(90)


POOL = """
import multiprocessing, sys
import tellwhy

@tellwhy.tool
def look(order: str) -> str:
    return "found"

def job(order, carrier):
    with tellwhy.continued(carrier):
        return look(order)

@tellwhy.agent(name="pooled")
def work(order: str) -> str:
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.apply(job, (order, tellwhy.carrier()))

if __name__ == "__main__":
    print(work(sys.argv[1]))
"""


def test_a_pool_that_waits_for_ever_is_ended(stage, keeping, monkeypatch, capfd):
    """Its workers die of what is no Exception, and it would wait for them; the verdict comes all the same."""
    script = stage.folder / "pooled.py"
    script.write_text(POOL)
    monkeypatch.setenv("TELLWHY_EXIT_TIMEOUT_S", "20")
    run_id, _ = stage.program(keeping, "pooled", sys.executable, str(script), "A-1")
    monkeypatch.setattr("tellwhy._cli.replay.IDLE_S", 3.0)
    same = replay.run([run_id, "--", sys.executable, str(script), "A-1"])
    other = replay.run([run_id, "--", sys.executable, str(script), "A-2"])
    said = capfd.readouterr().out

    assert (0, 1) == (same, other), said
    assert "was ended: a multiprocessing.Pool waits for ever" in said
    assert "A-2" in said


def marks(path):
    return path.read_text() if path.exists() else ""


@pytest.mark.parametrize("method", METHODS)
def test_tools_of_a_worker_are_served_and_do_not_run(stage, tmp_path, method):
    """With the run handed to it, its calls are recorded and given again like others."""
    path = tmp_path / "marks"

    def agent(stage):
        return in_worker(method, pooled_work.carried, tellwhy.carrier(), path)

    first, recording = stage.record(agent)
    again, verdict = stage.replay(agent, recording)

    assert (7, 7, "x") == (first, again, marks(path))
    assert (1, 1) == (verdict.tool_calls, verdict.recorded_tool_calls), str(verdict)
    assert verdict.identical


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_tools_of_a_worker_that_is_no_part_of_the_run_do_not_run(stage, tmp_path, method):
    """They are not in the recording, so that the replay ends there."""
    path = tmp_path / "marks"

    def agent(stage):
        return in_worker(method, pooled_work.append, path)

    _, recording = stage.record(agent)
    again, verdict = stage.replay(agent, recording)

    assert (None, "x") == (again, marks(path))
    assert "the tool mark was called" in verdict.first.what
    assert "pooled_work.py" in verdict.first.place


@pytest.mark.parametrize("method", METHODS)
def test_workers_start_no_program_and_reach_nobody(stage, tmp_path, method):
    """Whether or not the code of the worker imports tellwhy."""
    path = tmp_path / "marks"

    def starting(stage):
        return in_worker(method, pooled_work.start, path)

    def connecting(stage):
        return in_worker(method, pooled_work.connect, stage.models.port)

    _, recording = stage.record(starting)
    assert "x" == marks(path)
    started, first = stage.replay(starting, recording)
    connected, second = stage.replay(connecting, recording)

    assert (None, None, "x") == (started, connected, marks(path))
    assert ("program", "network") == (first.first.kind, second.first.kind)
    assert "pooled_work.py" in first.first.place


@pytest.mark.parametrize("how", ["fork_exec", "spawnvp"])
def test_a_fork_does_not_become_a_program(stage, tmp_path, how):
    """It ends as one that cannot run, without going on in the host's code; the verdict tells it."""
    path = tmp_path / "marks"
    words = ["sh", "-c", f"printf x >> {path}"]
    went_on = tmp_path / "went on"

    def fork_exec(stage):
        pid = os.fork()
        if pid == 0:
            try:
                os.execvp(words[0], words)
            except BaseException:
                went_on.touch()
                os._exit(1)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def spawnvp(stage):
        return os.spawnvp(os.P_WAIT, words[0], words)

    agent = {"fork_exec": fork_exec, "spawnvp": spawnvp}[how]
    first, recording = stage.record(agent)
    again, verdict = stage.replay(agent, recording)

    assert (0, 126, "x", False) == (first, again, marks(path), went_on.exists())
    assert "program" == verdict.first.kind


@pytest.mark.parametrize("method", METHODS)
def test_workers_of_after_a_replay_work_again(stage, tmp_path, method):
    """Nothing of it stays: not in the environment, and no server that hands out such workers."""
    path = tmp_path / "marks"
    _, recording = stage.record(lambda stage: 1)
    before = dict(os.environ)
    with tellwhy.replaying(recording):
        in_worker(method, pow, 2, 5)

    assert before == dict(os.environ)
    assert (7, "x") == (in_worker(method, pooled_work.append, path), marks(path))


AGENT = """
import concurrent.futures, multiprocessing, sys
import pooled_work, tellwhy

@tellwhy.tool
def nothing() -> int:
    return 1

@tellwhy.agent(name="pooling {method}")
def pooling(path: str) -> str:
    nothing()
    context = multiprocessing.get_context("{method}")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        return f"status {{pool.submit(pooled_work.start, path).result(90)}}"

if __name__ == "__main__":
    print(pooling(sys.argv[1]))
"""


@pytest.mark.parametrize("method", METHODS)
def test_workers_of_a_replayed_program(stage, keeping, monkeypatch, capfd, method):
    """`tellwhy replay` hands it on in the same way."""
    tmp_path = stage.folder
    script, path = tmp_path / "pooling.py", tmp_path / "marks"
    script.write_text(AGENT.format(method=method))
    monkeypatch.setenv("TELLWHY_EXIT_TIMEOUT_S", "20")
    monkeypatch.setenv(
        "PYTHONPATH",
        os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]),
    )
    words = [sys.executable, str(script), str(path)]
    done = subprocess.run(words, check=True, timeout=110, capture_output=True, text=True)
    newest = f"SELECT run_id FROM steps WHERE name = 'invoke_agent pooling {method}'"
    run_id = rows(keeping.store, newest)[0][0]
    status = replay.run([run_id, "--", *words])
    said = capfd.readouterr()

    assert ("status 0\n", "x") == (done.stdout, marks(path))
    assert 1 == status, said.err
    assert "the program \"sh -c 'printf x" in said.out
