"""The health page as Streamlit runs it, over a real collector: full, empty, down; and its numbers."""

import pytest
from streamlit.testing.v1 import AppTest

from tellwhy_viewer.client import Collector
from tellwhy_viewer.queries import health
from tellwhy_viewer.shape import health as shape

pytestmark = pytest.mark.slow
DOWN = "http://127.0.0.1:9"


def draw():
    from tellwhy_viewer.pages import health

    health.page()


def opened(**query):
    at = AppTest.from_function(draw, default_timeout=60)
    for name, value in query.items():
        at.query_params[name] = value
    return at.run()


def ask(url, query, **values):
    client = Collector(url)
    found = client.sql(query.sql, query.bind(**values)).dicts()
    client.close()
    return found


def charts(at):
    return at.get("vega_lite_chart")


def test_figures_charts_and_tables_stand_there(looking_at, full):
    """Seven figures, six charts, four tables, and the SQL behind each."""
    looking_at(full)
    at = opened(time="7 days")

    assert not at.exception
    labels = ["Runs", "Succeeded", "p95 of runs", "Cost", "Cost per success", "Tokens"]
    assert [*labels, "Findings per run"] == [metric.label for metric in at.metric]
    assert "65" == at.metric[0].value
    assert 6 == len(charts(at))
    assert 3 == len(at.dataframe)  # no schedule has run
    assert ["Agent", "Model", "Tool"] == [table.value.columns[0] for table in at.dataframe]
    assert 11 == len([text for text in at.code if text.value.startswith("-- ")])


@pytest.mark.parametrize("window", ["24 hours", "7 days", "30 days", "90 days"])
@pytest.mark.parametrize("split", ["Agent", "Model", "Provider"])
def test_the_address_holds_the_choices(looking_at, full, window, split):
    """A link opens the same picture."""
    looking_at(full)
    at = opened(time=window, split=split, health_of="refund-resolver")

    assert not at.exception
    assert "1" == at.metric[0].value
    assert "100.0%" == at.metric[1].value


def test_the_numbers_are_those_of_the_runs(full):
    """Cost and tokens of all models add up to those of all runs; a success pays for failures."""
    values = {"agent": None, "since_ns": 0}
    (whole,) = ask(full, health.OVERVIEW, **values, before_ns=0)
    models = ask(full, health.MODELS, **values)
    agents = ask(full, health.AGENTS, **values)
    clock = {"turn_ns": 0, "before_s": 0, "offset_s": 0}
    spent = ask(full, health.COST, **values, **clock, step="day", by="model")
    tools = ask(full, health.TOOLS, **values)

    cost = whole["cost_usd"]
    assert pytest.approx(cost) == sum(row["cost_usd"] or 0 for row in models)
    assert pytest.approx(cost) == sum(row["cost_usd"] or 0 for row in agents)
    assert pytest.approx(cost) == sum(row["amount"] for row in spent)
    assert whole["tokens"] == sum(row["input_tokens"] + row["output_tokens"] for row in models)
    assert pytest.approx(cost / whole["succeeded"]) == whole["cost_per_success_usd"]
    assert pytest.approx(1) == sum(row["share"] for row in tools)
    assert {"irreversible"} == {row["effect"] for row in tools if row["name"] == "issue_refund"}


def test_an_empty_time_says_what_to_do(looking_at, empty):
    """No chart without data."""
    looking_at(empty)
    at = opened()

    assert not at.exception
    assert ["No runs yet"] == [element.value for element in at.subheader]
    assert not charts(at)


def test_a_collector_that_is_down_is_named(looking_at):
    """As on every page."""
    looking_at(DOWN)
    at = opened()

    assert not at.exception
    assert ["The collector does not answer"] == [element.value for element in at.subheader]


def test_hostile_names_reach_only_charts_cells_and_code(looking_at, full):
    """Texts of agents stand in no element that reads Markdown."""
    looking_at(full)
    at = opened(time="7 days", split="Agent")
    told = [element.value for kind in (at.markdown, at.caption, at.subheader) for element in kind]

    assert [] == [text for text in told if "<script" in text or "onerror" in text]
    assert "⟨U+202E⟩" in str(at.dataframe[0].value["Agent"].to_list())


def test_figures_compare_with_the_time_before():
    """Relative for amounts, in points for shares; nothing where there was nothing before."""
    row = {
        "now": True,
        "runs": 10,
        "succeeded": 8,
        "failed": 2,
        "running": 0,
        "cost_usd": 2.0,
        "cost_per_success_usd": 0.25,
        "p50_ms": 1000.0,
        "p95_ms": 2000.0,
        "tokens": 1500,
        "unpriced": 0,
    }
    before = row | {"now": False, "runs": 5, "succeeded": 5, "cost_usd": 1.0}

    alone = shape.figures([row], 5)
    beside = {label: (value, change) for label, value, change, _ in shape.figures([row, before], 5)}
    assert [None] * 7 == [change for _, _, change, _ in alone]
    assert ("10", "+100%") == beside["Runs"]
    assert ("80.0%", "-20.0 points") == beside["Succeeded"]
    assert ("$2.00", "+100%") == beside["Cost"]
    assert ("0.50", None) == beside["Findings per run"]
    assert [] == shape.figures([before], 0)
