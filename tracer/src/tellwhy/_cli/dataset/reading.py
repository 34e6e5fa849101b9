"""Examples out of a collector: what a model was given, what it chose, and what came of it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from tellwhy._cli import asking
from tellwhy._cli.asking import Asking

FORMAT = 1
"""Number of the form of the lines; a reader refuses one that it does not know."""

CALLS_AT_ONCE = 50
"""Requests are long: so many come in one answer of the collector."""

Example = dict[str, Any]
"""One line; `docs/reference/dataset.md` says what each key holds."""

JSON = (
    "system",
    "messages",
    "tools",
    "tool_choice",
    "parameters",
    "output_messages",
    "chosen",
)
"""Keys whose columns are JSON text."""


def examples(asker: Asking, calls: Sequence[tuple[str, str]]) -> Iterator[Example]:
    """One example for each model call, run by run.

    Args:
        asker: The collector.
        calls: Run and step of each.

    Raises:
        Silent: The collector does not answer.
    """
    for run_id, of_run in groupby(sorted(calls), key=lambda each: each[0]):
        run = _run(asker, run_id)
        span_ids = [span_id for _, span_id in of_run]
        decisions = _by(asking.records(asker, _DECISIONS, [run_id]), "span_id")
        verdicts = asking.records(asker, _VERDICTS, [run_id])
        found: list[Example] = []
        for at in range(0, len(span_ids), CALLS_AT_ONCE):
            part = span_ids[at : at + CALLS_AT_ONCE]
            marks = ", ".join("?" * len(part))
            rows = asking.records(asker, _STEPS.format(marks=marks), [run_id, *part])
            found += [_example(row, run, decisions, verdicts) for row in rows]
        yield from sorted(found, key=lambda each: (each["start_time"], each["span_id"]))


def _example(
    row: dict[str, Any],
    run: dict[str, Any],
    decisions: dict[str, list[dict[str, Any]]],
    verdicts: list[dict[str, Any]],
) -> Example:
    made = decisions.get(row["span_id"], [])
    mine = {each["decision_id"] for each in made}
    for each in made:
        each["arguments"] = _loaded(each["arguments"])
        each["outcome_result"] = _loaded(each["outcome_result"])
    return {
        "dataset": FORMAT,
        **{name: _loaded(value) if name in JSON else value for name, value in row.items()},
        "decisions": [
            {name: value for name, value in each.items() if name != "span_id"} for each in made
        ],
        "run": run,
        "verdicts": [
            each for each in verdicts if each["decision_id"] is None or each["decision_id"] in mine
        ],
    }


def _run(asker: Asking, run_id: str) -> dict[str, Any]:
    found = asking.records(asker, _RUN, [run_id])
    run = found[0] if found else {}
    return {name: _loaded(value) if name == "output" else value for name, value in run.items()}


def _by(rows: list[dict[str, Any]], name: str) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        found[row[name]].append(row)
    return found


def _loaded(value: Any) -> Any:
    """JSON text as what it holds; text that is none stays text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


_STEPS = """
    SELECT run_id, trace_id, span_id, start_time, service_name, agent_name, provider,
        request_model AS model, response_model, system_instructions AS system,
        input_messages AS messages, tools_offered AS tools, tool_choice,
        request_parameters AS parameters, output_messages, chosen, stated_reason, finish_reason,
        input_tokens, output_tokens, cost_usd
    FROM model_calls WHERE run_id = ? AND span_id IN ({marks})
"""

_DECISIONS = """
    SELECT decision_id, span_id, action, chosen, arguments, answer_text, outcome, outcome_span_id,
        outcome_result, outcome_error, approval_decision, approver_kind
    FROM decisions WHERE run_id = ? ORDER BY start_ns, span_id, choice_index
"""

_VERDICTS = """
    SELECT verdict_id, verdict, decision_id, reviewer, note, labels FROM latest_verdicts
    WHERE run_id = ? ORDER BY decision_id, reviewer
"""

_RUN = "SELECT status, error_type, output, agent_version FROM runs WHERE run_id = ? LIMIT 1"
