"""Explanations over HTTP: addresses, refusals, the audit row."""

import time
from urllib.parse import quote

import pytest

from tellwhy_collector.testing import (
    collector,
    post,
    rows,
    send,
    span,
    trace_id,
    traces,
    wait_until_explained,
)


@pytest.fixture
def asked(collector):
    """A collector with one run of one answer, and how to ask it."""
    trace = trace_id()
    post(collector.ingest, traces([span(traceId=trace)]))
    wait_until_explained(collector.store)

    def ask(path, **headers):
        return send(collector.http_url + path, b"", None, headers, "GET")

    return collector, trace, ask


def test_a_run_and_a_decision_are_told_as_json(asked):
    """Sentences with their layer, their part and what they cite."""
    collector, trace, ask = asked
    answer = ask(f"/api/runs/{trace}/explanation")
    told = answer.json()

    assert (200, True, True) == (answer.status, told["ok"], told["complete"])
    assert (trace, trace, None) == (told["run_id"], told["trace_id"], told["decision_id"])
    first = told["sentences"][0]
    assert {"layer", "part", "text", "citations"} == set(first)
    assert {"table": "runs", "column": "start_ns"} == first["citations"][0]
    assert "was not recorded" in first["text"]
    assert rows(collector.store, "SELECT count(*) FROM decisions") == [(0,)]


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/api/runs/nobody/explanation", 404, "There is no run 'nobody'"),
        ("/api/decisions/x/explanation", 400, "Add ?run_id="),
        ("/api/decisions/x/explanation?run_id=nobody", 404, "There is no run 'nobody'"),
        ("/api/runs/x/words", 404, "GET /api/runs/{run_id}/explanation"),
    ],
)
def test_what_is_not_there_is_told_in_a_sentence(asked, path, status, words):
    """And what to do about it."""
    _, _, ask = asked
    answer = ask(path)

    assert (status, False) == (answer.status, answer.json()["ok"])
    assert words in answer.json()["error"]


def test_a_decision_that_is_not_in_the_run_is_said_to_be_none(asked):
    """The run is there, the decision is not."""
    _, trace, ask = asked
    answer = ask(f"/api/decisions/{quote('x:0')}/explanation?run_id={trace}")

    assert 404 == answer.status
    assert "There is no decision 'x:0' in this run; it has none." in answer.json()["error"]


def test_only_get_is_taken(asked):
    """An explanation is read and nothing else."""
    collector, trace, _ = asked
    answer = send(f"{collector.http_url}/api/runs/{trace}/explanation")

    assert (405, "GET") == (answer.status, answer.headers["allow"])


def test_who_reads_a_run_in_words_is_written_down(asked):
    """As somebody who opened it."""
    collector, trace, ask = asked
    ask(f"/api/runs/{trace}/explanation", **{"X-Tellwhy-User": "ann"})
    written = "SELECT kind, run_id, user_name FROM audit"
    deadline = time.monotonic() + 20
    while not (found := rows(collector.store, written)) and time.monotonic() < deadline:
        time.sleep(0.02)

    assert [("view", trace, "ann")] == found


def test_the_read_token_is_wanted_where_there_is_one(tmp_path):
    """The same door as SQL."""
    with collector(tmp_path, read_token="s" * 32) as running:
        answer = send(f"{running.http_url}/api/runs/x/explanation", b"", None, {}, "GET")
        shown = {"Authorization": f"Bearer {'s' * 32}"}
        opened = send(f"{running.http_url}/api/runs/x/explanation", b"", None, shown, "GET")

    assert (401, 404) == (answer.status, opened.status)
