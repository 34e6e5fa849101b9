"""What reviewers said, as the run page takes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tellwhy_viewer.shape.text import visible

Row = dict[str, Any]


def verdicts(rows: Sequence[Row]) -> list[Row]:
    """Give one entry for each verdict that stands; ``decision`` is None for the whole run's."""
    return [
        {
            "decision": row["decision_id"],
            "reviewer": visible(row["reviewer"]),
            "verdict": row["verdict"],
            "note": row["note"],
            "labels": row["labels"] or [],
            "time": row["time"],
        }
        for row in rows
    ]
