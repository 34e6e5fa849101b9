import http.client
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import duckdb
import pytest

from tellwhy_collector.backup import command, copy_file
from tellwhy_collector.errors import StoreError
from tellwhy_collector.testing import collector, open_store, rows, send, span, traces

READ, ADMIN = "read-token-of-the-tests", "admin-token-of-the-tests"


@pytest.fixture
def running(tmp_path, monkeypatch):
    """A collector with some spans, which `tellwhy backup` finds by the environment."""
    folder = tmp_path / "live"
    folder.mkdir()
    with collector(folder) as found:
        monkeypatch.setenv("TELLWHY_COLLECTOR_URL", found.http_url)
        send(f"{found.http_url}/v1/traces", traces([span() for _ in range(20)]))
        yield found


def restored(path, sql="SELECT count(*) FROM spans"):
    """What a collector that is started on the copy would see."""
    store = open_store(path)
    try:
        return rows(store, sql)
    finally:
        store.close()


def test_a_copy_of_a_running_collector_can_be_started_on(running, tmp_path, capfd):
    """All rows, all comments, and a collector that takes it for its own."""
    path = tmp_path / "copy.duckdb"

    assert 0 == command.run([str(path)])
    out, err = capfd.readouterr()
    assert ("", True) == (err, "20 spans" in out and "20 steps" in out)
    assert 0o600 == path.stat().st_mode & 0o777
    assert [(20, 20)] == restored(
        path, "SELECT (SELECT count(*) FROM spans), (SELECT count(*) FROM runs)"
    )
    with collector(tmp_path, database=path) as other:
        assert 200 == send(f"{other.http_url}/v1/traces", traces([span()])).status
        assert other.store.schema() == running.store.schema()


def test_what_comes_in_meanwhile_is_refused_nothing(running, tmp_path):
    """Senders get their 200 while a copy is made; the copy holds a moment of them, whole."""
    url, ending, statuses = f"{running.http_url}/v1/traces", threading.Event(), []

    def post():
        while not ending.is_set():
            statuses.append(send(url, traces([span() for _ in range(10)])).status)

    threads = [threading.Thread(target=post) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        codes = [command.run([str(tmp_path / f"{turn}.duckdb")]) for turn in range(3)]
    finally:
        ending.set()
        for thread in threads:
            thread.join()

    assert [0, 0, 0] == codes
    assert {200} == set(statuses)
    kept = [restored(tmp_path / f"{turn}.duckdb")[0][0] for turn in range(3)]
    assert sorted(kept) == kept
    assert all(count % 10 == 0 for count in kept)
    assert [(20 + 10 * len(statuses),)] == rows(running.store, "SELECT count(*) FROM spans")


def test_the_lock_of_the_database_holds(running, tmp_path):
    """The collector's own file is never opened a second time: no other process can take it."""
    assert 0 == command.run([str(tmp_path / "copy.duckdb")])
    code = f"import duckdb; duckdb.connect({str(running.path)!r})"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )

    assert 1 == done.returncode
    assert "Could not set lock" in done.stderr


def test_nothing_is_left_beside_the_database(running, tmp_path):
    """The copy that is handed out is removed, and the file that grows is too."""
    assert 0 == command.run([str(tmp_path / "copy.duckdb")])

    assert not running.store.backup_path.parent.exists()
    assert ["copy.duckdb", "live"] == sorted(path.name for path in tmp_path.iterdir())


def test_what_a_crash_left_is_removed_at_the_next_start(tmp_path):
    """Half a copy does not stay on the disk."""
    folder = Path(f"{tmp_path / 'tests.duckdb'}.backup")
    folder.mkdir()
    (folder / "backup.duckdb").write_text("half")
    (folder / "backup.duckdb.wal").write_text("half")
    with collector(tmp_path):
        assert not folder.exists()


def test_a_file_is_never_overwritten(running, tmp_path, capfd):
    """Nor a folder guessed: both are command lines that cannot work."""
    (tmp_path / "mine").write_text("precious")

    assert 2 == command.run([str(tmp_path / "mine")])
    assert 2 == command.run([str(tmp_path / "no" / "copy")])
    err = capfd.readouterr().err
    assert "mine exists. Choose another name; a backup overwrites nothing." in err
    assert "no does not exist. Make it first." in err
    assert "precious" == (tmp_path / "mine").read_text()


def test_a_second_backup_at_the_same_time_is_told_to_come_later(running, tmp_path):
    """503 with Retry-After: two copies at once would need three times the room."""
    assert running._backups._busy.acquire(timeout=5)
    try:
        answer = send(f"{running.http_url}/api/backup")
    finally:
        running._backups._busy.release()

    assert (503, "10") == (answer.status, answer.headers["retry-after"])
    assert "A backup is being made already" in answer.json()["error"]


def test_a_caller_that_goes_away_leaves_nothing(running):
    """The copy has no name while it is sent; the next one is made all the same."""
    host = running.http_url.removeprefix("http://")
    for _ in range(3):
        connection = http.client.HTTPConnection(host, timeout=30)
        connection.request("POST", "/api/backup")
        assert 200 == connection.getresponse().status
        connection.close()

    assert not running.store.backup_path.parent.exists()


def test_only_operators_get_a_copy(tmp_path, monkeypatch, capfd):
    """The reader's token is not enough; the admin's is, and the audit has a row."""
    folder = tmp_path / "live"
    folder.mkdir()
    with collector(folder, read_token=READ, admin_token=ADMIN) as running:
        monkeypatch.setenv("TELLWHY_COLLECTOR_URL", running.http_url)
        monkeypatch.setenv("TELLWHY_READ_TOKEN", READ)
        assert 1 == command.run([str(tmp_path / "copy.duckdb")])
        assert "Send the value of TELLWHY_ADMIN_TOKEN" in capfd.readouterr().err
        monkeypatch.setenv("TELLWHY_ADMIN_TOKEN", ADMIN)
        assert 0 == command.run([str(tmp_path / "copy.duckdb")])
        settings = send(
            f"{running.http_url}/api/settings",
            headers={"Authorization": f"Bearer {ADMIN}"},
            method="GET",
        ).json()["settings"]
        assert (
            403
            == send(
                f"{running.http_url}/api/settings",
                headers={"Authorization": f"Bearer {READ}"},
                method="GET",
            ).status
        )
        end = time.monotonic() + 20
        while len(found := rows(running.store, AUDITED)) < 4:
            assert time.monotonic() < end
            time.sleep(0.05)

    assert [
        ("backup", "admin", None),
        ("backup", "none", "The token"),
        ("settings", "admin", None),
        ("settings", "none", "The token"),
    ] == sorted(found, key=str)
    assert (True, False, 183) == (
        settings["admin_token"],
        settings["ingest_token"],
        settings["retention_days"],
    )


AUDITED = "SELECT action, token, left(refused, 9) FROM audit WHERE kind = 'admin'"


def test_a_stopped_collectors_file_is_copied_without_it(tmp_path, capfd):
    """--database names it; one that is in use is refused with what to do."""
    with collector(tmp_path) as running:
        send(f"{running.http_url}/v1/traces", traces([span()]))
        path = running.path
    assert 0 == command.run(["--database", str(path), str(tmp_path / "copy.duckdb")])
    assert [(1,)] == restored(tmp_path / "copy.duckdb")
    assert 1 == command.run(["--database", str(tmp_path / "gone"), str(tmp_path / "b.duckdb")])
    assert "There is no file" in capfd.readouterr().err

    (tmp_path / "text").write_text("no database at all, " * 1000)
    with pytest.raises(StoreError, match="is not a DuckDB database"):
        copy_file(tmp_path / "text", tmp_path / "c.duckdb")


def test_nobody_at_the_address_is_exit_3(tmp_path, monkeypatch, capfd):
    """It says how to copy a stopped collector's file, and leaves nothing behind."""
    monkeypatch.setenv("TELLWHY_COLLECTOR_URL", "http://127.0.0.1:9")

    assert 3 == command.run([str(tmp_path / "copy.duckdb")])
    assert "stopped collector's file, name it with --database" in capfd.readouterr().err
    assert [] == list(tmp_path.iterdir())


def test_a_damaged_copy_is_not_taken_for_one(running, tmp_path, monkeypatch, capfd):
    """The rows are counted after the copy has arrived; a copy that differs is thrown away."""
    fetch = command._fetch

    def fewer(url, part):
        told = fetch(url, part)
        with duckdb.connect(str(part)) as connection:
            connection.execute("DELETE FROM spans")
        return told

    monkeypatch.setattr(command, "_fetch", fewer)

    assert 1 == command.run([str(tmp_path / "copy.duckdb")])
    assert "The copy differs in spans." in capfd.readouterr().err
    assert not (tmp_path / "copy.duckdb").exists()


def test_a_copy_that_does_not_fit_is_not_begun(running, tmp_path):
    """It is told how much is wanted; the database goes on."""
    running._backups._disk = type(
        "Full", (), {"database_bytes": 9, "log_bytes": 1, "free_bytes": 5}
    )
    answer = send(f"{running.http_url}/api/backup")

    assert 503 == answer.status
    assert "takes 10 bytes and 5 are free" in answer.json()["error"]


def test_sql_cannot_touch_the_folder_of_copies(running):
    """DuckDB may open one file there, and no statement of a reader does; nor any other file."""
    folder = running.store.backup_path.parent
    folder.mkdir()
    (folder / "x.csv").write_text("secret\n1\n")
    for sql in (
        f"ATTACH '{folder}/y.duckdb'",
        f"SELECT * FROM read_csv('{folder}/x.csv')",
        f"SELECT * FROM '{folder}/x.csv'",
        f"SELECT * FROM read_text('{folder}/x.csv')",
        f"SELECT * FROM glob('{folder}/*')",
        f"COPY spans TO '{folder}/z.csv'",
        f"SELECT * FROM '{running.store.backup_path}'",
    ):
        answer = send(f"{running.http_url}/api/sql", {"sql": sql})
        assert 400 == answer.status, sql
        assert b"secret" not in answer.body
    cursor = running.store.cursor()
    with pytest.raises(duckdb.Error, match="disabled by configuration"):
        cursor.execute(f"SELECT * FROM '{folder}/x.csv'")
    cursor.close()
    assert [folder / "x.csv"] == list(folder.iterdir())


@pytest.mark.slow
def test_the_command_works_between_processes(tmp_path):
    """`tellwhy backup` against `tellwhy serve`, then `tellwhy serve` on the copy."""
    around = {k: v for k, v in os.environ.items() if not k.startswith("TELLWHY_")}
    words = [sys.executable, "-m", "tellwhy", "serve", "--http-port", "0", "--grpc-port", "0"]
    copy = tmp_path / "copy.duckdb"
    for database in (tmp_path / "live.duckdb", copy):
        with subprocess.Popen(
            [*words, "--database", str(database)], stdout=subprocess.PIPE, text=True, env=around
        ) as process:
            try:
                lines = [process.stdout.readline() for _ in range(5)]
                url = lines[2].split()[-1]
                assert 200 == send(f"{url}/v1/traces", traces([span()])).status
                if database != copy:
                    made = subprocess.run(
                        [sys.executable, "-m", "tellwhy", "backup", "--url", url, str(copy)],
                        capture_output=True,
                        text=True,
                        env=around,
                        timeout=60,
                        check=False,
                    )
                    assert (0, "") == (made.returncode, made.stderr)
            finally:
                process.send_signal(signal.SIGTERM)
                assert 0 == process.wait(30)
    assert [(2,)] == restored(copy)
