"""What the rules find in everything that real frameworks sent, and nothing besides.

``--update-golden`` writes what is found today; each line of the diff is read before it is kept.
"""

import gzip
from pathlib import Path

import orjson
import pytest

from tellwhy_collector.testing import collector, rows, send, wait_until_explained

pytestmark = pytest.mark.timeout(300)
"""Every capture goes through one collector: 26 s of one core."""

HERE = Path(__file__).parent
CAPTURES = HERE.parents[1] / "dialects/captures"
GOLDEN = HERE / "found.json"
NEEDS_EVIDENCE = {"argument_without_source"}
"""Rules whose findings stand or fall with evidence; they are judged there."""


def found_in(running):
    """Findings of our own rules with the service of their run, by start of their step."""
    found = rows(
        running.store,
        "SELECT r.service_name, f.rule, f.severity, f.span_id, f.message FROM findings f"
        " JOIN runs r USING (trace_id, run_id) WHERE made_by = 'tellwhy'"
        " ORDER BY r.service_name, f.start_ns, f.span_id, f.rule, f.message",
    )
    return [list(row) for row in found if row[1] not in NEEDS_EVIDENCE]


@pytest.fixture(scope="module")
def found(tmp_path_factory, request):
    """Findings in all captures, posted to one collector."""
    with collector(tmp_path_factory.mktemp("real")) as running:
        for path in sorted(CAPTURES.rglob("*.otlp.json")):
            body = path.read_bytes()
            for key, signal in (("resourceSpans", "traces"), ("resourceLogs", "logs")):
                if key in orjson.loads(body):
                    assert 200 == send(f"{running.http_url}/v1/{signal}", body).status
        for path in sorted((HERE / "tau_bench").glob("*.pb.gz")):
            url, kind = f"{running.http_url}/v1/traces", "application/x-protobuf"
            assert 200 == send(url, gzip.decompress(path.read_bytes()), kind).status
        wait_until_explained(running.store, 90)
        rules = found_in(running)
    if request.config.getoption("--update-golden"):
        GOLDEN.write_bytes(orjson.dumps(rules, option=orjson.OPT_INDENT_2) + b"\n")
    return rules


def test_real_captures_have_these_findings_and_no_others(found):
    """A rule that begins to fire on a run of a real framework has to be looked at."""
    assert orjson.loads(GOLDEN.read_bytes()) == found


def test_failures_that_an_agent_told_of_are_no_findings(found):
    """Errors of tools in two conversations: one put right, one explained to the customer."""
    assert [] == [row for row in found if row[0].startswith("tau-bench")]
