"""Spans that are told of at their start, under another id than at their end."""

from dataclasses import replace
from pathlib import Path

from tellwhy_collector.decode import decode
from tellwhy_collector.dialects import normalise
from tellwhy_collector.reconstruct import reconstruct

FIXTURE = Path(__file__).parent / "dialects/fixtures/logfire/pending_spans.otlp.json"


def steps():
    """The steps of a finished trace of Logfire, each span told of twice."""
    decoded = decode(FIXTURE.read_bytes(), signal="traces", encoding="json")
    return [step for record in decoded.records if (step := normalise(record)) is not None]


def test_a_span_told_early_gives_way_to_the_span_itself():
    """Nothing of a finished run is left under way."""
    told = steps()
    pending = {step.span_id for step in told if step.status == "pending"}
    found = reconstruct(told).duplicates

    assert len(pending) == 2
    assert sorted(d.span_id for d in found) == sorted(pending)


def test_a_run_that_died_keeps_what_was_told_early():
    """Without the spans' ends, the early records are all that is known."""
    pending = [step for step in steps() if step.status == "pending"]

    assert reconstruct(pending).duplicates == []
    assert {step.kind for step in pending} == {"model_call", "other"}


def test_a_pending_step_that_names_itself_as_its_parent_stays():
    """It is no part of itself."""
    pending = next(step for step in steps() if step.status == "pending")
    own_parent = replace(pending, parent_span_id=pending.span_id)

    assert reconstruct([own_parent]).duplicates == []
