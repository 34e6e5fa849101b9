"""What the model says next: the step of a script, or a default that uses the offered tools."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tellwhy._model_server.context import Context

MARK = "<<script:"
"""Opens a script in any user or system text; the JSON list behind it may be followed by ``>>``."""

EXAMPLES: dict[str, Any] = {
    "city": "Paris",
    "location": "Paris",
    "query": "eiffel tower",
    "expression": "6*7",
    "a": 6,
    "b": 7,
    "path": "notes/x.txt",
    "command": "echo hi",
    "unit": "c",
    "text": "hello",
    "name": "Ada",
    "order_id": "A-17",
    "amount": 42,
}
"""Argument name -> a value that reads well, for conversations without a script."""

Event = tuple[str | None, Any]
"""One server-sent event: its name, if it has one, and its data."""

Step = dict[str, Any]
"""What is answered, as a script has it: ``text``, ``tools``, ``think`` and the other keys."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of the conversation, seen the same way for every wire format."""

    role: str
    text: str
    calls: int
    """Tool calls in it."""
    results: int
    """Tool results in it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What one request gets: the answer as JSON, and the same answer as events."""

    step: Step
    body: dict[str, Any]
    events: Iterator[Event]


@dataclass(slots=True)
class Memory:
    """What the server keeps between requests: attempts, and conversations held for the client."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    attempts: dict[str, int] = field(default_factory=dict)
    """Hash of a request -> how often it was seen."""
    responses: dict[str, list[Any]] = field(default_factory=dict)
    """OpenAI response id -> the items of the conversation up to it."""
    threads: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Anthropic message id -> the request that a later turn of the thread continues."""
    answered: dict[str, int] = field(default_factory=dict)
    """Hash of a request -> how often a rule has answered it."""
    choose: Callable[[Context, str, int], Step] | None = None
    """Says what is answered to a request, its hash, and how often it came; None: scripts do."""

    def attempt(self, key: str) -> int:
        """How often this request was seen before; counts this time."""
        with self.lock:
            seen = self.attempts.get(key, 0)
            self.attempts[key] = seen + 1
            return seen

    def chosen(self, context: Context, key: str) -> Step | None:
        """What a rule answers to the request with that hash; None without a rule."""
        if self.choose is None:
            return None
        with self.lock:
            times = self.answered.get(key, 0)
            self.answered[key] = times + 1
        return self.choose(context, key, times)


def digest(value: Any, length: int = 16) -> str:
    """A short stable hash of a JSON-like value."""
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def token_count(text: str) -> int:
    """A plausible number of tokens: one for four characters, never zero."""
    return max(1, len(text) // 4)


def words(text: str) -> list[str]:
    """The text in pieces of one word with its space, as a stream delivers it."""
    return re.findall(r"\s*\S+\s*", text) or ([text] if text else [])


def pieces(text: str, size: int = 9) -> list[str]:
    """The text in pieces of ``size`` characters, as tool arguments are delivered."""
    return [text[at : at + size] for at in range(0, len(text), size)]


def texts(content: Any) -> str:
    """All text inside a content value: a string, a list of blocks, or blocks in blocks."""
    if content is None:
        return ""
    if isinstance(content, list):
        return "\n".join(texts(part) for part in content)
    if isinstance(content, dict):
        keys = [key for key in ("text", "content", "output", "input_text") if key in content]
        return "\n".join(texts(content[key]) for key in keys)
    return str(content)


def find_script(text: str) -> list[Step] | None:
    """The last well-formed script in the text; one inside another is for a sub-agent."""
    found: list[Step] | None = None
    at = 0
    while (at := text.find(MARK, at)) >= 0:
        at += len(MARK)
        rest = text[at:]
        # A sub-agent's task often arrives as JSON inside JSON: its quotes are escaped once more.
        for candidate in (rest, rest.replace('\\"', '"')):
            try:
                steps, length = json.JSONDecoder().raw_decode(candidate)
            except ValueError:
                continue
            if isinstance(steps, list) and steps:
                found = steps
            at += length if candidate == rest else 0
            break
    return found


def next_step(turns: list[Turn], tools: dict[str, Any]) -> Step:
    """The step to serve: from the newest script in the conversation, else the default.

    Args:
        turns: the conversation, oldest first.
        tools: offered tool name -> JSON schema of its arguments.
    """
    script: list[Step] | None = None
    written_at = -1
    for at, turn in enumerate(turns):
        may_hold = turn.role in {"user", "system", "developer"} and not turn.results
        if may_hold and MARK in turn.text and (found := find_script(turn.text)) is not None:
            script, written_at = found, at
    if script is None:
        return _default_step(turns, tools)
    done = sum(1 for turn in turns[written_at + 1 :] if turn.role == "assistant" and turn.calls)
    step = dict(script[min(done, len(script) - 1)])
    wanted = step.get("tools", [])
    step["tools"] = [call for call in wanted if call[0] in tools or step.get("unoffered")]
    if wanted and not step["tools"]:
        # A step for another agent (or a compaction call without tools): answer, do not act.
        step = {"text": step.get("text", "ok"), "tools": []}
    return step


def _default_step(turns: list[Turn], tools: dict[str, Any]) -> Step:
    asked_at = max(
        [at for at, turn in enumerate(turns) if turn.role == "user" and not turn.results] or [0]
    )
    called = any(turn.calls for turn in turns[asked_at:] if turn.role == "assistant")
    # Many tools mean a coding agent: calling its first tool unasked can go on for ever.
    if tools and len(tools) <= 6 and not called:
        name = next(iter(tools))
        return {
            "think": f"The user needs data I do not have; {name} provides it.",
            "text": "Let me check.",
            "tools": [[name, example(tools[name])]],
        }
    results = [turn.text for turn in turns if turn.results]
    said = results[-1].strip()[:200] if results else "hello from the scripted model"
    think = "I have the tool result, so I can answer." if results else "No tool needed."
    return {"think": think, "text": f"Final answer: {said}", "tools": []}


def example(schema: Any, name: str = "", root: Any = None) -> Any:
    """A value that fits a JSON schema: its constant, first choice, default, or a plausible one."""
    schema = schema or {}
    root = root or schema
    if "$ref" in schema:
        schema = root.get("$defs", {}).get(schema["$ref"].rsplit("/", 1)[-1], {})
    for key in ("anyOf", "oneOf", "allOf"):
        if schema.get(key):
            return example(schema[key][0], name, root)
    for value in (schema.get("const"), (schema.get("enum") or [None])[0], schema.get("default")):
        if value is not None:
            return value
    return _example_of_type(schema, name, root)


def _example_of_type(schema: dict[str, Any], name: str, root: Any) -> Any:
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    known = EXAMPLES.get(name)
    if kind == "object" or "properties" in schema:
        properties = schema.get("properties", {})
        required = schema.get("required", list(properties))
        return {key: example(properties[key], key, root) for key in properties if key in required}
    if kind == "array":
        return [example(schema.get("items") or {"type": "string"}, name, root)]
    if kind in {"integer", "number"}:
        number = known if isinstance(known, int) else 7
        return number if kind == "integer" else float(number)
    if kind == "boolean":
        return True
    return str(known if known is not None else name or "value")
