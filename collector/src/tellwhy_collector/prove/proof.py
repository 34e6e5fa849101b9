"""One test of one decision from beginning to end, and its rows as the collector stores them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tellwhy_collector.prove.budget import Budget, price_version
from tellwhy_collector.prove.drawing import Drawer, Row, same_choice
from tellwhy_collector.prove.intervals import always_valid
from tellwhy_collector.prove.items import Item
from tellwhy_collector.prove.provider import Provider
from tellwhy_collector.prove.recorded import Recorded
from tellwhy_collector.prove.sampling import Count, holm
from tellwhy_collector.prove.search import ERROR_RATE, Arm, Found, Search
from tellwhy_collector.prove.tree import CONTROL

METHOD = (
    "Asked again as recorded and with items left out: kinds first, then halves of those that matter. "
    "Anytime-valid e-values for two samples (Turner, Ly and Grünwald 2024), Holm over all sets that might "
    f"have been called a cause, {ERROR_RATE:.0%} in all; 95 % intervals that hold whenever drawing stops "
    "(Turner and Grünwald 2023)."
)


SAMPLES, PARALLEL = 32, 4
"""Draws of one arm at most, and calls at the same time, unless somebody says otherwise."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How a test is to be."""

    samples: int = SAMPLES
    """Most draws of one arm."""
    parallel: int = PARALLEL
    """Calls at the same time."""
    same_arguments: bool = False
    """Whether arguments have to be equal too."""
    said: str = ""
    """What stands in the place of what is left out; empty: nothing does."""


Store = Callable[[dict[str, Any]], object]
"""Stores a body of ``POST /api/causes``."""


def prove(
    recorded: Recorded,
    items: Sequence[Item],
    provider: Provider,
    budget: Budget,
    wish: Wish,
    *,
    cached: Sequence[Row],
    store: Store,
) -> dict[str, Any]:
    """Ask until it is clear; what was found is stored before this returns.

    Args:
        recorded: The decision.
        items: What may be left out.
        provider: Who is asked.
        budget: Caps.
        wish: How.
        cached: Calls of earlier tests of this decision, the oldest first.
        store: Stores rows; gets those of calls while they are made.

    Returns:
        ``proof`` and ``causes``: rows as the tables of these names have them.
    """
    names = {"run_id": recorded.run_id, "span_id": recorded.span_id}
    names["proof_id"] = secrets.token_hex(8)
    same, means = same_choice(recorded, with_arguments=wish.same_arguments)
    drawer = Drawer(
        recorded, items, provider, budget, same=same, said=wish.said, parallel=wish.parallel
    )
    drawer.remember(cached)
    drawer.keep = lambda rows: store(names | {"calls": rows})
    try:
        found = Search([item.kind for item in items], drawer, samples=wish.samples).run()
    finally:
        drawer.close()
    change = "replaced" if wish.said else "left out"
    rows = [
        {"decision_id": recorded.decision_id, "place": place, "change": change, **row}
        for place, row in enumerate(_causes(items, found))
    ]
    cost = budget.spent_usd if budget.worst_usd is not None else None
    proof = {
        "decision_id": recorded.decision_id,
        "model": recorded.model,
        "asked_at": provider.host,
        "wire": recorded.wire.name,
        "same_means": means,
        "method": METHOD,
        **_result(found, drawer),
        "items": len(items),
        "redactions": recorded.redactions,
        "cost_usd": cost,
        "price_version": price_version(cost),
    }
    store(names | {"proof": proof, "causes": rows})
    return {**names, "proof": proof, "causes": rows}


def _result(found: Found, drawer: Drawer) -> Row:
    """How it ended, and what it took."""
    tally, reason = drawer.tally, drawer.tally.reason
    known = [*found.arms.values(), *([found.smallest] if found.smallest else [])]
    result = "nothing"
    if any(arm.verdict == "cause" for arm in known):
        result = "causes"
    elif found.ended:
        result = "stopped"
    elif found.unsteady:
        result = "unsteady"
    refused = drawer.refusals.get(CONTROL)
    if refused is not None:
        result, reason = "stopped", f"the provider refuses the recorded request: {refused}"
    return {
        "result": result,
        "reason": reason,
        "control_same": found.control.same,
        "control_n": found.control.n,
        "hypotheses": found.hypotheses,
        "calls": tally.calls,
        "cached_calls": tally.cached,
        "input_tokens": tally.input_tokens,
        "output_tokens": tally.output_tokens,
    }


def _causes(items: Sequence[Item], found: Found) -> list[Row]:
    """What each arm showed, in the order in which a report lists them."""
    arms = list(found.arms.values())
    adjusted = holm([min(1.0, 1 / max(arm.e_value, 1e-9)) for arm in arms], found.hypotheses)
    told = sorted(zip(arms, adjusted, strict=True), key=lambda each: _order(each[0]))
    whole = found.smallest
    if whole is not None and len(whole.left) > 1:
        told.insert(0, (whole, min(1.0, 1 / max(whole.e_value, 1e-9))))
    return [_row(arm, [items[at] for at in sorted(arm.left)], p) for arm, p in told]


def _order(arm: Arm) -> tuple[Any, ...]:
    """Single causes first, the greatest change before others; then what did not matter."""
    return (
        arm.verdict != "cause",
        len(arm.left) > 1,
        arm.count.rate - arm.control.rate if arm.count.n else 0.0,
        sorted(arm.left),
    )


def _row(arm: Arm, left: Sequence[Item], p: float) -> Row:
    kinds = {item.kind for item in left}
    drawn = arm.count.n > 0
    interval = always_valid(arm.control, arm.count) if drawn else None
    what = "set" if arm.stage == 2 else "item" if len(left) == 1 else "group"
    return {
        "what": what,
        "kind": kinds.pop() if len(kinds) == 1 else "mixed",
        "label": _label(left, what),
        "paths": json.dumps([item.where for item in left]),
        "verdict": arm.verdict,
        "flips": arm.flips,
        **_counts(arm.count, arm.control),
        "rate_change": round(arm.count.rate - arm.control.rate, 6) if drawn else None,
        "rate_change_low": round(interval.low, 6) if interval else None,
        "rate_change_high": round(interval.high, 6) if interval else None,
        "e_value": float(f"{min(arm.e_value, 1e300):.6g}"),
        "p_adjusted": float(f"{p:.6g}"),
    }


def _counts(count: Count, control: Count) -> Row:
    return {
        "same": count.same,
        "n": count.n,
        "control_same": control.same,
        "control_n": control.n,
    }


def _label(left: Sequence[Item], what: str) -> str:
    labels = [item.label for item in left]
    if what == "set":
        return " together with ".join(labels)
    if len(left) <= 2:
        return " and ".join(labels)
    return f"{labels[0]} to {labels[-1]} ({len(left)})"
