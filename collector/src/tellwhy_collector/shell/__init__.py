"""`tellwhy sql`: one statement, a file of them, or a conversation."""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

from tellwhy_collector.asking import asking, collector_url
from tellwhy_collector.errors import SettingsError
from tellwhy_collector.shell.client import Client
from tellwhy_collector.shell.errors import Quit, ShellError, Usage
from tellwhy_collector.shell.session import FORMATS, Session, statements
from tellwhy_collector.shell.table import visible

_ENDINGS = {".md": "markdown", ".txt": "table", ".ndjson": "jsonl"}


def run(argv: list[str]) -> int:
    """Ask the collector in SQL, once or in a shell.

    Returns:
        0; 1 the query failed; 2 the command line is wrong; 3 no collector answers.
    """
    try:
        arguments = _parser().parse_args(argv)
    except SystemExit as end:  # argparse has said why; --help ends with 0
        return int(end.code or 0)
    try:
        return _ask(_session(arguments), " ".join(arguments.sql))
    except ShellError as error:
        return _say(error)
    except BrokenPipeError:  # `| head` has seen enough
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        return 130


def _ask(session: Session, sql: str) -> int:
    if sql:
        return _each(session, sql)
    if not sys.stdin.isatty():
        return _each(session, sys.stdin.read())
    from tellwhy_collector.shell import prompt  # noqa: PLC0415 - one question needs no editor

    return prompt.talk(session)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tellwhy sql",
        description="Ask the collector in SQL, once or in a shell. Without SQL and with a "
        "terminal, a shell starts; what is piped in is run statement by statement. The token is "
        "read from TELLWHY_READ_TOKEN or TELLWHY_READ_TOKEN_FILE, the authority of an https "
        "address from TELLWHY_COLLECTOR_CA, a certificate to show from TELLWHY_CLIENT_CERT and "
        "TELLWHY_CLIENT_KEY.",
    )
    parser.add_argument("sql", nargs="*", help="one or more statements, ended by semicolons")
    parser.add_argument(
        "--url", help="the collector (TELLWHY_COLLECTOR_URL; http://127.0.0.1:4318)"
    )
    parser.add_argument("--format", choices=FORMATS, help="default: table, or what FILE ends with")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write into this file")
    parser.add_argument(
        "--param",
        action="append",
        default=[],
        metavar="[NAME=]VALUE",
        help="value for the next ?, or for $NAME; numbers, true, false, null and quoted JSON "
        "texts are read as such, everything else is a text; may be repeated",
    )
    parser.add_argument("--max-rows", type=int, metavar="N", help="most rows of an answer")
    parser.add_argument(
        "--plain-csv",
        action="store_true",
        help="CSV without the ' before texts that a spreadsheet would run as a formula",
    )
    return parser


def _session(arguments: argparse.Namespace) -> Session:
    form = arguments.format
    if form is None and arguments.output is not None:
        ending = arguments.output.suffix.lower()
        named = _ENDINGS.get(ending, ending.removeprefix("."))
        form = named if named in FORMATS else None
    session = Session(
        _client(arguments.url),
        write=_write,
        form=form or "table",
        width=shutil.get_terminal_size().columns if sys.stdout.isatty() else 0,
        max_rows=arguments.max_rows,
        params=parameters(arguments.param, " ".join(arguments.sql)),
        spreadsheet_safe=not arguments.plain_csv,
    )
    if arguments.output is not None:
        session.run(f".output {arguments.output}")
    return session


def _client(url: str | None) -> Client:
    try:
        return Client(url or collector_url(), asking())
    except SettingsError as error:
        raise Usage(str(error)) from None


def _each(session: Session, text: str) -> int:
    """Run all statements of *text*; the first that fails ends it."""
    done, rest = statements(text)
    try:
        for item in [*done, rest]:
            session.run(item)
    except Quit:
        pass
    sys.stdout.flush()
    return 0


def parameters(given: list[str], sql: str) -> list[Any] | dict[str, Any] | None:
    """The values of ``--param``: by name when the statement has ``$name``, else by place."""
    if not given:
        return None
    names = set(re.findall(r"\$([A-Za-z_]\w*)", sql))
    pairs = [item.partition("=") for item in given]
    if names and all(name in names and sign for name, sign, _ in pairs):
        return {name: _value(text) for name, _, text in pairs}
    if names:
        raise Usage(
            f"The statement has {', '.join('$' + name for name in sorted(names))}; "
            "give each as --param NAME=VALUE."
        )
    return [_value(item) for item in given]


def _value(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    # NaN and Infinity are no JSON that the collector would take.
    return text if isinstance(value, float) and not abs(value) < float("inf") else value


def _write(piece: bytes) -> None:
    sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()


def _say(error: ShellError) -> int:
    sys.stdout.flush()
    for line in f"tellwhy sql: {error}".split("\n"):
        sys.stderr.write(visible(line) + "\n")
    return error.code
