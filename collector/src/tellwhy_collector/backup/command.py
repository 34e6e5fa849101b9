"""`tellwhy backup FILE`: a copy of everything, from the running collector or a stopped one's file."""

from __future__ import annotations

import argparse
import http.client
import json
import os
import sys
from contextlib import suppress
from pathlib import Path

from tellwhy_collector.asking import asking, collector_url
from tellwhy_collector.backup.copying import Counts, copy_file, counts_of
from tellwhy_collector.errors import CollectorError, SettingsError, StoreError
from tellwhy_collector.shell.client import Client
from tellwhy_collector.shell.errors import ShellError, Unreachable

TIMEOUT_S = 6 * 3600.0
"""Longest silence: the collector copies everything before it sends the first byte."""

PIECE_BYTES = 1024**2


def run(argv: list[str]) -> int:
    """Copy the database into a new file while the collector runs.

    Returns:
        0; 1 it failed, and FILE is not there; 2 the command line is wrong; 3 no collector answers.
    """
    try:
        given = _parser().parse_args(argv)
    except SystemExit as end:  # argparse has said why; --help ends with 0
        return int(end.code or 0)
    part = Path(f"{given.file}.part")
    try:
        _check(given.file)
        told = copy_file(given.database, part) if given.database else _fetch(given.url, part)
        _finish(part, given.file, told)
    except ShellError as error:
        return _failed(error, error.code)
    except SettingsError as error:
        return _failed(error, 2)
    except (CollectorError, OSError) as error:
        return _failed(error, 1)
    finally:
        for left in (part, Path(f"{part}.wal")):
            with suppress(OSError):
                left.unlink()
    rows = ", ".join(f"{count:,} {name}" for name, count in told.items() if count)
    sys.stdout.write(f"{given.file}: {given.file.stat().st_size:,} bytes; {rows or 'no rows'}.\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tellwhy backup",
        description="Copy the database into a new file while the collector runs, then open the "
        "copy and count its rows. The token is read from TELLWHY_ADMIN_TOKEN or "
        "TELLWHY_ADMIN_TOKEN_FILE, the authority of an https address from TELLWHY_COLLECTOR_CA, a "
        "certificate to show from TELLWHY_CLIENT_CERT and TELLWHY_CLIENT_KEY. "
        "To restore, stop the collector and start it on the copy: tellwhy serve --database FILE.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="the copy; it must not exist yet")
    parser.add_argument(
        "--url", help="the collector (TELLWHY_COLLECTOR_URL; http://127.0.0.1:4318)"
    )
    parser.add_argument(
        "--database", type=Path, metavar="FILE", help="the file of a collector that is stopped"
    )
    return parser


def _check(file: Path) -> None:
    if file.exists() or file.is_symlink():
        raise SettingsError(f"{file} exists. Choose another name; a backup overwrites nothing.")
    if not file.absolute().parent.is_dir():
        raise SettingsError(f"The folder {file.absolute().parent} does not exist. Make it first.")


def _fetch(url: str | None, part: Path) -> Counts:
    """Let the running collector make a copy and write it into *part*."""
    client = Client(url or collector_url(), asking("admin"))
    connection = client.connection()
    connection.timeout = TIMEOUT_S
    try:
        connection.request("POST", client.path("/api/backup"), headers=client.headers())
        answer = connection.getresponse()
        if answer.status != 200:
            raise client.error(answer.status, answer.read())
        told: Counts = json.loads(answer.headers["X-Tellwhy-Rows"])
        size = int(answer.headers["Content-Length"])
        # For this user alone, from its first byte.
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123
            while piece := answer.read(PIECE_BYTES):
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
            got = file.tell()
    except FileExistsError:
        raise StoreError(f"{part} exists. Is another backup running? Remove it if not.") from None
    except (OSError, http.client.HTTPException) as error:
        raise Unreachable(
            f"{client.url} does not send a backup: {error or type(error).__name__}. To copy a "
            "stopped collector's file, name it with --database."
        ) from error
    finally:
        connection.close()
    if got != size:
        raise StoreError(f"{got:,} of {size:,} bytes arrived. Ask again.")
    return told


def _finish(part: Path, file: Path, told: Counts) -> None:
    """Prove that the copy opens and has all rows, then give it its name."""
    found = counts_of(part)
    if found != told:
        wrong = sorted(
            name for name in told.keys() | found.keys() if told.get(name) != found.get(name)
        )
        raise StoreError(f"The copy differs in {', '.join(wrong)}. Ask again; it was thrown away.")
    part.chmod(0o600)
    # Unlike a rename, a link takes nobody's place.
    os.link(part, file)


def _failed(error: Exception, code: int) -> int:
    sys.stderr.write(f"tellwhy backup: {error}\n")
    return code
