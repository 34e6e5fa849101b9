"""The third layer in words: what a replay with something left out has shown. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tellwhy_collector.reconstruct.case import Decision
from tellwhy_collector.telling.scene import Cause, Order, Proof, Scene, step, whole_run
from tellwhy_collector.telling.sentences import Citation, Sentence
from tellwhy_collector.telling.wording import counted, dollars, listed, named, quoted

MOST_CAUSES = 5
"""Most causes of one decision that are told; the rest is counted."""

LABEL = 120
"""Most characters of what was left out."""


def decision_tested(scene: Scene, decision: Decision) -> Iterator[Sentence]:
    """What the test of a decision has shown, with how often, interval, number of draws and cost."""
    if not scene.proofs:
        text = "Not tested: no replay has shown what this choice depended on."
        yield _said(text, step(decision.span_id))
        return
    proof = scene.proofs[0]
    again = f"{proof.control_same} of {counted(proof.control_n, 'time')}"
    began = f"Tested on {proof.time:%Y-%m-%d} with {named(proof.model)}"
    yield _said(
        f"{began}: asked again as recorded, it made this choice {again}.",
        *(_proof(proof, name) for name in ("control_same", "control_n", "model", "time")),
    )
    yield from _found(proof, scene.causes)
    answers = counted(proof.calls + proof.cached_calls, "answer")
    cost = "" if proof.cost_usd is None else f" and cost {dollars(proof.cost_usd)}"
    cited = ["calls"] if proof.cost_usd is None else ["calls", "cost_usd"]
    yield _said(f"The test took {answers}{cost}.", *(_proof(proof, name) for name in cited))


def run_tested(scene: Scene, order: Order) -> Iterator[Sentence]:
    """How many decisions of a run were tested, and of which causes are known."""
    if not scene.proofs:
        text = "Not tested: no replay has shown what the run depended on."
        yield _said(text, whole_run("run_id"))
        return
    cited = [_proof(proof, "result") for proof in scene.proofs]
    known = {one.decision_id: order.named(one) for one in order.decisions}
    of = counted(len(order.decisions), "decision")
    text = f"Tested {'was' if len(cited) == 1 else 'were'} {len(cited)} of {of}"
    caused = [
        known[proof.decision_id]
        for proof in scene.proofs
        if proof.result == "causes" and proof.decision_id in known
    ]
    more = f"; causes were found for {listed(caused)}." if caused else "; no cause was found."
    yield _said(text + more, *cited)


def _found(proof: Proof, causes: Sequence[Cause]) -> Iterator[Sentence]:
    found = [one for one in causes if one.verdict == "cause"]
    for one in found[:MOST_CAUSES]:
        yield _cause(proof, one)
    if len(found) > MOST_CAUSES:
        rest = counted(len(found) - MOST_CAUSES, "more cause")
        yield _said(f"There are {rest} in the table.", _proof(proof, "result"))
    if proof.result == "nothing":
        things = counted(proof.items, "thing")
        text = f"Of {things} that could be left out, none was seen to change it."
        yield _said(text, _proof(proof, "result"), _proof(proof, "items"))
    elif proof.result == "unsteady":
        text = "That is too seldom: what it depended on could not be compared."
        yield _said(text, _proof(proof, "result"))
    elif proof.result == "stopped":
        why = f": {quoted(proof.reason)}" if proof.reason else ""
        yield _said(f"The test stopped before it was clear{why}.", _proof(proof, "result"))


def _cause(proof: Proof, one: Cause) -> Sentence:
    with_it = f"{one.control_same} of {one.control_n} with it"
    text = f"With {quoted(one.label, LABEL)} {one.change} it made it {one.same} of "
    text += f"{counted(one.n, 'time')}, {with_it}"
    cited = ["same", "n", "label"]
    if one.rate_change is not None:
        text += f": a change of {one.rate_change * 100:+.0f} percentage points"
        cited.append("rate_change")
    if one.rate_change_low is not None and one.rate_change_high is not None:
        low, high = one.rate_change_low * 100, one.rate_change_high * 100
        text += f" (95 % interval {low:+.0f} to {high:+.0f})"
        cited += ["rate_change_low", "rate_change_high"]
    cites = (
        Citation(None, name, table="causes", proof_id=proof.proof_id, place=one.place)
        for name in cited
    )
    return _said(f"{text}.", *cites)


def _proof(proof: Proof, column: str) -> Citation:
    return Citation(None, column, table="proofs", proof_id=proof.proof_id)


def _said(text: str, *citations: Citation) -> Sentence:
    return Sentence("tested", "tested", text, citations)
