"""The nouns: what arrives (`Span`, `LogRecord`, `MetricPoint`) and what it means (`Step`).

Frozen, slotted, without behaviour. A field's name is the column's name is the key in JSON.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any, Literal, TypeVar, dataclass_transform

N = TypeVar("N")

Kind = Literal["agent", "model_call", "tool_call", "retrieval", "human", "guardrail", "other"]
"""What a step is. A closed set; whatever is none of these is ``other``."""

Status = Literal["ok", "error", "pending"]
"""How a step ended. ``pending``: it has started and no end has been seen."""

CostSource = Literal["reported", "computed", "unknown"]
"""Whether the sender stated the cost, we computed it from public prices, or nobody can."""

Forced = Literal["free", "any_tool", "one_tool", "no_tool"]
"""How much choice the model had: none stated, some tool, exactly one tool, no tool."""


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def noun(kind: type[N]) -> type[N]:
    """A dataclass that the type checker keeps frozen.

    Python's own ``frozen`` sets every field by a call: 6 µs instead of 1 for a `Step`, of which
    each record makes up to three.
    """
    return dataclass(slots=True)(kind)


@noun
class Span:
    """One OTLP span as the sender wrote it; nothing is renamed."""

    trace_id: str
    """32 lower-case hex characters."""
    span_id: str
    """16 lower-case hex characters."""
    parent_span_id: str | None
    trace_state: str | None
    name: str
    kind: int
    """OTLP SpanKind: 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer."""
    start_ns: int
    end_ns: int | None
    """None while the span is pending (OTLP end time 0)."""
    status_code: int
    """0 unset, 1 ok, 2 error."""
    status_message: str | None
    attributes: dict[str, Any]
    """JSON-like values; bytes as base64 text; the last of duplicate keys wins."""
    events: tuple[dict[str, Any], ...]
    """``{"time_ns", "name", "attributes"}`` in the order sent."""
    links: tuple[dict[str, Any], ...]
    """``{"trace_id", "span_id", "attributes"}``."""
    flags: int
    resource: dict[str, Any]
    scope_name: str | None
    scope_version: str | None
    scope_attributes: dict[str, Any] = field(default_factory=dict)
    dropped_attributes: int = 0
    dropped_events: int = 0
    dropped_links: int = 0
    resource_schema_url: str | None = None
    """Of the conventions that the resource's attributes keep to."""
    scope_schema_url: str | None = None
    """Of the conventions that the record's own attributes keep to."""
    envelope: dict[str, Any] = field(default_factory=dict)
    """What was rarely said beside resource and scope: ``resource_dropped_attributes``,
    ``scope_dropped_attributes``, ``resource_entity_refs``."""


@noun
class LogRecord:
    """One OTLP log record as the sender wrote it."""

    trace_id: str | None
    span_id: str | None
    time_ns: int
    """The event's time; the observed time where the sender gave none."""
    observed_ns: int | None
    severity_number: int
    severity_text: str | None
    event_name: str | None
    body: Any
    """JSON-like."""
    attributes: dict[str, Any]
    flags: int
    resource: dict[str, Any]
    scope_name: str | None
    scope_version: str | None
    scope_attributes: dict[str, Any] = field(default_factory=dict)
    dropped_attributes: int = 0
    resource_schema_url: str | None = None
    scope_schema_url: str | None = None
    envelope: dict[str, Any] = field(default_factory=dict)
    """What was rarely said beside resource and scope; see `Span.envelope`."""


@noun
class MetricPoint:
    """One data point of one OTLP metric."""

    name: str
    description: str | None
    unit: str | None
    kind: str
    """``gauge``, ``sum``, ``histogram``, ``exponential_histogram`` or ``summary``."""
    temporality: str | None
    """``delta`` or ``cumulative``; None for gauges and summaries."""
    is_monotonic: bool | None
    start_ns: int | None
    time_ns: int
    value: float | None
    """The number of a gauge or sum; None for the others."""
    count: int | None
    sum: float | None
    data: dict[str, Any]
    """Buckets, bounds, quantiles, exemplars: whatever the kind has beyond value, count and sum."""
    attributes: dict[str, Any]
    flags: int
    resource: dict[str, Any]
    scope_name: str | None
    scope_version: str | None
    scope_attributes: dict[str, Any] = field(default_factory=dict)
    resource_schema_url: str | None = None
    scope_schema_url: str | None = None
    envelope: dict[str, Any] = field(default_factory=dict)
    """What was rarely said beside resource and scope; see `Span.envelope`."""


Record = Span | LogRecord


class Repeated(list[Any]):
    """A list that many steps share, with its JSON text as soon as one was stored. Never changed."""

    __slots__ = ("json_text",)

    json_text: str

    def __init__(self, values: list[Any]) -> None:
        super().__init__(values)
        self.json_text = ""


@noun
class Step:
    """One thing an agent did, read out of one record by one dialect.

    JSON-like fields are Python values here and JSON text in the table.
    """

    trace_id: str
    """Of the record. A log record without one, and a record of a sender that spreads one run over
    many traces (Codex, Gemini CLI), gets an id derived from its run."""
    span_id: str
    """Of the record; a log record gets an id derived from its content."""
    parent_span_id: str | None
    run_id: str
    """The run this step belongs to; the trace id unless the dialect knows better."""
    source: Literal["span", "log", "steps"]
    """The table that holds the record; ``steps`` when it was read out of other steps."""
    dialect: str
    kind: Kind
    name: str
    start_ns: int
    end_ns: int | None
    status: Status
    service_name: str | None = None
    conversation_id: str | None = None
    turn_id: str | None = None
    agent_name: str | None = None
    agent_version: str | None = None
    user_id: str | None = None
    operation: str | None = None
    """The sender's own word for what was done, e.g. ``chat``, ``execute_tool``."""
    provider: str | None = None
    request_model: str | None = None
    response_model: str | None = None
    response_id: str | None = None
    previous_response_id: str | None = None
    request_id: str | None = None
    """The provider's id of the HTTP request."""
    finish_reason: str | None = None
    attempts: int | None = None
    """HTTP attempts of a model call or executions of a tool; 1 means no retry."""
    time_to_first_chunk_ns: int | None = None
    error_type: str | None = None
    error_message: str | None = None
    input_tokens: int | None = None
    """All prompt tokens, cache reads and writes included."""
    output_tokens: int | None = None
    """All generated tokens, reasoning included."""
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost_usd: float | None = None
    cost_source: CostSource | None = None
    """None for steps that have no cost of their own."""
    price_version: str | None = None
    """Price list of a computed cost, e.g. ``genai-prices 0.2.3``."""
    system_instructions: Any = None
    """List of parts ``{"type": "text", "content": …}``."""
    input_messages: Any = None
    """List of ``{"role", "parts": [...]}`` as in the OTel GenAI conventions."""
    output_messages: Any = None
    tools_offered: Any = None
    """List of ``{"name", "description"?, "parameters"?}``; None when not recorded."""
    tool_choice: Any = None
    request_parameters: Any = None
    forced: Forced | None = None
    chosen: Any = None
    """List of actions: ``{"action", "name"?, "tool_call_id"?, "arguments"?, "text"?}``; see decisions."""
    stated_reason: str | None = None
    """What the model wrote beside its choice: reasoning if recorded, else text before a tool call."""
    stated_reason_source: Literal["reasoning", "text", "argument", "code"] | None = None
    stated_text: str | None = None
    """What the model wrote as text beside a choice of tools, also when it reasoned too."""
    tool_name: str | None = None
    tool_call_id: str | None = None
    tool_arguments: Any = None
    tool_result: Any = None
    tool_effect: str | None = None
    """``read``, ``write`` or ``irreversible`` where the developer said so."""
    unapproved: bool | None = None
    """Of a tool that is marked as in need of an approval: whether it ran without one."""
    approval_decision: Literal["approved", "denied", "asked"] | None = None
    approver: str | None = None
    approver_kind: Literal["person", "rule", "unknown"] | None = None
    shown_sha256: str | None = None
    """Of what the approver saw, where the sender states it."""
    arguments_sha256: str | None = None
    """Of the arguments that were asked about, or that the tool ran with, where it is stated."""
    input: Any = None
    """Generic input of agents and other steps."""
    output: Any = None
    inferred: bool = False
    """True when nobody recorded this step and it was read out of its neighbours."""
    lost_reason: str | None = None
    """How the process ended before this step did: ``killed``, ``exit`` or the name of a signal."""
    process_instance: str | None = None
    """The process, for steps that are pending or lost."""


def _layout(kind: type[Any]) -> tuple[Callable[[Any], tuple[Any, ...]], dict[str, int]]:
    names = [each.name for each in fields(kind)]
    return attrgetter(*names), {name: place for place, name in enumerate(names)}


_LAYOUTS: dict[type[Any], tuple[Callable[[Any], tuple[Any, ...]], dict[str, int]]] = {
    kind: _layout(kind) for kind in (Span, LogRecord, MetricPoint, Step)
}
"""How to read all values of a noun, and where each one stands."""


def replace(record: N, **changes: Any) -> N:
    """A copy of *record* with *changes*, as `dataclasses.replace` gives it in seven times the time."""
    values_of, places = _LAYOUTS[type(record)]
    values = list(values_of(record))
    for name, value in changes.items():
        values[places[name]] = value
    return type(record)(*values)
