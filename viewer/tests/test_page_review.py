"""The review queue as Streamlit runs it, over a real collector: full, empty, down, hostile."""

import pytest
import viewer_stories as stories
from streamlit.testing.v1 import AppTest
from viewer_posting import HOUR_NS, NOW_NS, post
from viewer_processes import run_id

from tellwhy_viewer.client import Collector

pytestmark = pytest.mark.slow
DOWN = "http://127.0.0.1:9"
RULES = (
    "Findings",
    "Suspects",
    "Effects",
    "Failed or denied",
    "Most expensive",
    "Random sample",
    "Disputed",
    "Newest",
)


def draw():
    from tellwhy_viewer.pages import review

    review.page()


def opened(**query):
    at = AppTest.from_function(draw, default_timeout=60)
    for name, value in query.items():
        at.query_params[name] = value
    return at.run()


def progress(at):
    return at.get("progress")[0].proto.text


@pytest.fixture(scope="module")
def judged(start_collector):
    """A collector with two runs, of which two reviewers have judged some decisions."""
    url = start_collector()
    post(url, stories.refund(NOW_NS - HOUR_NS))
    post(url, stories.broken(NOW_NS - 2 * HOUR_NS))
    client = Collector(url)
    found = client.sql(
        "SELECT decision_id FROM decisions WHERE run_id = $1 ORDER BY decided_ns", [run_id(1)]
    )
    client.close()
    given = Collector(url)
    for at, (first, second) in enumerate(
        [("right", "right"), ("wrong", "right"), ("wrong", "wrong")]
    ):
        for name, verdict in (("erika", first), ("max", second)):
            told = {"decision_id": found.rows[at][0], "verdict": verdict, "reviewer": name}
            given.give_verdict({"run_id": run_id(1), **told})
    given.close()
    return url


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_gives_a_queue(looking_at, judged, rule):
    """Each has its decisions, or says that there are none."""
    looking_at(judged)
    at = opened(by=rule, left="All")

    assert not at.exception
    if rule in {"Newest", "Random sample"}:
        assert 11 == len(at.dataframe[-1].value)
    if rule == "Disputed":
        assert ["✓ 1  ✕ 1"] == list(at.dataframe[-1].value["All"])
    if rule == "Failed or denied":
        assert {"failed", "denied"} == set(at.dataframe[-1].value["Outcome"])
    if rule == "Effects":
        assert "irreversible" == at.dataframe[-1].value["Why here"][0]


def test_what_nobody_has_judged_stands_first(looking_at, judged):
    """With all shown, reviewed decisions come last; else they are left out and counted."""
    looking_at(judged)
    every = opened(by="Newest", left="All").dataframe[-1].value
    left = opened(by="Newest")

    assert [""] * 8 == list(every["All"][:8])
    assert 3 == sum(every["All"] != "")
    assert 8 == len(left.dataframe[-1].value)
    assert "3 of 11 reviewed" in progress(left)


def test_a_reviewer_sees_what_is_left_for_him_or_her(looking_at, judged):
    """Chosen by name; decisions of others count as open."""
    looking_at(judged)
    at = opened(by="Newest", left="Not by me")
    assert 11 == len(at.dataframe[-1].value)
    you = next(box for box in at.selectbox if box.label == "You")
    assert ["erika", "max"] == you.options
    at = you.set_value("erika").run()

    assert not at.exception
    assert 8 == len(at.dataframe[-1].value)
    assert "3 of 11 reviewed, 3 by you" == progress(at)


def test_agreement_is_told_with_its_numbers(looking_at, judged):
    """A sentence, each agent, each two reviewers."""
    looking_at(judged)
    at = opened(by="Newest")
    agents, pairs = at.dataframe[0].value, at.dataframe[1].value

    assert "Reviewers agree on 67% of 3 decisions that two or more have judged (alpha 0.44)." in [
        box.label for box in at.expander
    ]
    assert ["All agents", "refund-resolver"] == list(agents["Agent"])
    assert [("erika", "max", 3, 2)] == list(
        pairs[["Reviewer", "Other", "Decisions", "Same"]].itertuples(index=False, name=None)
    )


def test_the_first_decision_opens_its_run_with_the_queue_beside_it(looking_at, judged):
    """The run page takes the place of the list; the address says which decision."""
    looking_at(judged)
    at = opened(by="Failed or denied")
    wanted = at.dataframe[-1].value["Run"][0]
    at.button(key="queue_start").click().run()

    assert not at.exception
    assert wanted == at.query_params["run"]
    assert 1 == len(at.get("bidi_component"))
    assert len(at.session_state["queue_places"]) == 3


def test_an_empty_queue_says_what_to_do(looking_at, empty):
    """No error, no empty table."""
    looking_at(empty)
    at = opened()

    assert not at.exception
    assert ["No runs yet"] == [element.value for element in at.subheader]


def test_a_collector_that_is_down_is_named(looking_at):
    """As on every page."""
    looking_at(DOWN)
    at = opened()

    assert not at.exception
    assert ["The collector does not answer"] == [element.value for element in at.subheader]


def test_hostile_names_reach_only_cells(looking_at, full):
    """No label, caption or heading holds a text that came from an agent."""
    looking_at(full)
    at = opened(by="Failed or denied", within="All time", most="500")
    shown = at.dataframe[-1].value
    told = [element.value for kind in (at.markdown, at.caption, at.subheader) for element in kind]

    assert any(stories.HOSTILE[:18] in name for name in shown["Agent"])
    assert [] == [text for text in told if "<script" in text or "onerror" in text]
