"""The compare page as Streamlit runs it, over a real collector."""

import pytest
import viewer_stories as stories
from streamlit.testing.v1 import AppTest
from viewer_posting import HOUR_NS, NOW_NS, post
from viewer_processes import run_id

pytestmark = pytest.mark.slow
DOWN = "http://127.0.0.1:9"


def draw():
    from tellwhy_viewer.pages import compare

    compare.page()


def opened(**query):
    at = AppTest.from_function(draw, default_timeout=60)
    for name, value in query.items():
        at.query_params[name] = value
    return at.run()


@pytest.fixture(scope="module")
def twice(start_collector):
    """A collector with two runs of the same task and one of another agent."""
    url = start_collector()
    post(url, stories.refund(NOW_NS - HOUR_NS))
    post(url, stories.refund(NOW_NS - 2 * HOUR_NS, 7))
    post(url, stories.broken(NOW_NS - 3 * HOUR_NS))
    return url


def test_two_runs_in_the_address_are_drawn_beside_each_other(looking_at, twice):
    """The component is mounted and nothing else."""
    looking_at(twice)
    at = opened(a=run_id(1), b=run_id(7))

    assert not at.exception
    assert 1 == len(at.get("bidi_component"))
    assert not at.dataframe


def test_one_run_offers_what_it_is_worth_comparing_with(looking_at, twice):
    """Runs of the same task of its agent; not itself, not those of others."""
    looking_at(twice)
    at = opened(a=run_id(1))
    shown = at.dataframe[0].value

    assert not at.exception
    assert [("same task", run_id(7))] == list(zip(shown["Why"], shown["Run"], strict=True))


def test_typed_ids_lead_to_the_comparison(looking_at, twice):
    """And stand in the address then."""
    looking_at(twice)
    at = opened()
    at.text_input(key="compare_a").set_value(run_id(1))
    at.text_input(key="compare_b").set_value(run_id(7)).run()
    at.button(key="compare_go").click().run()

    assert not at.exception
    assert (run_id(1), run_id(7)) == (at.query_params["a"], at.query_params["b"])
    assert 1 == len(at.get("bidi_component"))


def test_a_run_that_is_not_there_is_named(looking_at, twice):
    """With a form to type another."""
    looking_at(twice)
    at = opened(a=run_id(1), b="nobody")

    assert not at.exception
    assert ["These runs cannot be compared"] == [element.value for element in at.subheader]
    assert "There is no run 'nobody'" in at.text[0].value


def test_a_run_alone_says_so(looking_at, twice):
    """Nothing to choose from is no empty table."""
    looking_at(twice)
    at = opened(a="nobody")

    assert not at.exception
    assert ["Nothing to compare it with"] == [element.value for element in at.subheader]


def test_a_collector_that_is_down_is_named(looking_at):
    """As on every page."""
    looking_at(DOWN)
    at = opened(a=run_id(1), b=run_id(2))

    assert not at.exception
    assert ["The collector does not answer"] == [element.value for element in at.subheader]
