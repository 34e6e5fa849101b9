"""What the shell remembers between two inputs, and what its own commands do."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tellwhy_collector.names import distinct
from tellwhy_collector.shell import table
from tellwhy_collector.shell.client import Client, Reply
from tellwhy_collector.shell.errors import Quit, Usage

FORMATS = ("table", "csv", "json", "jsonl", "parquet", "markdown")
"""What an answer can be written as."""

ALIASES = {"\\q": ".quit", "\\dt": ".tables", "\\d": ".schema", "\\timing": ".timing"}
ALIASES |= {"\\x": ".expanded", "\\?": ".help", "\\h": ".help", "\\o": ".output", ".exit": ".quit"}
"""The words of psql's users."""

HELP = """\
.tables                  tables and views              (\\dt)
.schema [NAME]           columns and what they mean    (\\d)
.format [NAME]           table, csv, json, jsonl, parquet, markdown
.export FILE QUERY       write one answer into a file; its ending names the format
.output [FILE]           write all answers into a file; without FILE back to the terminal  (\\o)
.expanded                one line for each value       (\\x)
.timing                  how long a query took         (\\timing)
.max_rows [N]            most rows of an answer
.help                    this                          (\\?)
.quit                    leave                         (\\q, Ctrl-D)
A statement ends with a semicolon and may take several lines."""

_PIECES = re.compile(
    r"""'(?:[^']|'')*(?:'|\Z)|"(?:[^"]|"")*(?:"|\Z)|--[^\n]*|/\*.*?(?:\*/|\Z)"""
    r"""|(\$\w*\$).*?(?:\1|\Z)|;|.""",
    re.DOTALL,
)


@dataclass
class Session:
    """One conversation with one collector."""

    client: Client
    write: Callable[[bytes], object]
    """Takes what goes to the output."""
    form: str = "table"
    width: int = 0
    """Cells of the terminal; 0 when nobody looks."""
    max_rows: int | None = None
    params: list[Any] | dict[str, Any] | None = None
    spreadsheet_safe: bool = True
    timing: bool = False
    expanded: bool = False
    output: Path | None = None
    known: list[dict[str, Any]] = field(default_factory=list)
    """Tables and columns, for completion; empty until asked for."""

    def run(self, text: str) -> None:
        """Do one command or one statement.

        Raises:
            Refused: The collector refuses it.
            Unreachable: Nobody answers.
            Usage: The command is not one of ours.
            Quit: It was ``.quit``.
        """
        text = text.strip()
        if text.startswith((".", "\\")):
            self._command(text)
        elif text.rstrip(";").strip():
            self._query(text, self.form, self.output)

    def learn(self) -> list[dict[str, Any]]:
        """Tables and columns, asked for anew."""
        self.known = self.client.tables()
        return self.known

    def _command(self, text: str) -> None:
        word, _, rest = text.partition(" ")
        rest = rest.strip().rstrip(";")
        word = word.rstrip(";").removesuffix("+")
        name = ALIASES.get(word, word)
        act = getattr(self, "_do_" + name.removeprefix("."), None)
        if act is None or not name.startswith("."):
            raise Usage(f"{table.visible(word)} is not known. .help lists the commands.")
        act(rest)

    def _do_quit(self, _rest: str) -> None:
        raise Quit

    def _do_help(self, _rest: str) -> None:
        self._lines(HELP.splitlines())

    def _do_tables(self, _rest: str) -> None:
        rows = [(item["name"], item["kind"], item["comment"]) for item in self.learn()]
        self._lines(table.table(("name", "kind", "comment"), rows, self.width))

    def _do_schema(self, rest: str) -> None:
        wanted = [item for item in self.learn() if not rest or item["name"] == rest.strip('"')]
        if not wanted:
            names = ", ".join(item["name"] for item in self.known)
            raise Usage(f"There is no table {table.visible(rest)}. There are: {names}.")
        for item in wanted:
            self._lines([f"{item['name']} ({item['kind']}): {item['comment'] or ''}"])
            rows = [(x["name"], x["type"], x["comment"]) for x in item["columns"]]
            self._lines(table.table(("column", "type", "comment"), rows, self.width))

    def _do_format(self, rest: str) -> None:
        if rest and rest not in FORMATS:
            raise Usage(f"{table.visible(rest)} is no format. There are: {', '.join(FORMATS)}.")
        self.form = rest or self.form
        self._lines([f"format {self.form}"])

    def _do_timing(self, _rest: str) -> None:
        self.timing = not self.timing
        self._lines([f"timing {'on' if self.timing else 'off'}"])

    def _do_expanded(self, _rest: str) -> None:
        self.expanded = not self.expanded
        self._lines([f"expanded {'on' if self.expanded else 'off'}"])

    def _do_max_rows(self, rest: str) -> None:
        if rest and not (rest.isdecimal() and int(rest) > 0):
            raise Usage(f"{table.visible(rest)} is no number of rows. Write .max_rows 1000.")
        self.max_rows = int(rest) if rest else None
        self._lines([f"max_rows {self.max_rows or 'as the collector says'}"])

    def _do_output(self, rest: str) -> None:
        self.output = Path(rest).expanduser() if rest else None
        if self.output:
            _to_file(self.output, b"", "wb")

    def _do_export(self, rest: str) -> None:
        name, _, query = rest.partition(" ")
        if not query.strip():
            raise Usage("Write .export FILE QUERY, for example .export runs.csv from runs")
        path = Path(name).expanduser()
        ending = path.suffix.removeprefix(".").lower()
        form = {"md": "markdown", "txt": "table", "ndjson": "jsonl"}.get(ending, ending)
        if form not in FORMATS:
            raise Usage(f"{path.name} must end in .csv, .json, .jsonl, .parquet, .md or .txt.")
        _to_file(path, b"", "wb")
        self._query(query, form, path)
        self._lines([f"written to {table.visible(str(path))}"])

    def _query(self, sql: str, form: str, output: Path | None) -> None:
        began = time.perf_counter()
        asked = form if form in {"csv", "parquet"} else "json"
        reply = self.client.sql(
            sql,
            self.params,
            form=asked,
            max_rows=self.max_rows,
            spreadsheet_safe=self.spreadsheet_safe,
        )
        took_s = time.perf_counter() - began
        if form == "parquet" and output is None and self.width:
            raise Usage("Parquet is not for a terminal. Write it into a file with -o or .export.")
        for piece in self._written(reply, form, 0 if output else self.width):
            if output is None:
                self.write(piece)
            else:
                _to_file(output, piece, "ab")
        if reply.truncated and (form != "table" or output is not None):
            sys.stderr.write(f"tellwhy sql: {CUT}\n")
        if self.timing:
            self._lines([f"{took_s * 1000:.1f} ms"])

    def _written(self, reply: Reply, form: str, width: int) -> Iterator[bytes]:
        """The answer in pieces. What goes to a terminal holds no control characters."""
        if form == "parquet":
            yield reply.body
        elif form == "csv":
            text = reply.body.decode()
            shown = "\n".join(map(table.visible, text.split("\r\n"))) if width else text
            yield shown.encode()
        else:
            answer = json.loads(reply.body)
            for line in self._text(answer, form, width):
                yield (line + "\n").encode()

    def _text(self, answer: dict[str, Any], form: str, width: int) -> Iterator[str]:
        columns, rows = answer["columns"], answer["rows"]
        if form in {"json", "jsonl"}:
            names = distinct(columns)
            objects = [
                json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=bool(width))
                for row in rows
            ]
            yield from objects if form == "jsonl" else ["[" + ",\n ".join(objects) + "]"]
            return
        if form == "markdown":
            yield from table.markdown(columns, rows)
            return
        if columns == ["explain_key", "explain_value"] and rows:
            yield from (table.visible(line) for row in rows for line in str(row[1]).splitlines())
            return
        yield from (table.stacked if self.expanded else table.table)(columns, rows, width)
        yield f"{len(rows):,} row{'' if len(rows) == 1 else 's'}"
        if answer["truncated"]:
            yield CUT

    def _lines(self, lines: Sequence[str] | Iterator[str]) -> None:
        for line in lines:
            self.write((line + "\n").encode())


CUT = "More rows exist than were sent. Add a limit, aggregate, or raise .max_rows (--max-rows)."
"""Told whenever rows are missing."""


def statements(text: str) -> tuple[list[str], str]:
    """The finished statements and commands of *text*, and what is not finished yet."""
    done: list[str] = []
    open_text = ""
    for line in text.splitlines(keepends=True):
        if not open_text.strip() and line.lstrip().startswith((".", "\\")):
            done.append(line.strip())
            open_text = ""
            continue
        parts = _split(open_text + line)
        done += [part for part in parts[:-1] if part.strip(" \t\r\n;")]
        open_text = parts[-1]
        if open_text.lstrip().startswith((".", "\\")):
            done.append(open_text.strip())
            open_text = ""
    return done, open_text


def _split(text: str) -> list[str]:
    """*text* cut after each semicolon that is not inside a text, a name or a comment."""
    parts = [""]
    for found in _PIECES.finditer(text):
        parts[-1] += found.group()
        if found.group() == ";":
            parts.append("")
    return parts


def _to_file(path: Path, piece: bytes, mode: str) -> None:
    try:
        with path.open(mode) as file:
            file.write(piece)
    except OSError as error:
        raise Usage(
            f"{table.visible(str(path))} cannot be written: {error.strerror}. Name another file."
        ) from error
