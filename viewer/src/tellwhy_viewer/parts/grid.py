"""Answers as tables whose cells can only be text, numbers or times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from tellwhy_viewer.shape import listing


def arrow(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> pa.Table:
    """Give an answer as an Arrow table; whole numbers stay exact beside empty cells."""
    columns = listing.columns(names, rows)
    return pa.table({name: _array(cells) for name, cells in columns.items()})


def _array(cells: list[Any]) -> pa.Array:
    try:
        return pa.array(cells)
    except (pa.ArrowInvalid, OverflowError):
        # Beyond 64 bits: HUGEINT sums. Text shows every digit.
        return pa.array([None if value is None else str(value) for value in cells])
