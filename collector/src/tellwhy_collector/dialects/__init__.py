"""Step 3 of 7. A record is read as a step: `normalise` is pure, total, and knows no database.

A dialect is one module with ``NAME``, ``recognises(record)`` and ``read(record)``, its line in
`DIALECTS` with the reason for its place, and its golden pairs in ``tests/dialects/fixtures``.
"""

import logging
from collections import Counter
from collections.abc import Iterator
from typing import Protocol

from tellwhy_collector.costs import priced
from tellwhy_collector.dialects import (
    anthropic_sdk,
    claude_code,
    claude_code_events,
    codex,
    copilot,
    gemini_cli,
    gemini_cli_events,
    genai_events,
    google_adk,
    langfuse,
    langsmith,
    llama_index,
    logfire,
    mcp,
    mlflow,
    native,
    openai_agents,
    openinference,
    openllmetry,
    otel_genai,
    pydantic_ai,
    strands,
    temporal,
    transcript,
    trc,
    unknown,
    vercel_ai,
)
from tellwhy_collector.dialects.envelope import lost_reason
from tellwhy_collector.records import Record, Span, Step, replace

log = logging.getLogger(__name__)


class Dialect(Protocol):
    """A vocabulary that some instrumentation uses to say what an agent did."""

    NAME: str
    """What stands in ``steps.dialect``."""

    def recognises(self, record: Record, /) -> bool:
        """Whether the record is written in this dialect. Must be cheap: it is asked of all."""

    def read(self, record: Record, /) -> Step | None:
        """The step, or None when the record says nothing about what an agent did."""


DIALECTS: tuple[Dialect, ...] = (
    transcript,  # ours as well, and what it tells was told by others before
    native,  # ours names the step outright, so nothing has to be guessed
    claude_code,  # its spans carry some gen_ai.* names with meanings of their own
    claude_code_events,  # its log events; no other dialect claims them
    codex,  # a span of it carries gen_ai.usage.* and is no model call
    pydantic_ai,  # an OpenInference processor adds poorer names to its spans, with answers mixed up
    openai_agents,  # hand-offs alone, which the instrumentors below tell as tools
    openinference,  # openinference.span.kind is explicit; who writes gen_ai.* too means this one
    mcp,  # server spans say execute_tool although the caller's span is the call
    trc,  # gen_ai.* with usage and attempts in the words of the provider
    anthropic_sdk,  # gen_ai.* with ids, stop reason and tool results under its own names
    openllmetry,  # its own kinds and wrappings around gen_ai.*, or indexed names of its own
    langfuse,  # names of its own; may add gen_ai.* beside them
    langsmith,  # gen_ai.operation.name says `embeddings` for a retriever; its own kind is right
    mlflow,  # all its values are JSON text
    vercel_ai,  # ai.* beside a few gen_ai.*; the outer span of a call repeats the inner ones
    llama_index,  # no gen_ai.* at all; told by its scope, content in events
    gemini_cli,  # gen_ai.* with its own operations and a trace for each call
    gemini_cli_events,  # takes the details events of the conventions along, which are half
    copilot,  # gen_ai.* with turns, denials and reasoning under its own names
    google_adk,  # gen_ai.* with the content in JSON of its own
    strands,  # gen_ai.* with content in span events; names itself as the provider
    temporal,  # no gen_ai.* at all; told by its scope and ids
    logfire,  # raw requests beside gen_ai.*; after all that may run under its roof
    otel_genai,  # the common floor
    genai_events,  # its log events; after those who give them a meaning of their own
    unknown,  # every span is kept
)
"""The first that recognises a record reads it."""

TOLD_BY_VALUE: tuple[Dialect, ...] = (claude_code, codex, openai_agents, gemini_cli)
"""Dialects that tell their spans by the span's name or by a value, so that each has to be asked.
What all others answer hangs on the scope's name and the names of the attributes alone."""

MAX_NAMES = 64
"""Spans with more attributes are not remembered by them: they are lists flattened into names."""

MAX_SHAPES = 1024
"""Sorts of spans that are remembered, at about 5 kB each; then it begins anew."""

_candidates: dict[tuple[str | None, ...], tuple[Dialect, ...]] = {}
"""By scope and names of attributes."""

failures: Counter[str] = Counter()
"""How often each dialect failed to read a record; such a record becomes ``other``."""


def normalise(record: Record) -> Step | None:
    """Read one record.

    Returns:
        The step with its cost; None for log records that tell of no step.
    """
    for dialect in candidates(record):
        try:
            if dialect.recognises(record):
                step = dialect.read(record)
                return None if step is None else _in_process(record, priced(step))
        except Exception:
            failures[dialect.NAME] += 1
            if failures[dialect.NAME] == 1:
                log.exception("Dialect %s could not read a record; it is kept raw.", dialect.NAME)
            return unknown.read(record)
    return None


def _in_process(record: Record, step: Step) -> Step:
    """*step* with the process that it runs or died in, whatever the dialect."""
    if not isinstance(record, Span):
        return step
    if record.end_ns is not None and "tellwhy.lost" not in record.attributes:
        return step
    if record.attributes.get("tellwhy.durable") is True:  # goes on in another process
        return step
    instance = record.attributes.get("tellwhy.process.instance")
    return replace(
        step,
        lost_reason=lost_reason(record),
        process_instance=instance if isinstance(instance, str) else None,
    )


def candidates(record: Record) -> tuple[Dialect, ...]:
    """Who has to be asked about *record*, in order; the first that recognises it is the same."""
    # To ask all of them about a span takes 30 µs, a third of what understanding it takes.
    if not isinstance(record, Span) or len(record.attributes) > MAX_NAMES:
        return DIALECTS
    shape = (record.scope_name, *record.attributes)
    known = _candidates.get(shape)
    if known is None:
        if len(_candidates) >= MAX_SHAPES:
            _candidates.clear()
        known = _candidates[shape] = tuple(_shortlist(record))
    return known


def _shortlist(span: Span) -> Iterator[Dialect]:
    for dialect in DIALECTS:
        if dialect in TOLD_BY_VALUE:
            yield dialect
        elif dialect.recognises(span):
            yield dialect
            return
