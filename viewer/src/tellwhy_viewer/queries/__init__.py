"""Every question that the viewer asks, as SQL with its parameters named; one file a page.

User input enters as a parameter, never as text. An optional filter is a parameter that may be NULL.
What things mean (status, outcome, which tool call answers which decision) comes from the collector's
views and is not worked out again here.
"""

from __future__ import annotations

from tellwhy_viewer.queries import audit, compare, decision, health, queue, review, run, runs, words
from tellwhy_viewer.queries.decision import (
    APPROVAL,
    DECISION,
    EVIDENCE,
    MESSAGES,
    PREVIOUS_CALL,
    RAW_SPAN,
    STEP,
    TESTED,
)
from tellwhy_viewer.queries.question import Query
from tellwhy_viewer.queries.ready import READY
from tellwhy_viewer.queries.review import CHECKS, RUN_VERDICTS
from tellwhy_viewer.queries.run import (
    FINDINGS,
    RUN,
    RUN_DECISIONS,
    RUN_SEARCH,
    RUN_STEPS,
    SUSPECTS,
)
from tellwhy_viewer.queries.runs import (
    AGENTS,
    ANY_RUN,
    MARKS,
    RULES,
    RUN_COUNT,
    RUNS,
    SHAPES,
    TOOLS,
)
from tellwhy_viewer.queries.words import FUNCTIONS, KEYWORDS

PAGES = (runs, run, decision, review, queue, health, compare, audit, words)
"""The files with questions; a new one is added here."""

ALL = tuple(value for page in PAGES for value in vars(page).values() if isinstance(value, Query))
"""Every query; a contract test runs each on the collector's real schema."""

__all__ = [
    "AGENTS",
    "ALL",
    "ANY_RUN",
    "APPROVAL",
    "CHECKS",
    "DECISION",
    "EVIDENCE",
    "FINDINGS",
    "FUNCTIONS",
    "KEYWORDS",
    "MARKS",
    "MESSAGES",
    "PREVIOUS_CALL",
    "RAW_SPAN",
    "READY",
    "RULES",
    "RUN",
    "RUNS",
    "RUN_COUNT",
    "RUN_DECISIONS",
    "RUN_SEARCH",
    "RUN_STEPS",
    "RUN_VERDICTS",
    "SHAPES",
    "STEP",
    "SUSPECTS",
    "TESTED",
    "TOOLS",
    "Query",
]
