"""A test in words, for a terminal. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

from tellwhy_collector.prove.recorded import Recorded
from tellwhy_collector.shell.table import visible

Row = dict[str, Any]

VERDICTS = {
    "cause": "cause",
    "no_change_seen": "no change seen",
    "unclear": "unclear",
    "refused": "refused",
}
SAME = {
    "tool": "the same tool",
    "arguments": "the same tool with the same arguments",
    "kind": "an answer of the same kind",
}
MOST_LINES = 40


def page(recorded: Recorded, told: dict[str, Any], width: int) -> Iterator[str]:
    """Lines of at most *width* columns, labels excepted."""
    proof, rows = told["proof"], told["causes"]
    yield visible(f"Decision {recorded.number} of run {recorded.run_id}: {chosen(recorded)}")
    yield ""
    for text in sentences(recorded, proof, rows):
        yield from textwrap.wrap(visible(text), width, break_on_hyphens=False)
    if rows:
        yield ""
        yield from _table(rows)
    yield ""
    cost = (
        "at a price that is not known" if proof["cost_usd"] is None else dollars(proof["cost_usd"])
    )
    yield (
        f"{proof['calls']} calls to {visible(proof['model'])} at {visible(proof['asked_at'])}, {cost}; "
        f"{proof['cached_calls']} answers were known from before."
    )


def sentences(recorded: Recorded, proof: Row, rows: list[Row]) -> Iterator[str]:
    """What was found, in words."""
    what, n = chosen(recorded), proof["control_n"]
    if n:
        yield (
            f"Asked again as it was recorded, the model made the same choice ({SAME[proof['same_means']]}) "
            f"in {proof['control_same']} of {n} draws."
        )
    if proof["redactions"]:
        yield (
            f"Redacted places of the request: {proof['redactions']}. The model was asked with the mark "
            "there."
        )
    causes = [row for row in rows if row["verdict"] == "cause"]
    single = [row for row in causes if row["what"] == "item"]
    sets = [row for row in causes if row["what"] == "set"]
    if proof["result"] == "unsteady":
        yield (
            f"That is too seldom to test: with the very same request the model mostly does not choose "
            f"{what}."
        )
    for row in [*sets, *single[:3]]:
        yield _found(row, what)
    if len(single) > 1 and not sets:
        yield "Each of them was needed: leaving out any one changes the choice."
    groups = [row for row in causes if row["what"] == "group"]
    if groups and not single and not sets:
        yield f"It depended on {groups[-1]['label']} together; no single item of them alone was found."
    if proof["result"] == "nothing":
        yield f"Nothing that was left out changed how often the model chooses {what}."
    if proof["reason"]:
        yield f"It stopped before all was clear: {proof['reason']}."


def _found(row: Row, what: str) -> str:
    left = row["label"]
    verb = "together led to" if row["what"] == "set" else "led to"
    either = "; either of them is enough" if row["what"] == "set" else ""
    return (
        f"Tested cause: {left} {verb} {what}{either}. Without it the model chose it in {row['same']} of "
        f"{row['n']} draws instead of {row['control_same']} of {row['control_n']} "
        f"({change(row)}{'; the choice flips' if row['flips'] else ''})."
    )


def change(row: Row) -> str:
    """The change with its interval."""
    if row["rate_change"] is None:
        return "not asked"
    low, high = row["rate_change_low"], row["rate_change_high"]
    return f"{points(row['rate_change'])}, 95 % {points(low)} to {points(high)}"


def points(value: float) -> str:
    """A change of a rate, in percentage points."""
    return f"{value * 100:+.0f} points"


def _table(rows: list[Row]) -> Iterator[str]:
    yield f"{'':14}  {'without':>9}  {'with':>9}  change of the rate"
    for row in rows[:MOST_LINES]:
        without = f"{row['same']} of {row['n']}"
        with_it = f"{row['control_same']} of {row['control_n']}"
        told = change(row).replace(" points", "")
        yield visible(
            f"{VERDICTS[row['verdict']]:14}  {without:>9}  {with_it:>9}  {told:28}  {row['label']}"
        )
    if len(rows) > MOST_LINES:
        yield f"… {len(rows) - MOST_LINES} more in the table causes"


def chosen(recorded: Recorded) -> str:
    """The choice, in words."""
    if recorded.chosen:
        return f"`{recorded.chosen}`"
    return {"answer": "to answer", "refusal": "to refuse"}.get(recorded.action, recorded.action)


def dollars(usd: float) -> str:
    """An amount, with as many digits as it needs."""
    return f"${usd:.4f}" if usd < 1 else f"${usd:.2f}"
