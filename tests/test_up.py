"""`tellwhy up` with real processes: ready, stopped, failed, and left alone."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tellwhy._cli import processes
from tellwhy._cli.processes import ChildFailedError, Supervisor

FREE_PORTS = ["--http-port", "0", "--grpc-port", "0", "--viewer-port", "0", "--no-browser"]


def test_a_child_is_ready_when_it_says_so():
    """Waiting for a pattern gives the match of the line that a child wrote."""
    with Supervisor() as supervisor:
        child = supervisor.start("clock", ["-c", "print('at 12:30'); import time; time.sleep(60)"])
        assert supervisor.wait_for(child, r"at (\d+):(\d+)", 20).groups() == ("12", "30")
    assert child.process.returncode == -signal.SIGTERM


def test_a_child_that_ends_too_early_is_told_with_its_last_lines():
    """The error has the child's name, its exit status and what it wrote."""
    with Supervisor() as supervisor:
        child = supervisor.start("clock", ["-c", "print('no spring'); raise SystemExit(3)"])
        said = r"(?s)clock did not start \(exit status 3\).*no spring"
        with pytest.raises(ChildFailedError, match=said):
            supervisor.wait_for(child, "ready", 20)


def test_a_child_that_never_gets_ready_is_given_up():
    """The wait for a silent child ends after the time that was given."""
    with Supervisor() as supervisor:
        child = supervisor.start("clock", ["-c", "import time; time.sleep(60)"])
        with pytest.raises(ChildFailedError, match="clock was not ready after 0 s"):
            supervisor.wait_for(child, "ready", 0.2)


def test_a_child_that_does_not_listen_is_killed(monkeypatch, capsys):
    """After the grace a child that ignores SIGTERM is killed, and that is said."""
    monkeypatch.setattr(processes, "STOP_GRACE_S", 0.3)
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf');"
    with Supervisor() as supervisor:
        child = supervisor.start("clock", ["-c", f"{deaf} time.sleep(60)"])
        supervisor.wait_for(child, "deaf", 20)
    assert child.process.returncode == -signal.SIGKILL
    assert "clock did not end" in capsys.readouterr().err


def test_the_end_of_a_passing_child_is_no_failure_and_of_a_staying_one_is():
    """Only children that should stay stop the others when they end."""
    with Supervisor() as supervisor:
        passing = supervisor.start("guest", ["-c", "raise SystemExit(4)"], stays=False)
        assert supervisor.wait_end(passing, 20) == 4
        supervisor.start("host", ["-c", "raise SystemExit(5)"])
        with pytest.raises(ChildFailedError, match=r"host ended \(exit status 5\)"):
            supervisor.watch()


def test_what_was_waited_for_is_not_relayed_and_what_follows_is(capfd):
    """The lines that tell of readiness are ours to print; later ones are passed on with a name."""
    with Supervisor() as supervisor:
        child = supervisor.start("clock", ["-c", "print('ready at 12:30'); print('cuckoo')"])
        supervisor.wait_for(child, "ready", 20)
        with pytest.raises(ChildFailedError, match="clock ended"):
            supervisor.watch()
    assert capfd.readouterr().err == "clock: cuckoo\n"


def test_a_missing_room_is_named_with_its_pip_install():
    """Without the collector and the viewer `up` says what to install and ends with 1."""
    code = (
        "import importlib.metadata as m; m.entry_points = lambda **_: ()\n"
        "from tellwhy._cli.up import run; raise SystemExit(run([]))"
    )
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "tellwhy-collector and tellwhy-viewer are not installed" in done.stderr
    assert 'pip install "tellwhy[all]"' in done.stderr


class Up:
    """A running `tellwhy up` and what it has printed so far."""

    def __init__(self, database: Path, options: list[str]) -> None:
        words = [sys.executable, "-m", "tellwhy", "up", "--database", str(database), *options]
        self.process = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.text = ""

    def read_until(self, mark: str) -> str:
        """Read its output up to the line with the mark."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.text += line
            if mark in line:
                return self.text
        raise AssertionError(f"it ended before {mark!r}:\n{self.text}")

    def address(self, name: str) -> str:
        """Give back one address of the printed block."""
        found = re.search(rf"^  {name} +(\S+)$", self.text, re.MULTILINE)
        assert found is not None, self.text
        return found[1]

    def end(self, number: int) -> int:
        """Send a signal and give back the exit status."""
        self.process.send_signal(number)
        self.text += self.process.communicate(timeout=40)[0]
        return self.process.returncode

    def children(self) -> list[int]:
        """Give back the process ids of the rooms, collector first."""
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(word) for word in listed.split()]


@pytest.fixture
def up(tmp_path):
    """Start `tellwhy up`; whatever a test starts is ended after it."""
    running = []

    def start(*options: str, name: str = "up.duckdb") -> Up:
        running.append(Up(tmp_path / name, list(options) or FREE_PORTS))
        return running[-1]

    yield start
    for one in running:
        if one.process.poll() is None:
            one.process.terminate()
            one.process.communicate(timeout=40)
        if one.process.stdout is not None:
            one.process.stdout.close()


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return response.status == 200
    except OSError:
        return False


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"
    except OSError:
        return True


def eventually(look, timeout_s: float = 20.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not look():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_up_answers_until_it_is_told_to_stop(up, number):
    """Both rooms answer at the printed addresses; a signal ends them and `up` with exit status 0."""
    one = up()
    one.read_until("Ctrl+C")
    viewer, collector = one.address("viewer"), one.address("OTLP/HTTP")
    assert answers(viewer)
    assert answers(f"{collector}/readyz")
    children = one.children()
    assert len(children) == 2
    assert one.end(number) == 0, one.text
    assert all(map(gone, children))
    assert not answers(viewer)
    assert not answers(f"{collector}/readyz")


@pytest.mark.slow
def test_an_occupied_port_is_named(up):
    """A port that is taken is in the error, and `up` ends with 1."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        one = up("--http-port", str(port), "--grpc-port", "0", "--viewer-port", "0", "--no-browser")
        one.text += one.process.communicate(timeout=40)[0]
    assert one.process.returncode == 1
    assert "collector did not start" in one.text
    assert str(port) in one.text
    assert "Traceback" not in one.text


@pytest.mark.slow
def test_a_locked_database_is_named(up, tmp_path):
    """A second `up` on the same file ends with 1 and names the file; the first goes on."""
    first = up()
    first.read_until("Ctrl+C")
    second = up()
    second.text += second.process.communicate(timeout=60)[0]
    assert second.process.returncode == 1
    assert str(tmp_path / "up.duckdb") in second.text
    assert "Traceback" not in second.text
    assert answers(f"{first.address('OTLP/HTTP')}/readyz")


@pytest.mark.slow
def test_nothing_is_restarted_silently(up):
    """When the viewer dies, that is said, the collector is stopped too, and `up` ends with 1."""
    one = up()
    one.read_until("Ctrl+C")
    collector, viewer = one.children()
    os.kill(viewer, signal.SIGKILL)
    one.text += one.process.communicate(timeout=40)[0]
    assert one.process.returncode == 1
    assert "The viewer ended (signal SIGKILL)" in one.text
    eventually(lambda: gone(collector))


@pytest.mark.slow
def test_killing_up_leaves_nothing_behind(up):
    """After SIGKILL of `up` both rooms end by themselves, so the database is free again."""
    one = up()
    one.read_until("Ctrl+C")
    children = one.children()
    one.process.kill()
    one.process.wait()
    eventually(lambda: all(map(gone, children)))


@pytest.mark.slow
def test_tokens_reach_the_rooms_by_the_environment(up, monkeypatch):
    """The collector asks for the token; of the tokens the viewer has the reader's alone."""
    secret = {role: f"{role}-token-of-the-tests" for role in ("INGEST", "READ", "ADMIN")}
    for role, token in secret.items():
        monkeypatch.setenv(f"TELLWHY_{role}_TOKEN", token)
    one = up()
    one.read_until("Ctrl+C")
    collector, viewer = one.children()
    environment = Path(f"/proc/{viewer}/environ").read_text()
    words = "".join(Path(f"/proc/{pid}/cmdline").read_text() for pid in (collector, viewer))
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{one.address('OTLP/HTTP')}/api/tables", timeout=10)
    caught.value.close()

    assert 401 == caught.value.code
    assert secret["READ"] in environment
    assert not any(secret[role] in environment for role in ("INGEST", "ADMIN"))
    assert not any(token in words for token in secret.values())
    assert 0 == one.end(signal.SIGTERM)
    assert not any(token in one.text for token in secret.values())
