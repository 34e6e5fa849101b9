"""What the editor completes, over the route that tells it."""

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from tellwhy_viewer.client import Collector
from tellwhy_viewer.component import sql_words, tokens
from tellwhy_viewer.component.routes import routes

pytestmark = pytest.mark.slow


@pytest.fixture
def get(full):
    """Ask a viewer over a collector with runs; the first word is the collector's address."""

    def ask(permit, url=full):
        collector = Collector(url)
        with TestClient(Starlette(routes=routes(lambda: collector))) as client:
            answer = client.get("/api/sql/words", headers={"authorization": f"Bearer {permit}"})
        collector.close()
        return answer

    return ask


def test_tables_functions_and_words_are_told(get):
    """Each table with its columns, types and comments, in the database's own words."""
    told = get(tokens.mint(sql_words.SCOPE)).json()
    tables = {name: (kind, comment, columns) for name, kind, comment, columns in told["tables"]}
    functions = {name: (kind, parameters) for name, kind, parameters, _ in told["functions"]}

    kind, comment, columns = tables["decisions"]
    assert "view" == kind
    assert comment
    assert ["chosen", "VARCHAR"] == next(column[:2] for column in columns if "chosen" == column[0])
    assert "aggregate" == functions["quantile_cont"][0]
    assert {"select", "over", "qualify"} <= set(told["keywords"])
    assert {"varchar", "timestamp", "variant"} <= set(told["types"])
    assert not {"name", "day", "status"} & {*told["keywords"], *told["types"]}
    assert not {"read_csv", "read_text", "glob"} & set(functions)


def test_nothing_is_told_without_a_permit_for_it(get):
    """That of a run does not count here, nor does this one for a run."""
    assert [401] * 3 == [get(permit).status_code for permit in ("", "x", tokens.mint("0" * 32))]
    assert not tokens.holds(tokens.mint(sql_words.SCOPE), "0" * 32)


def test_a_collector_that_does_not_answer_is_named(get):
    """The editor then works without names and says why."""
    answer = get(tokens.mint(sql_words.SCOPE), "http://127.0.0.1:9")

    assert 502 == answer.status_code
    assert "127.0.0.1:9" in answer.json()["error"]
