"""The real Claude Code as a scheduled job: telemetry, transcript and job are one run."""

import pytest

pytestmark = [pytest.mark.frameworks, pytest.mark.slow, pytest.mark.timeout(1200)]


@pytest.mark.parametrize("version", ["", "2.1.197"], ids=lambda version: version or "newest")
def test_telemetry_transcript_and_job_are_one_run(ask_after, version):
    """All three arrived, nothing is told twice, and the job knows how the agent ended."""
    ask = ask_after("agent-sdk", "run_claude_code.py", version)

    job = """
        SELECT schedule_name, status, stop_reason, exit_code, turns, permission_denials,
            round(stated_cost_usd, 6) = round(cost_usd, 6)
        FROM job_runs"""
    assert [["buy-coats", "succeeded", "completed", 0, 4, None, True]] == ask(job)
    assert [[1, 1]] == ask("SELECT count(*), count(DISTINCT trace_id) FROM runs")
    told = "SELECT DISTINCT dialect FROM steps WHERE kind = 'model_call' ORDER BY dialect"
    assert [["claude_code"], ["transcript"]] == ask(told)
    sources = (
        "SELECT dialect, source FROM steps WHERE kind = 'model_call' GROUP BY ALL ORDER BY ALL"
    )
    assert [["claude_code", "log"], ["claude_code", "span"], ["transcript", "span"]] == ask(sources)
    below = """
        SELECT DISTINCT p.operation FROM steps s
        JOIN steps p ON p.trace_id = s.trace_id AND p.span_id = s.parent_span_id
        WHERE s.operation = 'interaction'"""
    assert [["run_job"]] == ask(below)
    unjoined = "SELECT count(*) FROM steps WHERE dialect = 'transcript' AND duplicate_of IS NULL"
    assert [[0]] == ask(unjoined)
