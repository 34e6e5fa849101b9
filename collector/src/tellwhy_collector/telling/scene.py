"""What is told of: a run as it is known, with the texts that its sentences look into."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from tellwhy_collector.reconstruct.case import Case, Decision, Evidence, Finding
from tellwhy_collector.reconstruct.rows import JsonText
from tellwhy_collector.records import Step, noun
from tellwhy_collector.telling.sentences import Citation


@noun
class Seen:
    """What was new to a model in one call; the row of ``call_contexts``."""

    previous_span_id: str | None
    kept_messages: int
    new_messages: int
    tools_added: list[str] | None
    tools_removed: list[str] | None
    system_changed: bool | None


@noun
class Cause:
    """What leaving one thing out did to a choice; a row of ``causes``."""

    place: int
    label: str
    change: str
    verdict: str
    flips: bool
    same: int
    n: int
    control_same: int
    control_n: int
    rate_change: float | None
    rate_change_low: float | None
    rate_change_high: float | None


@noun
class Proof:
    """The test of a decision that counts; a row of ``newest_proofs``."""

    proof_id: str
    decision_id: str
    time: datetime
    model: str
    result: str
    reason: str | None
    control_same: int
    control_n: int
    items: int
    calls: int
    cached_calls: int
    cost_usd: float | None


@noun
class Scene:
    """One run to tell of, or one decision in it."""

    case: Case
    """Its contexts are not looked at; of its steps only those that matter have content."""
    evidence: Sequence[Evidence]
    """Of the decision that is told of."""
    findings: Sequence[Finding]
    """Of the run."""
    seen: Seen | None = None
    """Of the call that made the decision; None when it has not been looked at."""
    texts: Mapping[tuple[str, str], Any] | None = None
    """Stored values by span id and column, parsed: messages, instructions."""
    proofs: Sequence[Proof] = ()
    """Tests of the decision that is told of, or of all of the run's."""
    causes: Sequence[Cause] = ()
    """What the test of the decision compared, in the order of its report."""
    looked_at: bool = False
    """Whether rules have looked at the run."""
    complete: bool = True
    """False while the trace changes or waits to be looked at."""

    def text(self, span_id: str, column: str) -> Any:
        """A stored value; None when it was not recorded or not read."""
        return (self.texts or {}).get((span_id, column))


class Order:
    """The decisions of a run as readers count them, from 1, and its steps by id."""

    def __init__(self, case: Case) -> None:
        self.decisions: list[Decision] = sorted(
            case.decisions,
            key=lambda d: (d.start_ns, d.decided_ns or d.start_ns, d.span_id, d.choice_index),
        )
        self.steps: dict[str, Step] = case.by_id
        self._numbers = {d.decision_id: at for at, d in enumerate(self.decisions, 1)}
        self._by_outcome = {d.outcome_span_id: d for d in self.decisions if d.outcome_span_id}

    def number(self, decision: Decision) -> int:
        """Its place in the run, from 1."""
        return self._numbers[decision.decision_id]

    def named(self, decision: Decision) -> str:
        """``decision 7``."""
        return f"decision {self.number(decision)}"

    def led_to(self, span_id: str) -> Decision | None:
        """The decision that a step carried out."""
        return self._by_outcome.get(span_id)

    def after(self, decision: Decision) -> Decision | None:
        """The same agent's first decision of its next answer."""
        for later in self.decisions[self.number(decision) :]:
            if later.span_id != decision.span_id and later.agent_name == decision.agent_name:
                return later
        return None


def unpacked(value: Any) -> Any:
    """What a stored value says: JSON text parsed, also where it is JSON inside a JSON text."""
    for _ in range(2):
        if not isinstance(value, str):
            return value
        try:
            inner = orjson.loads(str(value))  # of a subclass of str it would read nothing
        except ValueError:
            return value
        if isinstance(inner, int | float) and not isinstance(value, JsonText):
            return value  # an id of digits stays one
        value = inner
    return value


def choice(decision: Decision, path: str = "") -> Citation:
    """Where a choice, or what stands at *path* behind it, was recorded."""
    whole = f"$[{decision.choice_index}]{path}"
    return Citation(decision.span_id, "chosen", whole, decision_id=decision.decision_id)


def step(span_id: str, column: str = "name", path: str | None = None) -> Citation:
    """A column of a step; its name when there is nothing better to point at."""
    return Citation(span_id, column, path)


def whole_run(column: str) -> Citation:
    """A column of the run's own row."""
    return Citation(None, column, table="runs")
