"""The SQL editor in Chromium: completion, keys, errors, addresses, and a field where it fails."""

import json
from urllib.parse import quote

import pytest
from playwright.sync_api import expect
from viewer_visits import Visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]
expect.set_options(timeout=30_000)  # milliseconds; machines are busy

WAIT_MS = 30_000
HOSTILE = '<img src=x onerror="window.__pwn=1">'
BENT = 'a"; DROP TABLE\u202e x'


@pytest.fixture
def visit(browser, viewer):
    """A tab; at the end nothing was asked of another address and nothing failed."""
    made = Visit(browser, viewer)
    made.context.set_default_timeout(WAIT_MS)
    yield made
    outside, errors = made.outside, made.errors
    made.context.close()
    assert ([], []) == (outside, errors)


@pytest.fixture
def editor(visit):
    """The editor, once it knows the names."""
    return opened(visit, "/sql")


def opened(visit, address):
    tab = visit.open(address)
    tab.locator(".sq[data-words=true]").wait_for()
    return tab.get_by_label("SQL", exact=True)


def write(editor, text):
    """Type *text* as a person does, in place of what stands there."""
    editor.press("Control+A")
    editor.press("Delete")
    editor.press_sequentially(text)


def test_names_are_completed_while_typing(editor):
    """A table, a column of it by its alias, a column without one, a function."""
    tab = editor.page
    choices = tab.locator(".cm-tooltip-autocomplete li")
    write(editor, "select * from decisions")
    tab.locator(".cm-completionInfo", has_text="One row for each choice").wait_for()
    editor.press("Enter")
    expect(editor).to_have_text("select * from decisions")
    editor.press_sequentially(" d where d.stated_rea")
    choices.filter(has_text="VARCHAR").first.wait_for()
    tab.locator(".cm-completionInfo").wait_for()  # a key at once would still be meant for the text
    editor.press("Tab")
    editor.press_sequentially(" is null and cho")
    choices.filter(has_text="chosen").first.wait_for()
    editor.press("Escape")
    write(editor, "select quantile_con")
    choices.filter(has_text="quantile_cont").first.click()

    expect(editor).to_have_text("select quantile_cont()")


def test_words_of_the_language_are_told_from_names(editor):
    """DuckDB's own, and no names of columns that are words elsewhere."""
    write(editor, "from runs select status, 'x' qualify 1")
    editor.press("Escape")

    assert ["from", "select", "qualify"] == editor.locator(".k").all_inner_texts()
    assert ["'x'"] == editor.locator(".s").all_inner_texts()


def test_the_keyboard_gets_in_and_out(editor):
    """Tab leaves when nothing is completed, and so does Escape; both ways without a pointer."""
    tab = editor.page
    editor.focus()
    editor.press("Tab")
    run = tab.get_by_role("button", name="Run", exact=True)
    expect(run).to_be_focused()
    tab.keyboard.press("Shift+Tab")
    expect(editor).to_be_focused()
    editor.press("Escape")

    expect(run).to_be_focused()
    assert (
        "Escape leaves" in tab.locator(f"#{editor.get_attribute('aria-describedby')}").inner_text()
    )


def test_typing_is_not_heard_by_the_page(editor):
    """The page's own keys are letters: C asks about its cache, R runs the script again."""
    write(editor, "crcr")

    expect(editor).to_have_text("crcr")
    assert 0 == editor.page.get_by_role("dialog").count()


def test_the_place_of_an_error_is_marked(editor):
    """The word that the database stumbled over, and its line; the mark goes with the mistake."""
    tab = editor.page
    write(editor, "select 1 as one,\n2 as two\nform runs")
    editor.press("Control+Enter")
    tab.get_by_text("Not run").wait_for()
    marked = editor.locator(".cm-lintRange-error")
    expect(marked).to_have_text("form")
    tab.get_by_text("Stopped at line 3, column 1.").wait_for()
    write(editor, "select 2 as two")
    editor.press("Control+Enter")
    tab.get_by_text("1 rows in").wait_for()

    expect(marked).to_have_count(0)
    expect(tab.locator(".cm-lint-marker-error")).to_have_count(0)


def test_what_was_run_comes_back_by_its_address_and_is_not_run_again(editor, visit):
    """A reload shows the question; only Run asks it."""
    tab = editor.page
    write(editor, "select 40 + 2 as answer")
    editor.press("Control+Enter")
    tab.get_by_text("1 rows in").wait_for()
    assert "q=select+40" in tab.url
    editor = opened(visit, tab.url.removeprefix(visit.base))
    expect(editor).to_have_text("select 40 + 2 as answer")
    assert 0 == tab.get_by_text("1 rows in").count()
    tab.get_by_role("button", name="Run", exact=True).click()

    tab.get_by_text("1 rows in").wait_for()


def test_what_was_not_run_survives_a_reload_of_this_tab(editor, visit):
    """And undo still leads from a ready question back to it."""
    tab = editor.page
    write(editor, "select 'half a thought")
    tab.get_by_role("button", name="Save this query").wait_for()
    tab.wait_for_function("() => (sessionStorage.getItem('tellwhy.draft') || '').includes('half')")
    editor = opened(visit, "/sql")
    expect(editor).to_have_text("select 'half a thought'")
    tab.get_by_label("Ready questions").fill("circles")
    tab.keyboard.press("Enter")
    expect(editor).to_contain_text("from loops")
    editor.press("Control+Z")

    expect(editor).to_have_text("select 'half a thought'")


def test_a_link_is_copied_and_opens_the_question(editor, visit):
    """In another browser, say; a text that is too long for that says so."""
    tab = editor.page
    visit.context.grant_permissions(["clipboard-read", "clipboard-write"])
    editor.fill("select 'a & b + c% \u00e9' as \"x\"")
    tab.get_by_role("button", name="Copy link").click()
    tab.get_by_text("Link copied").wait_for()
    link = tab.evaluate("() => navigator.clipboard.readText()")
    assert link.startswith(f"{visit.base}/sql?q=")
    editor.fill(f"select '{'x' * 7000}'")
    tab.get_by_role("button", name="Copy link").click()
    tab.get_by_text("Too long for a link").wait_for()
    tab.evaluate("() => sessionStorage.clear()")
    again = opened(visit, link.removeprefix(visit.base))

    expect(again).to_have_text("select 'a & b + c% \u00e9' as \"x\"")


def test_a_question_in_the_address_stays_on_its_page(visit):
    """The list of runs searches by the same name in its own address."""
    editor = opened(visit, f"/sql?q={quote('select 1 as one')}")
    expect(editor).to_have_text("select 1 as one")
    tab = editor.page
    tab.get_by_role("link", name="Runs").first.click()
    search = tab.get_by_label("Search", exact=True)
    search.wait_for()

    expect(search).to_have_value("")


def test_a_plain_field_takes_over_where_the_editor_does_not_load(visit):
    """It says so, and runs what is written; asked for, it is there without any script."""
    tab = visit.tab
    tab.route("**/vendor/codemirror.js", lambda route: route.abort())
    visit.open("/sql")
    tab.get_by_text("The editor did not load").wait_for()
    field = tab.get_by_label("SQL", exact=True)
    field.fill("select 1 as one")
    field.press("Control+Enter")
    tab.get_by_text("1 rows in").wait_for()
    visit.errors[:] = [error for error in visit.errors if "codemirror" not in error]
    visit.open("/sql?plain=true&q=select+2+as+two")
    expect(tab.locator("textarea")).to_have_value("select 2 as two")
    tab.get_by_role("button", name="Run").click()

    tab.get_by_text("1 rows in").wait_for()


def test_hostile_names_are_text_and_are_quoted(visit):
    """Whatever a table or column is called or says of itself, it becomes text only."""
    tab = visit.tab

    def bent(route):
        told = route.fetch().json()
        told["tables"].append(
            ["hostile", "view", HOSTILE, [[HOSTILE, HOSTILE, HOSTILE], [BENT, "x", ""]]]
        )
        told["functions"].append(["hostile_call", "scalar", [HOSTILE], HOSTILE])
        route.fulfill(content_type="application/json", body=json.dumps(told))

    tab.route("**/api/sql/words", bent)
    editor = opened(visit, "/sql")
    write(editor, "select h. from hostile h")
    editor.press("Home")
    for _ in "select h.":
        editor.press("ArrowRight")
    editor.press("Control+Space")
    choices = tab.locator(".cm-tooltip-autocomplete li")
    choices.filter(has_text="onerror").first.wait_for()
    expect(choices.filter(has_text="\u27e8U+202E\u27e9")).to_have_count(1)
    assert 0 == tab.locator(".sq img").count()
    choices.filter(has_text="DROP").click()

    expect(editor).to_contain_text('h."a""; DROP TABLE')
    assert tab.evaluate("() => window.__pwn === undefined")
