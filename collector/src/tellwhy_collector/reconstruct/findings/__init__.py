"""Named problems of a run, each found by a rule of the registry. Pure; `explaining` writes them.

Add a rule: a function from `Facts` to findings and its `Rule` in the file of its family, cases in
which it fires and does not in the tests, `python3 dev.py docs`.
"""

import logging
from collections.abc import Sequence

from tellwhy_collector.reconstruct.case import Case, Evidence, Finding
from tellwhy_collector.reconstruct.findings import (
    actions,
    answers,
    approval,
    errors,
    injection,
    instructions,
    limits,
    repetition,
    sources,
    tools,
    unfounded,
)
from tellwhy_collector.reconstruct.findings.facts import Facts
from tellwhy_collector.reconstruct.findings.rule import Rule

RULES: tuple[Rule, ...] = (
    *tools.RULES,
    *sources.RULES,
    *errors.RULES,
    *repetition.RULES,
    *answers.RULES,
    *injection.RULES,
    *approval.RULES,
    *limits.RULES,
    *actions.RULES,
    *unfounded.RULES,
    *instructions.RULES,
)
"""All rules, by family."""

MOST = 200
"""Findings of one rule in one run; later ones are left out."""

_log = logging.getLogger(__name__)


def findings_of(case: Case, evidence: Sequence[Evidence]) -> list[Finding]:
    """All problems that the rules see in a run, by start of their steps."""
    facts = Facts(case, evidence)
    found = [finding for rule in RULES for finding in found_by(rule, facts)]
    return sorted(found, key=lambda finding: (finding.start_ns, finding.span_id))


def found_by(rule: Rule, facts: Facts) -> list[Finding]:
    """What one rule sees, the first `MOST`; nothing when our own code fails on this run."""
    found: list[Finding] = []
    try:
        for finding in rule.find(facts):
            found.append(finding._replace(rule=rule.name, severity=rule.severity))
            if len(found) >= MOST:
                break
    except Exception:  # noqa: BLE001 - whatever it is, evidence and the other rules stand
        _log.exception("Rule %s failed on run %s.", rule.name, facts.run.get("run_id"))
    return found
