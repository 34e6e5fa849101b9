"""Reviewing in Chromium: verdicts by key, notes, other reviewers."""

import pytest
from viewer_visits import Visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def visit(browser, viewer):
    """A tab; at the end nothing was asked of another address and nothing failed."""
    made = Visit(browser, viewer)
    yield made
    outside, errors = made.outside, made.errors
    made.tab.unroute_all(behavior="ignoreErrors")
    made.context.close()
    assert ([], []) == (outside, errors)


def named(tab, name):
    """Give the name that the first verdict asks for."""
    tab.locator(".judge .nm").fill(name)
    tab.keyboard.press("Enter")


def stored(tab):
    """Wait until the verdict in sight is stored."""
    tab.get_by_text("Saved:").wait_for()


def test_a_verdict_takes_one_key_and_stays(visit, browser, viewer):
    """1, 2, 3; asked for a name once; there after a reload; others see whose it is."""
    tab = visit.run(1)
    tab.keyboard.press("j")
    tab.keyboard.press("3")
    named(tab, "erika.mustermann")
    stored(tab)
    tab.keyboard.press("m")
    tab.keyboard.type("Not its ticket. #wrong-order")
    with tab.expect_response("**/verdicts"):
        tab.keyboard.press("Enter")
    tab.keyboard.press("j")
    with tab.expect_response("**/verdicts"):
        tab.keyboard.press("1")
    tab.reload()
    tab.locator(".tw[data-ready=true]").wait_for()
    tab.get_by_text("2 of 10 reviewed").wait_for()

    assert "right" == tab.locator(".vb[aria-checked=true]").get_attribute("data-verdict")
    tab.keyboard.press("k")
    assert "wrong" == tab.locator(".vb[aria-checked=true]").get_attribute("data-verdict")
    assert "Not its ticket. #wrong-order" == tab.locator(".judge textarea").input_value()
    assert ["You: Wrong", "You: Right"] == [
        tab.locator(f".row[data-i='{at}'] .vk").get_attribute("title") for at in (1, 2)
    ]

    other = Visit(browser, viewer)
    theirs = other.run(1, decision=visit.decision)
    theirs.locator(".oth .ov").get_by_text("erika.mustermann").wait_for()
    assert theirs.get_by_text("0 of 10 reviewed").count()
    assert theirs.locator(".oth q").inner_text() == "Not its ticket. #wrong-order"
    other.context.close()


def test_checks_stand_beside_the_evidence(visit):
    """Passed or not, with what was counted."""
    tab = visit.run(1)
    for _ in range(8):
        tab.keyboard.press("j")
    tab.locator(".checks li").get_by_text("approved by erika.mustermann").wait_for()

    assert tab.locator(".checks li.ok").get_by_text("8 offered").count()
    assert tab.locator(".checks h3").inner_text().startswith("Checks")


def test_the_same_key_again_takes_a_verdict_back(visit):
    """Nothing is deleted: the row says withdrawn."""
    tab = visit.run(1)
    tab.keyboard.press("2")
    named(tab, "max.beispiel")
    stored(tab)
    with tab.expect_response("**/verdicts"):
        tab.keyboard.press("2")
    tab.get_by_text("Taken back").wait_for()

    assert 0 == tab.locator(".vb[aria-checked=true]").count()
    assert tab.get_by_text("0 of 10 reviewed").count()


def test_a_verdict_that_is_not_stored_is_put_back(visit):
    """The page never shows what is not on disk."""
    tab = visit.run(1)
    sentence = "The verdict could not be stored: no room. Send it again."
    tab.route("**/verdicts", lambda route: route.fulfill(status=502, json={"error": sentence}))
    tab.keyboard.press("1")
    named(tab, "anna.example")
    tab.get_by_text(sentence).wait_for()

    assert 0 == tab.locator(".vb[aria-checked=true]").count()
    visit.errors[:] = [error for error in visit.errors if "502" not in error]


def test_the_queue_leads_from_decision_to_decision_and_back(visit):
    """Start, judge, Q, back; the choices of the queue stay in the address."""
    tab = visit.open("/review?by=Failed+or+denied&within=All+time")
    tab.get_by_role("button", name="Start with the first").click()
    tab.locator(".qbar").get_by_text("1 of 20").wait_for()
    first = visit.decision
    tab.keyboard.press("1")
    named(tab, "zoe.example")
    stored(tab)
    tab.keyboard.press("q")
    tab.locator(".qbar").get_by_text("2 of 20").wait_for()
    assert first != visit.decision
    tab.get_by_text("Back to the queue").click()
    tab.get_by_text("Look at").wait_for()

    assert "by=Failed" in tab.url
    assert "run=" not in tab.url


def test_the_sql_of_a_queue_opens_on_the_sql_page(visit):
    """What a page shows can be gone on from."""
    tab = visit.open("/review?by=Newest")
    tab.get_by_role("button", name="SQL").first.click()
    tab.get_by_role("link", name="Open on the SQL page").click()
    editor = tab.get_by_label("SQL", exact=True)
    editor.wait_for()
    tab.get_by_role("button", name="Run", exact=True).click()
    tab.get_by_text("rows in").wait_for()

    assert "-- All decisions, the newest first." in editor.inner_text()


def test_the_whole_run_is_judged_beside_its_decisions(visit, browser, viewer):
    """V changes between the two; the run's verdict is no decision's, and others see it."""
    tab = visit.run(4)
    whole = tab.get_by_role("radio", name="Whole run")
    tab.keyboard.press("v")
    assert "true" == whole.get_attribute("aria-checked")
    tab.keyboard.press("2")
    named(tab, "grace.beispiel")
    stored(tab)
    tab.keyboard.press("m")
    tab.keyboard.type("Ends without an invoice. #scope")
    with tab.expect_response("**/verdicts"):
        tab.keyboard.press("Enter")
    tab.reload()
    tab.locator(".tw[data-ready=true]").wait_for()
    assert "0 of 1 reviewed" == tab.locator(".rev span").last.inner_text()
    assert 0 == tab.locator(".vb[aria-checked=true]").count()
    whole.click()

    assert "debatable" == tab.locator(".vb[aria-checked=true]").get_attribute("data-verdict")
    assert "Ends without an invoice. #scope" == tab.locator(".judge textarea").input_value()
    other = Visit(browser, viewer)
    theirs = other.run(4)
    theirs.locator(".sc.has").get_by_text("Whole run").click()
    theirs.locator(".oth .ov").get_by_text("grace.beispiel").wait_for()
    other.context.close()
    with tab.expect_response("**/verdicts"):
        tab.keyboard.press("2")
    tab.get_by_text("Taken back").wait_for()
    assert 0 == tab.locator(".sc.has").count()
