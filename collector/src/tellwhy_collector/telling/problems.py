"""Findings as sentences, the worst first. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from tellwhy_collector.reconstruct.case import Finding
from tellwhy_collector.reconstruct.rows import COLUMNS
from tellwhy_collector.telling.scene import Order, step
from tellwhy_collector.telling.sentences import Citation, Sentence, fact
from tellwhy_collector.telling.wording import counted, listed, named, sentence, visible

MOST = 6
"""Most findings that are told one by one."""

MESSAGE = 400
"""Most characters of a finding's own sentence."""

PROOFS = 4
"""Most places of proof that are cited for one finding."""

RANKS = {"high": 0, "medium": 1, "low": 2}


def problems_told(order: Order, findings: Sequence[Finding]) -> list[Sentence]:
    """Each finding with its rule and where it stands; of many the rest is counted."""
    ranked = sorted(findings, key=lambda one: (RANKS.get(one.severity, 3), one.start_ns))
    told = [_told(order, one) for one in ranked[:MOST]]
    if rest := ranked[MOST:]:
        rules = listed([named(rule) for rule in dict.fromkeys(one.rule for one in rest)])
        cited = [step(one.span_id) for one in rest[:PROOFS] if one.span_id in order.steps]
        text = f"{counted(len(rest), 'more finding')} of the rules {rules}"
        told.append(fact("found", sentence(text), *(cited or told[-1].citations)))
    return told


def _told(order: Order, one: Finding) -> Sentence:
    at = next((d for d in order.decisions if d.decision_id == one.decision_id), None)
    where = f" at {order.named(at)}" if at else ""
    message = visible(one.message)
    cut = message if len(message) <= MESSAGE else message[:MESSAGE].rstrip() + "…"
    text = f"Finding {named(one.rule)} ({visible(one.severity)}{where}): {cut}"
    return fact("found", sentence(text), *_cited(order, one))


def _cited(order: Order, one: Finding) -> list[Citation]:
    cited = [step(one.span_id)] if one.span_id in order.steps else []
    for proof in one.proof[:PROOFS]:
        span_id, column = proof.get("span_id"), proof.get("column")
        if span_id not in order.steps or span_id is None:
            continue
        known = isinstance(column, str) and column in COLUMNS
        path = proof.get("path") if known else None
        cited.append(Citation(span_id, str(column) if known else "name", path))
    return cited or [Citation(None, "run_id", table="runs")]
