"""Step 5 of 7. Opens the one DuckDB file, brings its schema up to date, hands out cursors.

Nobody else opens the file, not even to look: closing any second handle in this process would drop
DuckDB's lock on it. Interprets nothing.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import Any

import duckdb

from tellwhy_collector.errors import StoreError
from tellwhy_collector.settings import Settings

DATABASE = "tellwhy"
"""Name of the attached file inside DuckDB."""

ROW_GROUP_ROWS = 30_720
"""Not sticky: opened without it, the next checkpoint merges all groups (28-45 s at 1 M spans)."""

FIRST_VIEW_FILE = 100
"""sql/ files from this number on are views, made again when one changed; below are migrations."""

COPY_FILES = ("", ".wal", ".wal.checkpoint", ".wal.recovery")
"""Ends of the names of the files that DuckDB 2.0 makes for one database."""

_open_paths: set[Path] = set()
_open_lock = threading.Lock()


class Store:
    """An open database file. Close it; until then no other process can open it."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path) -> None:
        self.path = path
        self._connection = connection
        self._lock = threading.Lock()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection of its own with our database in use. The caller closes it."""
        with self._lock:
            cursor = self._connection.cursor()
        cursor.execute(f"USE {DATABASE}")
        return cursor

    reader = cursor
    """For queries. Read-only is what `query` makes of it, not the cursor."""

    writer = cursor
    """For the one writing thread."""

    @property
    def backup_path(self) -> Path:
        """Where copies are made; the only other file that DuckDB may touch. Its folder is not."""
        return backup_path(self.path)

    def schema(self) -> list[dict[str, Any]]:
        """Tables and views by name: ``{"name", "kind", "comment", "columns": [{"name", …}]}``."""
        cursor = self.cursor()
        try:
            relations = cursor.execute(_RELATIONS, [DATABASE, DATABASE]).fetchall()
            columns = cursor.execute(_COLUMNS, [DATABASE]).fetchall()
        finally:
            cursor.close()
        return [
            {
                "name": name,
                "kind": kind,
                "comment": comment,
                "columns": [
                    {"name": column, "type": type_, "comment": about}
                    for table, column, type_, about in columns
                    if table == name
                ],
            }
            for name, kind, comment in relations
        ]

    def close(self) -> None:
        """Write everything into the file and let go of it. Safe to call twice.

        A query that DuckDB does not end keeps it open until the process ends; what was committed
        is in the file or its log all the same.
        """
        with _open_lock:
            if self.path in _open_paths:
                with suppress(duckdb.ResourceInUseException):
                    self._connection.close()
                    _open_paths.discard(self.path)

    @property
    def closed(self) -> bool:
        """Whether the file is let go of."""
        return self.path not in _open_paths


_RELATIONS = """
    select table_name, 'table', comment from duckdb_tables() where database_name = ?
    union all
    select view_name, 'view', comment from duckdb_views() where database_name = ? and not internal
    order by 1
"""

_COLUMNS = """
    select table_name, column_name, data_type, comment from duckdb_columns()
    where database_name = ? order by table_name, column_index
"""


def open(path: Path | str, settings: Settings | None = None) -> Store:  # noqa: A001 - store.open
    """Open *path*, make it when it is missing, and bring its schema up to date.

    Raises:
        StoreError: The file is locked, damaged, newer than this program, no database, or cannot
            be reached. The message names the path and what the operator can do.
    """
    where, chosen = Path(os.path.abspath(path)), settings or Settings()  # noqa: PTH100 - keeps links
    with _open_lock:
        if where in _open_paths:
            raise StoreError(f"{where} is open in this process already. Close that store first.")
        connection = duckdb.connect()
        try:
            _attach(connection, where, chosen)
            _apply(connection, where)
            connection.execute("SET GLOBAL enable_external_access = false")
            connection.execute("SET GLOBAL lock_configuration = true")
        except duckdb.Error as error:
            connection.close()
            raise StoreError(explain(error, where)) from error
        except BaseException:
            connection.close()
            raise
        _open_paths.add(where)
    return Store(connection, where)


def backup_path(path: Path) -> Path:
    """The file for copies of the database at *path*, in a folder of its own."""
    return Path(f"{path}.backup") / "backup.duckdb"


def _attach(connection: duckdb.DuckDBPyConnection, path: Path, settings: Settings) -> None:
    if not path.parent.is_dir():
        raise StoreError(
            f"The folder {path.parent} of the database does not exist. Make it, or choose another "
            "with TELLWHY_DATABASE or --database."
        )
    options = {
        "threads": settings.database_threads or os.cpu_count() or 1,
        "memory_limit": settings.database_memory,
        # The default of an in-memory instance would be the working directory.
        "temp_directory": f"{path}.tmp",
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "TimeZone": "UTC",
        # Row groups smaller than this keep attributes unshredded: 0.24 s a million rows to read.
        "variant_minimum_shredding_size": 5000,
        "checkpoint_threshold": "128MB",
        # What may be attached in spite of external access being off; see `backup`. No folder:
        # `FROM 'folder/x.csv'` would read whatever stands in it.
        "allowed_paths": [f"{backup_path(path)}{end}" for end in COPY_FILES],
    }
    for name, value in options.items():
        connection.execute(f"SET GLOBAL {name} = {_literal(value)}")
    connection.execute(
        f"ATTACH {_literal(str(path))} AS {DATABASE} (TYPE duckdb, ROW_GROUP_SIZE {ROW_GROUP_ROWS})"
    )
    connection.execute(f"USE {DATABASE}")


def _literal(value: object) -> str:
    """*value* as SQL; settings and ATTACH take no parameters."""
    if isinstance(value, bool | int):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(map(_literal, value)) + "]"
    return "'" + str(value).replace("'", "''") + "'"


def sql_files() -> list[tuple[int, str, str]]:
    """Number, name and text of each file in ``sql/``, in the order they are applied."""
    folder = resources.files("tellwhy_collector") / "sql"
    names = sorted(item.name for item in folder.iterdir() if item.name.endswith(".sql"))
    return [(int(name[:3]), name, (folder / name).read_text("utf-8")) for name in names]


def _apply(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Run the migrations that this file has not seen, and make the views of this edition."""
    files = sql_files()
    _in_transaction(connection, lambda: connection.execute(files[0][2]))
    done = dict(connection.execute("SELECT number, sha256 FROM schema_versions").fetchall())
    made_views = done.pop(FIRST_VIEW_FILE, None)
    migrations = {number for number, _, _ in files[1:] if number < FIRST_VIEW_FILE}
    newest, not_seen = max(migrations), migrations - set(done)
    if done and max(done) > newest:
        raise StoreError(
            f"{path} was written by a newer tellwhy (its schema has number {max(done)}, this "
            f"program knows {newest}). Upgrade tellwhy-collector, or choose another database."
        )
    for number, name, text in files[1:]:
        digest = hashlib.sha256(text.encode()).hexdigest()
        if number in not_seen:
            _in_transaction(connection, lambda: _migrate(connection, number, name, text, digest))  # noqa: B023 - called at once
        elif number in migrations and done[number] != digest:
            raise StoreError(
                f"{path} was made by another edition of {name}. Install the tellwhy-collector that "
                "made it, or choose another database."
            )
    views = "".join(text for number, _, text in files if number >= FIRST_VIEW_FILE)
    # Of this DuckDB: another one may read the same text in another way.
    edition = hashlib.sha256(f"{duckdb.__version__}\n{views}".encode()).hexdigest()
    if not_seen or made_views != edition:
        _in_transaction(
            connection, lambda: _migrate(connection, FIRST_VIEW_FILE, "views", views, edition)
        )


def _migrate(
    connection: duckdb.DuckDBPyConnection, number: int, name: str, text: str, digest: str
) -> None:
    connection.execute(text)
    connection.execute("DELETE FROM schema_versions WHERE number = ?", [number])
    connection.execute(
        "INSERT INTO schema_versions VALUES (?, ?, ?, now()::TIMESTAMP)", [number, name, digest]
    )


def _in_transaction(connection: duckdb.DuckDBPyConnection, act: Callable[[], object]) -> None:
    connection.execute("BEGIN")
    try:
        act()
        connection.execute("COMMIT")
    except BaseException:
        with suppress(duckdb.Error):
            connection.execute("ROLLBACK")
        raise


def is_fatal(error: BaseException) -> bool:
    """Whether DuckDB gave up on the file in this process: only a new process can go on."""
    return isinstance(error, duckdb.FatalException | duckdb.InternalException) or (
        isinstance(error, duckdb.Error) and "has been invalidated" in str(error)
    )


_REASONS: tuple[tuple[str, str], ...] = (
    (
        r"Could not set lock on file .*?(?:\(PID (?P<pid>\d+)\)|$)",
        (
            "{path} is in use by another process{pid}. Is another collector running on it? Stop it, or "
            "choose another file with TELLWHY_DATABASE or --database."
        ),
    ),
    (
        r"not a valid DuckDB database file",
        (
            "{path} is not a DuckDB database. Move it away, or choose another file with "
            "TELLWHY_DATABASE or --database."
        ),
    ),
    (
        r"storage version|newer version of DuckDB",
        (
            "{path} was written by another version of DuckDB than this one can read ({first}). Install "
            "the DuckDB that wrote it, or choose another file with TELLWHY_DATABASE or --database."
        ),
    ),
    (
        r"Permission denied|Read-only file system",
        (
            "{path} cannot be written: {first}. Give this user the right to write the file and its "
            "folder, or choose another file with TELLWHY_DATABASE or --database."
        ),
    ),
    (
        r"Is a directory",
        "{path} is a folder. Name a file with TELLWHY_DATABASE or --database.",
    ),
    (
        r"[Cc]orrupt|Could not read enough bytes|checksum|WAL",
        (
            "{path} is damaged: {first}. Keep a copy of it and of {path}.wal, restore a backup, or "
            "choose another file with TELLWHY_DATABASE or --database."
        ),
    ),
    (r"No space left", "The disk that holds {path} is full: {first}. Make room and start again."),
)
"""DuckDB's words -> ours, tried in order."""


def explain(error: duckdb.Error, path: Path) -> str:
    """What a DuckDB error at opening means for the operator, and what to do."""
    text = str(error)
    first = text.splitlines()[0].removeprefix("IO Error: ").rstrip(".!") if text else ""
    for pattern, reason in _REASONS:
        found = re.search(pattern, text)
        if found:
            pid = found.groupdict().get("pid")
            return reason.format(path=path, first=first, pid=f" (PID {pid})" if pid else "")
    return f"{path} cannot be opened: {first}. Choose another with TELLWHY_DATABASE or --database."
