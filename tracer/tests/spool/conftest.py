import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

from tellwhy._settings import Settings
from tellwhy._spool.folder import Folder, found_in
from tellwhy._spool.orphans import Orphan


class Shop(SpanProcessor):
    """Writes spans to a journal, with no exporter behind it."""

    def __init__(self, journal) -> None:
        self.journal = journal
        self.results: list[bool] = []

    def on_start(self, span, parent_context=None) -> None:
        """Write the start."""
        self.journal.start(span)

    def on_end(self, span) -> None:
        """Write the end."""
        self.results.append(self.journal.end(span))


@pytest.fixture
def writing():
    """`writing(journal)` gives a tracer whose spans go there; a scope name of choice."""

    def make(journal, scope="tellwhy"):
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(Shop(journal))
        return provider.get_tracer(scope)

    return make


@pytest.fixture
def root(tmp_path) -> Path:
    """A folder for spools."""
    return tmp_path / "spool"


@pytest.fixture
def spooled(root) -> Callable[..., Settings]:
    """Settings whose spool is `root`."""
    return lambda **more: Settings(**{"spool_dir": str(root), **more})


def left_in(root: Path) -> list[Orphan]:
    """What dead processes left; the locks are let go at once."""
    found = []
    for path in found_in(root):
        folder = Folder.adopt(path)
        if folder is not None:
            orphan = Orphan(folder)
            orphan.payloads = [
                each for chunk in orphan.chunks(512, 1 << 22) for each in chunk.payloads
            ]
            found.append(orphan)
            folder.leave()
    return found


@pytest.fixture
def orphans(root):
    """`orphans()` reads what dead processes left in `root`."""
    return lambda: left_in(root)


class Program:
    """A program that runs until it is killed."""

    def __init__(self, code: str, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def line(self) -> str:
        """The next line that it prints."""
        return self.process.stdout.readline().strip()

    def ends(self, number: int | None = None) -> tuple[int, str, float]:
        """Send it a signal; its exit status, what it said on stderr, and how long it took."""
        begun = time.monotonic()
        if number is not None:
            self.process.send_signal(number)
        _, said = self.process.communicate(timeout=30)
        return self.process.returncode, said, time.monotonic() - begun


@pytest.fixture
def started(root):
    """`started(code, NAME=value)` runs a program whose spool is `root`."""
    programs = []

    def start(code: str, **environment: str) -> Program:
        program = Program(code, {"TELLWHY_SPOOL_DIR": str(root), **environment})
        programs.append(program)
        return program

    yield start
    for each in programs:
        if each.process.poll() is None:
            each.process.send_signal(signal.SIGKILL)
        each.process.communicate()


@pytest.fixture
def nobody():
    """An address on which nobody listens."""
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{free.getsockname()[1]}"
