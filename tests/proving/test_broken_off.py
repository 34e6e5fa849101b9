"""`tellwhy prove` that is stopped, killed or left without answers: nothing is paid twice, no cap is passed."""

import json
import signal
import subprocess
import sys
import time

import pytest
from proved_agents import claude, rule

PRICED = "claude-haiku-4-5"
AT_ONCE = 4


def slow(context):
    """The rule, after a moment."""
    call = rule(context)
    return {"tools": [[call.name, dict(call.arguments)]], "latency_ms": 100}


def half(_context):
    """Half an answer: somebody worked on it."""
    return {"text": "Let me see.", "cut": True}


@pytest.fixture
def run(bench):
    """A run of a model whose price is known."""
    with bench.serve():
        return bench.record(claude, PRICED)


def broken_off(bench, run, server, how):
    """End a test with a signal after more calls than its first two rounds have; its exit status."""
    words = ["prove", run, "2", "--yes", "--url", bench.url, "--parallel", str(AT_ONCE)]
    with subprocess.Popen([sys.executable, "-m", "tellwhy", *words], stderr=subprocess.PIPE) as one:
        until = time.monotonic() + 120
        while len(server.requests) < 22 and one.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
        one.send_signal(how)
        _, said = one.communicate(timeout=60)
    return one.returncode, said.decode()


def stored(bench, run):
    """Calls of a run that are stored."""
    return bench.rows("SELECT count(*) FROM proof_calls WHERE run_id = ?", run)[0][0]


def test_a_kill_loses_no_answer_but_those_under_way(bench, run):
    """Calls are stored as they are answered; the next test takes them from there."""
    with bench.serve(slow) as server:
        status, _ = broken_off(bench, run, server, signal.SIGKILL)
        asked = len(server.requests)
        kept = stored(bench, run)
        server.reset()
        told = bench.told(run, "2", "--max-calls", "200")
        again = len(server.requests)

    assert (status, told["proof"]["result"]) == (-signal.SIGKILL, "causes")
    # Those under way, and those that were answered while the last ones were being stored.
    assert asked - 2 * AT_ONCE <= kept <= asked
    assert told["proof"]["cached_calls"] == kept > 2 * AT_ONCE
    assert told["proof"]["calls"] == again


def test_ctrl_c_loses_no_answer(bench, run):
    """Those under way are waited for and kept, and it says that it goes on from there."""
    with bench.serve(slow) as server:
        status, said = broken_off(bench, run, server, signal.SIGINT)
        asked = len(server.requests)

    assert status == 130
    assert "Stopped. Answers are kept" in said
    assert "Traceback" not in said
    assert stored(bench, run) == asked


@pytest.mark.parametrize("parallel", ["1", "8"])
def test_lost_answers_never_lead_beyond_the_cap(bench, run, parallel):
    """However many are under way: every attempt that may be paid for was set aside before."""
    with bench.serve(half) as server:
        _, shown, _ = bench.prove(run, "2", "--estimate", "--json")
        worst_usd = json.loads(shown)["worst_usd"]
        cap = 3.5 * worst_usd
        words = ("--yes", "--json", "--parallel", parallel, "--max-cost-usd", str(cap))
        status, said, _ = bench.prove(run, "2", *words)
        asked = len(server.requests)
    proof = json.loads(said)["proof"]

    assert (status, asked, proof["calls"]) == (4, 3, 3)
    assert proof["cost_usd"] == pytest.approx(3 * worst_usd)
    assert "another attempt may cost more than is left" in proof["reason"]


def test_a_forced_choice_is_not_paid_for(bench):
    """What tool_choice names was no choice of the model; its arguments were."""
    with bench.serve() as server:
        forced = bench.record(
            lambda: claude(PRICED, tool_choice={"type": "tool", "name": "refund"})
        )
        server.reset()
        status, _, why = bench.prove(forced, "2", "--yes")
        estimated, _, _ = bench.prove(forced, "2", "--estimate", "--same-arguments")

        assert server.requests == []
    assert (status, estimated) == (1, 0)
    assert "The request forces the model to call 'refund' (tool_choice)" in why
