import contextlib
import os
import signal
import subprocess
import sys

import pytest

PROGRAM = [sys.executable, "-W", "error", "-m", "tellwhy", "run"]


@pytest.fixture
def environment(receiver, tmp_path):
    """Variables of a wrapper that reports to `receiver` and spools into a folder of the test."""
    receiver.header = "1"
    return {
        **{name: text for name, text in os.environ.items() if not name.startswith("CLAUDE_CODE")},
        "TELLWHY_ENDPOINT": receiver.url,
        "TELLWHY_SPOOL_DIR": str(tmp_path / "spool"),
        "TELLWHY_EXIT_TIMEOUT_S": "20",
    }


@pytest.fixture
def job(environment):
    """`job(*words)` runs `tellwhy run` with these words to its end."""

    def run(*words, **more):
        return subprocess.run(
            [*PROGRAM, *words],
            env=environment | more,
            capture_output=True,
            check=False,
            timeout=60,
        )

    return run


@pytest.fixture
def started_job(environment):
    """`started_job(*words)` starts it, with pipes; it is killed after the test if it still runs."""
    running = []

    def start(*words):
        running.append(
            subprocess.Popen(
                [*PROGRAM, *words],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
                # Under nohup it would be ignored, and no shell can set a trap for such a signal.
                preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # noqa: PLW1509
            )
        )
        return running[-1]

    yield start
    for one in running:
        # Its own program has the pipes too, and may ignore what the job is told.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(one.pid, signal.SIGKILL)
        one.communicate(timeout=30)
