"""One consistent copy of one database into a new file, by DuckDB itself.

Copying the file would miss its log, and closing a handle of it would drop the collector's lock.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from tellwhy_collector.errors import StoreError
from tellwhy_collector.store import DATABASE, ROW_GROUP_ROWS, explain

Counts = dict[str, int]
"""Table to its number of rows."""

COPY = "backup"
"""Name of the new file inside DuckDB."""


def copy(cursor: Any, path: Path) -> Counts:
    """Copy the attached database into *path*, as it is at one moment; give back its rows.

    Raises:
        duckdb.Error: Nothing is attached any more; *path* may hold a part.
    """
    cursor.execute(f"ATTACH {_text(path)} AS {COPY} (TYPE duckdb, ROW_GROUP_SIZE {ROW_GROUP_ROWS})")
    try:
        cursor.execute("BEGIN")
        try:
            counts = _counts(cursor, DATABASE)
            cursor.execute(f"COPY FROM DATABASE {DATABASE} TO {COPY}")
            cursor.execute("COMMIT")
        except BaseException:
            cursor.execute("ROLLBACK")
            raise
    finally:
        cursor.execute(f"USE {DATABASE}")
        cursor.execute(f"DETACH {COPY}")
    return counts


def copy_file(source: Path, path: Path) -> Counts:
    """Copy the database of a stopped collector into *path*; give back its rows.

    Raises:
        StoreError: *source* is in use, no database, or *path* cannot be written.
    """
    if not source.is_file():
        raise StoreError(
            f"There is no file {source}. Name the collector's with --database, or leave it out to "
            "ask the running collector."
        )
    with duckdb.connect() as connection:
        try:
            connection.execute(f"ATTACH {_text(source)} AS {DATABASE} (READ_ONLY)")
            connection.execute(f"USE {DATABASE}")
        except duckdb.Error as error:
            raise StoreError(explain(error, source)) from error
        try:
            return copy(connection, path)
        except duckdb.Error as error:
            raise StoreError(explain(error, path)) from error


def counts_of(path: Path) -> Counts:
    """The rows of the tables in *path*, which nobody has open.

    Raises:
        StoreError: It does not open.
    """
    with duckdb.connect() as connection:
        try:
            connection.execute(f"ATTACH {_text(path)} AS {COPY} (READ_ONLY)")
            return _counts(connection, COPY)
        except duckdb.Error as error:
            raise StoreError(explain(error, path)) from error


def _counts(cursor: Any, database: str) -> Counts:
    names = cursor.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = ? ORDER BY 1", [database]
    ).fetchall()
    return {
        name: cursor.execute(f'SELECT count(*) FROM {database}."{name}"').fetchall()[0][0]
        for (name,) in names
    }


def _text(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
