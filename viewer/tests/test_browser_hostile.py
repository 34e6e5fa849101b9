"""Strings that break software, as names, messages and results, on every page: text stays text."""

import json
import time
from pathlib import Path

import pytest
import viewer_stories as stories
from viewer_posting import post
from viewer_processes import run_id
from viewer_runs import Recording
from viewer_visits import Visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]

STRINGS = json.loads((Path(__file__).parent / "fixtures" / "naughty_strings.json").read_text())
NOW_NS = time.time_ns()
NUMBER = 9


def naughty(started_ns):
    """One run in which each string is a tool, an argument, a reason and a result."""
    run = Recording("\n".join(STRINGS[:40]), started_ns, NUMBER, task=" ".join(STRINGS[:90]))
    for text in STRINGS:
        (call,) = run.decide(0.5, (text or "empty", {text: text}), reason=text)
        run.approve(call, 1, "approved", text)
        run.run_tool(call, 0.1, text, effect="write")
        run.messages = run.messages[-2:]
    run.decide(1, answer="\n".join(STRINGS))
    return run.export(output=STRINGS)


@pytest.fixture(scope="module")
def hostile(start_collector, start_viewer, beacon):
    """A viewer over the run of strings and one that attacks its reader."""
    url = start_collector()
    post(url, naughty(NOW_NS - 3600 * 10**9))
    post(url, stories.hostile(NOW_NS - 7200 * 10**9, beacon.url))
    return start_viewer(url)


@pytest.fixture
def visit(browser, hostile, beacon):
    """A tab; at the end nothing ran, nothing was asked of anybody, nothing stood out of the page."""
    made = Visit(browser, hostile)
    yield made
    ran = made.tab.evaluate("window.__pwn")
    wide = made.tab.evaluate("document.documentElement.scrollWidth - innerWidth")
    outside, errors = made.outside, made.errors
    made.context.close()
    assert ([], [], None, []) == (outside, errors, ran, beacon.hits)
    assert wide <= 0


def test_every_string_can_be_stepped_through(visit):
    """Each decision shows its own card, in its place, with a link that opens it."""
    tab = visit.run(NUMBER)
    assert len(STRINGS) + 1 == int(tab.locator(".chip b").first.inner_text())
    for at in range(1, len(STRINGS), 12):
        for _ in range(12):
            tab.keyboard.press("j")
        shown = tab.locator(".num").inner_text()
        assert str(min(at + 12, len(STRINGS) + 1)) == shown
        tab.locator(".card[data-decision]").wait_for()
        box = tab.locator(".card").bounding_box()
        assert box["width"] < 1440
        assert tab.locator(".cf").bounding_box()["y"] < 900


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/?q=onerror",
        "/review",
        "/health",
        "/audit",
        "/audit?ledger=Effects+without+approval",
        "/audit?ledger=Who+looked",
    ],
)
def test_no_page_obeys_what_agents_wrote(visit, path):
    """The list, the queue, the charts and the ledgers draw it as text."""
    tab = visit.open(path)
    tab.locator("[data-testid=stMainBlockContainer]").wait_for()
    tab.locator("[data-testid=stException]").wait_for(state="detached")
    tab.wait_for_load_state("networkidle")

    assert 0 == tab.locator("[data-testid=stMainBlockContainer] iframe").count()


def test_two_runs_beside_each_other_stay_text(visit):
    """Names, arguments and results that differ, walked from one difference to the next."""
    tab = visit.open(f"/compare?a={run_id(5)}&b={run_id(NUMBER)}")
    tab.locator(".cmp[data-ready=true]").wait_for()
    for _ in range(25):
        tab.keyboard.press("n")
    chosen = tab.locator(".tp[aria-selected=true]")
    chosen.wait_for()

    assert "First difference" in tab.locator(".csent h1").inner_text()
    assert chosen.bounding_box()["width"] > 0
    assert 0 == tab.locator("[data-testid=stMainBlockContainer] iframe").count()


def test_the_sql_page_shows_hostile_cells_as_text(visit):
    """What a statement gives back is cells, whatever stands in them."""
    tab = visit.open("/sql")
    editor = tab.get_by_label("SQL", exact=True)
    editor.fill("SELECT name, tool_result, agent_name FROM steps")
    editor.press("Control+Enter")
    tab.get_by_text("rows in").wait_for()
