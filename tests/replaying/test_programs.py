"""A replay starts no program that could do something again, and what it lets start reaches nobody."""

import asyncio
import concurrent.futures
import multiprocessing
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

import tellwhy
from tellwhy._cli import replay
from tellwhy._replay import programs


def starting(how, effects):
    """An agent that starts a program which leaves a trace of itself."""
    code = f"open({str(effects)!r}, 'a').write('ran\\n')"
    words = [sys.executable, "-c", code]

    def by_run(stage):
        return subprocess.run(words, check=True).returncode

    def by_shell(stage):
        return subprocess.run(f"echo ran >> {effects}", shell=True, check=True).returncode

    def by_system(stage):
        return os.system(f"echo ran >> {effects}")

    def by_spawn(stage):
        return os.waitpid(os.posix_spawn(sys.executable, words, os.environ), 0)[1]

    async def by_asyncio(stage):
        return await (await asyncio.create_subprocess_exec(*words)).wait()

    return locals()[f"by_{how}"]


@pytest.mark.parametrize("how", ["run", "shell", "system", "spawn", "asyncio"])
def test_a_program_is_not_started_again(stage, tmp_path, how):
    """However it is started: the replay ends there, says which and where, and nothing was done."""
    effects = tmp_path / "effects"
    agent = starting(how, effects)
    _, path = stage.record(agent)
    assert "ran\n" == effects.read_text()
    _, verdict = stage.replay(agent, path)

    assert "ran\n" == effects.read_text()
    assert "program" == verdict.first.kind
    assert "ran" in verdict.first.what
    assert "test_programs.py" in verdict.first.place


def test_programs_are_let_through_by_name(stage, tmp_path):
    """Those that are named, and with `*` all."""
    effects = tmp_path / "effects"
    agent = starting("run", effects)
    _, path = stage.record(agent)
    python = Path(sys.executable).name
    told = [
        stage.replay(agent, path, allow_programs=allowed)[1].identical
        for allowed in ((python,), ("*",), ("git",))
    ]

    assert [True, True, False] == told
    assert "ran\n" * 3 == effects.read_text()


def test_outside_of_a_run_it_is_an_error_of_the_system(stage, tmp_path):
    """What the program does besides its run may do without; the verdict notes it."""
    _, path = stage.record(lambda stage: 1)
    with (
        tellwhy.replaying(path) as verdict,
        pytest.raises(PermissionError, match="--allow-program"),
    ):
        subprocess.run(["git", "status"], check=False)

    assert ["the program git status, of no run, was refused"] == verdict.notes


@pytest.mark.usefixtures("plain_main")
def test_what_asks_the_machine_and_own_workers_go_on(stage):
    """Libraries ask which system this is, and Python starts workers of its own."""

    def agent(stage):
        platform._Processor.from_subprocess()
        context = multiprocessing.get_context("spawn")
        with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
            return pool.submit(pow, 3, 3).result(250)

    given, path = stage.record(agent)
    again, verdict = stage.replay(agent, path)

    assert (27, 27, True) == (given, again, verdict.identical)


@pytest.mark.parametrize(
    ("event", "args", "told"),
    [
        ("subprocess.Popen", ("/bin/git", ["git", "log", "a b"], None, None), "git log 'a b'"),
        ("subprocess.Popen", (None, [Path("/x/run")], None, None), "/x/run"),
        ("os.system", (b"echo 1",), "echo 1"),
        ("os.exec", ("/bin/ls", ["ls", b"\xff"], None), "ls '\udcff'"),
        ("os.spawn", (0, "/bin/ls", ["ls"], None), "ls"),
    ],
)
def test_the_line_is_as_a_person_would_write_it(event, args, told):
    """Whatever Python says of it."""
    assert told == programs.asked_for(event, args)[1]


AGENT = """
import subprocess, sys
import tellwhy

CONNECT = "import socket, sys; socket.create_connection(('127.0.0.1', int(sys.argv[1])), 5)"

@tellwhy.tool
def nothing() -> int:
    return 1

@tellwhy.agent(name="caller")
def call(port: str) -> int:
    nothing()
    return subprocess.run([sys.executable, "-c", CONNECT, port], stderr=subprocess.DEVNULL).returncode

print("status", call(sys.argv[1]))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives a process its own network")
def test_what_is_let_through_reaches_nobody(stage, keeping, tmp_path, monkeypatch, capfd):
    """The kernel holds what Python does not hear of, where it lets us."""
    script = tmp_path / "caller.py"
    script.write_text(AGENT)
    monkeypatch.setenv("TELLWHY_EXIT_TIMEOUT_S", "20")
    port = str(stage.models.port)
    words = [sys.executable, str(script), port]
    run_id, recorded = stage.program(keeping, "caller", *words)
    allowed = ["--allow-program", Path(sys.executable).name]
    held = replay.run([run_id, *allowed, "--", *words])
    said = capfd.readouterr().out
    open_ = replay.run([run_id, *allowed, "--allow-network", "--", *words])
    more = capfd.readouterr().out

    assert "status 0" in recorded
    assert (0, 0) == (held, open_)
    assert "status 0" in more
    may = subprocess.run(["unshare", "--net", "true"], check=False, capture_output=True).returncode
    if may == 0:
        assert "status 1" in said
