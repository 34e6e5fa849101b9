"""The list of runs in Chromium: links, the reader's clock, keys, saved filters."""

import pytest
from viewer_processes import run_id
from viewer_visits import Visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def visit(browser, viewer):
    """A tab; at the end nothing was asked of another address and nothing failed."""
    made = Visit(browser, viewer)
    yield made
    outside, errors = made.outside, made.errors
    made.context.close()
    assert ([], []) == (outside, errors)


def test_a_row_is_a_link_that_opens_in_a_new_tab_too(visit):
    """The middle button leads to the same address as a click, and the list stays."""
    tab = visit.open("/?q=arrived")
    row = tab.locator("tr", has_text="refund-resolver")
    row.wait_for()
    assert f"?run={run_id(1)}" in row.locator("a").get_attribute("href")
    with visit.context.expect_page() as opened:
        row.click(button="middle")
    beside = opened.value
    beside.locator(".tw[data-ready=true]").wait_for()

    assert f"run={run_id(1)}" in beside.url
    assert row.is_visible()


def test_times_are_the_readers(visit):
    """The list shows the browser's time zone and names it."""
    tab = visit.open("/?q=arrived")
    told = tab.locator("tr time")
    told.wait_for()
    clock = told.evaluate("t => new Date(t.dateTime).toLocaleTimeString('en-GB')")

    assert told.inner_text()[-5:] in clock
    assert "Europe/Berlin" in told.get_attribute("title")


def test_keys_move_between_rows_and_enter_opens(visit):
    """J goes down, K up, the slash to the search."""
    tab = visit.open("/")
    tab.locator("tr a").first.wait_for()
    tab.keyboard.press("/")
    assert "Search" == tab.evaluate("document.activeElement.getAttribute('aria-label')")
    tab.keyboard.press("Escape")
    tab.locator("tr a").first.focus()
    tab.keyboard.press("j")
    second = tab.locator("tr a").nth(1).get_attribute("data-run")
    tab.keyboard.press("Enter")
    tab.locator(".tw[data-ready=true]").wait_for()

    assert f"run={second}" in tab.url


def test_a_filter_is_kept_in_this_browser_under_a_name(visit):
    """Saved, used with one click in another visit, and forgotten again."""
    tab = visit.open("/?status=running")
    tab.get_by_role("button", name="Save this filter").click()
    tab.keyboard.type("Going on")
    tab.keyboard.press("Enter")
    tab.locator(".fil.on", has_text="Going on").wait_for()
    visit.open("/")
    tab.locator("tr", has_text="refund-resolver").wait_for()
    tab.locator(".fil", has_text="Going on").click()
    tab.locator("tr", has_text="refund-resolver").wait_for(state="detached")
    tab.locator("tr", has_text="watcher").wait_for()
    assert "status=running" in tab.url
    tab.get_by_role("button", name="Forget Going on").click()

    assert 0 == tab.locator(".fil").count()
