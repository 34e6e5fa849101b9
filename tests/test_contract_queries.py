"""Every question that the viewer asks is understood by the collector's real schema."""

import pytest

from tellwhy_viewer import queries
from tellwhy_viewer.client import Collector

VALUES = {
    "agent": "nobody",
    "status": "failed",
    "since_ns": 0,
    "min_cost_usd": 0.5,
    "with_errors": True,
    "text": "'; drop table steps; --",
    "tool": "nothing",
    "model": "none",
    "finding": "no_rule",
    "only_odd": True,
    "kind": "view",
    "ids": ["0" * 32],
    "starts": [0],
    "ends": [2**62],
    "before_ns": 2**62,
    "before_id": "f",
    "limit": 10,
    "cap": 10,
    "run_id": "0" * 32,
    "decision_id": "0:0",
    "span_id": "0" * 16,
    "trace_id": "0" * 32,
    "reviewer": "'; drop table verdicts; --",
    "reviewed": "me",
    "seed": "1",
    "start_ns": 0,
    "step": "day",
    "turn_ns": 1_700_000_000_000_000_000,
    "before_s": 7_200,
    "offset_s": 3_600,
    "by": "model",
}
FILTERS = {
    "agent",
    "status",
    "since_ns",
    "min_cost_usd",
    "with_errors",
    "text",
    "before_ns",
    "reviewer",
}


@pytest.fixture
def ask(collector):
    """A viewer's client on a collector without a run."""
    client = Collector(collector().url)
    yield client
    client.close()


def test_every_query_of_the_viewer_runs(ask):
    """Each text with all its parameters set, and with every optional one left out."""
    for query in queries.ALL:
        given = {name: VALUES[name] for name in query.params}
        bare = {name: None if name in FILTERS else value for name, value in given.items()}
        for values in (given, bare):
            answer = ask.sql(query.sql, query.bind(**values))
            assert len(answer.columns) == len(set(answer.columns)), query.name


def test_every_ready_query_runs(ask):
    """What the SQL page offers is never refused."""
    for chapter in queries.READY.values():
        for title, text in chapter.items():
            assert ask.sql(text).columns, title


def test_every_table_is_described(ask):
    """The schema browser shows the database's own words."""
    silent = [table["name"] for table in ask.tables() if not table["comment"]]
    unsaid = [
        f"{table['name']}.{column['name']}"
        for table in ask.tables()
        for column in table["columns"]
        if not column["comment"]
    ]

    assert ([], []) == (silent, unsaid)
