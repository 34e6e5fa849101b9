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
    """The page with the plain field, over a collector with runs."""
    looking_at(full)
    return opened(plain="true")


def opened(**query):
    """The page at an address."""
    at = AppTest.from_function(draw_sql, default_timeout=30)
    for name, value in query.items():
        at.query_params[name] = value
    return at.run()


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


def editors(at):
    """What the editor was told: one for each time that it is on the page."""
    return [
        json.loads(part.proto.json or part.proto.mixed.json) for part in at.get("bidi_component")
    ]


@pytest.mark.parametrize("query", [{"q": "SELECT 41"}, {"q": "SELECT 41", "plain": "true"}])
def test_an_address_opens_a_question_and_does_not_run_it(looking_at, full, query):
    """Nobody is made to ask something by a link."""
    looking_at(full)
    at = opened(**query)

    assert not at.exception
    assert "sql_answer" not in at.session_state
    assert "SELECT 41" == at.session_state["sql_put"]["text"]
    expected = [] if "plain" in query else ["SELECT 41"]
    assert expected == [told["put"]["text"] for told in editors(at)]
    assert "SELECT 41" == at.session_state["sql_text"]


def test_what_was_run_stands_in_the_address(at):
    """As long as it fits; a longer one says that it does not."""
    at.text_area(key="sql_text").set_value("SELECT 'a b' AS x").run()
    at.button(key="sql_run").click().run()
    assert "SELECT 'a b' AS x" == at.query_params["q"]
    at.text_area(key="sql_text").set_value(f"SELECT '{'x' * 7000}' AS long").run()
    at.button(key="sql_run").click().run()

    assert not at.exception
    assert "q" not in at.query_params
    assert any("Too long for a link" in text.value for text in at.text)
    assert "1 rows in" in at.caption[0].value


def test_a_ready_question_stands_in_the_address_too(at):
    """So that it can be passed on as it is, and a reload keeps it."""
    at.selectbox(key="sql_ready").set_value("Who runs in circles?").run()

    assert "from loops" in at.query_params["q"]
    again = opened(q=at.query_params["q"], plain="true")
    assert at.text_area(key="sql_text").value == again.text_area(key="sql_text").value


def test_the_editor_gets_names_and_texts_of_the_schema(looking_at, full):
    """A name is inserted where its cursor stands; a SELECT replaces what is there."""
    looking_at(full)
    at = opened()
    at.selectbox(key="sql_table").set_value("runs").run()
    at.button(key="sql_add").click().run()
    (told,) = editors(at)
    assert "runs" == told["insert"]["text"]
    before = told["put"]["n"]
    at.button(key="sql_select").click().run()
    (told,) = editors(at)

    assert told["put"]["text"].endswith("FROM runs\nLIMIT 100")
    assert told["put"]["n"] == before + 1


def test_a_hostile_address_is_a_text_like_any_other(looking_at, full):
    """It becomes what stands in the editor, and nothing else on the page."""
    looking_at(full)
    hostile = "<img src=x onerror=alert(1)> ![x](http://x) \u202e\x1b[0m"
    at = opened(q=hostile)

    assert not at.exception
    assert [hostile] == [told["put"]["text"] for told in editors(at)]
    shown = [
        element.value
        for kind in ("text", "caption", "markdown", "code")
        for element in at.get(kind)
    ]
    assert [] == [text for text in shown if "onerror" in str(text)]
