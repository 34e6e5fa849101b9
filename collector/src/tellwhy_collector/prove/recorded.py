"""A recorded decision with the request that led to it, out of a collector."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tellwhy_collector.prove import anthropic_messages, openai_chat, openai_responses
from tellwhy_collector.prove.items import blobs
from tellwhy_collector.prove.wire import Wire
from tellwhy_collector.shell.client import Client
from tellwhy_collector.shell.errors import Refused

WIRES: tuple[Wire, ...] = (anthropic_messages.WIRE, openai_chat.WIRE, openai_responses.WIRE)

REDACTED = "[redacted]"
"""What tracers write where a secret stood."""

MOST_ROWS = 100_000

_DECISIONS = """
    SELECT decision_id, trace_id, span_id, outcome_span_id, start_ns, made_by, action, chosen,
           arguments, model
    FROM decisions WHERE run_id = ? ORDER BY start_ns, span_id, choice_index
"""
_STEP = """
    SELECT provider, request_model, response_model, input_tokens, output_tokens, cost_usd
    FROM steps WHERE run_id = ? AND trace_id = ? AND span_id = ? AND duplicate_of IS NULL LIMIT 1
"""
_HOST = """
    SELECT attributes."server.address"::VARCHAR FROM spans WHERE trace_id = ? AND span_id = ? LIMIT 1
"""
_EXCHANGE = """
    SELECT method, path, request, request_headers FROM exchanges
    WHERE trace_id = ? AND span_id = ? ORDER BY attempt DESC LIMIT 1
"""
_LISTS = (
    "SELECT hash, any_value(text) FROM contents WHERE trace_id = ? AND text LIKE '[\"%' GROUP BY 1"
)
_TEXTS = """
    SELECT hash, any_value(text) FROM contents
    WHERE trace_id = ? AND hash IN (SELECT unnest(?::VARCHAR[])) GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What is asked again."""

    run_id: str
    number: int
    """Of the decision in its run, from 1."""
    decision_id: str
    trace_id: str
    span_id: str
    start_ns: int
    action: str
    chosen: str | None
    arguments: Any
    model: str
    provider: str | None
    host: str | None
    """Where it was asked, if that was recorded."""
    wire: Wire
    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]
    input_tokens: int | None
    output_tokens: int | None

    @property
    def redactions(self) -> int:
        """Places where the recording holds a mark instead of a secret."""
        return json.dumps(self.body, ensure_ascii=False).count(REDACTED)


def read(client: Client, run_id: str, which: str) -> Recorded:
    """The decision of a run that is meant.

    Args:
        client: The collector.
        run_id: The run.
        which: Number of the decision from 1, its id, or the id of a step that belongs to it.

    Raises:
        Refused: It cannot be asked again; the message says why.
    """
    rows = _rows(client, _DECISIONS, [run_id])
    number, row = _wanted(rows, which)
    decision_id, trace_id, span_id, _, start_ns, made_by, action, chosen, arguments, model = row
    if made_by != "model":
        raise Refused(f"Decision {number} was made by plain code; there is no model to ask again.")
    exchange = _rows(client, _EXCHANGE, [trace_id, span_id])
    if not exchange:
        raise Refused(
            f"The request of decision {number} was not kept, so it cannot be asked again: it was recorded "
            "with TELLWHY_REPLAYABLE=false, with content other than full, or by somebody else than "
            "tellwhy's tracer."
        )
    _, path, references, headers = exchange[0]
    body = _body(client, trace_id, json.loads(references))
    step = (_rows(client, _STEP, [run_id, trace_id, span_id]) or [[None] * 6])[0]
    host = _rows(client, _HOST, [trace_id, span_id])
    return Recorded(
        run_id=run_id,
        number=number,
        decision_id=decision_id,
        trace_id=trace_id,
        span_id=span_id,
        start_ns=start_ns,
        action=action,
        chosen=chosen,
        arguments=openai_chat.parsed(arguments),
        model=str(body.get("model") or model or ""),
        provider=step[0],
        host=host[0][0] if host else None,
        wire=_wire(path),
        path=path,
        headers=json.loads(headers or "{}"),
        body=body,
        input_tokens=step[3],
        output_tokens=step[4],
    )


def forced(body: Mapping[str, Any]) -> str | None:
    """The one tool that a request leaves to choose, in any of the wire formats."""
    choice = body.get("tool_choice")
    if not isinstance(choice, dict) or choice.get("type") not in {"tool", "function", "custom"}:
        return None
    inner = choice.get(choice["type"])
    name = inner.get("name") if isinstance(inner, dict) else choice.get("name")
    return name if isinstance(name, str) else None


def _wanted(rows: list[list[Any]], which: str) -> tuple[int, list[Any]]:
    for number, row in enumerate(rows, 1):
        if which in (row[0], row[2], row[3]) or which == str(number):
            return number, row
    told = f"its decisions are numbered 1 to {len(rows)}" if rows else "it has none"
    raise Refused(
        f"There is no decision {which[:100]!r} in this run; {told}. Name one by its number, by its "
        "decision_id, or by the span_id of its step."
    )


def _wire(path: str) -> Wire:
    for wire in WIRES:
        if path.endswith(wire.path):
            return wire
    known = ", ".join(wire.path for wire in WIRES)
    raise Refused(
        f"The request went to {path[:100]}, and what can be asked again ends with {known}. Requests in "
        "the forms of Bedrock, Vertex and others cannot."
    )


def _body(client: Client, trace_id: str, references: list[str]) -> dict[str, Any]:
    """The request, put together again.

    Raises:
        Refused: A part of it is missing, or only its hash was kept.
    """
    lists = dict(_rows(client, _LISTS, [trace_id]))
    wanted = list(_texts_of(references, lists))
    texts = dict(_rows(client, _TEXTS, [trace_id, sorted(set(wanted))]))
    try:
        found = json.loads("".join(_joined(references, lists, texts)))
    except (KeyError, ValueError) as error:
        raise Refused(f"A part of the request is missing in the recording: {error}.") from None
    if not isinstance(found, dict):
        raise Refused("The recorded request is no JSON object.")
    places = list(blobs(found))
    if places:
        raise Refused(
            f"The request holds bytes of which the recording keeps only the hash, at {places[0]}"
            f"{f' and {len(places) - 1} more places' if len(places) > 1 else ''}: pictures, sound and "
            "files cannot be asked again."
        )
    return found


def _flat(reference: str, lists: Mapping[str, str]) -> Iterator[str]:
    """References of the elements of a list, which may begin with all of another one."""
    later: list[list[str]] = []
    while reference.startswith("@"):
        elements = json.loads(lists[reference[1:]])
        first = elements[0] if elements else "="
        later.append(elements[1:] if first.startswith("@") else elements)
        reference = first
    for elements in reversed(later):
        yield from elements


def _texts_of(references: list[str], lists: Mapping[str, str]) -> Iterator[str]:
    for each in references:
        inside = _flat(each, lists) if each.startswith("@") and each[1:] in lists else [each]
        yield from (one[1:] for one in inside if one.startswith("#"))


def _joined(
    references: list[str], lists: Mapping[str, str], texts: Mapping[str, str]
) -> Iterator[str]:
    def text(reference: str) -> str:
        return texts[reference[1:]] if reference.startswith("#") else reference[1:]

    for each in references:
        yield ",".join(map(text, _flat(each, lists))) if each.startswith("@") else text(each)


def _rows(client: Client, sql: str, params: list[Any]) -> list[list[Any]]:
    reply = client.sql(sql, params, max_rows=MOST_ROWS)
    if reply.truncated:
        raise Refused(
            "The request is longer than the collector answers. Raise TELLWHY_MAX_QUERY_ROWS_ASKED."
        )
    found: list[list[Any]] = json.loads(reply.body)["rows"]
    return found
