"""Reads two runs out of the store and tells them beside each other. Takes a cursor; says SQL."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from tellwhy_collector.errors import NotFound
from tellwhy_collector.reconstruct.aligning import (
    Choice,
    Pair,
    aligned,
    differences,
    first_change,
)
from tellwhy_collector.reconstruct.canonical import canonical
from tellwhy_collector.reconstruct.settled import Cursor

MAX_TEXT = 4_000
"""Characters of a reason, and of what a tool gave, that are told."""

RUN = (
    "run_id, trace_id, agent_name, name, status, start_ns, duration_ns, models, input, output, steps, "
    "task_text(input) AS task, "
    "model_calls, tool_calls, decisions, errors, input_tokens, output_tokens, cost_usd, cost_source"
)
"""Columns of ``runs`` that are told."""

_JSON = ("input", "output")


class Side(NamedTuple):
    """One of the two runs."""

    run: dict[str, Any]
    decisions: dict[str, dict[str, Any]]
    """decision_id -> what is told of it, in their order."""
    choices: list[Choice]


def compared(cursor: Cursor, before: str, after: str) -> dict[str, Any]:
    """Two runs as the API tells them: both heads, and their decisions in pairs.

    Args:
        cursor: With a transaction open, so that both are of one moment.
        before: Id of the one run.
        after: Id of the other.

    Raises:
        NotFound: There is no such run.
    """
    one, other = side_of(cursor, before), side_of(cursor, after)
    pairs = aligned(one.choices, other.choices)
    return {
        "before": one.run,
        "after": other.run,
        "branch": branch_between(cursor, before, after),
        "first": first_change(pairs),
        "counts": dict(Counter(each.change for each in pairs)),
        "pairs": [_pair(each, one, other) for each in pairs],
    }


def branch_between(cursor: Cursor, before: str, after: str) -> dict[str, Any] | None:
    """How the second run was made out of the first; None when it was not."""
    found = cursor.execute(_BRANCH, [after, before]).fetchone()
    if found is None:
        return None
    from_span_id, edits, live_tools = found
    return {
        "from_span_id": from_span_id,
        "edits": orjson.loads(edits or "{}"),
        "live_tools": orjson.loads(live_tools or "[]"),
    }


def side_of(cursor: Cursor, run_id: str) -> Side:
    """One run as it is compared.

    Raises:
        NotFound: There is none.
    """
    runs = _rows(
        cursor,
        f"SELECT {RUN} FROM runs WHERE run_id = ? ORDER BY start_ns LIMIT 1",  # noqa: S608 - our names
        [run_id],
    )
    if not runs:
        raise NotFound(
            f"There is no run {run_id[:200]!r}. The column run_id of the table runs has the ids."
        )
    run = runs[0]
    for name in _JSON:
        run[name] = _loaded(run[name])
    mine = [run["start_ns"], run["trace_id"], run_id]
    seen = {row[0]: _saw(row) for row in _streamed(cursor.execute(_SEEN, mine * 2))}
    decisions = {row["decision_id"]: row for row in _rows(cursor, _DECISIONS, mine)}
    choices = []
    for row in decisions.values():
        row["arguments"] = _loaded(row["arguments"])
        choices.append(
            Choice(
                decision_id=row["decision_id"],
                agent_name=row["agent_name"],
                action=row["action"],
                chosen=row["chosen"],
                arguments=None if row["arguments"] is None else canonical(row["arguments"]),
                answer_text=row["answer_text"],
                saw=seen.get(row["span_id"], {}),
            )
        )
    return Side(run, decisions, choices)


def _pair(pair: Pair, one: Side, other: Side) -> dict[str, Any]:
    before = one.decisions[pair.before.decision_id] if pair.before else None
    after = other.decisions[pair.after.decision_id] if pair.after else None
    return {
        "change": pair.change,
        "moved": pair.moved,
        "differences": argument_differences(before, after),
        "saw": pair.saw,
        "before": before,
        "after": after,
    }


def argument_differences(
    before: dict[str, Any] | None, after: dict[str, Any] | None
) -> list[dict[str, Any]]:
    """Where the arguments of two choices of one tool differ; of different tools nowhere."""
    if before is None or after is None or before["chosen"] != after["chosen"]:
        return []
    return differences(before["arguments"], after["arguments"])


def _saw(row: Sequence[Any]) -> dict[str, str | None]:
    """Digests of what one model call saw, by part."""
    _, model, system, tools, parameters, messages = row
    if messages is not None:
        said = [_without_ids(orjson.loads(each)) for each in messages]
        messages = hashlib.sha256(orjson.dumps(said)).hexdigest()
    return {
        "model": model,
        "system": system,
        "tools": tools,
        "parameters": parameters,
        "messages": messages,
    }


def _without_ids(message: Any) -> Any:
    """A message without the ids of calls, which are others in every run."""
    if not isinstance(message, dict) or not isinstance(message.get("parts"), list):
        return message
    parts = [
        {name: value for name, value in part.items() if name != "id"}
        if isinstance(part, dict)
        else part
        for part in message["parts"]
    ]
    return message | {"parts": parts}


def _loaded(text: str | None) -> Any:
    return None if text is None else orjson.loads(text)


def _streamed(result: Any) -> Any:
    while rows := result.fetchmany(64):
        yield from rows


def _rows(cursor: Cursor, sql: str, parameters: Sequence[Any]) -> list[dict[str, Any]]:
    result = cursor.execute(sql, list(parameters))
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


_DECISIONS = f"""
    SELECT decision_id, span_id, choice_index, start_ns, agent_name, made_by, model, action, chosen,
        arguments, answer_text, left(stated_reason, {MAX_TEXT}) AS stated_reason, outcome,
        outcome_span_id, left(outcome_result, {MAX_TEXT}) AS outcome_result,
        left(outcome_error, {MAX_TEXT}) AS outcome_error, cost_usd
    FROM decisions WHERE start_ns >= ? AND trace_id = ? AND run_id = ?
    ORDER BY start_ns, span_id, choice_index
"""  # noqa: S608 - a number of ours

_SEEN = """
    SELECT s.span_id, s.request_model, md5(s.system_instructions), md5(s.tools_offered),
        md5(concat_ws(' ', s.request_parameters, s.tool_choice)),
        (json_extract(s.input_messages, '$[*]'))[coalesce(c.kept, 0) + 1:]
    FROM steps s LEFT JOIN (
        SELECT span_id, any_value(kept_messages) AS kept FROM call_contexts
        WHERE start_ns >= ? AND trace_id = ? AND run_id = ? GROUP BY span_id
    ) c ON c.span_id = s.span_id
    WHERE s.start_ns >= ? AND s.trace_id = ? AND s.run_id = ? AND s.kind = 'model_call'
        AND s.duplicate_of IS NULL
"""

_BRANCH = """
    SELECT from_span_id, edits, live_tools FROM branches WHERE run_id = ? AND parent_run_id = ?
    LIMIT 1
"""
