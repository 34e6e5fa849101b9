"""Every capture of a real sender is told, and whatever a sentence cites is there."""

import json
from pathlib import Path

import pytest

from tellwhy_collector.errors import NotFound
from tellwhy_collector.telling import Citation, Explanation, Sentence, check_citations
from tellwhy_collector.telling.reading import Reading, stored_in, tell
from tellwhy_collector.testing import collector as running_collector
from tellwhy_collector.testing import post, rows, wait_until_explained

CAPTURES = Path(__file__).parents[1] / "dialects" / "captures"
FILES = sorted(p for p in CAPTURES.rglob("*.otlp.json") if "metrics" not in p.name)
LONG = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A collector that holds every capture."""
    with running_collector(tmp_path_factory.mktemp("captures")) as collector:
        yield _fill(collector)


def _fill(collector):
    for path in FILES:
        export = json.loads(path.read_bytes())
        for request in export if isinstance(export, list) else [export]:
            signal = "traces" if "resourceSpans" in request else "logs"
            post(collector.ingest, request, signal)
    wait_until_explained(collector.store, 300)
    return collector


@pytest.mark.slow
@LONG
def test_whatever_is_told_of_real_runs_can_be_looked_up(filled):
    """Every run and every decision of every capture, every sentence, every citation."""
    cursor = filled.store.cursor()
    runs = [run_id for (run_id,) in rows(filled.store, "SELECT DISTINCT run_id FROM runs")]
    wrong, told, decided = [], 0, 0
    for run_id in runs:
        reading = Reading(cursor, run_id)
        decided += len(reading.decisions)
        stored = stored_in(cursor, reading.told().explanation)
        for which in (None, *map(str, range(1, len(reading.decisions) + 1))):
            explanation, complete = reading.told(which)
            assert complete
            wrong += [f"{run_id} {which}: {it}" for it in check_citations(explanation, stored)]
            wrong += [
                f"{run_id} {which}: {one.text!r}"
                for one in explanation.sentences
                if not one.text.isprintable() or one.text.count("“") != one.text.count("”")
            ]
            told += len(explanation.sentences)
    cursor.close()

    assert [] == wrong
    assert len(runs) > 40
    assert decided > 100
    assert told > 10 * decided / 2


@pytest.mark.slow
@LONG
def test_a_decision_is_found_by_number_id_or_step(filled):
    """All three lead to the same sentences."""
    ((run_id, decision_id, outcome_span_id),) = rows(
        filled.store,
        "SELECT run_id, decision_id, outcome_span_id FROM decisions "
        "WHERE outcome_span_id IS NOT NULL ORDER BY start_ns, run_id LIMIT 1",
    )
    cursor = filled.store.cursor()
    found = {
        tell(cursor, run_id, which).explanation.decision_id
        for which in (decision_id, outcome_span_id)
    }
    reading = Reading(cursor, run_id)
    number = [
        at
        for at in range(1, len(reading.decisions) + 1)
        if reading.told(str(at)).explanation.decision_id == decision_id
    ]

    assert {decision_id} == found
    assert 1 == len(number)
    for which, words in [("999", "no decision '999'"), ("nothing", "no decision 'nothing'")]:
        with pytest.raises(NotFound, match=words):
            tell(cursor, run_id, which)
    with pytest.raises(NotFound, match="no run 'nobody'"):
        tell(cursor, "nobody")
    cursor.close()


@pytest.mark.slow
@LONG
def test_what_changes_is_not_complete(filled):
    """A trace that is due to be looked at says so."""
    ((run_id, trace_id),) = rows(filled.store, "SELECT run_id, trace_id FROM runs LIMIT 1")
    cursor = filled.store.cursor()
    before = tell(cursor, run_id).complete
    cursor.execute("BEGIN")
    cursor.execute("INSERT INTO unexplained VALUES (?, 0)", [trace_id])
    after = tell(cursor, run_id).complete
    cursor.execute("ROLLBACK")
    cursor.close()

    assert (True, False) == (before, after)


def test_a_wrong_citation_is_seen():
    """The check that the others lean on can fail."""
    column = {("m1", "input_messages"): '[{"parts": [{"content": "Order 88213"}]}]'}
    content = "$[0].parts[0].content"
    citations = [
        Citation("m1", "input_messages", content, None, 6, 11),
        Citation("m1", "input_messages", content, None, 6, 12),
        Citation("m1", "input_messages", "$[1]"),
        Citation("m1", "tools_offered"),
        Citation("m1", "input_messages", content, "$.a"),
    ]
    sentences = [Sentence("fact", "saw", str(at), (one,)) for at, one in enumerate(citations)]
    explanation = Explanation("r", "t", None, (*sentences, Sentence("fact", "saw", "none", ())))
    wrong = check_citations(explanation, lambda one: column.get((one.span_id, one.column)))

    assert ["sentence 2", "sentence 3", "sentence 4", "sentence 5", "sentence 6"] == [
        problem[:10] for problem in wrong
    ]
