"""The SQL page in Chromium: from the schema to a chart and a file."""

import io
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from viewer_visits import Visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]

QUERY = """SELECT date_trunc('minute', start_time) AS minute, status, count(*) AS runs
FROM runs GROUP BY ALL"""


@pytest.fixture(params=["light", "dark"])
def visit(request, browser, viewer):
    """A tab; at the end nothing was asked of another address and nothing failed."""
    made = Visit(browser, viewer, request.param)
    yield made
    outside, errors = made.outside, made.errors
    made.context.close()
    assert ([], []) == (outside, errors)


def test_from_the_schema_to_rows(visit):
    """Find a table by a column, take a SELECT of it, run it from the keyboard."""
    tab = visit.open("/sql")
    tab.get_by_label("Find", exact=True).fill("approver")
    tab.keyboard.press("Enter")
    tab.get_by_text("Tables and views (").wait_for()
    tab.get_by_role("button", name="New SELECT").click()
    editor = tab.get_by_label("SQL", exact=True)
    tab.wait_for_function("() => /LIMIT 100$/.test(document.querySelector('textarea').value)")
    editor.press("Control+Enter")

    tab.get_by_text("rows in").wait_for()


def test_an_answer_becomes_a_chart_and_a_file(visit, tmp_path):
    """The chart is drawn under the page's policy; the picture is kept for whoever looks."""
    tab = visit.open("/sql")
    editor = tab.get_by_label("SQL", exact=True)
    editor.fill(QUERY)
    editor.press("Control+Enter")
    tab.get_by_text("rows in").wait_for()
    tab.get_by_text("Chart", exact=True).click()
    tab.get_by_test_id("stVegaLiteChart").locator("canvas, svg").first.wait_for()
    tab.screenshot(path=tmp_path / "chart.png")
    with tab.expect_download() as waiting:
        tab.get_by_role("button", name="Parquet", exact=True).click()
    stored = pq.read_table(io.BytesIO(Path(waiting.value.path()).read_bytes()))

    assert ["minute", "status", "runs"] == stored.column_names
