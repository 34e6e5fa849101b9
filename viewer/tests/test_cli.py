"""`tellwhy view` as a process."""

import signal
import socket
import subprocess
import sys
import urllib.request

import pytest
from viewer_processes import Process

from tellwhy_viewer.cli import view

pytestmark = pytest.mark.slow


def test_it_prints_where_it_answers_and_stops_when_told():
    """Exactly two lines, a free port for 0, and exit status 0 on SIGTERM."""
    viewer = Process(
        ["tellwhy_viewer", "--port", "0", "--collector-url", "http://127.0.0.1:9"], "  "
    )
    url = viewer.address("  http")
    with urllib.request.urlopen(f"{url}/_stcore/health", timeout=10) as answer:
        assert 200 == answer.status

    assert ["tellwhy viewer ready\n", f"  {url}\n"] == viewer.said
    assert url.startswith("http://127.0.0.1:")
    assert 0 == viewer.stop()


def test_ctrl_c_ends_it_well():
    """SIGINT is a wish, not an accident."""
    viewer = Process(["tellwhy_viewer", "--port", "0"], "  http")
    viewer.handle.send_signal(signal.SIGINT)
    said, _ = viewer.handle.communicate(timeout=30)

    assert (0, "") == (viewer.handle.returncode, said)


def test_a_port_that_is_taken_is_told_at_once(capsys):
    """The message names the port and the way out."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert 1 == view(["--port", str(port)])

    said = capsys.readouterr().err
    assert f"Port {port} on 127.0.0.1 is taken" in said
    assert "--port" in said


def test_an_address_for_other_machines_needs_a_word(capsys):
    """There is no login, so it is not an accident."""
    assert 2 == view(["--host", "0.0.0.0", "--port", "0"])
    assert "--guarded-by" in capsys.readouterr().err


def test_a_stop_while_it_is_still_starting_is_obeyed():
    """A supervisor that changes its mind does not wait."""
    process = subprocess.Popen([sys.executable, "-m", "tellwhy_viewer", "--port", "0"])
    process.terminate()

    assert process.wait(timeout=30) in {0, -signal.SIGTERM}
