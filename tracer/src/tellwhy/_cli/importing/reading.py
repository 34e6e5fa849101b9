"""The loop that all importers of transcripts share: look, read, send; once, or until Ctrl+C."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

from tellwhy import _configure, _settings
from tellwhy._cli.importing.files import Growing, found_in
from tellwhy._cli.importing.sending import Sender, UnsentError
from tellwhy._transcripts.told import Told

QUIET_S = 21_600.0
"""After so long without a new line a session is taken as ended where it stands. (6 h) Tools may run
for long; that a prompt has been answered is seen at once."""

WRITING_S = 1.0
"""The lines of one answer are written together; after so long no more of them will come."""

DAY_S = 86_400.0


class Reader(Protocol):
    """Reads one file, line by line."""

    version: str | None

    def feed(self, line: dict[str, Any]) -> Iterator[Told]:
        """The steps that *line* completes."""
        ...

    def settle(self) -> Iterator[Told]:
        """The steps that are complete although nothing stands behind them."""
        ...

    def finish(self) -> Iterator[Told]:
        """The steps that are as complete as they will be."""
        ...


class Import:
    """All files of one source."""

    def __init__(
        self, sender: Sender, find: Callable[[], list[Path]], reader: Callable[[Path], Reader]
    ) -> None:
        self._sender = sender
        self._find = find
        self._reader = reader
        self._files: dict[Path, tuple[Growing, Reader]] = {}
        self._over: dict[Path, int] = {}
        """Sizes of files that were read to the end and let go; one that grows is read anew."""
        self.read = 0
        """Files in which something was found."""

    def look(self, *, oldest: float = 0.0) -> None:
        """Send what has been written since the last look.

        Args:
            oldest: Files that were last changed before are passed by, Unix seconds.

        Raises:
            UnsentError: The collector did not take it; the next look sends it again.
        """
        for path in self._find():
            growing, reader = self._files.get(path) or (Growing(path), None)
            if not growing.has_grown() or growing.changed_at < oldest:
                continue
            if reader is None:
                if self._over.get(path) == growing.size_bytes:
                    continue
                reader = self._reader(path)
                self._files[path] = growing, reader
                self.read += 1
            self._sender.send(_each(growing, reader), reader.version)
            self._settle(path)
        for path in list(self._files):
            self._settle(path)

    @property
    def is_being_written(self) -> bool:
        """Whether a file changed just now."""
        now = time.time()
        return any(now - growing.changed_at <= WRITING_S for growing, _ in self._files.values())

    def _settle(self, path: Path) -> None:
        """Send what is complete; let a file go that has been quiet for long."""
        growing, reader = self._files[path]
        quiet_s = time.time() - growing.changed_at
        if quiet_s > WRITING_S:
            self._sender.send(reader.settle(), reader.version)
        if quiet_s > QUIET_S:
            self._sender.send(reader.finish(), reader.version)
            self._over[path] = growing.size_bytes
            del self._files[path]


def _each(growing: Growing, reader: Reader) -> Iterator[Told]:
    for line in growing.lines():
        yield from reader.feed(line)


def run(
    argv: list[str],
    *,
    prog: str,
    about: str,
    service: str,
    home: Path,
    pattern: str,
    reader: Callable[[Path], Reader],
) -> int:
    """One import as a command; the exit status.

    Args:
        argv: The words behind the source.
        prog: How it is called.
        about: What it does.
        service: Name of the program whose files they are.
        home: Where that keeps them.
        pattern: Which files there.
        reader: Makes a reader for one file.
    """
    given = _arguments(argv, prog, about, home)
    missing = [str(path) for path in given.path if not path.exists()]
    if missing:
        print(f"{', '.join(missing)} does not exist; name a file or a folder.", file=sys.stderr)
        return 1
    settings = _settings.current()
    _configure.apply_rules(settings)
    sender = Sender(settings, service)
    paths = given.path or [home]
    importing = Import(sender, lambda: found_in(paths, pattern), reader)
    oldest = 0.0 if given.days is None else time.time() - given.days * DAY_S
    try:
        importing.look(oldest=oldest)
        if not given.follow and importing.is_being_written:
            time.sleep(WRITING_S)  # the last answer may have more lines
            importing.look(oldest=oldest)
        print(f"{importing.read:,} files, {sender.spans:,} spans sent.", flush=True)
        while given.follow:
            time.sleep(given.interval)
            _look_again(importing)
    except UnsentError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        sender.close()
    return 0


def _look_again(importing: Import) -> None:
    """A collector that is away for a while does not end the following."""
    try:
        importing.look()
    except UnsentError as error:
        print(error, file=sys.stderr, flush=True)


def _arguments(argv: list[str], prog: str, about: str, home: Path) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=prog, description=about)
    parser.add_argument(
        "path", nargs="*", type=Path, help=f"files or folders (default: {_short(home)})"
    )
    parser.add_argument("--follow", action="store_true", help="stay, and send what is written")
    parser.add_argument(
        "--interval",
        type=float,
        default=2.0,
        metavar="SECONDS",
        help="how often --follow looks (default 2)",
    )
    parser.add_argument(
        "--days", type=float, metavar="N", help="only files that were changed in the last N days"
    )
    return parser.parse_args(argv)


def _short(path: Path) -> str:
    try:
        return f"~/{path.relative_to(Path.home())}"
    except (ValueError, RuntimeError):
        return str(path)
