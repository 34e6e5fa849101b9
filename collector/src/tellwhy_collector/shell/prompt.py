"""The conversation: editing, history, completion."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

from tellwhy_collector.settings import state_dir
from tellwhy_collector.shell.errors import Quit, ShellError
from tellwhy_collector.shell.session import ALIASES, FORMATS, Session, statements
from tellwhy_collector.shell.table import visible

_KEYWORDS = (
    "select from where group by order having qualify limit offset join left inner on using with as "
    "union all distinct count sum avg min max case when then else end and or not in is null like "
    "ilike between exists cast desc asc filter over partition interval now explain analyze describe "
    "summarize quantile_cont date_trunc unnest"
)
_COMMANDS = ".tables .schema .format .export .output .expanded .timing .max_rows .help .quit"
_WORD = re.compile(r"[.\\]?[\w]*$")
_BEFORE_DOT = re.compile(r'(\w+)"?\.\w*$')


class Names(Completer):
    """Completes commands, keywords, tables and columns."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get_completions(self, document: Document, _event: CompleteEvent) -> Iterable[Completion]:
        """What the word before the cursor can become; nothing when there is no word."""
        before = document.text_before_cursor
        found = _WORD.search(before)
        word = found.group() if found else ""
        dotted = _BEFORE_DOT.search(before)
        if dotted:
            word = word.removeprefix(".")
            yield from _matching(word, self._columns(dotted.group(1)))
        elif before.lstrip().startswith((".", "\\")):
            yield from self._of_command(before.lstrip(), word)
        elif word:
            names = [item["name"] for item in self._session.known]
            yield from _matching(word, [*names, *self._columns(None), *_KEYWORDS.split()])

    def _of_command(self, text: str, word: str) -> Iterable[Completion]:
        command, space, _ = text.partition(" ")
        if not space:
            yield from _matching(text, [*_COMMANDS.split(), *ALIASES])
        elif ALIASES.get(command, command) == ".schema":
            yield from _matching(word, [item["name"] for item in self._session.known])
        elif command == ".format":
            yield from _matching(word, FORMATS)

    def _columns(self, table: str | None) -> list[str]:
        names = {
            column["name"]: None
            for item in self._session.known
            if table is None or item["name"] == table
            for column in item["columns"]
        }
        return list(names)


def _matching(word: str, names: Iterable[str]) -> Iterable[Completion]:
    for name in dict.fromkeys(names):
        if name.lower().startswith(word.lower()) and name != word:
            yield Completion(name, start_position=-len(word))


def history_file() -> Path:
    """Where the shell remembers what was asked."""
    return state_dir() / "sql_history"


def talk(session: Session) -> int:
    """Ask and answer until the user leaves.

    Raises:
        Unreachable: Nobody answers at the beginning.
    """
    session.learn()
    sys.stdout.write(
        f"Connected to {session.client.url}. Statements end with ; and .help lists commands.\n"
    )
    editor: PromptSession[str] = PromptSession(
        history=_history(),
        completer=Names(session),
        complete_while_typing=True,
        auto_suggest=AutoSuggestFromHistory(),
        key_bindings=_keys(),
        multiline=True,
        prompt_continuation=lambda width, _line, _wrapped: "…> ".rjust(width),
        enable_open_in_editor=True,
    )
    while True:
        try:
            text = editor.prompt("tellwhy> ")
        except KeyboardInterrupt:
            continue
        except EOFError:
            return 0
        try:
            session.width = shutil.get_terminal_size().columns
            done, rest = statements(text)
            for item in [*done, rest]:
                session.run(item)
        except Quit:
            return 0
        except ShellError as error:
            sys.stdout.write("\n".join(map(visible, str(error).split("\n"))) + "\n")
        except KeyboardInterrupt:
            sys.stdout.write("Stopped.\n")  # the connection is closed, so the query ends too


def finished(text: str) -> bool:
    """Whether Enter sends *text* instead of beginning a new line."""
    stripped = text.strip()
    return not stripped or stripped.startswith((".", "\\")) or not statements(text)[1].strip()


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("enter")
    def _(event: KeyPressEvent) -> None:
        buffer: Buffer = event.current_buffer
        if finished(buffer.text):
            buffer.validate_and_handle()
        else:
            buffer.insert_text("\n")

    return keys


def _history() -> History:
    """A file that only this user can read; memory where no file can be written."""
    path = history_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600))
        with contextlib.suppress(OSError):
            path.chmod(0o600)
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(path))
