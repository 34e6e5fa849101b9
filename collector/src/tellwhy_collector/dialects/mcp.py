"""Spans of the Model Context Protocol SDK. They are tool traffic, never model calls.

The client's ``tools/call`` is the tool call. The server's span shows the same call from the
tool's own process and stays ``other``, so that one call is one step.

Source: mcp 2.3, scope ``mcp-python-sdk``; GenAI conventions 1.42-dev, ``mcp.*``.
"""

from tellwhy_collector.dialects.envelope import step_of_span
from tellwhy_collector.dialects.otel_genai import tool_fields
from tellwhy_collector.dialects.reading import text_of
from tellwhy_collector.records import Record, Span, Step

NAME = "mcp"
SERVER = 2
"""OTLP SpanKind of the tool's side."""


def recognises(record: Record) -> bool:
    """Spans that name an MCP method."""
    return isinstance(record, Span) and "mcp.method.name" in record.attributes


def read(record: Record) -> Step | None:
    """A tool call as the client saw it; all other methods as ``other``."""
    if not isinstance(record, Span):
        return None
    method = text_of(record.attributes, "mcp.method.name")
    fields = {"operation": method, **tool_fields(record.attributes)}
    if method == "tools/call":
        fields["tool_name"] = fields["tool_name"] or _name_in(record.name)
    if method == "tools/call" and record.kind != SERVER:
        return step_of_span(record, NAME, "tool_call", **fields)
    return step_of_span(record, NAME, "other", **fields)


def _name_in(span_name: str) -> str | None:
    """The tool in ``MCP send tools/call NAME`` and in ``tools/call NAME``."""
    return span_name.partition("tools/call ")[2] or None
