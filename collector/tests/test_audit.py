import json
import threading
import time

import pytest

from tellwhy_collector import audit as audit_module
from tellwhy_collector.access import Caller
from tellwhy_collector.audit import Audit, Entry
from tellwhy_collector.testing import collector, rows, send

READ, ADMIN = "read-token-of-the-tests", "admin-token-of-the-tests"
HEADERS = {"Authorization": f"Bearer {READ}", "X-Tellwhy-User": "ada", "User-Agent": "tests/1"}
KEPT = (
    "SELECT kind, token, address, user_name, program, run_id, sql, params, rows, refused FROM audit"
)


SOME = "select * from range(3) where range > ?"


@pytest.fixture
def running(tmp_path):
    """A collector that asks for tokens."""
    with collector(tmp_path, read_token=READ, admin_token=ADMIN) as found:
        yield found


def until(condition):
    """Wait until *condition* gives something."""
    end = time.monotonic() + 20
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.01)
    return found


def audited(running, where="true", count=1):
    return until(
        lambda: (
            len(found := rows(running.store, f"{KEPT} WHERE {where} ORDER BY time")) >= count
            and found
        )
    )


def ask(running, sql, headers=None, **more):
    return send(
        f"{running.http_url}/api/sql", {"sql": sql, **more}, headers={**HEADERS, **(headers or {})}
    )


def test_every_statement_is_written_down(running):
    """Who, by which token, from where, what, with which values, and how much it gave."""
    ask(running, SOME, params=[0])

    assert [
        ("query", "read", "127.0.0.1", "ada", "tests/1", None, SOME, "[0]", 2, None)
    ] == audited(running)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_file_is_an_export(running, form):
    """What leaves as a file is told apart from what is looked at."""
    ask(running, "select 1", format=form)

    assert "export" == audited(running)[0][0]


def test_an_opened_run_is_a_view(running):
    """The viewer says which run somebody opened; the statement stands beside it all the same."""
    ask(running, "select 2", headers={"X-Tellwhy-View": "a" * 32})
    ask(running, "select 3", headers={"X-Tellwhy-View": "b" * 32}, format="csv")

    found = audited(running, count=2)
    assert [("view", "a" * 32, "select 2"), ("export", None, "select 3")] == [
        (row[0], row[5], row[6]) for row in found
    ]


@pytest.mark.parametrize(
    ("headers", "sql", "token", "says"),
    [
        ({}, "drop table runs", "read", "Only SELECT and EXPLAIN"),
        ({"Authorization": "Bearer " + "x" * 20}, None, "none", "is not known"),
        ({"Origin": "http://evil.example"}, None, "none", "A web page of http://evil.example"),
    ],
)
def test_what_was_refused_is_written_down_too(running, headers, sql, token, says):
    """With the reason; the statement only of those who were let in."""
    ask(running, "drop table runs", headers=headers)
    (row,) = audited(running)

    assert ("query", token, sql) == (row[0], row[1], row[6])
    assert says in row[9]


def test_a_name_cannot_disturb_a_terminal(running):
    """What callers say of themselves is cut and has no control characters."""
    ask(running, "select 4", headers={"X-Tellwhy-User": "a\x1b[2Jb" + "c" * 500})

    (row,) = audited(running)
    assert row[3].startswith("a[2Jbc")
    assert len(row[3]) <= 200


def test_what_a_page_asks_again_and_again_is_counted(store, monkeypatch):
    """One row at once, and one with the number of the rest when the minute is over."""
    monkeypatch.setattr(audit_module, "FLUSH_S", 0.02)
    monkeypatch.setattr(audit_module, "WINDOW_S", 0.5)
    audit = Audit(store)
    audit.start()
    entry = {"kind": "query", "caller": Caller(), "sql": "from runs"}
    audit.note(Entry(**entry, elapsed_ms=1.0))
    until(lambda: audit.written)
    for elapsed in (5.0, 9.0, 2.0):
        audit.note(Entry(**entry, elapsed_ms=elapsed, rows=7))
    audit.note(Entry(kind="query", caller=Caller(user="eve"), sql="from runs"))
    until(lambda: audit.written == 3)
    audit.stop()

    found = rows(store, "SELECT times, elapsed_ms, rows, user_name FROM audit ORDER BY ALL")
    assert sorted([(1, 1.0, None, None), (1, 0.0, None, "eve"), (3, 9.0, 7, None)], key=str) == (
        sorted(found, key=str)
    )


def test_too_many_questions_are_counted_and_delay_nobody(store, monkeypatch):
    """The notes are bounded; what does not fit is known by its number."""
    monkeypatch.setattr(audit_module, "MAX_ENTRIES", 10)
    audit = Audit(store)
    for number in range(25):
        audit.note(Entry(kind="query", sql=f"select {number}"))
    audit.start()
    audit.stop()

    assert (10, 15) == (audit.written, audit.dropped)
    assert [(10,)] == rows(store, "SELECT count(*) FROM audit")


def test_a_stop_writes_what_was_noted(tmp_path):
    """Nothing that was asked before the end is missing after it."""
    with collector(tmp_path) as running:
        send(f"{running.http_url}/api/sql", {"sql": "select 'last'"})
        found = threading.Thread(target=running.stop)
        found.start()
        found.join()
    with collector(tmp_path) as running:
        assert [("none",)] == rows(
            running.store, "SELECT token FROM audit WHERE sql = 'select ''last'''"
        )


def test_the_table_can_be_asked_like_any_other(running):
    """It stands in /api/tables with a comment on every column, and SQL reads it."""
    ask(running, "select 5")
    audited(running)
    tables = send(f"{running.http_url}/api/tables", headers=HEADERS, method="GET").json()["tables"]
    (table,) = [item for item in tables if item["name"] == "audit"]
    answer = ask(running, "select sql from audit where user_name = 'ada'")

    assert all(column["comment"] for column in [table, *table["columns"]])
    assert [["select 5"]] == json.loads(answer.body)["rows"]
