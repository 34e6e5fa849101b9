"""The pages in Chromium: what a reviewer clicks and presses, and what must never happen."""

from pathlib import Path

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
    made.tab.unroute_all(behavior="ignoreErrors")
    made.context.close()
    assert ([], []) == (outside, errors)


def number_of(tab):
    return tab.locator(".num").inner_text()


def test_a_reviewer_finds_a_run_and_opens_it(visit):
    """Search, click the row, and the run stands there; Back leads to the same search."""
    tab = visit.open("/")
    tab.get_by_label("Search", exact=True).fill("arrived")
    tab.get_by_label("Search", exact=True).press("Enter")
    tab.get_by_text("1 runs").wait_for()
    assert "q=arrived" in tab.url
    tab.locator("tr", has_text="refund-resolver").click()
    tab.locator(".tw[data-ready=true]").wait_for()

    assert f"run={run_id(1)}" in tab.url
    assert "refund-resolver" == tab.locator(".head h1").inner_text()
    assert "1" == number_of(tab)
    tab.go_back()
    tab.get_by_text("1 runs").wait_for()
    assert "q=arrived" in tab.url
    tab.go_forward()
    tab.locator(".tw[data-ready=true]").wait_for()
    tab.get_by_text("Runs", exact=True).click()
    tab.get_by_text("1 runs").wait_for()
    assert "run=" not in tab.url


def test_keys_move_from_decision_to_decision_and_the_address_follows(visit):
    """J, K, N, G; the list, the card and the address always agree."""
    tab = visit.run(1)
    for key, number in [("j", "2"), ("j", "3"), ("k", "2"), ("n", "4"), ("n", "7"), ("N", "4")]:
        tab.keyboard.press(key)
        assert number == number_of(tab)
    tab.keyboard.press("g")
    assert "10" == number_of(tab)
    tab.keyboard.press("Shift+G")
    assert "1" == number_of(tab)
    tab.keyboard.press("j")
    tab.locator(".card[data-decision]").wait_for()

    assert visit.decision == tab.locator(".card").get_attribute("data-decision")
    assert "2" == tab.locator(".row[aria-selected=true] .n").inner_text()


def test_a_link_opens_exactly_its_decision_and_survives_a_reload(visit):
    """A colleague sees what was meant."""
    tab = visit.run(1)
    for _ in range(8):
        tab.keyboard.press("j")
    link, wanted = tab.url, visit.decision
    tab.reload()
    tab.locator(f'.card[data-decision="{wanted}"]').wait_for()
    assert ("9", link) == (number_of(tab), tab.url)

    tab.locator(".row").first.click()
    assert "1" == number_of(tab)
    tab.go_back()
    tab.locator(f'.card[data-decision="{wanted}"]').wait_for()
    assert "9" == number_of(tab)


def test_a_decision_tells_saw_could_chose_stated_and_happened(visit):
    """The approved refund, with each layer in its place."""
    tab = visit.run(1)
    for _ in range(8):
        tab.keyboard.press("j")
    card, why = tab.locator(".card"), tab.locator(".why")
    card.get_by_text("OK to refund.").wait_for()

    for said in ("14 messages", "+ tool result", '{"sent": true}', "8 tools, free choice"):
        assert card.get_by_text(said).count(), said
    assert "issue_refund" == card.locator(".opt.on code").inner_text()
    assert ["order_id", "amount", "currency", "notify"] == card.locator(".an").all_inner_texts()
    for said in (
        "Irreversible",
        "Approved",
        "Succeeded",
        "erika.mustermann",
        "person, after 2 m 10 s",
    ):
        assert card.get_by_text(said).count(), said
    assert why.get_by_text("The photo is there now.").count()
    assert why.get_by_text("stated reason").count()
    assert why.get_by_text("Not tested yet.").count()
    assert not card.get_by_text("The photo is there now.").count()


def test_no_reason_is_said_to_be_none_and_code_is_called_code(visit):
    """Nothing is filled in for the model, and code's reason is not called the model's."""
    tab = visit.run(1)
    why = tab.locator(".why")
    why.get_by_text("The reason given in code").wait_for()
    assert not why.get_by_text("stated reason").count()
    for _ in range(4):
        tab.keyboard.press("j")
    why.get_by_text("The model gave no reason.").wait_for()


def test_context_and_raw_step_open_on_demand(visit):
    """The whole context, then the step as understood and as sent; Escape closes."""
    tab = visit.run(1)
    tab.keyboard.press("j")
    tab.keyboard.press("f")
    reader = tab.locator("dialog.reader")
    reader.get_by_text("Ticket #55102").first.wait_for()
    assert reader.get_by_text("You resolve support tickets.").count()
    tab.keyboard.press("Escape")
    tab.keyboard.press("r")
    reader.get_by_text("As sent").wait_for()
    assert reader.get_by_text("tellwhy.provider.request_id").count()


def test_a_run_and_a_decision_are_told_in_words(visit):
    """Sentences of the collector, each with links to what it rests on."""
    tab = visit.run(1)
    tab.keyboard.press("w")
    reader = tab.locator("dialog.reader")
    reader.get_by_text("Ticket #55102").first.wait_for()
    assert reader.get_by_text("Not tested: no replay has shown what the run depended on.").count()
    reader.locator(".tell[data-part=path] .cite").first.click()
    reader.locator("mark").wait_for()
    tab.keyboard.press("Escape")
    tab.locator(".words summary").click()
    tab.locator(".why .tell").first.wait_for()
    tab.keyboard.press("j")
    tab.locator(".why .tell.stated q").get_by_text("I need the claim first.").wait_for()


def test_a_value_leads_to_where_it_stood(visit):
    """A click or Enter shows the place, marked; a value without a source is marked; so are findings."""
    trace = run_id(1)

    def with_sources(route):
        answer = route.fetch()
        card = answer.json()
        at = {"trace": trace, "span": card["at"]["span"], "column": "input_messages"}
        at |= {"path": "$[0].parts[0].content", "inner": None, "from": 8, "to": 13}
        common = {
            "method": None,
            "weak": False,
            "path": None,
            "text": None,
            "places": 1,
            "piece": False,
        }
        card["sources"] = [
            common
            | {
                "argument": "id",
                "top": "id",
                "value": "55102",
                "kind": "exact",
                "label": "user",
                "at": at,
            }
        ] + [
            common
            | {
                "argument": name,
                "top": name,
                "value": "x",
                "kind": "no_source",
                "label": None,
                "at": None,
            }
            for name in ("section", "order_id")
        ]
        route.fulfill(response=answer, json=card)

    def with_findings(route):
        answer = route.fetch()
        page = answer.json()
        found = {
            "rule": "no_go",
            "severity": "high",
            "message": "<b>Look</b>",
            "made_by": "tellwhy",
        }
        page["decisions"]["columns"]["findings"][1] = [
            found | {"decision": None, "at": {}, "proof": []}
        ]
        route.fulfill(response=answer, json=page)

    visit.tab.route(f"**/api/runs/{trace}", with_findings)
    visit.tab.route("**/decisions/*", with_sources)
    tab = visit.run(1)
    tab.keyboard.press("j")
    tab.locator(".arg.linked .go").wait_for()
    assert "1 of 3 values found in what it saw" in tab.locator(".card").inner_text()
    assert ["<b>Look</b>"] == tab.locator(".find .fb > div:first-child").all_inner_texts()
    assert 1 == tab.locator(".row .sev.high").count()
    tab.locator(".arg.linked .go").focus()
    tab.keyboard.press("Enter")
    tab.locator("dialog.reader mark").wait_for()

    assert "55102" == tab.locator("dialog.reader mark").inner_text()
    tab.unroute_all(behavior="ignoreErrors")
    assert "Ticket #55102:" in tab.locator("dialog.reader .place").inner_text()
    assert 2 == tab.locator(".why .src.none2").count()


def test_the_timeline_chooses_a_decision(visit):
    """A click on a token or a bar opens what it stands for."""
    tab = visit.run(1)
    box = tab.locator(".tl canvas").bounding_box()
    tab.mouse.click(box["x"] + box["width"] - 60, box["y"] + 66)

    assert "10" == number_of(tab)


def test_an_unknown_run_and_an_unknown_decision_are_told(visit):
    """A mistyped link is not an empty page."""
    visit.run(1, decision="nothing:0")
    visit.tab.get_by_text("This run has no such decision").wait_for()
    visit.open(f"/?run={run_id(999)}")
    visit.tab.get_by_text("No such run").wait_for()
    assert [error for error in visit.errors if "404" not in error] == []
    visit.errors.clear()


def test_a_run_of_five_thousand_steps_stays_quick_to_walk(visit):
    """Only the rows in sight exist, and the keys go through all of them."""
    tab = visit.run(2)
    assert tab.locator(".row").count() < 60
    for _ in range(20):
        tab.keyboard.press("j")
    assert "21" == number_of(tab)
    tab.keyboard.press("g")
    assert "1251" == number_of(tab)
    tab.locator(".card[data-decision]").wait_for()


def test_a_run_that_goes_on_is_shown_as_going_on(visit):
    """The open tool is in flight, and the page looks again by itself."""
    tab = visit.run(3)
    with tab.expect_response(lambda answer: answer.url.endswith(run_id(3))):
        tab.keyboard.press("j")
        tab.get_by_text("In flight").first.wait_for()
    assert "2" == number_of(tab)


def test_a_permit_that_ran_out_is_renewed_without_a_word(visit):
    """A page that stayed open over lunch goes on where it was."""
    tab = visit.run(1)
    tab.locator(".card[data-decision]").wait_for()
    refused = []

    def once(route):
        if refused:
            route.continue_()
        else:
            refused.append(route.request.headers["authorization"])
            route.fulfill(status=401, json={"ok": False, "error": "run out"})

    tab.route("**/api/runs/*/steps/**", once)
    tab.keyboard.press("r")
    tab.get_by_text("As understood").wait_for()

    assert refused
    visit.errors[:] = [error for error in visit.errors if "401" not in error]


def test_sql_runs_from_the_keyboard_and_downloads(visit):
    """Write, Ctrl+Enter, see rows, take them along."""
    tab = visit.open("/sql")
    editor = tab.get_by_label("SQL", exact=True)
    editor.fill("SELECT run_id, agent_name FROM runs ORDER BY start_ns DESC LIMIT 3")
    editor.press("Control+Enter")
    tab.get_by_text("3 rows in").wait_for()
    with tab.expect_download() as waiting:
        tab.get_by_role("button", name="CSV", exact=True).click()

    assert Path(waiting.value.path()).read_text().startswith("run_id,agent_name")


def test_a_hostile_run_reaches_nobody_and_runs_nothing(visit, beacon):
    """Every page with every text hostile: the beacon hears nothing, nothing is rendered."""
    before = len(beacon.hits)
    tab = visit.open("/?q=onerror")
    tab.get_by_text("1 runs").wait_for()
    visit.run(5)
    for _ in range(5):
        tab.locator(".card[data-decision]").wait_for()
        assert (
            tab.locator(".card img, .card script, .card iframe, .card a, .card svg svg").count()
            == 0
        )
        tab.keyboard.press("j")
    tab.keyboard.press("f")
    tab.locator("dialog.reader .line").first.wait_for()
    tab.keyboard.press("Escape")
    tab.keyboard.press("r")
    tab.get_by_text("As sent").wait_for()
    assert tab.locator("dialog img, dialog script, dialog iframe, dialog a").count() == 0
    assert tab.locator(".head h1").inner_text().startswith("<img src=x onerror")
    assert "⟨U+202E⟩" in tab.locator(".head h1").inner_text()
    tab.keyboard.press("Escape")
    visit.open("/sql")
    editor = tab.get_by_label("SQL", exact=True)
    editor.fill("SELECT * FROM decisions WHERE contains(agent_name, 'onerror')")
    editor.press("Control+Enter")
    tab.get_by_text("rows in").wait_for()

    assert before == len(beacon.hits)
    assert tab.evaluate("() => window.__pwn === undefined")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_themes_are_drawn(browser, viewer, scheme, tmp_path):
    """The component follows the theme; the screenshot is kept for whoever looks."""
    visit = Visit(browser, viewer, scheme)
    tab = visit.run(1)
    tab.locator(".card[data-decision]").wait_for()
    shot = tmp_path / f"run_{scheme}.png"
    tab.screenshot(path=shot)
    theme = tab.locator(".tw").get_attribute("data-theme")
    visit.context.close()

    assert scheme == theme
    assert shot.stat().st_size > 50_000


def test_a_collector_that_goes_away_is_told_on_the_run_page(browser, start_viewer):
    """The component says which address and what to do."""
    visit = Visit(browser, start_viewer("http://127.0.0.1:9"))
    visit.open(f"/?run={run_id(1)}")
    visit.tab.get_by_text("No collector answers at http://127.0.0.1:9").wait_for()
    visit.context.close()
