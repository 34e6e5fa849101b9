"""Commands that the tests start and end, and the ids of the runs they look at."""

import os
import subprocess
import sys


def run_id(number: int) -> str:
    """The id of the run that a story with *number* makes."""
    return f"{number:032x}"


class Process:
    """A command that prints lines until it is ready and is ended by its handle."""

    def __init__(self, words: list[str], last: str, env: dict[str, str] | None = None) -> None:
        self.handle = subprocess.Popen(
            [sys.executable, "-m", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **(env or {})},
        )
        self.said: list[str] = []
        for line in self.handle.stdout:
            self.said.append(line)
            if line.startswith(last):
                return
        raise AssertionError("it ended before it was ready:\n" + "".join(self.said))

    def address(self, start: str) -> str:
        """The last word of the line that begins with *start*."""
        return next(line for line in self.said if line.startswith(start)).split()[-1]

    def stop(self) -> int:
        """End it politely and give its exit status."""
        self.handle.terminate()
        try:
            self.handle.communicate(timeout=30)
        finally:
            self.handle.kill()
        return self.handle.returncode
