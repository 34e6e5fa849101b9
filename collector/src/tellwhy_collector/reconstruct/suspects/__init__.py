"""Where a run most likely went wrong: its turns, the most suspect first. Pure.

Each turn is judged by the signals of `signals.SIGNALS`; their weights are added up, and the share
of a turn is its part of the sum of exponentials, so that the shares of a run add up to one. It is a
ranking, not a verdict: the share says how much this turn stands out among those of its run.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from tellwhy_collector.reconstruct.case import Case, Evidence, Finding, Suspect
from tellwhy_collector.reconstruct.suspects.seeing import Seen, seen_of
from tellwhy_collector.reconstruct.suspects.signals import FINDING_WEIGHTS, SIGNALS

MOST = 20
"""Suspects of one run that are kept."""

HARMLESS = "other"
"""The category of a turn that nothing special was seen of."""

ROLE = "role"
_KINDS: dict[str, str] = {signal.name: signal.category for signal in SIGNALS}


def suspects_of(
    case: Case, evidence: Sequence[Evidence], findings: Sequence[Finding]
) -> list[Suspect]:
    """The turns of a run by how likely they are where it went wrong, at most `MOST`."""
    seen = seen_of(case, evidence, findings)
    if not seen:
        return []
    weights = [weight_of(one) for one in seen]
    most = max(weights)
    powers = [math.exp(weight - most) for weight in weights]
    whole = sum(powers)
    # Of equals the earlier one stands first: what comes later may follow from it.
    order = sorted(range(len(seen)), key=lambda at: (-weights[at], at))[:MOST]
    return [_suspect(seen[at], rank, round(powers[at] / whole, 4)) for rank, at in enumerate(order)]


def weight_of(seen: Seen) -> float:
    """The sum of the weights of what was seen of a turn."""
    return sum(weight for _, weight, _ in _reasons(seen))


def _reasons(seen: Seen) -> list[tuple[str, float, str]]:
    """Name, weight and sentence of each signal: the heaviest first, and what only tells of the
    part that the turn plays behind all else.
    """
    found = [
        (signal.name, round(signal.weight * value, 2), signal.says)
        for signal in SIGNALS
        if (value := signal.see(seen))
    ]
    found += [
        (finding.rule, FINDING_WEIGHTS[finding.severity], finding.message)
        for finding in seen.findings
    ]
    return sorted(found, key=lambda reason: (_KINDS.get(reason[0]) == ROLE, -abs(reason[1])))


def _suspect(seen: Seen, rank: int, share: float) -> Suspect:
    reasons = _reasons(seen)
    heaviest = next((n for n, weight, _ in reasons if weight > 0 and _KINDS.get(n) != ROLE), "")
    step = seen.turn.step
    return Suspect(
        step.span_id,
        step.start_ns,
        seen.turn.decision_id,
        rank,
        share,
        _KINDS.get(heaviest, heaviest or HARMLESS),
        tuple({"signal": n, "weight": w, "says": text} for n, w, text in reasons),
    )
