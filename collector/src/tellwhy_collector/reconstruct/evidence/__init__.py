"""Where each value that a model wrote stood before. Pure; `explaining` writes the outcome.

`seen` says what a call saw, `index` which words stand where in it, `values` what is looked up,
`search` finds it, `derive` puts together what does not stand there as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from tellwhy_collector.reconstruct.case import Case, Decision, Evidence, EvidenceKind
from tellwhy_collector.reconstruct.evidence.derive import Derived, calculated, put_together
from tellwhy_collector.reconstruct.evidence.index import Index
from tellwhy_collector.reconstruct.evidence.match import INSIDE, PART, Hit
from tellwhy_collector.reconstruct.evidence.search import Search
from tellwhy_collector.reconstruct.evidence.seen import Seen, Sight, Spot, speaker
from tellwhy_collector.reconstruct.evidence.values import (
    SOURCED,
    Wanted,
    leaves_wanted,
    parts_wanted,
)
from tellwhy_collector.records import Step

LONGEST_VALUE = 512
"""Characters of a value that are kept."""
LONGEST_SOURCE = 256
"""Characters of a source that are kept."""
PLACES = 3
"""Places of one value that are kept."""


def evidence_of(case: Case) -> list[Evidence]:
    """Places of every argument value and of the figures, ids and quotes of answers, best first."""
    decisions: dict[str, list[Decision]] = {}
    for decision in case.decisions:
        if decision.made_by == "model" and speaker(decision.agent_name, "assistant") != "user":
            decisions.setdefault(decision.span_id, []).append(decision)
    if not decisions:
        return []
    index = Index()
    sight, results = Sight(case, index), _Results(case)
    found: list[Evidence] = []
    for step in case.steps:
        mine = decisions.get(step.span_id, ())
        if step.span_id not in case.contexts and not mine:
            continue
        seen = sight.of(step)
        if seen.anything_said:
            for decision in mine:
                found += _Explaining(decision, step, index, seen, results).rows()
    return found


class _Results:
    """The step whose result a request holds, by the id of the call."""

    def __init__(self, case: Case) -> None:
        self._by_id = {step.span_id: step for step in case.steps}
        self._by_call: dict[str, list[Step]] = {}
        for step in case.steps:
            if step.tool_call_id and step.kind in ("tool_call", "retrieval"):
                self._by_call.setdefault(step.tool_call_id, []).append(step)

    def step(self, span_id: str) -> Step | None:
        return self._by_id.get(span_id)

    def of(self, call_id: str | None, *asked_ns: int) -> Step | None:
        """The last that had ended when the model was asked: ids are used again.

        Args:
            call_id: The call it is the result of.
            asked_ns: Starts of calls that held the result, the first to be tried first.
        """
        steps = self._by_call.get(call_id or "", ())
        for at_ns in asked_ns:
            for step in reversed(steps):
                if step.end_ns is not None and step.end_ns <= at_ns:
                    return step
        return None


class _Explaining:
    """The values of one decision."""

    def __init__(
        self, decision: Decision, step: Step, index: Index, seen: Seen, results: _Results
    ) -> None:
        self._decision, self._step = decision, step
        self._index, self._seen, self._results = index, seen, results
        self._search = Search(index, seen)

    def rows(self) -> Iterator[Evidence]:
        decision = self._decision
        if decision.action in ("tool_call", "handoff") and decision.arguments is not None:
            for wanted in leaves_wanted(decision.arguments, decision.chosen):
                yield from self._of(wanted)
        elif decision.action == "answer" and decision.answer_text:
            for wanted in parts_wanted(decision.answer_text, "$", None, code=False):
                yield from self._of(wanted)

    def _of(self, wanted: Wanted) -> Iterator[Evidence]:
        if wanted.sort == "nothing":
            yield self._row(wanted, "model_written")
            return
        hits = self._search.find(wanted.value, PLACES)
        if hits and hits[0].fit != PART:
            yield from (self._place(wanted, _kind(hit), rank, hit) for rank, hit in enumerate(hits))
            return
        if (derived := self._derived(wanted)) is not None:
            yield from self._derivation(wanted, derived)
        elif hits and not (wanted.sort == "number" and wanted.within_text):
            short = wanted._replace(weak=wanted.weak or len(wanted.value.text) < 6)
            yield from (self._place(short, "derived", rank, hit) for rank, hit in enumerate(hits))
        elif wanted.sort in SOURCED and not wanted.weak and not wanted.optional:
            yield self._row(wanted, "no_source")
        elif not wanted.optional:
            yield self._row(wanted, "model_written")

    def _derived(self, wanted: Wanted) -> Derived | None:
        if wanted.sort == "number":
            return calculated(self._index, self._seen, wanted.value)
        if wanted.sort in ("id", "name"):
            return put_together(self._search, wanted.value)
        return None

    def _derivation(self, wanted: Wanted, derived: Derived) -> Iterator[Evidence]:
        kind: EvidenceKind = "normalised" if derived.method == "member" else "derived"
        weak = wanted._replace(weak=wanted.weak or derived.weak)
        for rank, hit in enumerate(derived.hits[: max(PLACES, 4)]):
            row = self._place(weak, kind, rank, hit)
            yield row._replace(method=derived.method, source_text=_clipped(derived.told, row))

    def _row(self, wanted: Wanted, kind: EvidenceKind) -> Evidence:
        step = self._step
        return Evidence(
            span_id=step.span_id,
            start_ns=step.start_ns,
            decision_id=self._decision.decision_id,
            argument=wanted.argument,
            value=_json(wanted.raw),
            kind=kind,
            weak=wanted.weak,
        )

    def _place(self, wanted: Wanted, kind: EvidenceKind, rank: int, hit: Hit) -> Evidence:
        spot = self._seen.spot(hit.piece.number)
        origin = self._origin(hit, spot)
        role = hit.piece.role
        if role == "tool" and origin is not None and origin.kind == "retrieval":
            role = "document"
        return self._row(wanted, kind)._replace(
            rank=rank,
            method=hit.method,
            source_role=role,
            source_step=origin.kind if origin else None,
            source_span_id=spot.span_id,
            source_column=spot.column,
            source_path=spot.path + hit.leaf.path,
            source_inner_path=hit.leaf.inner,
            source_from=hit.start,
            source_to=hit.end,
            source_text=_surroundings(hit),
            origin_span_id=origin.span_id if origin else None,
        )

    def _origin(self, hit: Hit, spot: Spot) -> Step | None:
        """The step that said it, where it is known."""
        if spot.column not in ("input_messages", "system_instructions", "tools_offered"):
            return self._results.step(spot.span_id)
        if hit.piece.role == "tool":
            return self._results.of(hit.piece.call_id, spot.new_ns, self._step.start_ns)
        return None


def _kind(hit: Hit) -> EvidenceKind:
    if hit.fit == PART:
        return "derived"
    return "exact" if hit.fit <= INSIDE else "normalised"


def _json(value: Any) -> str:
    return orjson.dumps(value, default=str).decode()[:LONGEST_VALUE]


def _surroundings(hit: Hit) -> str:
    text = hit.leaf.text
    if hit.start is None or hit.end is None:
        return text[:LONGEST_SOURCE]
    room = max(0, LONGEST_SOURCE - (hit.end - hit.start)) // 2
    start = max(0, hit.start - room)
    return text[start : start + LONGEST_SOURCE]


def _clipped(told: str, row: Evidence) -> str:
    """The proof first, then what stands at this place."""
    return f"{told}: {row.source_text}"[:LONGEST_SOURCE]
