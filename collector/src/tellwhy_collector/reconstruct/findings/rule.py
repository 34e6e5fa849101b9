"""The nouns of the rules: a `Rule`, and `Script`, a run written down by hand that shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from tellwhy_collector.reconstruct.case import Finding, Severity
from tellwhy_collector.reconstruct.findings.facts import Facts
from tellwhy_collector.reconstruct.findings.script import Script

Find = Callable[[Facts], Iterable[Finding]]
"""Pure. The findings come in the order of their steps; linear in the length of the run."""


class Rule(NamedTuple):
    """One kind of problem."""

    name: str
    """What ``findings.rule`` says."""
    severity: Severity
    about: str
    """One sentence: when it fires."""
    limits: str
    """What it does not say, and what it does not see."""
    find: Find
    example: Script
    """A run in which it fires once; shown in the docs, run in the tests."""
