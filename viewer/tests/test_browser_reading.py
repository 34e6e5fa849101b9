"""Reading one run in Chromium: where to look first, where values came from, what a search finds."""

import time

import pytest
import viewer_stories as stories
from viewer_posting import post
from viewer_processes import run_id
from viewer_visits import Visit

from tellwhy_viewer.client import Collector

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NOW_NS = time.time_ns()
HUE = (29, 100, 216)
"""The first place's colour in the light theme; it stands on the timeline as a line and a number."""


def explained(url):
    """Wait until the collector has looked at everything that came."""
    ask = Collector(url)
    for _ in range(600):
        (row,) = ask.sql("SELECT count(*) AS due FROM unexplained").dicts()
        (settled,) = ask.sql("SELECT count(*) AS settled FROM call_contexts").dicts()
        if row["due"] == 0 and settled["settled"]:
            break
        time.sleep(0.1)
    ask.close()


@pytest.fixture(scope="module")
def reading(start_collector, start_viewer):
    """A viewer over an ordinary run, one that died and a long one, all explained."""
    url = start_collector()
    post(url, stories.refund(NOW_NS - 3600 * 10**9))
    post(url, stories.died(NOW_NS - 7200 * 10**9))
    post(url, stories.long(NOW_NS - 9 * 3600 * 10**9))
    explained(url)
    return start_viewer(url)


@pytest.fixture
def visit(browser, reading):
    """A tab; at the end nothing was asked of another address and nothing failed."""
    made = Visit(browser, reading)
    yield made
    outside, errors = made.outside, made.errors
    made.context.close()
    assert ([], []) == (outside, errors)


def number_of(tab):
    return tab.locator(".num").inner_text()


def test_the_strip_leads_to_where_the_run_most_likely_went_wrong(visit):
    """Each place says why it stands there; a click and the key S go to it."""
    tab = visit.run(1)
    places = tab.locator(".sus")
    first = places.first.locator("b").inner_text()
    assert "" != places.first.locator(".sr").inner_text()
    places.first.click()
    assert first == number_of(tab)
    tab.keyboard.press("s")

    assert places.nth(1).locator("b").inner_text() == number_of(tab)


def test_a_search_finds_what_only_the_contents_hold(visit):
    """A word of a result narrows the list; Enter goes to the next hit, Esc gives the list back."""
    tab = visit.run(1)
    tab.keyboard.press("/")
    tab.keyboard.type("LOST_IN")
    hits = tab.locator(".row .n")
    hits.filter(has_text="5").wait_for()
    assert ["5"] == hits.all_inner_texts()
    tab.keyboard.press("Enter")
    assert "5" == number_of(tab)
    tab.keyboard.press("Escape")
    assert 10 == hits.count()
    tab.keyboard.press("j")

    assert "6" == number_of(tab)


def blue(tab):
    """How many pixels of the timeline have the colour of the first place."""
    return tab.locator(".tl canvas").evaluate(
        """(canvas, [r, g, b]) => {
            const at = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
            let n = 0;
            for (let i = 0; i < at.length; i += 4) {
              if (Math.abs(at[i] - r) + Math.abs(at[i + 1] - g) + Math.abs(at[i + 2] - b) < 9) n++;
            }
            return n;
        }""",
        list(HUE),
    )


def test_values_are_numbered_like_the_places_they_came_from(visit):
    """Argument, evidence and timeline carry the same number; a decision without has no line."""
    tab = visit.run(1, decision="0001000000000006:0")
    tab.locator(".card[data-decision='0001000000000006:0'] .arg .no").first.wait_for()
    number = tab.locator(".arg .no").first.inner_text()
    assert number in tab.locator(".ev.or .no").all_inner_texts()
    drawn = blue(tab)
    tab.keyboard.press("Shift+G")
    tab.locator(".card[data-decision='0001000000000002:0']").wait_for()

    assert drawn > blue(tab) + 40


def test_a_run_whose_process_was_killed_shows_where(visit):
    """The head says how and in which tool; one click leads to the decision that ran it."""
    tab = visit.run(6)
    told = tab.locator(".died")
    assert "Its process was killed" in told.inner_text()
    assert "send_email" in told.inner_text()
    assert "Died" in tab.locator(".head").inner_text()
    tab.get_by_role("button", name="Show where").click()

    assert "2" == number_of(tab)
    assert f"run={run_id(6)}" in tab.url


def test_a_long_run_draws_only_what_is_in_sight(visit):
    """1,251 decisions make a few dozen rows, and a search through them narrows at once."""
    tab = visit.run(2)
    rows = tab.locator(".row")
    assert 60 > rows.count() > 5
    tab.keyboard.press("/")
    tab.keyboard.type("nothing holds this")
    tab.get_by_text("No decision holds this text.").wait_for()

    assert 0 == rows.count()
