import copy
import importlib
import json
from pathlib import Path

import pytest

from tellwhy_collector import store
from tellwhy_collector.decode import decode
from tellwhy_collector.dialects import normalise
from tellwhy_collector.ingest import Ingest
from tellwhy_collector.reconstruct.settle import settle
from tellwhy_collector.settings import Settings

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def module(monkeypatch):
    """A module of `benchmarks/` or `docs/` by name."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    return importlib.import_module


def test_conversations_are_whole_and_new(module):
    """Spans end in order, have ids of their own, and some of the text stands there first."""
    agents = module("workload").Agents(3, start_ns=10**18, spans_s=100)
    made = [agents.request(200) for _ in range(3)]
    spans = [
        record
        for one in made
        for record in decode(one.body, signal="traces", encoding="protobuf").records
    ]
    assert len(spans) == 600
    assert len({(span.trace_id, span.span_id) for span in spans}) == 600
    assert 0.1 < sum(one.new_text for one in made) / sum(one.text for one in made) < 0.5
    assert {normalise(span).kind for span in spans} >= {"agent", "model_call", "tool_call"}


def test_a_database_is_multiplied_with_new_ids_and_earlier_times(module, tmp_path):
    """Every table holds its rows so many times, in the order of time, and the views know them."""
    path = tmp_path / "few.duckdb"
    opened = store.open(path, Settings())
    ingest = Ingest(opened, Settings(), normalise, on_quiet=settle)
    ingest.start()
    body = module("workload").Agents(3, start_ns=10**18, spans_s=100).request(256).body
    ingest.submit(body, signal="traces", encoding="protobuf").result(60)
    assert ingest.stop(60)
    opened.close()

    assert module("multiply").multiply(path, 768) == 768

    opened = store.open(path, Settings())
    cursor = opened.cursor()
    spans, traces, runs, run_rows, decisions, distinct = cursor.execute(
        "SELECT (SELECT count(*) FROM spans), (SELECT count(DISTINCT trace_id) FROM spans), "
        "(SELECT count(*) FROM runs), (SELECT count(*) FROM run_rows), "
        "(SELECT count(*) FROM decisions), (SELECT count(DISTINCT (trace_id, decision_id)) "
        "FROM decisions)"
    ).fetchone()
    starts = [row[0] for row in cursor.execute("SELECT start_ns // 10**10 FROM steps").fetchall()]
    cursor.close()
    opened.close()
    assert (spans, traces % 3, runs) == (768, 0, run_rows)
    assert decisions == distinct > 0
    assert starts[0] < starts[300] < starts[600]


def test_silence_and_slowest_stretch_are_read_off_the_answers(module):
    """The longest time without an answer counts from the start, whoever was answered."""
    answers = module("durable_ingest").Answers(started=0.0, moments=[3.0, 4.0, 4.5, 6.5])
    answers.waits = [3.0, 1.0, 0.5, 2.0]
    assert answers.longest_silence == 3.0
    assert answers.slowest_window(2) == 0.5
    assert answers.part(0.5) == 2.0


def test_requests_are_read_as_they_were_written(module, tmp_path):
    """A file of requests gives them back one by one, and its sums are those of the requests."""
    durable = module("durable_ingest")
    written = durable.write(str(tmp_path / "0.otlp"), 0, 2, 10**18)
    bodies = list(durable.read(tmp_path / "0.otlp"))
    assert [written.spans, written.payload] == [1024, sum(map(len, bodies))]
    found = [len(decode(b, signal="traces", encoding="protobuf").records) for b in bodies]
    assert found == [512, 512]


def test_results_are_replaced_benchmark_by_benchmark(module):
    """A new run replaces its own lines and keeps the others of the same machine alone."""
    merged = module("run").merged
    old = {
        "machine": {"processor": "a"},
        "results": [{"benchmark": "query_latency", "n": 1}, {"benchmark": "ingest_rate", "n": 1}],
    }
    new = {"machine": {"processor": "a"}, "results": [{"benchmark": "ingest_rate", "n": 2}]}
    assert merged(old, new)["results"] == [
        {"benchmark": "ingest_rate", "n": 2},
        {"benchmark": "query_latency", "n": 1},
    ]
    other = {**new, "machine": {"processor": "b"}}
    assert merged(old, other)["results"] == new["results"]


def test_every_benchmark_has_a_full_run(module):
    """A script that can be run is one that `--full` runs."""
    runnable = {
        path.stem
        for path in (ROOT / "benchmarks").glob("*.py")
        if "__main__" in path.read_text(encoding="utf-8")
    }
    assert runnable == {*module("run").FULL, "run"}


def test_a_goal_is_judged_with_its_distance_and_cause(module):
    """Large runs are judged, small ones are not, and a missed goal names why."""
    page = module("benchmarks_page")
    line = {
        "benchmark": "durable_ingest",
        "spans": 1_000_000,
        "spans_s": 5000,
        "longest_silence_s": 0.5,
        "disk_over_payload": 0.5,
        "used_over_payload": 0.25,
        "disk_bytes_a_span": 2000,
        "collector_cpu_us_a_span": 200.0,
        "collector_cpus": 1.2,
    }
    rate, silence, disk = page.goals({"results": [line]})
    assert rate[2:4] == ["5,000", "missed by a factor of 3.0"]
    assert "10,000 a second" in rate[4]
    assert silence[3:] == ["met", ""]
    assert "0.25 is in use" in disk[4]
    assert page.goals({"results": [{**line, "spans": 100_000}]}) == []


def test_the_page_is_made_of_whatever_was_measured(module):
    """Results of earlier scripts, with fewer figures, make a page too."""
    page = module("benchmarks_page")
    results = json.loads(page.RESULTS.read_text(encoding="utf-8"))
    assert page.goals(copy.deepcopy(results))
    text = page.page("note\n", module("generate").table)
    assert text.count("\n## ") >= 4
