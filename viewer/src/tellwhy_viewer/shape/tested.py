"""What a test of a decision has shown: the third layer, beside facts and the stated reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Row = dict[str, Any]

VERDICTS = {
    "cause": "cause",
    "no_change_seen": "no change seen",
    "unclear": "unclear",
    "refused": "refused by the provider",
}
RESULTS = {
    "causes": "It depended on what is marked as a cause.",
    "nothing": "Nothing that was left out changed it.",
    "unsteady": "The model seldom makes this choice again, so nothing could be compared.",
    "stopped": "The test stopped before it was clear.",
}


def causes_shown(rows: Sequence[Row]) -> Row | None:
    """Give the newest test of a decision in words; None when there was none.

    Args:
        rows: One for each thing that was left out, in the order of the report; one without a label
            when nothing was compared.
    """
    if not rows:
        return None
    first = rows[0]
    return {
        "result": RESULTS.get(first["result"], first["result"]),
        "reason": first["reason"],
        "control": f"{first['same_as_recorded']} of {first['asked_as_recorded']} as recorded",
        "items": [_item(row) for row in rows if row["label"] is not None],
        "about": _about(first),
        "method": first["method"],
    }


def _item(row: Row) -> Row:
    return {
        "label": row["label"],
        "verdict": VERDICTS.get(row["verdict"], row["verdict"]),
        "is_cause": row["verdict"] == "cause",
        "flips": bool(row["flips"]),
        "change": row["change"],
        "drawn": f"{row['same']} of {row['n']} without it, {row['control_same']} of "
        f"{row['control_n']} with it",
        "points": _points(row),
    }


def _points(row: Row) -> str | None:
    """The change of how often the choice is made, with its interval. Percentage points."""
    if row["rate_change"] is None:
        return None
    low, high = row["rate_change_low"], row["rate_change_high"]
    interval = (
        "" if low is None or high is None else f" (95 %: {low * 100:+.0f} to {high * 100:+.0f})"
    )
    return f"{row['rate_change'] * 100:+.0f} points{interval}"


def _about(row: Row) -> str:
    cost = "" if row["cost_usd"] is None else f", ${row['cost_usd']:.4f}"
    return f"{row['model']}, {row['draws']} answers{cost}, {str(row['time'])[:16].replace('T', ' ')} UTC"
