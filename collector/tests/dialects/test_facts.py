"""Every capture and fact: what was declared is what is understood, and the bytes hold no more."""

import declared
import evidence
import pytest
import understood

CAPTURES = declared.found()
DERIVED = {
    "chosen": {"anthropic_sdk", "claude_code", "codex", "gemini_cli", "google_adk", "llama_index"},
    "attempts": {"anthropic_sdk", "temporal"},
    "error": {"claude_code"},
    "approval": {"copilot"},
    "arguments": {"otel_genai", "strands"},
    "call id": {"gemini_cli", "llama_index"},
    "result": {"mlflow"},
    "reasoning": {"anthropic_sdk", "llama_index"},
}
"""Dialects of which some records say a fact in ways that the scan of bytes does not see: what the
tools that ran show, an attempt that needs no counting, a denial, text in a notation of its own."""


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda capture: capture.name)
def test_what_is_declared_of_a_capture_is_what_is_understood(capture, readings):
    """A fact that is lost fails, and so does one that is understood although it was given up."""
    cells = declared.of(capture)
    now = {fact: declared.cell(readings[capture.name], fact) for fact in evidence.FACTS}

    assert now == {f: None if cells[f] in declared.REASONS else cells[f] for f in evidence.FACTS}


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda capture: capture.name)
def test_what_the_bytes_seem_to_hold_and_no_step_says_is_explained(capture, readings):
    """The scan knows no dialect: whatever it finds beyond the steps is missed, or told why not."""
    despite = declared.of(capture).get("despite", {})

    assert sorted(readings[capture.name].seen) == sorted(despite), readings[capture.name].seen
    assert "?" not in despite.values()


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda capture: capture.name)
def test_the_scan_of_bytes_sees_what_is_understood(capture, readings):
    """A scan that sees nothing would let every excuse pass."""
    reading = readings[capture.name]
    seen = {fact for record in understood.records_of(capture) for fact in evidence.found_in(record)}
    given = {fact for fact, (count, _) in reading.counts.items() if count} - {"cost"}

    blind = {f for f in given - seen if not DERIVED.get(f, set()) & set(reading.dialects)}
    assert blind == set()


def test_every_capture_is_declared_and_nothing_else():
    """A row whose capture is gone goes as well."""
    assert sorted(declared.declared()) == [capture.name for capture in CAPTURES]
