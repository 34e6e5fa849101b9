"""The signals by which a turn is suspected, each with its weight and the reason for it.

The weights are rounded from a fit (a conditional logit over the turns of each run) on failed runs
whose decisive step people had marked or an environment had proven; ``benchmarks/explanation``
fits, cross-validates and reports. Signs and order agree with what one would say without data.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tellwhy_collector.reconstruct.case import Severity
from tellwhy_collector.reconstruct.suspects.seeing import Seen


class Signal(NamedTuple):
    """One thing that makes a turn more or less suspect."""

    name: str
    category: str
    """What kind of mistake it points to: ``effect``, ``failure``, ``unfounded``, ``conclusion`` or
    ``progress``; ``role`` tells only of the part that a turn plays."""
    weight: float
    """Added for it; a turn with a weight of 1 more is e times as suspect."""
    says: str
    """The reason in a sentence, for whoever reads ``suspects.reasons``."""
    see: Callable[[Seen], float]
    """How strongly it is seen, from 0 to 1."""


MANY = 3
"""Values without a source that are too many for chance: one may be a matter of spelling."""

SIGNALS = (
    Signal(
        "change",
        "effect",
        1.9,
        "It changed something: what only reads can be made good later.",
        lambda seen: seen.change,
    ),
    Signal(
        "last_change",
        "effect",
        1.6,
        "It is the last change that went through: what stands at the end stands by it.",
        lambda seen: seen.last_change,
    ),
    Signal(
        "change_refused",
        "effect",
        0.7,
        "A change was tried that was refused.",
        lambda seen: seen.change and seen.turn.error is not None and not seen.died,
    ),
    Signal(
        "change_cut_off",
        "effect",
        0.7,
        "Its process died inside a change: nobody knows whether that took effect.",
        lambda seen: seen.change and seen.died,
    ),
    Signal(
        "failed_early",
        "failure",
        0.7,
        "Its action was among the first to fail: later failures may follow from it.",
        lambda seen: (seen.turn.error is not None) / (1 + seen.failures_before),
    ),
    Signal(
        "breaks_off",
        "failure",
        0.4,
        "The run ends here, with an error.",
        lambda seen: seen.breaks_off,
    ),
    Signal(
        "without_source",
        "unfounded",
        1.0,
        "It writes three or more values that stood nowhere before.",
        lambda seen: seen.turn.place > 0 and seen.without_source >= MANY,
    ),
    Signal(
        "first_conclusion",
        "conclusion",
        1.0,
        "It is the first to conclude: from here on nobody looked any further.",
        lambda seen: seen.concludes and not seen.little and not seen.conclusions_before,
    ),
    Signal(
        "from_part",
        "progress",
        0.3,
        "What it had seen was only a part, and it went on without the rest.",
        lambda seen: seen.from_part,
    ),
    Signal(
        "repeats",
        "progress",
        0.4,
        "The same was done or said before.",
        lambda seen: seen.repeats and not seen.little,
    ),
    Signal(
        "acts",
        "role",
        0.8,
        "It does something, by a call or by code, beside talking.",
        lambda seen: bool(seen.turn.calls) or seen.turn.code,
    ),
    Signal(
        "speaker_changed",
        "role",
        0.4,
        "Another agent had spoken before: what one means is easily lost on the other.",
        lambda seen: seen.speaker_changed,
    ),
    Signal(
        "little",
        "role",
        -0.9,
        "It says next to nothing.",
        lambda seen: seen.little,
    ),
    Signal(
        "short",
        "role",
        -0.9,
        "It is short and calls nothing.",
        lambda seen: seen.short,
    ),
)

FINDING_WEIGHTS: dict[Severity, float] = {"high": 1.0, "medium": 0.5, "low": 0.2}
"""Added for each rule that found something at the turn, by its severity. The weight of medium is
fitted; there are too few findings of the others, so theirs are judgement."""
