"""Step 3 of 7. A record is read as a step: `normalise` is pure, total, and knows no database.

A dialect is one module with ``NAME``, ``recognises(record)`` and ``read(record)``, its line in
`DIALECTS` with the reason for its place, and its golden pairs in ``tests/dialects/fixtures``.
"""

import logging
from collections import Counter
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
    trc,
    unknown,
    vercel_ai,
)
from tellwhy_collector.records import Record, Step

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

failures: Counter[str] = Counter()
"""How often each dialect failed to read a record; such a record becomes ``other``."""


def normalise(record: Record) -> Step | None:
    """Read one record.

    Returns:
        The step with its cost; None for log records that tell of no step.
    """
    for dialect in DIALECTS:
        try:
            if dialect.recognises(record):
                step = dialect.read(record)
                return None if step is None else priced(step)
        except Exception:
            failures[dialect.NAME] += 1
            if failures[dialect.NAME] == 1:
                log.exception("Dialect %s could not read a record; it is kept raw.", dialect.NAME)
            return unknown.read(record)
    return None
