"""What a model chose in one answer, and how another answer's choice differs. Pure.

The collector compares decisions of whole runs in the same words (`GET /api/compare`); a contract
test holds the two together.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal

from tellwhy._canonical import canonical
from tellwhy._clients import decision
from tellwhy._clients.messages import Answer

Change = Literal["same", "answer_text", "arguments", "chosen", "action"]
"""The weightiest thing that differs."""

ORDER: tuple[Change, ...] = ("same", "answer_text", "arguments", "chosen", "action")
"""From the lightest on."""

FLIPS = frozenset({"arguments", "chosen", "action"})
"""Changes after which something else is done; an answer in other words is none."""

WORDS: dict[str, str] = {
    "same": "the same",
    "answer_text": "other words",
    "arguments": "other arguments",
    "chosen": "another tool",
    "action": "another kind of answer",
}
"""Change -> what to call it."""

Action = dict[str, Any]


def actions_of(answer: Answer) -> list[Action]:
    """What was chosen, as ``steps.chosen`` has it: ``action``, ``name``, ``arguments``, ``text``."""
    found: list[Action] = []
    calls = iter(answer.calls)
    for each in decision.actions(answer, complete=answer.error is None):
        action = {"action": each["action"]}
        if "name" in each:
            call = next(calls)
            action["name"] = each["name"]
            if not call.on_server:
                action["arguments"] = call.arguments
        elif text := _text(answer):
            action["text"] = text
        found.append(action)
    return found


def change_of(before: Sequence[Action], after: Sequence[Action]) -> Change:
    """How the second choice differs from the first; parallel calls may stand in any order."""
    old, new = list(map(_key, before)), list(map(_key, after))
    rest = [each for each in old if each not in new]
    more = [each for each in new if each not in old]
    if not rest and not more and len(old) == len(new):
        return "same"
    found: Change = "chosen" if len(old) != len(new) else "same"
    for one, other in zip(rest, more, strict=False):
        change = _change(one, other)
        found = max(found, change, key=ORDER.index)
    return found


def said(chosen: Sequence[Action]) -> str:
    """A choice in a line."""
    return " and ".join(map(_in_words, chosen)) or "nothing"


def _in_words(action: Action) -> str:
    if "name" not in action:
        text = action.get("text")
        return f"{action['action']}: {json.dumps(text, ensure_ascii=False)}" if text else str(
            action["action"]
        )  # fmt: skip
    return f"{action['name']}({canonical(_loaded(action.get('arguments')))})"


def _key(action: Action) -> tuple[str, str, str, str]:
    arguments = action.get("arguments")
    return (
        str(action.get("action")),
        str(action.get("name") or ""),
        "" if arguments is None else canonical(_loaded(arguments)),
        str(action.get("text") or ""),
    )


def _change(one: tuple[str, ...], other: tuple[str, ...]) -> Change:
    changes: tuple[Change, ...] = ("action", "chosen", "arguments", "answer_text")
    for at, change in enumerate(changes):
        if one[at] != other[at]:
            return change
    return "same"


def _loaded(arguments: Any) -> Any:
    """Arguments as JSON; some wire formats hold them as text."""
    if not isinstance(arguments, str):
        return arguments
    try:
        return json.loads(arguments)
    except ValueError:
        return arguments


def _text(answer: Answer) -> str:
    parts = [part for message in answer.messages for part in message.get("parts", ())]
    texts = [part.get("content") for part in parts if part.get("type") == "text"]
    return "\n\n".join(text for text in texts if isinstance(text, str) and text)
