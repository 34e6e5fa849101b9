"""Every query of docs/explanation/evidence.md, taken from the page and asked of a recorded run."""

import gzip
import re
from pathlib import Path

import pytest

from tellwhy_collector.testing import collector, rows, send, wait_until_explained

HERE = Path(__file__).parent
PAGE = HERE.parents[3] / "docs" / "explanation" / "evidence.md"
QUERIES = dict(
    re.findall(r"^### (.+?)\n\n```sql\n(.+?)```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
)
PLACES = """
    SELECT e.value, e.kind, e.method, e.source_from, e.source_to,
        CASE e.source_column WHEN 'tool_result' THEN s.tool_result WHEN 'output' THEN s.output
            WHEN 'input' THEN s.input WHEN 'output_messages' THEN s.output_messages END AS held,
        e.source_path, e.source_inner_path
    FROM evidence e JOIN steps s ON s.trace_id = e.trace_id AND s.span_id = e.source_span_id
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A collector that was sent the recorded runs."""
    with collector(tmp_path_factory.mktemp("page")) as running:
        for path in sorted((HERE / "fixtures").glob("*.pb.gz")):
            body = gzip.decompress(path.read_bytes())
            send(f"{running.http_url}/v1/traces", body, "application/x-protobuf")
        wait_until_explained(running.store, 100)
        yield running.store


@pytest.mark.parametrize("title", QUERIES)
def test_each_query_of_the_page_runs(store, title):
    """As it is written."""
    rows(store, QUERIES[title])


def test_the_kinds_of_the_page_are_those_that_are_written(store):
    """Of these runs too, most values stand somewhere."""
    found = dict(rows(store, "SELECT kind, count(*) FROM evidence WHERE rank = 0 GROUP BY 1"))

    named = set(re.findall(r"^\| `(\w+)` \|", PAGE.read_text("utf-8"), re.MULTILINE))
    assert {"exact", "normalised", "derived", "model_written", "no_source"} == named
    assert set(found) <= named
    assert found["exact"] > sum(found.values()) / 2


def test_sql_finds_the_value_at_the_path(store):
    """DuckDB's own JSON functions read the paths."""
    unnested = f"""
        WITH places AS ({PLACES}),
        outer_text AS (SELECT *, json_extract_string(held, source_path) AS text FROM places),
        texts AS (SELECT * REPLACE (CASE WHEN source_inner_path IS NULL THEN text
            ELSE json_extract_string(text, source_inner_path) END AS text) FROM outer_text)
        SELECT count(*), count(*) FILTER (
            coalesce(text[source_from + 1 : source_to], text) = json_extract_string(value, '$'))
        FROM texts WHERE kind = 'exact' AND method IS NULL
    """
    ((places, right),) = rows(store, unnested)

    assert places > 50
    assert places == right
