"""Which traces of a session belong together; pure."""

from itertools import permutations

import pytest

from tellwhy_collector.dialects.reading import derived_id
from tellwhy_collector.reconstruct.sessions import SLACK_NS, Move, Told, moves_of

SESSION, PROMPT = "session-1", "prompt-1"
ALONE = derived_id("claude_code", SESSION, PROMPT, size_bytes=16)
MINUTE_NS = 60 * 10**9


def step(trace_id, dialect, **changes):
    """A step of the session, in its first minute."""
    told = Told(
        trace_id=trace_id,
        span_id="s" * 16,
        run_id=trace_id,
        source="span",
        dialect=dialect,
        operation=None,
        conversation_id=SESSION,
        turn_id=PROMPT,
        request_id=None,
        tool_call_id=None,
        start_ns=10 * MINUTE_NS,
        end_ns=11 * MINUTE_NS,
    )
    return told._replace(**changes)


READ = step(ALONE, "transcript", request_id="req_1")
EVENT = step(ALONE, "claude_code", source="log", tool_call_id="toolu_1")
TRACED = step("t" * 32, "claude_code", request_id="req_1", run_id="run-t")
JOB = step("j" * 32, "native", operation="run_job", start_ns=9 * MINUTE_NS, end_ns=12 * MINUTE_NS)


@pytest.mark.parametrize("steps", [*permutations([READ, EVENT, TRACED])])
def test_a_shared_request_says_where_a_prompt_belongs(steps):
    """Events and transcript stand in one made-up trace, and go together."""
    assert [Move(ALONE, TRACED.trace_id, "run-t", None)] == list(moves_of(steps))


def test_a_shared_tool_call_says_it_too():
    """An answer may have no request id."""
    traced = TRACED._replace(request_id=None, tool_call_id="toolu_1")

    assert [TRACED.trace_id] == [move.to_trace for move in moves_of([EVENT, traced])]


def test_a_program_s_own_trace_goes_before_a_job():
    """The job is found through it, when it stands inside."""
    assert [TRACED.trace_id] == [move.to_trace for move in moves_of([READ, TRACED, JOB])]


@pytest.mark.parametrize("order", [*permutations([READ, JOB])])
def test_a_prompt_within_a_job_of_its_session_comes_under_it(order):
    """Where no trace of the program tells."""
    assert [Move(ALONE, JOB.trace_id, JOB.run_id, JOB.span_id)] == list(moves_of(order))


@pytest.mark.parametrize(
    "job",
    [
        JOB._replace(start_ns=10 * MINUTE_NS + SLACK_NS + 1),
        JOB._replace(end_ns=11 * MINUTE_NS - SLACK_NS - 1),
        JOB._replace(conversation_id="session-2"),
    ],
)
def test_a_prompt_of_another_time_or_session_stays_alone(job):
    """A session may have many jobs."""
    assert [] == list(moves_of([READ, job]))


def test_a_job_that_still_runs_takes_what_began_in_it():
    """Its end is not known yet."""
    assert 1 == len(list(moves_of([READ, JOB._replace(end_ns=None)])))


@pytest.mark.parametrize(
    "other",
    [
        TRACED._replace(request_id="req_2"),
        TRACED._replace(conversation_id="session-2"),
        TRACED._replace(source="log"),
        READ,
    ],
)
def test_nothing_moves_without_a_shared_id(other):
    """A guess would mix two sessions."""
    assert [] == list(moves_of([READ, other]))


def test_events_with_a_trace_of_their_own_stay_in_it():
    """Only what was made up for want of a trace may move."""
    event = EVENT._replace(trace_id="e" * 32)

    assert [] == list(moves_of([event, TRACED._replace(tool_call_id="toolu_1"), JOB]))


def test_a_session_of_codex_comes_under_its_job_as_a_whole():
    """All of it stands in one made-up trace."""
    trace_id = derived_id("codex", SESSION, size_bytes=16)
    event = step(trace_id, "codex", source="log", turn_id=None)

    assert [(trace_id, JOB.trace_id)] == [(m.trace_id, m.to_trace) for m in moves_of([event, JOB])]
