"""The pages as Streamlit runs them, over a real collector: full, empty, down, hostile."""

import json

import pytest
import viewer_stories as stories
from streamlit.testing.v1 import AppTest

from tellwhy_viewer import main

pytestmark = pytest.mark.slow
DOWN = "http://127.0.0.1:9"
MARKUP = ("<script", "![", "onerror")


def runs_page(**query):
    at = AppTest.from_file(str(main.SCRIPT), default_timeout=30)
    for name, value in query.items():
        at.query_params[name] = value
    return at.run()


def listed(at):
    """What the list of runs was given to draw."""
    made = [found.proto for found in at.get("bidi_component")]
    return next(json.loads(proto.json) for proto in made if proto.component_name.endswith(".runs"))


def draw_sql():
    from tellwhy_viewer.pages import sql

    sql.page()


def texts(at):
    """Everything that the page says through elements that read Markdown or labels."""
    found = [element.value for kind in (at.markdown, at.caption, at.subheader) for element in kind]
    for kind in (at.selectbox, at.text_input, at.button, at.toggle, at.number_input, at.text_area):
        found += [element.label for element in kind]
    return [text for text in found if text]


def test_the_newest_run_stands_first_and_the_page_counts(looking_at, full):
    """Agent, task, status, and how many there are."""
    looking_at(full)
    at = runs_page()

    told = listed(at)
    newest = told["rows"][0]
    assert not at.exception
    assert ("watcher", "running", "Watch the queue.") == (
        newest["agent"], newest["status"], newest["task"],
    )  # fmt: skip
    assert 50 == len(told["rows"])
    assert "65 runs" in told["summary"]


@pytest.mark.parametrize(
    ("query", "agents"),
    [
        ({"agent": "refund-resolver"}, {"refund-resolver"}),
        ({"status": "running"}, {"watcher"}),
        ({"q": "88213"}, set()),
        ({"q": "lamp-or-parcel"}, set()),
        ({"q": "ARRIVED"}, {"refund-resolver"}),
        ({"q": "escalate"}, {"reconciler"}),
        ({"q": f"{2:032x}"}, {"reconciler"}),
        ({"cost": "1.5"}, {"reconciler"}),
        ({"since": "Last hour", "status": "running"}, {"watcher"}),
        ({"tool": "read_policy", "cost": "1.5"}, {"reconciler"}),
        ({"tool": "no_such_tool"}, None),
        ({"model": "SONNET", "status": "running"}, {"watcher"}),
        ({"model": "gpt"}, set()),
    ],
)
def test_the_address_holds_the_filters(looking_at, full, query, agents):
    """A link opens the same list: agent, status, time, cost, tool, model, text in task and id."""
    looking_at(full)
    at = runs_page(**query)

    assert not at.exception
    shown = {row["agent"] for row in listed(at)["rows"]}
    if agents is None:  # what nobody offers is no filter
        assert 1 < len(shown)
        return
    assert agents == shown
    if not agents:
        assert "No run matches" in [element.value for element in at.subheader]


def test_older_runs_come_page_by_page(looking_at, full):
    """Each page begins after the last run of the one before; none is missed, none comes twice."""
    looking_at(full)
    at = runs_page()
    first = [row["id"] for row in listed(at)["rows"]]
    at.button(key="runs_older").click().run()
    second = [row["id"] for row in listed(at)["rows"]]
    at.button(key="runs_newer").click().run()

    assert (50, 15) == (len(first), len(second))
    assert not set(first) & set(second)
    assert first == [row["id"] for row in listed(at)["rows"]]


def test_an_empty_database_says_how_to_fill_it(looking_at, empty):
    """Three ways to send the first run."""
    looking_at(empty)
    at = runs_page()

    assert not at.exception
    assert ["No runs yet"] == [element.value for element in at.subheader]
    assert "tellwhy demo" in [element.value for element in at.code]


@pytest.mark.parametrize("page", ["runs", "sql"])
def test_a_collector_that_is_down_is_named_with_what_to_do(looking_at, page):
    """Which address, and the command that starts one."""
    looking_at(DOWN)
    at = runs_page() if page == "runs" else AppTest.from_function(draw_sql).run()

    assert not at.exception
    assert ["The collector does not answer"] == [element.value for element in at.subheader]
    assert DOWN in at.text[0].value
    assert "tellwhy serve" in at.text[0].value


def test_hostile_names_reach_only_cells(looking_at, full):
    """No label, caption or heading holds a text that came from an agent."""
    looking_at(full)
    at = runs_page(q="onerror")

    (shown,) = listed(at)["rows"]
    assert stories.HOSTILE[:18] in shown["agent"]
    assert [] == [text for text in texts(at) if any(mark in text for mark in MARKUP)]


def sql_page():
    """The SQL page with the plain field; what the editor itself does is seen in a browser."""
    at = AppTest.from_function(draw_sql, default_timeout=30)
    at.query_params["plain"] = "true"
    return at.run()


def test_a_query_gives_rows(looking_at, full):
    """Run what stands in the editor."""
    looking_at(full)
    at = sql_page()
    at.text_area(key="sql_text").set_value("SELECT count(*) AS n, 2::BIGINT AS two FROM runs").run()
    at.button(key="sql_run").click().run()

    assert not at.exception
    assert [{"n": 65, "two": 2}] == at.dataframe[-1].value.to_dict("records")
    assert "1 rows in" in at.caption[0].value


def test_a_ready_query_is_put_into_the_editor(looking_at, full):
    """One choice replaces the text; nothing runs by itself."""
    looking_at(full)
    at = sql_page()
    at.selectbox(key="sql_ready").set_value("Who approved what, how fast").run()

    assert "FROM approvals" in at.text_area(key="sql_text").value
    assert 1 == len(at.dataframe)


@pytest.mark.parametrize("text", ["SELEC 1", "DELETE FROM steps", "SELECT 1; SELECT 2"])
def test_what_the_collector_refuses_is_shown_as_text(looking_at, full, text):
    """The reason stands there; the page stays."""
    looking_at(full)
    at = sql_page()
    at.text_area(key="sql_text").set_value(text).run()
    at.button(key="sql_run").click().run()

    assert not at.exception
    assert ["Not run"] == [element.value for element in at.subheader]
    assert at.code[-1].value


def test_an_answer_that_was_cut_says_so(looking_at, full):
    """Nobody takes the first rows for all."""
    looking_at(full)
    at = sql_page()
    at.text_area(key="sql_text").set_value("SELECT * FROM range(50000)").run()
    at.button(key="sql_run").click().run()

    assert "There are more" in at.caption[0].value


def test_hostile_rows_reach_only_cells(looking_at, full):
    """Also under a column name that somebody made up."""
    looking_at(full)
    at = sql_page()
    query = """SELECT agent_name AS "![x](http://x)" FROM runs WHERE contains(agent_name, '<')"""
    at.text_area(key="sql_text").set_value(query).run()
    at.button(key="sql_run").click().run()

    assert not at.exception
    assert [] == [text for text in texts(at) if any(mark in text for mark in MARKUP)]
    assert "⟨1B⟩" in at.dataframe[-1].value.iloc[0, 0]


def test_a_run_in_the_address_mounts_the_component(looking_at, full):
    """The page asks the collector nothing itself: the component does, with a permit for this run."""
    looking_at(full)
    at = runs_page(run=f"{1:032x}")

    assert not at.exception
    assert 1 == len(at.get("bidi_component"))
    assert not at.dataframe
