"""A folder of ``*.sql`` into rules. A file that is none is named with the reason, and left out."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from tellwhy_collector.errors import CollectorError, SettingsError
from tellwhy_collector.reconstruct.case import Severity
from tellwhy_collector.reconstruct.findings import RULES

COLUMNS = ("trace_id", "run_id", "span_id", "message")
"""What the SELECT of a rule has to give; ``decision_id`` besides if it likes."""

MOST_BYTES = 32 * 1024
"""Of one file. With the ids of traces it has to fit into one statement."""

MOST_RULES = 100

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_SEVERITY = re.compile(r"severity:\s*(\w+)\s*$", re.IGNORECASE)

Columns = Callable[[str], Sequence[str]]
"""Gives the columns of a SELECT, or raises a `CollectorError`."""


@dataclass(frozen=True, slots=True)
class UserRule:
    """One rule of a user."""

    name: str
    severity: Severity
    about: str
    """The sentence at its top."""
    sql: str
    file: str
    """Its name without the folder; ``findings.made_by``."""
    decides: bool
    """Whether it gives a ``decision_id``."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A file that is left out."""

    file: str
    reason: str
    """What is wrong with it, and what to do."""


@dataclass(slots=True)
class Read:
    """What a folder holds."""

    rules: list[UserRule] = field(default_factory=list)
    """By name."""
    broken: list[Broken] = field(default_factory=list)

    @property
    def sha256(self) -> str:
        """Of all rules; "" when there is none."""
        digest = hashlib.sha256()
        for rule in self.rules:
            digest.update(f"{rule.file}\0{rule.severity}\0{rule.sql}\0".encode())
        return digest.hexdigest() if self.rules else ""


class _WrongFileError(Exception):
    """What is wrong with a file, and what to do."""


def read_rules(folder: str, columns: Columns) -> Read:
    """The rules in *folder*, and the files that are none.

    Args:
        folder: As the operator gave it; "" when there is none.
        columns: Asks the database, within the fences of all readers.

    Raises:
        SettingsError: There is no such folder.
    """
    found = Read()
    if not folder:
        return found
    home = Path(folder)
    if not home.is_dir():
        raise SettingsError(
            f"rules is {folder}, which is no folder. Make it, or change TELLWHY_RULES or --rules."
        )
    files = sorted(path for path in home.iterdir() if path.suffix == ".sql" and path.is_file())
    for path in files:
        try:
            found.rules.append(_rule(path, columns, len(found.rules)))
        except _WrongFileError as error:
            found.broken.append(Broken(path.name, str(error)))
    return found


def _rule(path: Path, columns: Columns, before: int) -> UserRule:
    name = path.stem
    if before >= MOST_RULES:
        raise _WrongFileError(f"There are {MOST_RULES} rules already. Join some of them.")
    if not _NAME.fullmatch(name):
        raise _WrongFileError(
            f"{name!r} cannot be the name of a rule. Rename the file to small letters, digits and _."
        )
    if name in {rule.name for rule in RULES}:
        raise _WrongFileError(f"tellwhy has a rule {name} of its own. Rename the file.")
    text = _text(path)
    severity, about = _head(text)
    given = _columns(text, columns)
    missing = [column for column in COLUMNS if column not in given]
    if missing:
        raise _WrongFileError(
            f"Its SELECT gives {', '.join(given)} and lacks {', '.join(missing)}. "
            f"Select {', '.join(COLUMNS)}."
        )
    return UserRule(name, severity, about, text, path.name, "decision_id" in given)


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise _WrongFileError(
                f"It is {path.stat().st_size:,} bytes; the limit is {MOST_BYTES:,}. Shorten it."
            )
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no UTF-8 text"
        raise _WrongFileError(
            f"It cannot be read: {reason}. Give this user the right to read it, or take it away."
        ) from None


def _head(text: str) -> tuple[Severity, str]:
    """Severity and sentence out of the comment lines at the top."""
    severity, words = "", []
    for line in text.splitlines():
        if not line.lstrip().startswith("--"):
            break
        said = line.lstrip().lstrip("-").strip()
        found = _SEVERITY.fullmatch(said)
        if found:
            severity = found[1].lower()
        elif said:
            words.append(said)
    for known in get_args(Severity):
        if severity == known and words:
            return known, " ".join(words)
    if severity and severity not in get_args(Severity):
        raise _WrongFileError(f"Its severity is {severity!r}. Write high, medium or low.")
    lacks = "a sentence that says when it fires" if severity else "its severity"
    raise _WrongFileError(
        f"The comment at its top lacks {lacks}. Begin the file with two lines: "
        "`-- severity: medium` and `-- What it finds, in one sentence.`"
    )


def _columns(text: str, columns: Columns) -> Sequence[str]:
    try:
        return columns(text)
    except CollectorError as error:
        raise _WrongFileError(
            f"Its SELECT cannot run: {str(error).rstrip('.')}. Try it with `tellwhy sql`."
        ) from None
