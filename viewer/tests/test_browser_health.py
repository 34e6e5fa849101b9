"""The health page in Chromium: charts are drawn under the strict content policy, light and dark."""

import pytest
from viewer_visits import Visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_chart_is_drawn_and_opens_its_sql(browser, viewer, scheme):
    """Six charts, no request to another address, no error; the question opens on the SQL page."""
    visit = Visit(browser, viewer, scheme)
    tab = visit.open("/health?time=7+days")
    tab.locator("[data-testid=stVegaLiteChart] svg.marks").nth(5).wait_for()
    tab.get_by_role("button", name="SQL", exact=True).nth(2).click()
    tab.get_by_role("link", name="Open on the SQL page").click()
    editor = tab.get_by_label("SQL", exact=True)
    editor.wait_for()
    tab.get_by_role("button", name="Run").first.click()
    tab.get_by_text("rows in").wait_for()
    outside, errors = visit.outside, visit.errors
    visit.context.close()

    assert ([], []) == (outside, errors)
