"""The audit page over a real collector: the ledger, what nobody approved, who looked."""

import time

import pytest
from streamlit.testing.v1 import AppTest

from tellwhy_viewer.client import Collector

pytestmark = pytest.mark.slow


def draw_audit():
    from tellwhy_viewer.pages import audit

    audit.page()


def opened(**query):
    at = AppTest.from_function(draw_audit, default_timeout=60)
    for name, value in query.items():
        at.query_params[name] = value
    return at.run()


def wait_for(url, table):
    """Wait until the collector has looked at the runs."""
    ask = Collector(url)
    while not ask.sql(f"SELECT 1 FROM {table} WHERE tool_name = 'issue_refund'").rows:
        pass
    ask.close()


def test_the_ledger_tells_who_was_asked_and_links_to_the_decision(looking_at, full):
    """Two answers of one person about one tool, each with a link of this viewer."""
    wait_for(full, "approvals")
    looking_at(full)
    at = opened(audit_q="issue_refund")

    table = at.dataframe[0].value
    assert not at.exception
    assert ["approved", "denied"] == list(table["Decision"])
    assert all(link.startswith("/?run=") and "&decision=" in link for link in table["open"])
    assert "asked" in at.caption[0].value


def test_effects_without_an_approval_have_a_ledger_of_their_own(looking_at, full):
    """The refund that nobody was asked about stands there with its gap."""
    looking_at(full)
    at = opened(ledger="Effects without approval")

    assert not at.exception
    assert at.dataframe or "Nothing here" in [found.value for found in at.subheader]


def test_who_looked_is_told(looking_at, full):
    """This page's own questions are there too: nobody looks unseen."""
    looking_at(full)
    opened()
    end = time.monotonic() + 60
    while not (at := opened(ledger="Who looked", audit_kind="query")).dataframe:
        assert time.monotonic() < end, "who looked is written within a moment"

    assert not at.exception
    assert {"query"} == set(at.dataframe[0].value["Kind"])


def test_a_collector_that_is_down_is_named(looking_at):
    """With what to do."""
    looking_at("http://127.0.0.1:9")
    at = opened()

    assert ["The collector does not answer"] == [found.value for found in at.subheader]
