"""What is seen of each turn of a run, in one pass: the facts that signals are made of. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from tellwhy_collector.reconstruct.case import Case, Evidence, Finding
from tellwhy_collector.reconstruct.effects import changes
from tellwhy_collector.reconstruct.turns import Turn, plain, turns_of

NOTICED = 300
"""Characters from the front of a text by which it is known again."""

LITTLE = 40
"""Characters below which a text says next to nothing, such as who speaks next."""

SHORT = 200
"""Characters below which a text that calls nothing is no work of its own."""

_CONCLUDES = re.compile(
    r"\bTERMINATE\b|\bfinal answer\b|\b(?:we|i) can (?:now )?conclude\b|\bconclude the task\b"
    r"|\bin conclusion\b|\brequest (?:is )?satisfied\b|\btask (?:is|has been) (?:now )?complete"
    r'|"is_request_satisfied": *\{[^{}]*"answer": *true|\b(?:therefore|thus|hence),? the\b',
    re.IGNORECASE,
)
_PARTIAL = re.compile(
    r"\bshow(?:s|ing)? (?:only )?\d{1,2}% of\b|\bpage 1 of (?:[2-9]|[1-9]\d)|\btruncated\b"
    r"|\bfirst \d+ of \d+|\bshowing \d+ of \d+",
    re.IGNORECASE,
)
_READS_ON = re.compile(
    r"scroll|page_?down|next[ _]page|read (?:on|more)|full list|load more", re.IGNORECASE
)
_BREAKS_OFF = re.compile(
    r"\bTraceback \(most recent call last\)|\bError code: [45]\d\d|\b\w+(?:Error|Exception)\b:"
)
_ENDING = 6_000
"""Characters at the end of a run's last text in which it may break off with an error."""


@dataclass(slots=True)
class Seen:
    """One turn and what the signals ask of it."""

    turn: Turn
    turns: int
    """How many the run has."""
    little: bool
    """It says next to nothing and does nothing."""
    short: bool
    """It is short and does nothing."""
    change: bool
    """It called a tool that changes something."""
    died: bool = False
    """The process ended inside a tool that it called."""
    last_change: bool = False
    """It is the last change that went through."""
    failures_before: int = 0
    """Turns before it whose action failed."""
    conclusions_before: int = 0
    """Turns before it that concluded."""
    concludes: bool = False
    without_source: int = 0
    """Values that it wrote and that stood nowhere before, by `Evidence`."""
    repeats: bool = False
    """The same was done or said before."""
    speaker_changed: bool = False
    from_part: bool = False
    """What it had heard says that it is only a part, and it does not ask for the rest."""
    breaks_off: bool = False
    """It is the last of its run and ends with an error."""
    findings: list[Finding] = field(default_factory=list)


def seen_of(case: Case, evidence: Sequence[Evidence], findings: Sequence[Finding]) -> list[Seen]:
    """What is seen of each turn, by start. Linear in the text of the run."""
    turns = turns_of(case)
    heard = _Heard()
    found = [heard.see(turn, len(turns)) for turn in turns]
    changed = [one for one in found if one.change and one.turn.error is None]
    if changed:
        changed[-1].last_change = True
    by_span = {one.turn.step.span_id: one for one in found}
    for row in evidence:
        if row.kind == "no_source" and not row.weak and row.span_id in by_span:
            by_span[row.span_id].without_source += 1
    by_decision = {one.turn.decision_id: one for one in found if one.turn.decision_id}
    for finding in findings:
        owner = by_span.get(finding.span_id) or by_decision.get(finding.decision_id or "")
        if owner is not None and all(known.rule != finding.rule for known in owner.findings):
            owner.findings.append(finding)
    return found


class _Heard:
    """What had been said and done until a turn."""

    def __init__(self) -> None:
        self._done: set[str] = set()
        self._failures = self._conclusions = 0
        self._speaker = ""

    def see(self, turn: Turn, turns: int) -> Seen:
        arguments = " ".join(plain(call.arguments) for call in turn.calls)
        wrote = f"{turn.text} {arguments}"
        mark = turn.action or turn.text.strip()[:NOTICED]
        seen = Seen(
            turn,
            turns,
            little=_shorter(turn, LITTLE),
            short=_shorter(turn, SHORT),
            change=any(changes(c.chosen, _effect(turn, c.chosen)) for c in turn.calls),
            died=any(step.lost_reason for step in turn.ran),
            failures_before=self._failures,
            conclusions_before=self._conclusions,
            concludes=bool(_CONCLUDES.search(wrote)),
            repeats=mark in self._done,
            speaker_changed=turn.place > 0 and turn.agent != self._speaker,
            from_part=bool(_PARTIAL.search(turn.heard)) and not _READS_ON.search(wrote),
            breaks_off=turn.place == turns - 1 and _breaks_off(turn),
        )
        self._done.add(mark)
        self._speaker = turn.agent
        self._failures += turn.error is not None
        self._conclusions += seen.concludes and not seen.little
        return seen


def _shorter(turn: Turn, most: int) -> bool:
    """Whether it calls nothing and says less; a call that failed had no chance to say more."""
    return not turn.calls and len(turn.text.strip()) < most and turn.step.status != "error"


def _breaks_off(turn: Turn) -> bool:
    return turn.step.status == "error" or bool(_BREAKS_OFF.search(turn.text[-_ENDING:]))


def _effect(turn: Turn, name: str | None) -> str | None:
    return next((s.tool_effect for s in turn.ran if s.tool_name == name and s.tool_effect), None)
