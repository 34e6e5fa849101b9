"""The items of a request that can be left out one by one, so that what remains is still valid. Pure.

Nothing that a provider pairs is taken away: a tool's result keeps its call and says that it was left
out, a message keeps its place, thinking and its signature are never touched. Instructions and
descriptions of tools are cut out.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

Kind = Literal["instructions", "tool", "user", "assistant", "result"]
"""Part of the instructions, description of a tool, message of a user, text of the model, tool result."""

KINDS: tuple[Kind, ...] = ("instructions", "tool", "user", "assistant", "result")

NEUTRAL = "(left out)"
"""What stands where something must stand."""

MOST_SECTIONS = 12
"""Instructions are taken apart into at most so many parts."""

_HEADING = re.compile(r"^(?:#{1,6} |<[a-zA-Z][\w-]*>\s*$)", re.MULTILINE)
_BLANK = re.compile(r"\n[ \t]*\n+")

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a model was asked with."""

    kind: Kind
    label: str
    """What it is called in a report."""
    path: Path
    """Where it stands in the request."""
    span: tuple[int, int] | None = None
    """Characters of the text there; None: all of it."""
    drops: bool = False
    """Whether nothing needs to stand there afterwards."""
    with_it: tuple[Path, ...] = ()
    """What goes with it, such as the mark that a tool failed."""

    @property
    def where(self) -> str:
        """Its place as text, such as ``$.messages[2].content[0:120]``."""
        text = "$" + "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in self.path)
        return text if self.span is None else f"{text}[{self.span[0]}:{self.span[1]}]"


def without(body: dict[str, Any], items: Iterable[Item], said: str = "") -> dict[str, Any]:
    """A copy of *body* with *items* left out, or with *said* in the place of each.

    Args:
        body: A request.
        items: Of this request.
        said: What stands there instead.
    """
    made = copy.deepcopy(body)
    dropped: list[Path] = []
    cuts: dict[Path, list[tuple[int, int]]] = {}
    drops: dict[Path, bool] = {}
    for item in items:
        drops[item.path] = item.drops
        dropped += item.with_it
        text = _at(made, item.path)
        whole = (0, len(text) if isinstance(text, str) else 0)
        cuts.setdefault(item.path, []).append(item.span or whole)
    for path, spans in cuts.items():
        text = _at(made, path)
        left = _cut(text, spans, said) if isinstance(text, str) else said
        if left.strip():
            _put(made, path, left)
        elif drops[path]:
            dropped.append(path)
        else:
            _put(made, path, NEUTRAL)
    # From behind, so that places in lists stay what they are.
    for path in sorted(dropped, key=_order, reverse=True):
        holder = _at(made, path[:-1])
        if isinstance(holder, dict):
            holder.pop(path[-1], None)
        else:
            del holder[path[-1]]
    return made


def sections(text: str) -> list[tuple[int, int]]:
    """Where parts of a longer text stand: by headings and tags, else by paragraphs.

    Returns:
        Characters from and to, that cover the text; one part when it has no such marks.
    """
    starts = [found.start() for found in _HEADING.finditer(text)]
    if len(starts) < 2:
        starts = [found.end() for found in _BLANK.finditer(text)]
    edges = sorted({0, *starts, len(text)})
    parts = [(a, b) for a, b in pairwise(edges) if text[a:b].strip()]
    while len(parts) > MOST_SECTIONS:
        at = min(range(len(parts) - 1), key=lambda n: parts[n + 1][1] - parts[n][0])
        parts[at : at + 2] = [(parts[at][0], parts[at + 1][1])]
    return parts or [(0, len(text))]


def instructions(text: Any, path: Path, *, drops: bool, name: str) -> Iterator[Item]:
    """Items of instructions that stand as text at *path*."""
    if not isinstance(text, str) or not text.strip():
        return
    parts = sections(text)
    for number, (begin, end) in enumerate(parts, 1):
        label = name if len(parts) == 1 else f"{name}, part {number}"
        span = None if len(parts) == 1 else (begin, end)
        yield Item("instructions", f"{label} {_glance(text[begin:end])}", path, span, drops)


def message(kind: Kind, text: Any, path: Path, label: str) -> Iterator[Item]:
    """The item of a message whose text stands at *path*; none when it is empty."""
    if isinstance(text, str) and text.strip() and text != NEUTRAL:
        yield Item(kind, f"{label} {_glance(text)}", path)


def descriptions(tools: Sequence[Any], path: Path, inside: Path = ()) -> Iterator[Item]:
    """Items of the descriptions of tools.

    Args:
        tools: As they stand at *path*.
        path: Where.
        inside: Where a tool has its name and description.
    """
    for at, tool in enumerate(tools):
        holder = _find(tool, inside)
        if isinstance(holder, dict) and isinstance(holder.get("description"), str):
            name = str(holder.get("name", at))
            place = (*path, at, *inside, "description")
            yield Item("tool", f"description of the tool {name}", place, drops=True)


def blobs(value: Any, path: Path = ()) -> Iterator[str]:
    """Where a recording kept the hash of bytes and not the bytes."""
    if isinstance(value, dict):
        if value.get("type") == "blob" and "sha256" in value and "bytes" in value:
            yield Item("user", "", path).where
            return
        for name, inner in value.items():
            yield from blobs(inner, (*path, name))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from blobs(inner, (*path, at))


def _glance(text: str) -> str:
    words = " ".join(text.split())
    return f"“{words[:50]}…”" if len(words) > 50 else f"“{words}”"


def _cut(text: str, spans: Sequence[tuple[int, int]], said: str) -> str:
    made, at = "", 0
    for begin, end in sorted(spans):
        made += text[at:begin] + said
        at = end
    return made + text[at:]


def _at(value: Any, path: Path) -> Any:
    for part in path:
        value = value[part]
    return value


def _find(value: Any, path: Path) -> Any:
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _put(value: Any, path: Path, text: str) -> None:
    _at(value, path[:-1])[path[-1]] = text


def _order(path: Path) -> tuple[tuple[int, str], ...]:
    return tuple((part, "") if isinstance(part, int) else (-1, part) for part in path)
