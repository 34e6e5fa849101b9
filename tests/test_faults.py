"""Every script of benchmarks/faults, small: each one starts real processes and ends them."""

import importlib
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks" / "faults"

SMALL = {
    "kill_collector": ["--rounds", "2"],
    "kill_agent": ["--rounds", "5"],
    # A ratio of two short runs beside other tests says nothing: 1.05 is for an idle machine.
    "collector_down": ["--rounds", "1", "--tasks", "15", "--spans", "2000", "--ratio", "3"],
    "fuzz": ["--seconds", "4"],
    "sustained": ["--seconds", "5", "--rate", "300", "--kinds", "lean", "--requests", "2"],
}


@pytest.fixture
def module(monkeypatch):
    """A module of that folder, or of `docs/` or `benchmarks/`, by name."""
    for folder in (FOLDER, FOLDER.parent, FOLDER.parents[1] / "docs"):
        monkeypatch.syspath_prepend(str(folder))
    return importlib.import_module


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", SMALL)
def test_promises_hold_under_faults(name, tmp_path):
    """The script itself says which promise was broken."""
    ended = subprocess.run(
        [sys.executable, str(FOLDER / f"{name}.py"), *SMALL[name]],
        capture_output=True,
        text=True,
        check=False,
        timeout=170,
    )
    assert ended.stdout.startswith("{"), ended.stderr
    for line in ended.stdout.splitlines():
        assert [] == json.loads(line)["broken"]
    assert 0 == ended.returncode, ended.stderr


def test_every_script_has_a_full_run_and_a_small_one(module):
    """What can be run is run by `bench faults --full` and by the tests; one needs a folder."""
    runnable = {
        path.stem
        for path in FOLDER.glob("*.py")
        if "sys.exit(main(sys.argv[1:]))" in path.read_text(encoding="utf-8")
    }
    assert {*SMALL, "hostile"} == runnable == set(module("faults_page").PROMISES)
    assert set(SMALL) == set(module("run").FAULTS)


def test_a_corpus_is_sent_and_compared(module, tmp_path, capsys):
    """A small one: what is stored otherwise than it says is a broken promise."""
    good = module("good")
    (tmp_path / "good.bin").write_bytes(good.as_json(good.traces(random.Random(1), 1)))
    (tmp_path / "bad.bin").write_bytes(b"[")
    head = {"method": "POST", "path": "/v1/traces", "headers": {"Content-Type": "application/json"}}
    cases = [
        {"id": "good", "body": "good.bin", "expect_status": [200], "spans_stored": 1, **head},
        {"id": "good again", "body": "good.bin", "expect_status": [200], "spans_stored": 1, **head},
        {"id": "bad", "body": "bad.bin", "expect_status": [400], "spans_stored": 0, **head},
        {"id": "wrong", "body": "bad.bin", "expect_status": [200], "spans_stored": 1, **head},
    ]
    (tmp_path / "manifest.json").write_text(json.dumps({"cases": cases}))

    assert 1 == module("hostile").main(["--corpus", str(tmp_path)])
    told = json.loads(capsys.readouterr().out)
    assert ["wrong: status 400, not in [200]", "wrong: 0 stored, not 1"] == told["broken"]
    assert 4 == told["good_requests"]


def test_renewed_requests_are_new_and_whole(module):
    """Ids differ from round to round, agree inside one, and times are those of now."""
    templates = module("templates")
    made = templates.templates(1, 2, 64, is_lean=True)
    seen, now_ns = set(), 1_800_000_000_000_000_000
    for _ in range(2):
        for body, spans in templates.renewed(made, random.Random(len(seen)), now_ns):
            request = ExportTraceServiceRequest.FromString(body)
            found = [x for r in request.resource_spans for s in r.scope_spans for x in s.spans]
            assert spans == len(found) == 64
            assert now_ns == max(one.end_time_unix_nano for one in found)
            seen |= {(one.trace_id, one.span_id) for one in found}
            for one in found:
                values = {pair.key: pair.value.string_value for pair in one.attributes}
                assert values.get("tellwhy.run.id", one.trace_id.hex()) == one.trace_id.hex()
    assert 256 == len(seen)


def test_the_section_says_what_held(module, monkeypatch, tmp_path):
    """A row for each script, and the first broken promise in words."""
    page, table = module("faults_page"), module("generate").table
    lines = [
        {"benchmark": "fuzz", "date": "2026-11-22", "broken": [], "broken_count": 0, "n": 5000},
        {"benchmark": "hostile", "date": "2026-11-22", "broken": ["x"], "broken_count": 2},
    ]
    path = tmp_path / "results.json"
    path.write_text(json.dumps({"results": lines}))
    monkeypatch.setattr(page, "RESULTS", path)

    text = page.section(table)
    assert "| held |" in text
    assert "broken 2 times: x" in text
    assert "| fuzz | `n` | 5,000 |" in text
