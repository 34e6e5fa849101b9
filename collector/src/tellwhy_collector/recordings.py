"""One run as a recording that can be replayed: lines of JSON, as they are read from the tables.

The first line is the head; then come steps in the order in which they started, exchanges with
models, and the texts that they refer to. The tracer's `tellwhy replay` reads them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from tellwhy_collector.errors import NotFound
from tellwhy_collector.store import Store

FORMAT = 1
"""Number of the form of the lines; a reader refuses one that it does not know."""

CHUNK_ROWS = 500

_HEAD = """
SELECT any_value(trace_id), arg_min(span_id, (kind <> 'agent', start_ns)),
    arg_min(name, (kind <> 'agent', start_ns)), arg_min(agent_name, (kind <> 'agent', start_ns)),
    any_value(service_name), min(start_ns), any_value(lost_reason), count(*)
FROM steps WHERE run_id = $run
"""
_OF_PROCESS = """
SELECT DISTINCT run_id FROM steps
SEMI JOIN (
    SELECT trace_id, span_id FROM spans WHERE process_instance = (
        SELECT any_value(process_instance) FROM spans WHERE trace_id = $trace AND span_id = $span
    )
) USING (trace_id, span_id)
WHERE kind = 'agent'
"""
_STEPS = """
SELECT s.trace_id, s.span_id, s.parent_span_id, s.run_id, s.kind, s.name, s.agent_name, s.start_ns,
    s.end_ns, s.status, s.error_type, s.lost_reason, s.tool_name, s.tool_effect, s.request_model,
    s.inferred, p.tool_arguments, p.tool_result, o.value AS outcome, d.value AS declared, n.value AS entry,
    s.chosen
FROM steps s
LEFT JOIN (SELECT trace_id, span_id, any_value(tool_arguments) AS tool_arguments,
    any_value(tool_result) AS tool_result FROM spans WHERE trace_id IN (SELECT unnest($traces))
    GROUP BY ALL) p ON p.trace_id = s.trace_id AND p.span_id = s.span_id
LEFT JOIN recorded_values o
    ON o.trace_id = s.trace_id AND o.span_id = s.span_id AND o.kind = 'outcome'
LEFT JOIN recorded_values d
    ON d.trace_id = s.trace_id AND d.span_id = s.span_id AND d.kind = 'declared'
LEFT JOIN recorded_values n
    ON n.trace_id = s.trace_id AND n.span_id = s.span_id AND n.kind = 'entry'
WHERE s.trace_id IN (SELECT unnest($traces)) AND s.run_id IN (SELECT unnest($runs))
ORDER BY s.start_ns, s.span_id
"""
_EXCHANGES = """
SELECT DISTINCT e.* FROM exchanges e SEMI JOIN
    (SELECT trace_id, span_id FROM steps WHERE trace_id IN (SELECT unnest($traces))
     AND run_id IN (SELECT unnest($runs))) USING (trace_id, span_id)
WHERE e.trace_id IN (SELECT unnest($traces))
ORDER BY e.start_ns, e.span_id, e.attempt
"""
_CONTENTS = """
SELECT hash, any_value(text) AS text FROM contents WHERE trace_id IN (SELECT unnest($traces))
GROUP BY hash
"""


def lines(store: Store, run_id: str, *, whole_process: bool = False) -> Iterator[bytes]:
    """The recording of a run, line by line; the first line is made before this returns.

    Args:
        store: Where to read.
        run_id: The run.
        whole_process: With it all other runs that its process worked on.

    Raises:
        NotFound: There is no such run.
    """
    cursor = store.cursor()
    try:
        head, parameters = _head(cursor, run_id, whole_process=whole_process)
    except BaseException:
        cursor.close()
        raise
    return _lines(cursor, head, parameters)


def _head(
    cursor: Any, run_id: str, *, whole_process: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    row = cursor.execute(_HEAD, {"run": run_id}).fetchone()
    if row is None or not row[-1]:
        raise NotFound(
            f"There is no run {run_id[:100]}. Take one from the viewer, or from the view runs."
        )
    trace_id, span_id, name, agent, service, started_ns, lost_reason, _ = row
    of_process = cursor.execute(_OF_PROCESS, {"trace": trace_id, "span": span_id}).fetchall()
    others = sorted({found for (found,) in of_process} - {run_id})
    runs = [run_id, *(others if whole_process else [])]
    traces = [trace_id]
    if len(runs) > 1:
        found = cursor.execute(
            "SELECT DISTINCT trace_id FROM steps WHERE run_id IN (SELECT unnest($runs))",
            {"runs": runs},
        ).fetchall()
        traces = [each for (each,) in found]
    head = {
        "recording": FORMAT,
        "run_id": run_id,
        "name": name,
        "agent_name": agent,
        "service_name": service,
        "start_ns": started_ns,
        "lost_reason": lost_reason,
        "runs": runs,
        "other_runs_of_process": 0 if whole_process else len(others),
    }
    return head, {"traces": traces, "runs": runs}


def _lines(cursor: Any, head: dict[str, Any], parameters: dict[str, Any]) -> Iterator[bytes]:
    try:
        yield orjson.dumps(head) + b"\n"
        for kind, sql in (("step", _STEPS), ("exchange", _EXCHANGES), ("content", _CONTENTS)):
            wanted = parameters if "$runs" in sql else {"traces": parameters["traces"]}
            result = cursor.execute(sql, wanted)
            names = [column[0] for column in result.description]
            while rows := result.fetchmany(CHUNK_ROWS):
                for row in rows:
                    said = {
                        name: value
                        for name, value in zip(names, row, strict=True)
                        if value is not None
                    }
                    yield orjson.dumps({kind: said}) + b"\n"
    finally:
        cursor.close()
