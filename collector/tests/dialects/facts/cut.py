"""Cut a capture small enough to be kept: `python cut.py CAPTURE OUT "who sent it"`.

Keeps the traces that together hold every fact of the capture, with everything that an agent did in
them; of other records those that something kept stands under, and two of each name. Of metrics one
point of each name is kept. Ids of people and machines, and stack traces, are removed.
"""

import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from evidence import found_in
from understood import Capture, Reading, readings, signal_of

from tellwhy_collector.decode import decode
from tellwhy_collector.dialects import normalise
from tellwhy_collector.records import Span, Step

LISTS = {
    "traces": ("resourceSpans", "scopeSpans", "spans"),
    "logs": ("resourceLogs", "scopeLogs", "logRecords"),
    "metrics": ("resourceMetrics", "scopeMetrics", "metrics"),
}
PRIVATE = re.compile(
    r"^(user\.|organization\.|host\.|process\.|os\.|container\.|thread\.|enduser\.)|stacktrace$"
)
"""Attributes that are removed."""
PATHS = (
    (re.compile(r"/tmp/claude-\d+/[\w.-]+"), "/tmp/agent"),
    (re.compile(r"/(?:root|srv|work|home)/[\w./-]+"), "/home/user/work"),
)
"""Places on the machine that recorded, and what stands for them."""
OTHERS = 2
"""So many records of one name are kept that tell of no step of an agent."""
SMALL = 32_000
"""Bytes up to which all traces are kept."""


def main(words: list[str]) -> int:
    """Write the piece and say how much of the capture it is."""
    source, out, said = Path(words[0]), Path(words[1]), words[2]
    out.parent.mkdir(parents=True, exist_ok=True)
    whole = json.loads(_without_places(source.read_text(encoding="utf-8")))
    signal = signal_of(source.read_bytes())
    records = list(_records(whole, signal))
    for everything in (False, True):
        if signal == "metrics":
            kept = _metrics(records)
        else:
            kept = _kept(source, signal, everything=everything)
        text = f"{said}; {len(kept)} of {len(records)} records"
        piece = _written({"source": text, **_piece(whole, signal, kept)})
        out.write_text(piece, encoding="utf-8")
        before, after = (_read(path) for path in (source, out))
        lost = [f for f, (n, _) in before.counts.items() if n and not after.counts[f][0]]
        if not lost:
            break
    print(f"{out.name}: {out.stat().st_size:,} bytes, {len(kept)} of {len(records)}", *lost)
    return 1 if lost else 0


def _without_places(text: str) -> str:
    for found, instead in PATHS:
        text = found.sub(instead, text)
    return text


def _read(path: Path) -> Reading:
    return readings([Capture(path.name, (path,))])[path.name]


def _records(whole: dict[str, Any], signal: str) -> Iterator[dict[str, Any]]:
    outer, inner, name = LISTS[signal]
    for resource in whole[outer]:
        for scope in resource[inner]:
            yield from scope[name]


def _metrics(records: list[dict[str, Any]]) -> set[int]:
    names: dict[str, int] = {}
    for at, metric in enumerate(records):
        names.setdefault(metric["name"], at)
    return set(names.values())


def _kept(source: Path, signal: str, *, everything: bool) -> set[int]:
    """Places of the records that are kept; with *everything*, of all traces."""
    everything = everything or source.stat().st_size <= SMALL
    decoded = decode(source.read_bytes(), signal=signal, encoding="json").records
    steps = [normalise(record) for record in decoded]
    traces: dict[str, set[Any]] = defaultdict(set)
    sizes: Counter[str] = Counter()
    for record, step in zip(decoded, steps, strict=True):
        trace = step.trace_id if step else ""
        sizes[trace] += len(str(record))
        if step is not None and step.kind != "other":
            traces[trace] |= {(step.dialect, step.kind, step.status)}
            traces[trace] |= {(step.kind, fact) for fact in found_in(record)}
            traces[trace] |= {(step.kind, name) for name in _told(step)}
    wanted, chosen = set().union(*traces.values()), {""}
    while wanted:
        best = max(traces, key=lambda t: (len(traces[t] & wanted), -sizes[t]))
        chosen.add(best)
        wanted -= traces[best]
    return _inside(decoded, steps, set(sizes) if everything or len(chosen) == 1 else chosen)


def _told(step: Step) -> set[str]:
    """What the step says; of the choice, how much."""
    names = ("stated_reason_source", "approval_decision", "finish_reason", "error_type")
    told = {f"{name}={getattr(step, name)}" for name in names if getattr(step, name) is not None}
    if step.chosen and len(step.chosen) > 1:
        told.add("parallel")
    return told


def _inside(decoded: list[Any], steps: list[Step | None], traces: set[str]) -> set[int]:
    place = {(s.trace_id, s.span_id): at for at, s in enumerate(steps) if s is not None}
    seen: Counter[Any] = Counter()
    kept: set[int] = set()
    for at, (record, step) in enumerate(zip(decoded, steps, strict=True)):
        if step is None or step.kind == "other":
            name = step.name if step else record.attributes.get("event.name") or record.event_name
            facts = tuple(sorted(found_in(record)))
            word = re.sub(r"\d+", "", str(name))
            key = (record.scope_name, word if facts or step is None else "", facts)
            seen[key] += 1
            if seen[key] > OTHERS and step is None:
                continue
            if step is not None and (seen[key] > OTHERS or step.trace_id not in traces):
                continue
        elif step.trace_id not in traces:
            continue
        while step is not None:
            kept.add(at)
            at = place.get((step.trace_id, step.parent_span_id or ""), -1)  # noqa: PLW2901
            step = steps[at] if at >= 0 and at not in kept else None  # noqa: PLW2901
        if not isinstance(record, Span):
            kept.add(at if at >= 0 else decoded.index(record))
    return kept


def _piece(whole: dict[str, Any], signal: str, kept: set[int]) -> dict[str, Any]:
    outer, inner, name = LISTS[signal]
    at, resources = 0, []
    for resource in whole[outer]:
        scopes = []
        for scope in resource[inner]:
            records = [r for n, r in enumerate(scope[name], at) if n in kept]
            at += len(scope[name])
            if records:
                scopes.append({**scope, name: [_clean(record) for record in records]})
        if scopes:
            resources.append({**resource, "resource": _clean(resource["resource"]), inner: scopes})
    return {outer: resources}


def _clean(value: Any) -> Any:
    """*value* without what is private; of a metric one point."""
    if isinstance(value, dict):
        found = {k: _clean(v) for k, v in value.items()}
        if isinstance(found.get("dataPoints"), list):
            found["dataPoints"] = found["dataPoints"][:1]
        if isinstance(found.get("attributes"), list):
            found["attributes"] = [
                a for a in found["attributes"] if not PRIVATE.search(str(a.get("key")))
            ]
        return found
    return [_clean(item) for item in value] if isinstance(value, list) else value


def _written(piece: dict[str, Any]) -> str:
    """JSON with a line for each record."""
    text = json.dumps(piece, ensure_ascii=False, separators=(",", ":"))
    for name in ("spans", "logRecords", "metrics"):
        text = text.replace(f'"{name}":[{{', f'"{name}":[\n{{')
    for key in ("traceId", "timeUnixNano", "name"):
        text = text.replace(f'}},{{"{key}":', f'}},\n{{"{key}":')
    return text + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
