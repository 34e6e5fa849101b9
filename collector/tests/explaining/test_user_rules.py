"""SQL files of users become rules: read, fenced, run, and named when they are broken."""

import shutil
from pathlib import Path

import pytest

from tellwhy_collector import store as store_module
from tellwhy_collector.errors import SettingsError
from tellwhy_collector.reconstruct.edition import change, look_again
from tellwhy_collector.settings import Settings
from tellwhy_collector.testing import (
    START_NS,
    collector,
    post,
    rows,
    send,
    span,
    trace_id,
    traces,
    wait_until_explained,
)

EXAMPLES = Path(__file__).parents[3] / "examples/rules"
FOUND = "SELECT rule, severity, span_id, message, made_by FROM findings WHERE made_by <> 'tellwhy' ORDER BY rule, span_id"
HEAD = "-- severity: medium\n-- It is a tool.\n"
TOOLS = "select trace_id, run_id, span_id, tool_name as message from tool_calls"


def tool(name, seconds=1, **attributes):
    """A trace of one tool that ran."""
    return span(
        {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": name,
            "tellwhy.step.kind": "tool_call",
            **attributes,
        },
        traceId=trace_id(),
        endTimeUnixNano=str(START_NS + int(seconds * 10**9)),
    )


@pytest.fixture
def folder(tmp_path):
    found = tmp_path / "rules"
    found.mkdir()
    return found


def running(tmp_path, folder):
    return collector(tmp_path, rules=str(folder))


def test_the_example_rules_find_what_they_say(tmp_path):
    """Both run beside our own rules, on traces of their own."""
    with running(tmp_path, EXAMPLES) as found:
        assert [] == found.rules.read.broken
        paid = tool("pay", **{"tellwhy.tool.effect": "irreversible"})
        slow, quick = tool("crawl", seconds=45), tool("look")
        post(found.ingest, traces([paid, slow, quick]))
        wait_until_explained(found.store)

        assert [
            (
                "irreversible_without_approval",
                "high",
                paid["spanId"],
                "pay ran without an approval, with arguments unknown",
                "irreversible_without_approval.sql",
            ),
            ("slow_tool", "low", slow["spanId"], "crawl took 45 s", "slow_tool.sql"),
        ] == rows(found.store, FOUND)
        listed = rows(found.store, "SELECT name, about FROM rules WHERE made_by <> 'tellwhy'")
        assert ("slow_tool", "A tool took longer than half a minute.") in listed


def test_a_trace_that_changes_is_asked_about_again(tmp_path, folder):
    """Its findings are those of now, each once."""
    (folder / "a_tool.sql").write_text(HEAD + TOOLS)
    with running(tmp_path, folder) as found:
        first = tool("one")
        post(found.ingest, traces([first]))
        wait_until_explained(found.store)
        second = tool("two") | {"traceId": first["traceId"]}
        post(found.ingest, traces([second]))
        wait_until_explained(found.store)

        names = rows(found.store, "SELECT message FROM findings ORDER BY 1")
        assert [("one",), ("two",)] == names
        assert [(0,)] == rows(found.store, "SELECT count(*) FROM unruled")


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("Bad-Name", HEAD + TOOLS, "Rename the file to small letters"),
        ("loop", HEAD + TOOLS, "tellwhy has a rule loop of its own"),
        ("a", TOOLS, "lacks its severity"),
        ("a", "-- severity: high\n" + TOOLS, "lacks a sentence"),
        ("a", "-- severity: awful\n-- A.\n" + TOOLS, "Write high, medium or low"),
        ("a", HEAD + "select trace_id, span_id from steps", "lacks run_id, message"),
        ("a", HEAD + "select * from nowhere", "nowhere"),
        ("a", HEAD + "pick 1 from steps", "cannot run"),
        ("a", HEAD + "delete from steps", "cannot run"),
        ("a", HEAD + TOOLS + "; select 1", "cannot run"),
        ("a", HEAD + "from checkpoint()", "not allowed"),
        ("a", HEAD + "select * from read_text('/etc/passwd')", "not allowed"),
        ("a", HEAD + "-" * 40_000, "the limit is 32,768"),
        ("a", HEAD, "cannot run"),
    ],
)
def test_a_broken_file_is_named(tmp_path, folder, caplog, name, text, says):  # noqa: PLR0917 - parameters
    """The log says which file, what is wrong and what to do; the collector runs."""
    (folder / f"{name}.sql").write_text(text)
    (folder / "good.sql").write_text(HEAD + TOOLS + "; -- all of them\n-- really")
    with running(tmp_path, folder) as found:
        (broken,) = found.rules.read.broken
        assert says in broken.reason
        assert f"Rule file {name}.sql is left out. {broken.reason}" in caplog.text
        post(found.ingest, traces([tool("look")]))
        wait_until_explained(found.store)

        assert [("good",)] == rows(found.store, "SELECT rule FROM findings")
        text = send(found.http_url + "/metrics", method="GET").body.decode()
        assert "tellwhy_rules 1.0" in text
        assert "tellwhy_rules_broken 1.0" in text


def test_a_file_that_is_no_text_is_named(tmp_path, folder):
    """As one that nobody may read."""
    (folder / "a.sql").write_bytes(b"\xff\xfe\x00")
    with running(tmp_path, folder) as found:
        assert "no UTF-8 text" in found.rules.read.broken[0].reason


def test_a_folder_that_is_not_there_stops_the_start(tmp_path):
    """A typing error is no empty folder."""
    with pytest.raises(SettingsError, match="change TELLWHY_RULES or --rules"):
        collector(tmp_path, rules=str(tmp_path / "nowhere")).__enter__()

    assert store_module.open(tmp_path / "tests.duckdb", Settings()).close() is None


def test_a_rule_that_fails_later_is_counted_and_stops_nothing(tmp_path, folder, caplog):
    """It could be bound, and fails on a row."""
    failing = "select trace_id, run_id, span_id, cast(tool_name as int)::varchar as message from tool_calls"
    (folder / "fails.sql").write_text(HEAD + failing)
    (folder / "good.sql").write_text(HEAD + TOOLS)
    with running(tmp_path, folder) as found:
        for _ in range(2):
            post(found.ingest, traces([tool("look")]))
            wait_until_explained(found.store)

        assert [("good",)] * 2 == rows(found.store, "SELECT rule FROM findings")
        assert 2 == found.rules.failed
        assert 1 == caplog.text.count("Rule fails.sql failed")


def test_a_rule_that_never_ends_is_stopped(tmp_path, folder):
    """By the limit of every query."""
    endless = "select trace_id, run_id, span_id, (select sum(a.range * b.range)::varchar from range(10000000) a, range(10000000) b) as message from tool_calls"
    (folder / "endless.sql").write_text(HEAD + endless)
    with collector(tmp_path, rules=str(folder), max_query_s=0.3) as found:
        if not found.rules.rules:
            assert "Stopped after 0.3 s" in found.rules.read.broken[0].reason
            return
        post(found.ingest, traces([tool("look")]))
        wait_until_explained(found.store)

        assert 1 == found.rules.failed


def test_rows_that_name_no_step_are_left_out(tmp_path, folder):
    """They are counted."""
    wrong = "select trace_id, run_id, 'feedfeedfeedfeed' as span_id, 'x' as message from tool_calls"
    (folder / "wrong.sql").write_text(HEAD + wrong)
    with running(tmp_path, folder) as found:
        post(found.ingest, traces([tool("look")]))
        wait_until_explained(found.store)

        assert [] == rows(found.store, FOUND)
        assert 1 == found.rules.left_out


def test_rules_that_change_are_asked_about_all_that_is_stored(tmp_path, folder):
    """At the next start; what a rule found that is no more goes."""
    (folder / "a_tool.sql").write_text(HEAD + TOOLS)
    with running(tmp_path, folder) as found:
        post(found.ingest, traces([tool("look")]))
        wait_until_explained(found.store)
        assert ["a_tool"] == [row[0] for row in rows(found.store, FOUND)]

    shutil.move(folder / "a_tool.sql", folder / "other.sql")
    with running(tmp_path, folder) as found:
        wait_until_explained(found.store)
        assert ["other"] == [row[0] for row in rows(found.store, FOUND)]

    with running(tmp_path, folder) as found:
        assert [(0,)] == rows(found.store, "SELECT count(*) FROM unruled")

    with collector(tmp_path) as found:
        assert [] == rows(found.store, FOUND)


def test_another_edition_of_our_own_rules_looks_at_all_traces_again(tmp_path):
    """An upgrade brings findings up to date by itself; the same edition leaves them alone."""
    called = tool("look")
    with collector(tmp_path) as found:
        post(found.ingest, traces([called]))
        wait_until_explained(found.store)
        rows(found.store, "UPDATE editions SET sha256 = 'older' WHERE name = 'explained'")
        made_up = "INSERT INTO findings SELECT trace_id, run_id, span_id, start_ns, NULL, 'old', 'low', 'x', '[]', 'tellwhy' FROM steps"
        rows(found.store, made_up)

    with collector(tmp_path) as found:
        wait_until_explained(found.store)
        assert [] == rows(found.store, "SELECT rule FROM findings")

        cursor = found.store.cursor()
        assert 0 == look_again(cursor)
        assert change(cursor, "explained", "older")
        assert 1 == look_again(cursor)
        assert [(called["traceId"],)] == cursor.execute(
            "SELECT trace_id FROM unexplained"
        ).fetchall()
        cursor.close()


def test_findings_are_summed_up_by_run(tmp_path, folder):
    """The view has the worst severity and the names."""
    (folder / "a_tool.sql").write_text(HEAD + TOOLS)
    (folder / "b_tool.sql").write_text(HEAD.replace("medium", "high") + TOOLS)
    with running(tmp_path, folder) as found:
        called = tool("look")
        post(found.ingest, traces([called]))
        wait_until_explained(found.store)

        summed = "SELECT run_id, findings, worst_severity, high, low, rules FROM run_findings"
        assert [(called["traceId"], 2, "high", 1, 0, ["a_tool", "b_tool"])] == rows(
            found.store, summed
        )


@pytest.mark.parametrize(
    "end",
    [
        "\n" + "-" * 200 + "\n",
        " ;\n-- the end;\n\n-- of it\n",
        " where tool_name not like '%--'",
        " -- said last",
    ],
)
def test_whatever_stands_behind_a_statement_harms_nobody(tmp_path, folder, end):
    """Lines of dashes, comments, semicolons, and dashes that are no comment."""
    (folder / "tools.sql").write_text(HEAD + TOOLS + end)
    with running(tmp_path, folder) as found:
        assert [] == found.rules.read.broken
        post(found.ingest, traces([tool("look")]))
        wait_until_explained(found.store)

        assert ["look"] == [row[3] for row in rows(found.store, FOUND)]


def test_a_value_that_python_does_not_know_is_told_as_text(tmp_path, folder):
    """The end of time is a timestamp of SQL; it ends no collector."""
    given = "select trace_id, run_id, span_id, 'infinity'::timestamp as message from tool_calls"
    (folder / "late.sql").write_text(HEAD + given)
    with running(tmp_path, folder) as found:
        post(found.ingest, traces([tool("look")]))
        wait_until_explained(found.store)

        assert ["infinity"] == [row[3] for row in rows(found.store, FOUND)]
