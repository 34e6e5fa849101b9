"""Runs made ready before the browser asks for them, from a real collector."""

import pytest
import viewer_stories as stories
from test_shape_columns import unpacked
from viewer_posting import HOUR_NS, NOW_NS, post
from viewer_processes import run_id

from tellwhy_viewer.client import Collector, CollectorDown, asked_by
from tellwhy_viewer.component import ahead
from tellwhy_viewer.component.loading import card, skeleton
from tellwhy_viewer.component.questions import Asking, Missing

RUN = run_id(1)


@pytest.fixture(scope="module")
def ask(start_collector):
    """Asks a collector of this file's own, with one run."""
    url = start_collector()
    post(url, stories.refund(NOW_NS - HOUR_NS))
    found = Collector(url)
    yield Asking(lambda: found)
    found.close()


def test_a_run_is_given_as_it_was_made_and_only_once(ask):
    """The second to ask gets a fresh one: the first may be old by then."""
    ahead.begin(ask, RUN, None)
    page = ahead.taken(ask, RUN)

    # Their findings come a moment later than the run, so only what does not change is compared.
    fresh = unpacked(skeleton(ask, RUN)["decisions"])
    assert [row["id"] for row in fresh] == [row["id"] for row in unpacked(page["decisions"])]
    assert 10 == page["decisions"]["rows"]
    assert ahead.taken(ask, RUN) is None


def test_the_decision_of_the_address_is_made_ready_too(ask):
    """A link to a decision opens with its card."""
    which = unpacked(skeleton(ask, RUN)["decisions"])[8]["id"]
    ahead.begin(ask, RUN, which)

    assert card(ask, RUN, which)["chose"] == ahead.taken(ask, RUN, which)["chose"]
    assert ahead.taken(ask, RUN, which) is None


def test_what_was_made_for_one_person_is_not_given_to_another(ask):
    """The collector wrote down who asked."""
    ahead.begin(ask, RUN, None)
    other = asked_by.set("max.beispiel")
    try:
        assert ahead.taken(ask, RUN) is None
    finally:
        asked_by.reset(other)
    assert ahead.taken(ask, RUN)


def test_what_waited_too_long_is_let_go(ask, monkeypatch):
    """A page that was opened long ago shows the run as it is now."""
    ahead.begin(ask, RUN, None)
    monkeypatch.setattr(ahead, "KEPT_S", 0.0)

    assert ahead.taken(ask, RUN) is None


def test_a_run_that_does_not_exist_is_told_at_once(ask):
    """There is no reason to ask again."""
    ahead.begin(ask, run_id(77), None)
    with pytest.raises(Missing, match="There is no run"):
        ahead.taken(ask, run_id(77))


def test_a_collector_that_does_not_answer_is_asked_again():
    """Whoever asks next hears what is wrong now, not what was."""
    nobody = Collector("http://127.0.0.1:9")
    down = Asking(lambda: nobody)
    ahead.begin(down, RUN, None)

    assert ahead.taken(down, RUN) is None
    with pytest.raises(CollectorDown):
        skeleton(down, RUN)
    nobody.close()
