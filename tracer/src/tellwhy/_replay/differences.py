"""What is different between two JSON values, told by path, as short as it can be said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Any

MAX_TEXT = 160
"""Characters of a value that are shown."""

AROUND = 40
"""Characters shown before the place where two texts part."""


def differences(before: Any, now: Any, path: str = "$") -> Iterator[str]:
    """Each difference in a line: path, what it was, what it is."""
    if before == now and type(before) is type(now):
        return
    if isinstance(before, dict) and isinstance(now, dict):
        for name in [*before, *(name for name in now if name not in before)]:
            at = f"{path}.{name}"
            if name not in now:
                yield f"{at} is gone; it was {_shown(before[name])}"
            elif name not in before:
                yield f"{at} is new: {_shown(now[name])}"
            else:
                yield from differences(before[name], now[name], at)
        return
    if isinstance(before, list) and isinstance(now, list):
        yield from _in_lists(before, now, path)
        return
    if isinstance(before, str) and isinstance(now, str):
        yield from _in_texts(before, now, path)
        return
    yield f"{path} was {_shown(before)} and is {_shown(now)}"


def _in_lists(before: list[Any], now: list[Any], path: str) -> Iterator[str]:
    old, new = [_key(each) for each in before], [_key(each) for each in now]
    if sorted(old) == sorted(new):
        moved = next(
            at for at, (one, other) in enumerate(zip(old, new, strict=True)) if one != other
        )
        yield f"{path} has the same {len(old)} entries in another order, from [{moved}] on"
        return
    for how, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if how == "equal":
            continue
        together = min(j - i, m - k)
        for step in range(together):
            yield from differences(before[i + step], now[k + step], f"{path}[{k + step}]")
        for at in range(i + together, j):
            yield f"{path}[{at}] is gone; it was {_shown(before[at])}"
        for at in range(k + together, m):
            yield f"{path}[{at}] is new: {_shown(now[at])}"


def _in_texts(before: str, now: str, path: str) -> Iterator[str]:
    inside = _json(before), _json(now)
    if inside[0] is not None and inside[1] is not None:
        yield from differences(inside[0], inside[1], f"{path} (JSON)")
        return
    at = next(
        (at for at, (one, other) in enumerate(zip(before, now, strict=False)) if one != other),
        min(len(before), len(now)),
    )
    begin = max(0, at - AROUND)
    where = f" at character {at}" if len(before) > MAX_TEXT or len(now) > MAX_TEXT else ""
    yield f"{path} was {_part(before, begin)} and is {_part(now, begin)}{where}"


def _part(text: str, begin: int) -> str:
    if len(text) <= MAX_TEXT:
        return json.dumps(text, ensure_ascii=False)
    part = text[begin : begin + MAX_TEXT]
    front, back = "…" if begin else "", "…" if begin + MAX_TEXT < len(text) else ""
    return f"{front}{json.dumps(part, ensure_ascii=False)}{back}"


def _json(text: str) -> Any:
    if text[:1] not in {"{", "["}:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return None


def _key(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(", ", ": "))
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}… [{len(text) - MAX_TEXT:,} more]"
