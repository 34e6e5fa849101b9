"""What workers of a pool do in `test_workers`; they import it by this name."""

import socket
import subprocess
from pathlib import Path


def append(path):
    """Leave a mark, as a tool that writes."""
    import tellwhy

    @tellwhy.tool(effect="write")
    def mark(where: str) -> int:
        with Path(where).open("a") as marks:
            marks.write("x")
        return 7

    return mark(str(path))


def carried(run, path):
    """The same as a part of the run that handed it out."""
    import tellwhy

    with tellwhy.continued(run):
        return append(path)


def start(path):
    """Let a program leave the mark."""
    return subprocess.run(["sh", "-c", f"printf x >> {path}"], check=True).returncode


def connect(port):
    """Reach somebody."""
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        return connection.getpeername()[1]
