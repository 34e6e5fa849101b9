"""What is read of the JSON that agents print: results of Claude Code and codex."""

import json

import pytest

from tellwhy._cli.job.output import TAIL_BYTES, Output, Tail

RESULT = {
    "type": "result",
    "subtype": "success",
    "is_error": False,
    "num_turns": 3,
    "result": "Done.",
    "session_id": "s-1",
    "total_cost_usd": 0.5,
    "permission_denials": [],
    "terminal_reason": "completed",
}
DENIAL = {"tool_name": "Bash", "tool_use_id": "toolu_1", "tool_input": {"command": "rm -r x"}}


def read(*entries, piece=7):
    """An `Output` that got these lines in small pieces."""
    output = Output()
    text = "\n".join(json.dumps(entry) for entry in entries).encode()
    for start in range(0, len(text), piece):
        output(text[start : start + piece])
    output.finish()
    return output


def test_a_result_tells_session_cost_and_answer():
    """The one line of ``--output-format json``."""
    output = read(RESULT)

    assert ("s-1", 0.5, 3, "Done.", "completed", None) == (
        output.session_id,
        output.cost_usd,
        output.turns,
        output.answer,
        output.stop_reason,
        output.failure,
    )


@pytest.mark.parametrize(
    ("changes", "failure", "reason"),
    [
        (
            {"subtype": "error_max_turns", "errors": ["Reached 1"], "terminal_reason": "max_turns"},
            ("error_max_turns", "Reached 1"),
            "max_turns",
        ),
        (
            {"subtype": "error_max_budget_usd", "errors": [], "result": None},
            ("error_max_budget_usd", "error_max_budget_usd"),
            "completed",
        ),
        (
            {"terminal_reason": "api_error", "result": "API Error: 400"},
            ("api_error", "API Error: 400"),
            "api_error",
        ),
    ],
)
def test_an_agent_that_was_stopped_says_why(changes, failure, reason):
    """Its own words, although the subtype may say success."""
    output = read(RESULT | {"is_error": True} | changes)

    assert (failure, reason) == (output.failure, output.stop_reason)


def test_denials_of_several_results_are_told_once_and_costs_are_sums_so_far():
    """A session repeats its cost with each result; two sessions add up."""
    output = read(
        RESULT | {"permission_denials": [DENIAL]},
        RESULT | {"total_cost_usd": 0.7, "permission_denials": [DENIAL], "num_turns": 1},
        RESULT | {"session_id": "s-2", "total_cost_usd": 0.1, "num_turns": 1},
    )

    assert [DENIAL] == output.denials
    assert pytest.approx(0.8) == output.cost_usd
    assert (5, "s-2") == (output.turns, output.session_id)


def test_a_list_is_read_like_lines():
    """``--output-format json --verbose`` prints one list."""
    assert (
        "s-1"
        == read([{"type": "system", "subtype": "init", "session_id": "s-1"}, RESULT]).session_id
    )


def test_codex_tells_thread_and_end():
    """``codex exec --json``."""
    output = read(
        {"type": "thread.started", "thread_id": "t-1"},
        {"type": "turn.failed", "error": {"message": "no answer"}},
    )

    assert ("t-1", "failed", ("turn_failed", "no answer")) == (
        output.session_id,
        output.stop_reason,
        output.failure,
    )


@pytest.mark.parametrize(
    "line",
    [
        b"{'result'",
        b'{"result"' * 3,
        b'["result", 1]',
        b'{"type":"result","errors":7}',
        b"[" * 99_999,
    ],
)
def test_other_output_does_no_harm(line):
    """Commands print what they like."""
    output = Output()
    output(line + b"\n" + json.dumps(RESULT).encode())
    output.finish()

    assert "s-1" == output.session_id


def test_the_tail_keeps_the_end():
    """Bounded, and it says how much stood before."""
    tail = Tail()
    for _ in range(100):
        tail(b"x" * 1000)
    tail(b"the end\n")

    assert tail.text().endswith("the end")
    assert tail.text().startswith(f"[{100_008 - TAIL_BYTES:,} earlier bytes]")
