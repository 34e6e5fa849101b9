"""`tellwhy doctor`: what is set, what waits, who answers and what is missing, each with its remedy.

Each examination is a function that gives findings; `EXAMINATIONS` is their order.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator

from tellwhy._cli.doctor import collector, frameworks, records, spool, surroundings
from tellwhy._cli.doctor.findings import Finding, Patient

MARKS = {"ok": "ok", "note": "--", "problem": "!!"}
"""What stands before a finding."""

Examination = Callable[[Patient], Iterator[Finding]]

EXAMINATIONS: tuple[tuple[str, Examination], ...] = (
    ("settings", surroundings.examine),
    ("frameworks", frameworks.examine),
    ("spool", spool.examine),
    ("collector", collector.examine),
    ("what has come", records.examine),
)
"""Title and function; one may use what an earlier one found out about the patient."""


def run(argv: list[str]) -> int:
    """Look for what is wrong between this machine's agents and their collector.

    Returns:
        The exit status: 0 when nothing is wrong, else 1.
    """
    parser = argparse.ArgumentParser(
        prog="tellwhy doctor",
        description="Say what is set, which frameworks are recorded and what cannot be seen, what waits on "
        "disk, whether the collector answers, and what is missing in it; each problem with its remedy. "
        "Run it in the environment of your agents. "
        "Ends with 1 when something is wrong.",
    )
    parser.add_argument(
        "--url", help="the collector's address (TELLWHY_COLLECTOR_URL; else where spans go)"
    )
    patient = Patient.from_environment(parser.parse_args(argv).url)
    problems = 0
    for title, examine in EXAMINATIONS:
        print(title)
        for finding in examine(patient):
            problems += finding.level == "problem"
            print(f"  {MARKS[finding.level]}  {finding.text}", flush=True)
            if finding.remedy:
                print(f"      → {finding.remedy}", flush=True)
    print("\nNothing is wrong." if not problems else f"\nProblems: {problems}.")
    return 1 if problems else 0
