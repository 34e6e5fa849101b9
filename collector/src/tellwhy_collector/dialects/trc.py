"""A recorder at the HTTP client: GenAI names, the rest in the provider's own words.

Usage and parameters stand as the provider spells them; every HTTP attempt is a span event.

Source: scope ``trc.hook``, captured under anthropic 2.12, openai 3.54, and what is built on them.
"""

from typing import Any

from tellwhy_collector.dialects.choices import forced_of
from tellwhy_collector.dialects.otel_genai import read_span
from tellwhy_collector.dialects.reading import as_dict, as_structure, text_of
from tellwhy_collector.dialects.wire_usage import usage_of
from tellwhy_collector.records import Record, Span, Step, replace

NAME = "trc"
SCOPE = "trc.hook"
ATTEMPT = "trc.attempt"


def recognises(record: Record) -> bool:
    """Spans of its scope."""
    return isinstance(record, Span) and record.scope_name == SCOPE


def read(record: Record) -> Step | None:
    """The step by the conventions, with usage, parameters, attempts and the request's id."""
    if not isinstance(record, Span):
        return None
    step = read_span(record, NAME)
    if step.kind != "model_call":
        return step
    attributes = record.attributes
    parameters = as_dict(attributes.get("trc.request.params"))
    choice = parameters.pop("tool_choice", None)
    attempts = sum(event.get("name") == ATTEMPT for event in record.events)
    usage: dict[str, Any] = usage_of(as_dict(attributes.get("trc.usage")))
    return replace(
        step,
        request_id=text_of(attributes, "trc.request_id"),
        previous_response_id=text_of(parameters, "previous_response_id"),
        attempts=attempts or step.attempts,
        tool_choice=as_structure(choice),
        forced=forced_of(choice),
        request_parameters=parameters or step.request_parameters,
        **usage,
    )
