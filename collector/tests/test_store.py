import os
import struct
import subprocess
import sys
from dataclasses import fields

import duckdb
import pytest

from tellwhy_collector import store as store_module
from tellwhy_collector.errors import StoreError
from tellwhy_collector.ingest.columns import LOGS, METRIC_POINTS, SPANS, STEPS
from tellwhy_collector.records import Step
from tellwhy_collector.testing import rows

HOLD = """
import sys
from tellwhy_collector import store
opened = store.open(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""


def test_everything_in_the_schema_has_a_comment(store):
    """`/api/tables` and the reference page are made of them."""
    bare = [
        f"{table['name']}.{column['name']}"
        for table in store.schema()
        for column in [{"name": "*", "comment": table["comment"]}, *table["columns"]]
        if not column["comment"]
    ]

    assert [] == bare


def columns(store, name):
    (found,) = [table for table in store.schema() if table["name"] == name]
    return [column["name"] for column in found["columns"]]


def test_the_steps_table_has_the_fields_of_a_step(store):
    """The noun and the table use the same words."""
    derived = {"start_time", "end_time", "duration_ns", "duplicate_of"}

    assert [x.name for x in fields(Step)] == [
        x for x in columns(store, "steps") if x not in derived
    ]


@pytest.mark.parametrize(
    ("table", "schema"),
    [("spans", SPANS), ("logs", LOGS), ("metric_points", METRIC_POINTS), ("steps", STEPS)],
)
def test_what_ingest_writes_are_columns_of_the_table(store, table, schema):
    """A column that is added to one of the two is missed here."""
    assert set(schema.names) <= set(columns(store, table))


def test_the_usual_filter_by_time_binds(store):
    """On TIMESTAMP_NS this would be an error, so times are TIMESTAMP."""
    cursor = store.cursor()
    for table in ("spans", "steps"):
        cursor.execute(f"SELECT * FROM {table} WHERE start_time > now() - INTERVAL 1 DAY")

    assert [] == cursor.fetchall()


def test_a_second_start_applies_nothing_twice(tmp_path):
    """Migrations and the edition of the views are recorded with a hash and a time."""
    seen = []
    for _ in range(2):
        opened = store_module.open(tmp_path / "x.duckdb")
        seen.append(rows(opened, "SELECT number, applied_at FROM schema_versions ORDER BY number"))
        opened.close()

    assert seen[0] == seen[1]
    migrations = [number for number, _, _ in store_module.sql_files() if 0 < number < 100]
    assert [*migrations, 100] == [number for number, _ in seen[0]]


@pytest.mark.parametrize(
    "change", ["UPDATE schema_versions SET sha256 = 'older' WHERE number = 100", "SELECT 1"]
)
def test_views_of_another_edition_are_made_again(tmp_path, change):
    """And only those: a start does not spend its time on what is there."""
    opened = store_module.open(tmp_path / "x.duckdb")
    cursor = opened.cursor()
    cursor.execute("CREATE OR REPLACE VIEW slow_tools AS SELECT 'of another edition' AS said")
    cursor.execute(change)
    cursor.close()
    opened.close()
    again = store_module.open(tmp_path / "x.duckdb")

    assert (["said"] == columns(again, "slow_tools")) == (change == "SELECT 1")
    again.close()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("INSERT INTO schema_versions VALUES (99, 'x', 'y', now())", "a newer tellwhy"),
        ("UPDATE schema_versions SET sha256 = 'other'", "another edition of 001_raw.sql"),
    ],
)
def test_a_schema_that_is_not_ours_is_refused(tmp_path, change, says):
    """Better no start than a start on tables that mean something else."""
    path = tmp_path / "x.duckdb"
    opened = store_module.open(path)
    opened.cursor().execute(change)
    opened.close()

    with pytest.raises(StoreError, match=says):
        store_module.open(path)


def test_a_file_in_use_names_the_process(tmp_path):
    """The operator learns who has it and what to do."""
    path = tmp_path / "x.duckdb"
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert "open\n" == other.stdout.readline()
        with pytest.raises(StoreError) as caught:
            store_module.open(path)
    finally:
        other.communicate("")

    assert f"{path} is in use by another process (PID {other.pid})" in str(caught.value)
    assert "--database" in str(caught.value)
    store_module.open(path).close()


def test_one_process_opens_a_file_once(store):
    """DuckDB's lock does not see the process that holds it."""
    with pytest.raises(StoreError, match="in this process already"):
        store_module.open(store.path)


def checksum(block):
    """DuckDB's own, so that a header can be forged. Source: src/common/checksum.cpp, v2.0."""
    result = 5381
    for (word,) in struct.iter_unpack("<Q", block):
        result ^= word * 0xBF58476D1CE4E5B9 & (2**64 - 1)
    return result


@pytest.fixture
def written(tmp_path):
    """The bytes of a good database file, for tests to damage."""
    path = tmp_path / "good.duckdb"
    store_module.open(path).close()
    return bytearray(path.read_bytes())


def opening(path):
    with pytest.raises(StoreError) as caught:
        store_module.open(path)
    return str(caught.value)


def test_a_file_of_a_newer_storage_version_says_so(tmp_path, written):
    """An upgraded and rolled back DuckDB is no damage."""
    path = tmp_path / "newer.duckdb"
    # Main header: checksum, "DUCK", then the storage version.
    written[12:20] = struct.pack("<Q", 5000)
    written[:8] = struct.pack("<Q", checksum(bytes(written[8:4096])))
    path.write_bytes(written)

    assert "was written by another version of DuckDB" in opening(path)


def test_a_damaged_file_says_so(tmp_path, written):
    """Flipped or missing blocks, and what to keep."""
    for name, data in (
        ("short", written[: len(written) // 2]),
        ("flipped", written[:12288] + bytes(255 - x for x in written[12288:])),
    ):
        path = tmp_path / f"{name}.duckdb"
        path.write_bytes(data)

        assert f"{path} is damaged" in opening(path)


@pytest.mark.parametrize(
    "data", [b"", b"text", b"garbage" * 2000, b"SQLite format 3\0" + b"\0" * 5000]
)
def test_a_file_that_is_no_database_is_left_alone(tmp_path, data):
    """It is somebody's file; its bytes stay as they are."""
    path = tmp_path / "other.duckdb"
    path.write_bytes(data)

    assert f"{path} is not a DuckDB database" in opening(path)
    assert data == path.read_bytes()


def test_a_missing_folder_and_a_folder_say_so(tmp_path):
    """The two commonest slips in a path."""
    assert f"The folder {tmp_path / 'no'}" in opening(tmp_path / "no" / "x.duckdb")
    assert f"{tmp_path} is a folder" in opening(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_write_permission_says_so(tmp_path):
    """The operator gives the right or takes another folder."""
    tmp_path.chmod(0o500)

    assert "cannot be written" in opening(tmp_path / "x.duckdb")


def test_words_of_the_system_are_explained(tmp_path):
    """Also where a test cannot produce them: no permission, no room, or something new."""
    path = tmp_path / "x"
    said = {
        "IO Error: Cannot open file: Permission denied": "cannot be written",
        "IO Error: Could not write: No space left on device": "Make room",
        "IO Error: something new": "cannot be opened: something new",
    }

    for text, wanted in said.items():
        assert wanted in store_module.explain(duckdb.IOException(text), path)


def test_readers_reach_no_file(store):
    """External access is off and cannot be turned on again."""
    cursor = store.reader()
    with pytest.raises(duckdb.PermissionException):
        cursor.execute("SELECT * FROM read_text('/etc/hostname')")
    with pytest.raises(duckdb.Error, match="locked"):
        cursor.execute("SET enable_external_access = true")
    cursor.close()


def test_a_path_with_quotes_and_spaces_opens(tmp_path):
    """It goes into SQL as text."""
    path = tmp_path / "o'clock 1.duckdb"
    store_module.open(path).close()

    assert path.exists()
