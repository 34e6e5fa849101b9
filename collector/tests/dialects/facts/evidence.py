"""What the bytes of a record hold, read without any dialect: the check on what a capture cannot give.

Every value of a record is laid out as (path, value), JSON text inside it opened, and each fact has
patterns for the paths and values that speak of it. The patterns are wide on purpose: what they find
and no step says is either missed or has to be explained by hand, and what a step says they must see.
"""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Any

from tellwhy_collector.records import LogRecord, Record, Span

IN = (
    r"(^|[./_])(input|inputs|prompt|request|history)([./]|$)|input_messages|all_messages"
    r"|request_data|LLMChatStartEvent|gen_ai\.(user|system|tool)\.message|new_context"
)
"""Paths on the way in: an earlier answer that is repeated there was not given by this record."""
OUT = r"(output|completion|response|choice|generation|answer|all_messages)"
"""Paths on the way out."""
LIMITS = r"rate_?limit|retry_after|budget|max_|maxRetries|limit|threshold|schema|definition"
"""Paths of settings that only sound like a fact."""
ANY = r"\S"
WORD = r"[a-z]"
NUMBER = r"^\d+(\.\d+)?([eE]-?\d+)?$"

SIGNS: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "tools offered": (
        r"^$",
        (
            (r"tools?[._]definitions?|(^|[./_])tools([./]\d|$)|tool_schema|functions\.\d", ANY),
            (r"offered|toolDefinitions|function_tools|functionDeclarations", ANY),
        ),
    ),
    "chosen": (
        IN
        + r"|agent_name|class_name|tool_choice|usage|tokens|response[._](id|model|time|status)|expected",
        (
            (OUT + r".*(tool_calls?|tool_use|function|content|text|name|part|type)", ANY),
            (r"finish_?reason|stop_?reason|chosen|ai\.response", ANY),
            (r"(^|[._])response$", WORD),
        ),
    ),
    "arguments": (
        LIMITS + r"|length|size",
        (
            (r"argument|(^|[./])args([./]|$)|tool_(input|param|kwargs|args)|full_command", ANY),
            (r"tool:.*(input|param)|content/\d+/input|parts/\d+/\w*input|kwargs", ANY),
        ),
    ),
    "call id": (
        r"^$",
        (
            (r"", r"^(toolu_|call_|fc_|ctc_)"),
            (r"(tool|function)[._]?(call|use)?[._]?id$|call[._]?id$", ANY),
        ),
    ),
    "result": (
        r"max_|schema|definition|size|length|success|duration|output_type|tokens",
        (
            (r"tool.*(result|output|response|return)", ANY),
            (r"[./_]type$", r"^(tool_result|tool_call_response|function_call_output)$"),
            (r"role$", r"^tool$"),
            (r"^name$|event\.name$", r"^gen_ai\.tool\.message$"),
            (r"tool:.*(output|return)|step\.output", ANY),
        ),
    ),
    "reasoning": (
        IN
        + r"|token|effort|budget|signature|encrypted|config|schema|definition|settings|parameters|thinking\.type|summary$",
        (
            (r"(type|role)$", r"^(thinking|reasoning|thought)$"),
            (r"thinking|reasoning|thought", r"^(?!<REDACTED>).*[a-z]{3}.*\s|^(?!<)\w{3,}$|^True$"),
        ),
    ),
    "tokens": (
        LIMITS + r"|cache|reason|details/\w*(read|writ|creat)|ttft|per_|cost|aggregated",
        ((r"token|usage", r"^[1-9]\d*$"),),
    ),
    "cache": (LIMITS + r"|control|cost|ephemeral|aggregated", ((r"cache", NUMBER),)),
    "cost": (LIMITS, ((r"cost", NUMBER),)),
    "model": (
        r"provider|class",
        ((r"(^|[./_])model(_name|\.name|\.id|_id|Id)?$|model_name", r"^[\w.:/@\[\]-]+$"),),
    ),
    "finish": (
        IN + r"|stop_sequence",
        ((r"finish_?reason|finishReason|stop_?reason|done_reason|response.status$", WORD),),
    ),
    "error": (
        r"^$",
        (
            (r"^status\.code$", ANY),
            (
                r"exception\.(type|message)$|(^|[._/])error([._]|$)|is_error",
                r"^(?!False$).*[a-zA-Z]",
            ),
            (r"success$", r"^(?i:false)$"),
        ),
    ),
    "attempts": (LIMITS + r"|attempt_id", ((r"attempt|retr(y|ies)|resend", r"^\d+$"),)),
    "approval": (
        r"description|human_input|approval_policy|sandbox|approvalMode|decision[._](offered|chosen|name|model|reason|made|forced)",
        (
            (r"approv|permission|decision|interrupt|consent|blocked_on_user|human", WORD),
            (r"", r"Interrupt|ApprovalRequired|WaitingForEvent|[Pp]ermission denied"),
            (r"^name$", r"(?i)approv|HandleSignal|blocked_on_user"),
        ),
    ),
}
"""Of each fact, in the order of the page's columns: paths that never count, and pairs of patterns."""

FACTS = tuple(SIGNS)


@lru_cache(maxsize=100_000)
def _facts_of(path: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """The facts that *path* may speak of, each with the pattern for its value."""
    return tuple(
        (fact, re.compile(what, re.DOTALL))
        for fact, (never, pairs) in SIGNS.items()
        if not re.search(never, path, re.IGNORECASE)
        for where, what in pairs
        if re.search(where, path, re.IGNORECASE)
    )


def found_in(record: Record) -> dict[str, str]:
    """The facts that *record* seems to hold, each with the first path that speaks of it."""
    found: dict[str, str] = {}
    leaves = list(laid_out(record))
    tool = any(
        (path == "name" and "tool" in value.lower())
        or (path.endswith("span.kind") and value.strip('"').lower() == "tool")
        or value == "execute_tool"
        or path in ("tool.name", "gen_ai.tool.name")
        for path, value in leaves
    )
    for path, value in leaves:
        if value in ("", "None", "null", "[]", "{}"):
            continue
        for fact, what in _facts_of(f"tool:{path}" if tool and path != "status.code" else path):
            if fact not in found and what.search(value):
                found[fact] = path
    return found


def laid_out(record: Record) -> Iterator[tuple[str, str]]:
    """Every leaf of what the sender said in *record*, as (path, text)."""
    if isinstance(record, Span):
        if record.status_code == 2:
            yield "status.code", "2"
        yield "name", record.name
        for event in record.events:
            yield from _leaves(f"event.{event['name']}", event["attributes"])
    elif isinstance(record, LogRecord):
        yield from _leaves("body", record.body)
        yield "name", str(record.event_name or "")
    for name, value in record.attributes.items():
        yield from _leaves(name, value)


def _leaves(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str) and value[:1] in ("[", "{", '"'):
        with suppress(ValueError):
            value = json.loads(value)
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(f"{path}/{key}", item)
    elif isinstance(value, (list, tuple)):
        for at, item in enumerate(value):
            yield from _leaves(f"{path}/{at}", item)
    else:
        yield path, "" if value is None else str(value)
