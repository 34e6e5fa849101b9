"""The real codex as a scheduled job: log events, rollout and job are one run."""

import pytest

pytestmark = [pytest.mark.frameworks, pytest.mark.slow, pytest.mark.timeout(1200)]


def test_events_rollout_and_job_are_one_run(ask_after):
    """One step a call, what it thought, what came of it, and how the job ended."""
    ask = ask_after("agent-sdk", "run_codex.py", "0.169.0")

    job = "SELECT schedule_name, status, stop_reason, exit_code FROM job_runs"
    assert [["nightly-bed", "succeeded", "completed", 0]] == ask(job)
    runs = "SELECT agent_name, status, tool_calls FROM runs WHERE model_calls > 0"
    assert [["nightly-bed", "succeeded", 2]] == ask(runs)
    # An attempt that failed is a record of its own in its log events.
    calls = "SELECT status, count(*) FROM model_calls GROUP BY ALL ORDER BY ALL"
    assert [["error", 1], ["ok", 3]] == ask(calls)
    decisions = """
        SELECT json_extract_string(arguments, '$.cmd'), stated_reason, outcome FROM decisions
        WHERE action = 'tool_call' ORDER BY start_ns"""
    assert [
        ["echo dry", "I need the weather first.", "succeeded"],
        ["ls /no-such-folder", None, "failed"],
    ] == ask(decisions)
    told = "SELECT DISTINCT dialect FROM steps WHERE kind = 'model_call' ORDER BY dialect"
    assert [["codex"], ["transcript"]] == ask(told)
