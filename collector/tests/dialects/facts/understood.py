"""What the collector understands of captures: bytes → decode → dialects → ingest → settled views."""

import json
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evidence import FACTS, found_in

from tellwhy_collector.decode import decode
from tellwhy_collector.dialects import normalise
from tellwhy_collector.ingest import Ingest
from tellwhy_collector.reconstruct.settle import settle
from tellwhy_collector.records import Record
from tellwhy_collector.settings import Settings
from tellwhy_collector.testing import open_store

ALONE = ("tools offered", "chosen", "reasoning", "tokens", "cache", "cost", "model", "finish")
"""Facts that a model call has; the others are of tool calls, or of either."""


@dataclass(frozen=True)
class Capture:
    """One or more requests that are sent together."""

    name: str
    paths: tuple[Path, ...]


@dataclass
class Reading:
    """What became of a capture."""

    counts: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Of each fact: steps that say it, steps that could."""
    seen: dict[str, list[str]] = field(default_factory=dict)
    """Of each fact: paths in bytes that seem to hold it where no step says it."""
    dialects: list[str] = field(default_factory=list)
    kinds: dict[str, int] = field(default_factory=dict)
    signals: list[str] = field(default_factory=list)
    cost_sources: list[str] = field(default_factory=list)


def signal_of(body: bytes) -> str:
    """Which of the three a request is."""
    for word, signal in (("resourceLogs", "logs"), ("resourceMetrics", "metrics")):
        if f'"{word}"'.encode() in body:
            return signal
    return "traces"


def readings(captures: Iterable[Capture]) -> dict[str, Reading]:
    """The reading of each capture by its name; captures that share no trace share a store."""
    groups: list[tuple[set[str], list[tuple[Capture, dict[tuple[str, str], Record]]]]] = []
    for capture in captures:
        origin = _origin(capture)
        traces = {trace for trace, _ in origin}
        group = next((g for g in groups if not g[0] & traces), None)
        if group is None:
            groups.append(group := (set(), []))
        group[0].update(traces)
        group[1].append((capture, origin))
    return {name: reading for _, members in groups for name, reading in _read(members)}


def records_of(capture: Capture) -> list[Record]:
    """Spans and log records of *capture*."""
    return list(_origin(capture).values())


def _origin(capture: Capture) -> dict[tuple[str, str], Record]:
    """The record that each step of *capture* was read out of, by (trace_id, span_id)."""
    found: dict[tuple[str, str], Record] = {}
    for path in capture.paths:
        body = path.read_bytes()
        signal = signal_of(body)
        if signal == "metrics":
            continue
        for record in decode(body, signal=signal, encoding="json").records:
            step = normalise(record)
            key = (step.trace_id, step.span_id) if step else ("", f"{path}:{id(record)}")
            found[key] = record
    return found


def _read(members: list[tuple[Capture, dict[tuple[str, str], Record]]]) -> Iterator[Any]:
    with tempfile.TemporaryDirectory() as folder:
        opened = open_store(Path(folder) / "facts.duckdb")
        ingest = Ingest(opened, Settings(), normalise, on_quiet=settle)
        ingest.start()
        try:
            waiting = [
                ingest.submit(body, signal=signal_of(body), encoding="json")
                for capture, _ in members
                for body in (path.read_bytes() for path in capture.paths)
            ]
            for each in waiting:
                outcome = each.result(60)
                assert outcome.rejected == 0, outcome
        finally:
            ingest.stop()
        cursor = opened.cursor()
        try:
            for capture, origin in members:
                yield capture.name, _reading(cursor, capture, origin)
        finally:
            cursor.close()
            opened.close()


STEPS = """
select s.*, d.kept_span_id from steps s left join step_duplicates d using (trace_id, span_id)
where trace_id in (select unnest(?))
"""
GATES = """
select trace_id, span_id, approval_decision from decisions
where approval_decision is not null and trace_id in (select unnest(?))
"""


def _rows(cursor: Any, sql: str, traces: list[str]) -> list[dict[str, Any]]:
    done = cursor.execute(sql, [traces])
    names = [column[0] for column in done.description]
    return [dict(zip(names, row, strict=True)) for row in done.fetchall()]


def _reading(cursor: Any, capture: Capture, origin: dict[tuple[str, str], Record]) -> Reading:
    traces = sorted({trace for trace, _ in origin} - {""})
    steps = _rows(cursor, STEPS, traces)
    reading = Reading(
        dialects=sorted({s["dialect"] for s in steps}),
        signals=[signal_of(path.read_bytes()) for path in capture.paths],
    )
    told = [s for s in steps if s["kept_span_id"] is None]
    records = defaultdict(list)
    for step in steps:
        key = (step["trace_id"], step["span_id"])
        kept = (step["trace_id"], step["kept_span_id"] or step["span_id"])
        if key in origin:
            records[kept].append(origin[key])
    for step in told:
        reading.kinds[step["kind"]] = reading.kinds.get(step["kind"], 0) + 1
    reading.cost_sources = sorted({s["cost_source"] for s in told if s["cost_usd"] is not None})
    for fact in FACTS:
        count(reading, fact, told, records)
    _unread(reading, origin, told, records)
    return reading


def concerned(fact: str, told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The steps that could say *fact*."""
    calls = [s for s in told if s["kind"] == "model_call" or s["operation"] == "decide"]
    calls = calls or [s for s in told if s["kind"] == "agent"]
    tools = [s for s in told if s["kind"] == "tool_call"]
    if fact in ALONE:
        return calls
    if fact == "result":
        return tools
    if fact in ("arguments", "call id"):
        return [s for s in calls if _tool_choices(s)] + tools
    if fact == "attempts":
        return calls
    if fact == "error":
        return [s for s in told if s["status"] == "error"]
    return [s for s in told if s["kind"] == "human" or s["approval_decision"]]


def _tool_choices(step: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        c for c in json.loads(step["chosen"] or "[]") if c["action"] in ("tool_call", "handoff")
    ]


def says(fact: str, step: dict[str, Any]) -> bool:
    """Whether *step* tells *fact*."""
    choices = _tool_choices(step)
    given = {
        "tools offered": step["tools_offered"],
        "chosen": step["chosen"],
        "reasoning": step["stated_reason_source"] == "reasoning",
        "tokens": step["input_tokens"] is not None or step["output_tokens"] is not None,
        "cache": step["cache_read_tokens"] is not None or step["cache_write_tokens"] is not None,
        "cost": step["cost_usd"] is not None,
        "model": step["response_model"] or step["request_model"],
        "finish": step["finish_reason"],
        "error": step["error_type"] or step["error_message"],
        "attempts": step["attempts"],
        "approval": step["approval_decision"],
        "result": step["tool_result"] is not None,
        "arguments": step["tool_arguments"] is not None or any("arguments" in c for c in choices),
        "call id": step["tool_call_id"] or any(c.get("tool_call_id") for c in choices),
    }
    return bool(given[fact])


def count(reading: Reading, fact: str, told: list[dict[str, Any]], records: Any) -> None:
    """Note how many steps say *fact*, and where bytes of the others seem to hold it."""
    steps = concerned(fact, told)
    silent = [s for s in steps if not says(fact, s)]
    reading.counts[fact] = (len(steps) - len(silent), len(steps))
    for step in silent:
        for record in records[step["trace_id"], step["span_id"]]:
            if path := found_in(record).get(fact):
                reading.seen.setdefault(fact, []).append(path)


def _unread(reading: Reading, origin: Any, told: Any, records: Any) -> None:
    """Where no step says a fact, no record of the capture may seem to hold it."""
    for fact, (given, _) in reading.counts.items():
        if given:
            continue
        for record in origin.values():
            if path := found_in(record).get(fact):
                reading.seen.setdefault(fact, []).append(path)
