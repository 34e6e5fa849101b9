"""Comparing runs in Chromium: from a run to the chooser, to both beside each other, and back."""

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


def test_a_run_is_held_beside_another(visit):
    """Compare on the run page, choose a row, walk what differs by key, open a decision."""
    tab = visit.run(100)
    tab.get_by_role("button", name="Compare").click()
    tab.get_by_text("same task").first.wait_for(state="attached")
    assert f"a={run_id(100)}" in tab.url
    tab.locator(".dvn-scroller").click(position={"x": 60, "y": 54})
    tab.locator(".cmp[data-ready=true]").wait_for()
    assert "The same" in tab.locator(".csent h1").inner_text()
    assert "b=" in tab.url
    tab.get_by_role("button", name="Open", exact=True).first.click()
    tab.locator(".card[data-decision]").wait_for()

    assert f"run={run_id(100)}" in tab.url
    assert visit.decision


def test_keys_walk_from_difference_to_difference(visit):
    """N, F, J, K; the address holds the place, and a link opens it."""
    tab = visit.open(f"/compare?a={run_id(1)}&b={run_id(4)}")
    tab.locator(".cmp[data-ready=true]").wait_for()
    assert tab.locator(".csent h1").inner_text().startswith("First difference at 1:")
    tab.keyboard.press("n")
    tab.keyboard.press("n")
    at = tab.locator(".tp[aria-selected=true]").get_attribute("title")
    assert "at=3" in tab.url
    tab.keyboard.press("f")
    assert "at=1" in tab.url
    visit.open(f"/compare?a={run_id(1)}&b={run_id(4)}&at=3")
    tab.locator(".cmp[data-ready=true]").wait_for()

    assert at == tab.locator(".tp[aria-selected=true]").get_attribute("title")
    tab.get_by_role("button", name="Swap").click()
    tab.locator(".sh .mono").first.get_by_text(run_id(4)).wait_for()


def test_a_hostile_run_is_only_text_beside_another(visit, beacon):
    """No element is made of what an agent wrote."""
    before = len(beacon.hits)
    tab = visit.open(f"/compare?a={run_id(5)}&b={run_id(1)}")
    tab.locator(".cmp[data-ready=true]").wait_for()
    for _ in range(4):
        tab.keyboard.press("j")

    assert 0 == tab.locator(".cmp img, .cmp script, .cmp iframe, .cmp a, .cmp style").count()
    assert before == len(beacon.hits)
    assert tab.evaluate("() => window.__pwn === undefined")


def test_two_rows_of_the_list_are_held_beside_each_other(visit):
    """One click holds a run, a second on another row leads to both; a third would let go."""
    tab = visit.open("/?agent=invoice-bot")
    hold = tab.get_by_role("button", name="Compare with another run")
    hold.first.click()
    tab.get_by_text("Choose the run to compare with.").wait_for()
    tab.get_by_role("button", name="Held: choose the run").click()
    assert not tab.get_by_text("Choose the run to compare with.").count()
    hold.first.click()
    tab.get_by_role("link", name="Compare with the run that is held").nth(2).click()
    tab.locator(".cmp[data-ready=true]").wait_for()

    assert "/compare?a=" in tab.url
    assert "The same" in tab.locator(".csent h1").inner_text()
