"""Recorded decisions with a cause that was put there, and the rule of the model that follows it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from histories import chat, claude, history

from tellwhy.testing import Call
from tellwhy_collector.prove import anthropic_messages, openai_chat
from tellwhy_collector.prove.items import KINDS, Item
from tellwhy_collector.prove.recorded import Recorded

Sort = Literal["single", "joint", "redundant_same_kind", "redundant_across_kinds", "control"]

SIGNS = {
    "instructions": "Cases of the class {n} are settled at once.",
    "tool": "Meant for cases of the class {n}.",
    "user": "By the way, the letter says class {n}.",
    "assistant": "So this is class {n}.",
    "result": "Class {n} was noted by the branch.",
}
WIRES = {
    "anthropic": (anthropic_messages.WIRE, claude),
    "openai": (openai_chat.WIRE, chat),
}


@dataclass(frozen=True, slots=True)
class Planted:
    """A decision, and the truth about it."""

    sort: Sort
    recorded: Recorded
    items: list[Item]
    truth: frozenset[str]
    """Where the items stand that the choice depends on."""
    rule: Callable[[Any], Call]


def planted(sort: Sort, wire: str, seed: int) -> Planted:
    """The decision number *seed* of a sort.

    Args:
        sort: ``single``: one item; ``joint``: two that are both needed; ``redundant``: two of which
            either is enough; ``control``: the choice depends on nothing.
        wire: ``anthropic`` or ``openai``.
        seed: Of all that is drawn.
    """
    chance = random.Random(f"{sort}:{wire}:{seed}")
    told = history(chance)
    signs = []
    for holder, key in _places(told, sort, chance):
        kind = next(k for k in KINDS if any(h is holder and q == key for h, q in told.places(k)))
        signs.append(SIGNS[kind].format(n=f"{chance.choice('KLMP')}-{chance.randint(100, 999)}"))
        holder[key] += f" {signs[-1]}"
    target = chance.choice([name for name in told.tools if name != "escalate"])
    form, build = WIRES[wire]
    body = build(told)
    items = form.items(body)
    truth = frozenset(
        item.where for item in items if any(sign in _text(body, item) for sign in signs)
    )
    if len(truth) != len(signs):
        raise ValueError(f"{len(signs)} signs were planted in {len(truth)} items.")
    recorded = _recorded(f"{sort}-{wire}-{seed}", form, body, target)
    return Planted(sort, recorded, items, truth, _rule(signs, target, sort.startswith("redundant")))


def _places(told: Any, sort: Sort, chance: random.Random) -> list[tuple[Any, Any]]:
    by_kind = {kind: told.places(kind) for kind in KINDS}
    if sort == "control":
        return []
    if sort == "single":
        return [chance.choice(by_kind[chance.choice(KINDS)])]
    if sort == "redundant_same_kind":
        kind = chance.choice([kind for kind, places in by_kind.items() if len(places) > 1])
        return chance.sample(by_kind[kind], 2)
    return [chance.choice(by_kind[kind]) for kind in chance.sample(KINDS, 2)]


def _rule(signs: list[str], target: str, either: bool) -> Callable[[Any], Call]:
    def rule(context: Any) -> Call:
        seen = [context.says(sign) for sign in signs]
        holds = any(seen) if either else all(seen)
        return Call(target if holds else "escalate", {"id": "1"})

    return rule


def _text(body: dict[str, Any], item: Item) -> str:
    found: Any = body
    for part in item.path:
        found = found[part]
    return found if item.span is None else found[slice(*item.span)]


def _recorded(name: str, form: Any, body: dict[str, Any], target: str) -> Recorded:
    return Recorded(
        run_id=name,
        number=1,
        decision_id=name,
        trace_id="0" * 31 + "1",
        span_id="0" * 15 + "1",
        start_ns=0,
        action="tool_call",
        chosen=target,
        arguments={"id": "1"},
        model=body["model"],
        provider=None,
        host=None,
        wire=form,
        path=form.path,
        headers={},
        body=body,
        input_tokens=None,
        output_tokens=None,
    )
