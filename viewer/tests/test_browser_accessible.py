"""Every page without barriers: axe-core finds none, keys reach all of it, narrow windows hold it."""

import pytest
from viewer_processes import run_id
from viewer_visits import Visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAGES = {
    "runs": "/",
    "run": f"/?run={run_id(1)}",
    "review": "/review",
    "compare": f"/compare?a={run_id(1)}&b={run_id(4)}",
    "health": "/health",
    "sql": "/sql",
    "audit": "/audit",
}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
"""What axe-core looks for: WCAG 2.0, 2.1 and 2.2, levels A and AA."""

FRAMEWORK = {
    # rule → selectors inside Streamlit's own elements, which no setting of ours reaches
    "aria-input-field-name": ('[data-testid="stDataFrame', "canvas"),
    "scrollable-region-focusable": ("dvn-scroller", "stDataFrame"),
}
BEYOND = """() => {
  const main = document.querySelector("[data-testid=stMain]");
  return Math.max(main.scrollWidth - main.clientWidth,
    document.documentElement.scrollWidth - innerWidth);
}"""


@pytest.fixture
def visit(browser, viewer):
    """A maker of tabs; at the end nothing failed in any."""
    made = []

    def open_one(**more):
        made.append(Visit(browser, viewer, **more))
        return made[-1]

    yield open_one
    errors = [error for one in made for error in one.errors]
    for one in made:
        one.tab.unroute_all(behavior="ignoreErrors")
        one.context.close()
    assert [] == errors


def shown(visit, name):
    """Open a page by name and wait until it has drawn what it asked for."""
    tab = visit.open(PAGES[name])
    ready = {
        "runs": ".rs[data-ready=true]",
        "run": ".tw[data-ready=true] .card[data-decision]",
        "compare": ".pcards .pc",
        "health": "[data-testid=stVegaLiteChart]",
        "sql": "[data-testid=stDataFrame]",
    }.get(name, "[class*=st-key-sql_of_]")
    tab.locator(ready).first.wait_for()
    tab.locator(".stSpinner").first.wait_for(state="detached")
    return tab


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_no_barrier(visit, name, scheme):
    """No serious or critical violation of WCAG A or AA; what Streamlit draws itself is named."""
    sync = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="build .venv again: python3 dev.py test"
    )
    tab = shown(visit(scheme=scheme), name)
    options = {"runOnly": RULES, "resultTypes": ["violations"]}
    found = [
        (rule["id"], str(node["target"]), node["failureSummary"])
        for rule in sync.Axe().run(tab, options=options).response["violations"]
        if rule["impact"] in {"serious", "critical"}
        for node in rule["nodes"]
    ]

    ours = [one for one in found if not any(part in one[1] for part in FRAMEWORK.get(one[0], ()))]
    assert [] == ours


@pytest.mark.parametrize("width", [640, 400])
@pytest.mark.parametrize("name", PAGES)
def test_a_narrow_window_holds_the_page(visit, name, width):
    """Half a screen, a phone, or 200 % in a small window: nothing is beside what can be seen."""
    one = visit(scheme="light")
    one.tab.set_viewport_size({"width": width, "height": 800})
    tab = shown(one, name)

    assert 0 >= tab.evaluate(BEYOND)


def test_a_run_is_read_on_a_phone(visit):
    """The panels stand below each other as wide as the window, and a verdict can be given."""
    one = visit(scheme="light")
    one.tab.set_viewport_size({"width": 400, "height": 800})
    tab = shown(one, "run")
    edges = [tab.locator(part).bounding_box() for part in (".spine", ".card", ".why")]

    assert len({round(edge["x"]) for edge in edges}) == 1
    assert edges[0]["y"] < edges[1]["y"] < edges[2]["y"]
    tab.locator(".row").nth(2).click()
    tab.get_by_role("radio", name="Right").scroll_into_view_if_needed()
    assert tab.get_by_role("radio", name="Right").is_visible()


def test_a_run_is_listed_on_a_phone(visit):
    """Status, agent, task and figures of a run stand in the window; one tap opens it."""
    one = visit(scheme="light")
    one.tab.set_viewport_size({"width": 400, "height": 800})
    tab = shown(one, "runs")
    row = tab.locator("tr", has_text="refund-resolver")

    row.scroll_into_view_if_needed()
    for part in ("td .pill", "a.go", "td.what", "time"):
        box = row.locator(part).first.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 400
    row.click()
    tab.locator(".tw[data-ready=true]").wait_for()


def test_the_focus_is_seen_and_goes_from_the_head_to_the_verdict(visit):
    """Tab walks in the order of the page; each stop inside the run is outlined."""
    tab = shown(visit(scheme="light"), "run")
    tab.get_by_role("button", name="In words").focus()
    stops = []
    for _ in range(60):
        tab.keyboard.press("Tab")
        told = tab.evaluate(
            """() => {
              let at = document.activeElement;
              while (at && at.shadowRoot && at.shadowRoot.activeElement)
                at = at.shadowRoot.activeElement;
              const panel = at && at.closest(".spine, .card, .judge");
              return [panel ? panel.classList[0] : "", getComputedStyle(at).outlineStyle];
            }"""
        )
        stops.append(told)
        if told[0] == "judge":
            break

    panels = [panel for panel, _ in stops if panel]
    assert sorted(set(panels), key=panels.index) == ["spine", "card", "judge"]
    assert {"solid"} == {outline for panel, outline in stops if panel}


def test_times_are_the_readers_own_and_name_the_zone(browser, viewer):
    """The same run in Berlin and in Tokyo: other clocks, each with its zone."""
    said = {}
    for zone in ("Europe/Berlin", "Asia/Tokyo"):
        made = Visit(browser, viewer, zone=zone)
        tab = shown(made, "run")
        said[zone] = tab.locator(".head .sub").inner_text()
        tab = shown(made, "health")
        tab.get_by_text(f"Times in {zone}").wait_for()
        made.context.close()

    assert "GMT+9" in said["Asia/Tokyo"]
    assert "CET" in said["Europe/Berlin"] or "CEST" in said["Europe/Berlin"]
