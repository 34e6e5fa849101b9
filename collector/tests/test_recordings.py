"""What tracers tell for replays goes into tables of its own, once, and comes out as a recording."""

import json
import time
import urllib.request
from datetime import datetime

import pytest

from tellwhy_collector import testing
from tellwhy_collector.ingest.recordings import NAMES
from tellwhy_collector.retention import Retention
from tellwhy_collector.settings import Settings
from tellwhy_collector.testing import rows, send, span, traces

EXCHANGE = {
    "attempt": 1,
    "lane": 3,
    "method": "POST",
    "path": "/v1/messages",
    "request": ['={"a":', "#00", "=}"],
    "request_headers": {"accept": "*/*"},
    "status": 200,
    "response_headers": [["content-type", "application/json"]],
    "response": "=ok",
    "cuts": [1.5, 2],
    "duration_ms": 2.5,
}


@pytest.fixture
def running(tmp_path):
    """A collector."""
    with testing.collector(tmp_path) as running:
        yield running


def told(attributes, **changes):
    """A span of our tracer."""
    said = {"tellwhy.step.kind": "model_call", "tellwhy.run.id": "r1", **attributes}
    return span(said, **changes)


def posted(running, *spans):
    """Send them; the answer's status."""
    return send(f"{running.http_url}/v1/traces", traces(spans)).status


def test_what_is_for_replays_leaves_the_attributes(running):
    """Three tables have it; spans.attributes has not, nor has the step."""
    attributes = {
        "tellwhy.recording.exchanges": json.dumps([EXCHANGE]),
        "tellwhy.recording.contents": {"00": "1"},
        "tellwhy.recording.outcome": '{"lane":1,"value":1}',
        "tellwhy.recording.declared": '[["random",0.5]]',
    }
    assert 200 == posted(running, told(attributes))
    store = running.store
    kept = rows(store, "SELECT attributes::JSON::VARCHAR FROM spans")[0][0]

    assert [] == [name for name in NAMES if name in kept]
    assert [('["={\\"a\\":","#00","=}"]', 200, False, 2.5)] == rows(
        store, "SELECT request, status, is_cut, duration_ms FROM exchanges"
    )
    assert [("00", "1")] == rows(store, "SELECT hash, text FROM contents")
    assert [("declared",), ("outcome",)] == rows(
        store, "SELECT kind FROM recorded_values ORDER BY 1"
    )


def test_a_span_that_comes_twice_is_kept_once(running):
    """Adopted spools and retries send spans again, in other requests."""
    twice = told({"tellwhy.recording.exchanges": json.dumps([EXCHANGE])})
    assert [200, 200] == [posted(running, twice), posted(running, twice, told({}))]

    assert [(1,)] == rows(running.store, "SELECT count(*) FROM exchanges")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tellwhy.recording.exchanges", "text"),
        ("tellwhy.recording.exchanges", '[{"method": "POST"}]'),
        ("tellwhy.recording.contents", {"00": 5}),
        ("tellwhy.recording.outcome", [1]),
    ],
)
def test_what_is_misshapen_stays_an_attribute(running, name, value):
    """Nothing that a sender said is lost because it is not as our tracer says it."""
    assert 200 == posted(running, told({name: value}))
    inside, more = rows(
        running.store, "SELECT attributes::JSON::VARCHAR, more_attributes FROM spans"
    )[0]

    assert value == {**json.loads(inside), **json.loads(more or "{}")}[name]
    assert [(0,)] == rows(running.store, "SELECT count(*) FROM exchanges")


def test_a_recording_is_lines_of_json(running):
    """The head, the steps in order, exchanges, and only the texts of this trace."""
    one = told(
        {
            "tellwhy.recording.exchanges": json.dumps([EXCHANGE]),
            "tellwhy.recording.contents": {"00": "1"},
        }
    )
    other = told({"tellwhy.run.id": "r2", "tellwhy.recording.contents": {"11": "2"}})
    posted(running, one, other)
    answer = send(f"{running.http_url}/api/runs/r1/recording", method="GET", content_type=None)
    head, *lines = [json.loads(line) for line in answer.body.splitlines()]

    assert 200 == answer.status
    assert "application/x-ndjson" == answer.headers["content-type"]
    assert (1, "r1", ["r1"]) == (head["recording"], head["run_id"], head["runs"])
    assert ["step", "exchange", "content"] == [kind for line in lines for kind in line]
    assert {"hash": "00", "text": "1"} == lines[-1]["content"]


def test_a_recording_of_a_process_holds_all_its_runs(running):
    """For a program that works on several tasks."""
    process = {"tellwhy.process.instance": "a" * 32, "tellwhy.step.kind": "agent"}
    posted(running, told(process), told({**process, "tellwhy.run.id": "r2"}))
    one = send(f"{running.http_url}/api/runs/r1/recording", method="GET", content_type=None)
    url = f"{running.http_url}/api/runs/r1/recording?whole_process=true"
    with urllib.request.urlopen(url) as said:
        every = json.loads(said.readline())
    alone = json.loads(one.body.splitlines()[0])

    assert (["r1"], 1) == (alone["runs"], alone["other_runs_of_process"])
    assert (["r1", "r2"], 0) == (every["runs"], every["other_runs_of_process"])


def test_an_unknown_run_is_not_found(running):
    """With what to do, as every refusal."""
    answer = send(f"{running.http_url}/api/runs/no/recording", method="GET", content_type=None)

    assert 404 == answer.status
    assert answer.json()["error"].startswith("There is no run no.")


def test_fetching_a_recording_is_written_into_the_audit(running):
    """Who took which run."""
    posted(running, told({}))
    send(f"{running.http_url}/api/runs/r1/recording", method="GET", content_type=None)
    asked = "SELECT kind, action, run_id FROM audit WHERE action = 'recording'"
    end = time.monotonic() + 20
    while not (found := rows(running.store, asked)):
        assert time.monotonic() < end
        time.sleep(0.01)

    assert [("export", "recording", "r1")] == found


def test_what_is_too_old_goes_with_its_trace(running):
    """Exchanges, values and texts are deleted with the run that they are of."""
    attributes = {
        "tellwhy.recording.exchanges": json.dumps([EXCHANGE]),
        "tellwhy.recording.contents": {"00": "1"},
        "tellwhy.recording.outcome": '{"lane":1,"value":1}',
    }
    posted(running, told(attributes))
    testing.wait_until_explained(running.store)
    Retention(running.store, Settings()).sweep(datetime(2200, 1, 1))  # noqa: DTZ001 - as DuckDB has it
    tables = ("exchanges", "contents", "recorded_values", "steps")

    assert [0] * 4 == [rows(running.store, f"SELECT count(*) FROM {t}")[0][0] for t in tables]
