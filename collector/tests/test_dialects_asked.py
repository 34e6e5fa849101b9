"""Shortcuts of stage 3: whom to ask about a span, texts read once, copies of nouns."""

import dataclasses
from pathlib import Path

import pytest

from tellwhy_collector.decode import decode
from tellwhy_collector.dialects import DIALECTS, TOLD_BY_VALUE, candidates, repeated
from tellwhy_collector.ingest.columns import STEPS, step_row
from tellwhy_collector.records import LogRecord, MetricPoint, Repeated, Span, Step, replace

FIXTURES = sorted((Path(__file__).parent / "dialects" / "fixtures").rglob("*.otlp.json"))


def spans() -> list[Span]:
    """Every span of the golden pairs."""
    bodies = [path.read_bytes() for path in FIXTURES]
    decoded = [
        decode(body, signal="traces", encoding="json")
        for body in bodies
        if b'"resourceSpans"' in body
    ]
    return [span for one in decoded for span in one.records]


def reader_of(span: Span, asked) -> str:
    """The name of the first of *asked* that recognises *span*."""
    return next(dialect.NAME for dialect in asked if dialect.recognises(span))


def test_the_remembered_dialects_hold_the_one_that_reads():
    """A span is read by the first dialect of the whole list that recognises it."""
    for span in spans():
        for _ in range(2):
            assert reader_of(span, DIALECTS) == reader_of(span, candidates(span))


def test_a_value_is_asked_for_by_the_dialects_that_say_so_alone():
    """All other dialects know a span by its scope and the names of its attributes."""
    for span in spans():
        for value in ("x", 1, None):
            other = replace(span, name="x", attributes=dict.fromkeys(span.attributes, value))
            for dialect in DIALECTS:
                if dialect not in TOLD_BY_VALUE:
                    assert dialect.recognises(span) == dialect.recognises(other), dialect.NAME


def test_spans_of_the_same_names_may_be_of_two_dialects():
    """What is remembered by names does not decide where a value does."""
    span = spans()[0]
    names = {"target": "x", "gen_ai.agent.name": "x"}
    read = [
        reader_of(replace(span, scope_name=None, attributes=names | more), DIALECTS)
        for more in ({}, {"target": "codex_core::turn"}, {"gen_ai.agent.name": "gemini-cli"}, {})
    ]
    known = [
        reader_of(one, candidates(one))
        for more in ({}, {"target": "codex_core::turn"}, {"gen_ai.agent.name": "gemini-cli"}, {})
        for one in [replace(span, scope_name=None, attributes=names | more)]
    ]

    assert ["otel_genai", "codex", "gemini_cli", "otel_genai"] == read == known


def test_an_equal_text_is_read_once(monkeypatch):
    """Until too much is held; what is no text, or too long, is read each time."""
    seen = []
    reading = repeated.repeated(lambda value: seen.append(value) or [value])

    first = reading("ab")
    assert reading("xab"[1:]) is first
    assert [5] == reading(5) == reading(5)
    assert ["ab", 5, 5] == seen

    monkeypatch.setattr(repeated, "MAX_HELD", 3)
    monkeypatch.setattr(repeated, "MAX_TEXT", 4)
    for text in ("cd", "ef", "abcde", "abcde", "ab"):
        reading(text)
    assert ["cd", "ef", "abcde", "abcde", "ab"] == seen[3:]


@pytest.mark.parametrize("kind", [Span, LogRecord, MetricPoint, Step])
def test_a_copy_of_a_noun_is_as_the_library_makes_it(kind):
    """Only faster: every field is kept but the changed ones."""
    names = [field.name for field in dataclasses.fields(kind)]
    noun = kind(**{name: f"<{name}>" for name in names})

    for name in names:
        assert dataclasses.replace(noun, **{name: 1}) == replace(noun, **{name: 1})
    with pytest.raises(KeyError):
        replace(noun, nothing=1)


def test_a_shared_list_is_stored_as_any_other():
    """Its JSON text is made once, and is what an equal list would give."""
    shared = Repeated([{"type": "text", "content": "é"}])
    step = Step("t", "s", None, "t", "span", "native", "model_call", "chat", 1, 2, "ok")
    at = STEPS.names.index("system_instructions")

    rows = [
        step_row(replace(step, system_instructions=one)) for one in (list(shared), shared, shared)
    ]

    assert rows[0] == rows[1] == rows[2]
    assert rows[1][at] is rows[2][at]
