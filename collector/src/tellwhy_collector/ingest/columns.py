"""Records and steps as rows: the order of the columns, and how they go into the tables.

What the typed columns cannot say stands in ``sent_as``; `readback` is the way back.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any

import orjson
import pyarrow as pa

from tellwhy_collector.dialects.envelope import lost_reason
from tellwhy_collector.ingest.marks import INSTANCE, without_process
from tellwhy_collector.ingest.names import Names
from tellwhy_collector.records import LogRecord, MetricPoint, Repeated, Span, Step

Row = tuple[Any, ...]

PROMOTED = {
    "operation": "gen_ai.operation.name",
    "provider": "gen_ai.provider.name",
    "request_model": "gen_ai.request.model",
    "response_model": "gen_ai.response.model",
    "conversation_id": "gen_ai.conversation.id",
    "agent_name": "gen_ai.agent.name",
    "tool_name": "gen_ai.tool.name",
    "error_type": "error.type",
}
"""Text columns of spans that repeat an attribute, because everybody filters by them."""

COUNTED = {
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
}
"""Integer columns of the same sort."""

PAYLOADS = {
    "input_messages": "gen_ai.input.messages",
    "output_messages": "gen_ai.output.messages",
    "system_instructions": "gen_ai.system_instructions",
    "tool_definitions": "gen_ai.tool.definitions",
    "tool_arguments": "gen_ai.tool.call.arguments",
    "tool_result": "gen_ai.tool.call.result",
    "input_value": "input.value",
    "output_value": "output.value",
}
"""Long attributes that move out of ``attributes`` into zstd columns of their own."""

BIGGEST = 2**63 - 1
"""OTLP times are unsigned; BIGINT ends here, in the year 2262."""

_ABSENT: Any = object()
_PAYLOAD_KEYS = frozenset(PAYLOADS.values())
PAYLOAD_ITEMS = tuple(PAYLOADS.items())
_PROMOTED_KEYS = tuple(PROMOTED.values())
_COUNTED_KEYS = tuple(COUNTED.values())
_TEXT, _LONG, _INT, _UINT = pa.string(), pa.int64(), pa.int32(), pa.uint32()
_REAL, _BOOL = pa.float64(), pa.bool_()


def _schema(text: str, **types: pa.DataType) -> pa.Schema:
    """A schema of the names in *text*, all text but those in *types*."""
    return pa.schema([(name, types.get(name, _TEXT)) for name in text.split()])


SPANS = _schema(
    f"""trace_id span_id parent_span_id trace_state name kind start_ns end_ns status_code
    status_message service_name scope_name scope_version {" ".join(PROMOTED)} {" ".join(COUNTED)}
    {" ".join(PAYLOADS)} attributes more_attributes events links flags resource scope_attributes
    resource_schema_url scope_schema_url dropped_attributes dropped_events dropped_links sent_as
    lost_reason process_instance sequence""",
    kind=_INT,
    start_ns=_LONG,
    end_ns=_LONG,
    status_code=_INT,
    input_tokens=_LONG,
    output_tokens=_LONG,
    flags=_UINT,
    dropped_attributes=_UINT,
    dropped_events=_UINT,
    dropped_links=_UINT,
    sequence=_LONG,
)

LOGS = _schema(
    """trace_id span_id time_ns observed_ns severity_number severity_text event_name service_name
    scope_name scope_version body attributes more_attributes flags resource
    scope_attributes resource_schema_url scope_schema_url dropped_attributes sent_as""",
    time_ns=_LONG,
    observed_ns=_LONG,
    severity_number=_INT,
    flags=_UINT,
    dropped_attributes=_UINT,
)

METRIC_POINTS = _schema(
    """name description unit kind temporality is_monotonic start_ns time_ns value count sum data
    attributes more_attributes flags service_name scope_name scope_version resource
    scope_attributes resource_schema_url scope_schema_url sent_as""",
    is_monotonic=_BOOL,
    start_ns=_LONG,
    time_ns=_LONG,
    value=_REAL,
    count=_LONG,
    sum=_REAL,
    flags=_UINT,
)

_STEP_FIELDS = tuple(item.name for item in fields(Step))
_STEP_JSON = tuple(index for index, item in enumerate(fields(Step)) if item.type == "Any")
_STEP_LONG = {item.name: _LONG for item in fields(Step) if item.type in {"int", "int | None"}}

STEPS = _schema(
    " ".join(_STEP_FIELDS),
    **_STEP_LONG,
    cost_usd=_REAL,
    inferred=_BOOL,
    unapproved=_BOOL,
)
"""The fields of `Step`; those of type Any are JSON text."""


def json_text(value: Any) -> str:
    """*value* as JSON text."""
    return orjson.dumps(value).decode()


def plain_text(value: Any) -> str | None:
    """Text as it is, nothing as nothing, anything else as JSON text."""
    return value if value is None or type(value) is str else orjson.dumps(value).decode()


class Layout:
    """What the rows of one request share: resources as JSON text, and the names let in."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._known: dict[int, tuple[dict[str, Any], str, str | None]] = {}

    def attributes(self, attributes: dict[str, Any]) -> tuple[str, str | None]:
        """JSON texts for the VARIANT column and for ``more_attributes``."""
        inside, rest = self._names.split(attributes)
        return json_text(inside), json_text(rest) if rest else None

    def resource(self, resource: dict[str, Any]) -> tuple[str, str | None]:
        """JSON text and ``service.name`` of *resource*."""
        # The dict is kept beside its texts, so that its id cannot be given to another.
        known = self._known.get(id(resource))
        if known is None:
            known = (resource, json_text(resource), plain_text(resource.get("service.name")))
            self._known[id(resource)] = known
        return known[1], known[2]


def span_row(span: Span, layout: Layout) -> Row:
    """One span in the order of `SPANS`."""
    attributes = span.attributes
    get = attributes.get
    odd: dict[str, Any] = {"envelope": span.envelope} if span.envelope else {}
    payloads: list[str | None] = [None] * len(PAYLOAD_ITEMS)
    rest = attributes
    if not _PAYLOAD_KEYS.isdisjoint(attributes):
        rest = attributes.copy()
        for index, (column, key) in enumerate(PAYLOAD_ITEMS):
            value = rest.pop(key, _ABSENT)
            if type(value) is str:
                payloads[index] = value
            elif value is not _ABSENT:
                payloads[index] = json_text(value)
                odd.setdefault("structured", []).append(column)
    instance = sequence = None
    if INSTANCE in rest:
        rest, instance, sequence = without_process(rest)
    start, end = span.start_ns, span.end_ns
    if start > BIGGEST:
        odd["start_ns"], start = start, BIGGEST
    if end is not None and end > BIGGEST:
        odd["end_ns"], end = end, BIGGEST
    resource, service = layout.resource(span.resource)
    return (
        span.trace_id,
        span.span_id,
        span.parent_span_id,
        span.trace_state,
        span.name,
        span.kind,
        start,
        end,
        span.status_code,
        span.status_message,
        service,
        span.scope_name,
        span.scope_version,
        *[
            value if value is None or type(value) is str else json_text(value)
            for value in map(get, _PROMOTED_KEYS)
        ],
        *[value if type(value) is int else None for value in map(get, _COUNTED_KEYS)],
        *payloads,
        *layout.attributes(rest),
        json_text(span.events) if span.events else None,
        json_text(span.links) if span.links else None,
        span.flags,
        resource,
        json_text(span.scope_attributes) if span.scope_attributes else None,
        span.resource_schema_url,
        span.scope_schema_url,
        span.dropped_attributes,
        span.dropped_events,
        span.dropped_links,
        json_text(odd) if odd else None,
        lost_reason(span),
        instance,
        sequence,
    )


def log_row(log: LogRecord, layout: Layout) -> Row:
    """One log record in the order of `LOGS`."""
    odd: dict[str, Any] = {"envelope": log.envelope} if log.envelope else {}
    if log.body is not None and type(log.body) is not str:
        odd["structured"] = ["body"]
    time, observed = log.time_ns, log.observed_ns
    if time > BIGGEST:
        odd["time_ns"], time = time, BIGGEST
    if observed is not None and observed > BIGGEST:
        odd["observed_ns"], observed = observed, BIGGEST
    resource, service = layout.resource(log.resource)
    return (
        log.trace_id,
        log.span_id,
        time,
        observed,
        log.severity_number,
        log.severity_text,
        log.event_name,
        service,
        log.scope_name,
        log.scope_version,
        plain_text(log.body),
        *layout.attributes(log.attributes),
        log.flags,
        resource,
        json_text(log.scope_attributes) if log.scope_attributes else None,
        log.resource_schema_url,
        log.scope_schema_url,
        log.dropped_attributes,
        json_text(odd) if odd else None,
    )


def point_row(point: MetricPoint, layout: Layout) -> Row:
    """One metric point in the order of `METRIC_POINTS`."""
    odd: dict[str, Any] = {
        name: value
        for name in ("start_ns", "time_ns", "count")
        if (value := getattr(point, name)) is not None and value > BIGGEST
    }
    if point.envelope:
        odd["envelope"] = point.envelope
    resource, service = layout.resource(point.resource)
    return (
        point.name,
        point.description,
        point.unit,
        point.kind,
        point.temporality,
        point.is_monotonic,
        BIGGEST if "start_ns" in odd else point.start_ns,
        BIGGEST if "time_ns" in odd else point.time_ns,
        point.value,
        BIGGEST if "count" in odd else point.count,
        point.sum,
        json_text(point.data) if point.data else None,
        *layout.attributes(point.attributes),
        point.flags,
        service,
        point.scope_name,
        point.scope_version,
        resource,
        json_text(point.scope_attributes) if point.scope_attributes else None,
        point.resource_schema_url,
        point.scope_schema_url,
        json_text(odd) if odd else None,
    )


_step_values: Callable[[Step], tuple[Any, ...]] = attrgetter(*_STEP_FIELDS)
_STEP_START, _STEP_END = _STEP_FIELDS.index("start_ns"), _STEP_FIELDS.index("end_ns")


def step_row(step: Step) -> Row:
    """One step in the order of `STEPS`."""
    row = list(_step_values(step))
    for index in _STEP_JSON:
        value = row[index]
        if value is not None:
            row[index] = _step_json(value)
    for index in (_STEP_START, _STEP_END):
        if row[index] is not None and row[index] > BIGGEST:
            row[index] = BIGGEST
    return tuple(row)


def _step_json(value: Any) -> str:
    if type(value) is Repeated:
        # Instructions and tools are most of what an agent's call sends.
        value.json_text = value.json_text or _step_json(list(value))
        return value.json_text
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:
        # orjson reads 1,024 levels and writes 254; the record itself keeps what was sent.
        return orjson.dumps(_shallow(value, SHALLOW), option=orjson.OPT_NON_STR_KEYS).decode()


SHALLOW = 100
"""Levels of a value that stay structure when it is too deep to be written."""


def _shallow(value: Any, levels: int) -> Any:
    """*value* with what stands deeper than *levels* as JSON text, so that its outside keeps its form."""
    if isinstance(value, dict) and levels:
        return {key: _shallow(inner, levels - 1) for key, inner in value.items()}
    if isinstance(value, list | tuple) and levels:
        return [_shallow(inner, levels - 1) for inner in value]
    if value is None or isinstance(value, str | int | float):
        return value
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (RecursionError, ValueError):
        return "nested too deeply"


def table(rows: Sequence[Row], schema: pa.Schema) -> pa.Table:
    """Rows as an Arrow table.

    Raises:
        OverflowError, pa.ArrowException: A value does not fit its column.
    """
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    return pa.Table.from_arrays(
        [pa.array(column, type=item.type) for column, item in zip(columns, schema, strict=True)],
        schema=schema,
    )


def _selected(name: str, schema: pa.Schema) -> str:
    """How column *name* of an incoming table goes into the database."""
    return (
        f"{name}::JSON::VARIANT AS {name}" if name == "attributes" and schema is not STEPS else name
    )


def _derived(schema: pa.Schema) -> Iterable[str]:
    """Columns that are made of others while a table goes in."""
    names = set(schema.names)
    if "end_ns" in names:
        yield "make_timestamp(end_ns // 1000) AS end_time"
        yield "CASE WHEN end_ns >= start_ns THEN end_ns - start_ns END AS duration_ns"
    if "start_ns" in names:
        yield "make_timestamp(start_ns // 1000) AS start_time"
    if "time_ns" in names:
        yield "make_timestamp(time_ns // 1000) AS time"
    if schema is not STEPS:
        yield "$received AS received_at"


def insertion(target: str, schema: pa.Schema) -> str:
    """The statement that puts the Arrow table registered as ``incoming`` into *target*.

    Takes the parameter ``$received`` for every table but steps.
    """
    chosen = [_selected(name, schema) for name in schema.names]
    return (
        f"INSERT INTO {target} BY NAME SELECT {', '.join([*chosen, *_derived(schema)])} "  # noqa: S608 - our own names
        "FROM incoming"
    )
