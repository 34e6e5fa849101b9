"""The SQL page as Streamlit runs it: the schema browser and the chart."""

import json

import pytest
from streamlit.testing.v1 import AppTest

pytestmark = pytest.mark.slow


def draw_sql():
    from tellwhy_viewer.pages import sql

    sql.page()


@pytest.fixture
def at(looking_at, full):
    """The page over a collector with runs."""
    looking_at(full)
    return AppTest.from_function(draw_sql, default_timeout=30).run()


def asked(at, text):
    at.text_area(key="sql_text").set_value(text).run()
    at.button(key="sql_run").click().run()
    return at.radio(key="sql_show").set_value("Chart").run()


def test_the_schema_is_found_by_a_column(at):
    """Only tables that have what is sought stay in the list, and one of them is shown."""
    at.text_input(key="sql_find").set_value("approver").run()

    assert not at.exception
    assert "approvals" in at.selectbox(key="sql_table").options
    assert "gaps" not in at.selectbox(key="sql_table").options
    at.text_input(key="sql_find").set_value("no such thing").run()
    assert not at.exception
    assert "No table or column" in at.text[0].value


def test_a_name_is_added_and_a_select_replaces(at):
    """Both leave a text that runs."""
    at.text_area(key="sql_text").set_value("SELECT count(*) FROM").run()
    at.selectbox(key="sql_table").set_value("runs").run()
    at.button(key="sql_add").click().run()
    assert "SELECT count(*) FROM runs" == at.text_area(key="sql_text").value
    at.button(key="sql_select").click().run()
    at.button(key="sql_run").click().run()

    assert not at.exception
    assert at.text_area(key="sql_text").value.endswith("FROM runs\nLIMIT 100")
    assert "rows in" in at.caption[0].value


def test_an_answer_is_drawn(at):
    """Columns and marks are the reader's choice; the first choice already draws."""
    asked(at, "SELECT agent_name, start_time, 2.5 AS \"a:b\", 'x' AS s FROM runs LIMIT 5")
    at.selectbox(key="sql_marks").set_value("Lines").run()

    assert not at.exception
    (chart,) = at.get("arrow_vega_lite_chart") or at.get("vega_lite_chart")
    spec = json.loads(chart.proto.spec)
    assert "start_time (UTC)" == spec["encoding"]["x"]["title"]
    assert "a:b" == spec["encoding"]["y"]["title"]
    assert "line" == spec["mark"]["type"]


def test_another_answer_forgets_the_columns_of_the_last(at):
    """A choice of a column that is gone breaks nothing."""
    asked(at, "SELECT 1 AS a, 2 AS b, 3 AS c, 4 AS d")
    at.selectbox(key="sql_y").set_value(3).run()
    asked(at, "SELECT 1 AS only")

    assert not at.exception
    assert at.get("arrow_vega_lite_chart") or at.get("vega_lite_chart")


def test_an_answer_without_numbers_says_so(at):
    """No empty frame in place of a chart."""
    asked(at, "SELECT 'x' AS x")

    assert not at.exception
    assert any("needs rows and a column of numbers" in text.value for text in at.text)


def test_marks_at_one_place_are_told_apart(at):
    """Where rows share what goes across, a column of names colours them from the start."""
    asked(at, "SELECT 'day' AS day, s, 1 AS n FROM (VALUES ('a'), ('b')) AS t(s)")
    assert not at.exception
    assert 1 == at.selectbox(key="sql_by").value
    asked(at, "SELECT s, 'x' AS same, 1 AS n FROM (VALUES ('a'), ('b')) AS t(s)")

    assert at.selectbox(key="sql_by").value is None
