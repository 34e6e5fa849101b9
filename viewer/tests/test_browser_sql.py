"""The SQL page in Chromium: from the schema to a chart and a file."""

import io
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from playwright.sync_api import expect
from viewer_visits import Visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]
expect.set_options(timeout=30_000)  # milliseconds; machines are busy

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
    expect(editor).to_have_text(re.compile("LIMIT 100$"))
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


def test_a_click_on_a_column_inserts_its_name(visit):
    """The first row's name goes where the cursor stands, apart from the word before it."""
    tab = visit.open("/sql")
    editor = tab.get_by_label("SQL", exact=True)
    tab.locator(".sq[data-editor=code]").wait_for()
    editor.fill("SELECT FROM decisions")
    editor.press("Control+Home")
    for _ in "SELECT":
        editor.press("ArrowRight")
    tab.get_by_test_id("stDataFrame").first.click(position={"x": 40, "y": 48})

    expect(editor).to_have_text("SELECT decision_id FROM decisions")


def test_a_query_is_kept_in_this_browser_under_a_name(visit, tmp_path):
    """Saved, put back into the editor in another visit, and forgotten again."""
    tab = visit.open("/sql")
    editor = tab.get_by_label("SQL", exact=True)
    editor.fill("SELECT 41 + 1 AS answer")
    editor.press("Control+Enter")
    tab.get_by_text("1 rows in").wait_for()
    tab.get_by_role("button", name="Save this query").click()
    tab.keyboard.type("Mine")
    tab.keyboard.press("Enter")
    tab.locator(".fil.on", has_text="Mine").wait_for()
    visit.open("/sql")
    tab.locator(".fil", has_text="Mine").click()
    expect(tab.get_by_label("SQL", exact=True)).to_have_text("SELECT 41 + 1 AS answer")
    tab.screenshot(path=tmp_path / "kept.png")
    tab.get_by_role("button", name="Forget Mine").click()

    assert 0 == tab.locator(".fil").count()
