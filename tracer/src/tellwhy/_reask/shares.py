"""How sure a share is that was counted in a sample. Pure."""

from __future__ import annotations

import math

Z = 1.959964
"""Of the normal distribution, for 95 %."""


def interval(hits: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share, of *hits* among *count*; 0 to 1 when nothing was counted.

    Source:
        Wilson, 1927; it stays inside 0 and 1 and is sound for few and for none.
    """
    if not count:
        return 0.0, 1.0
    share, z2 = hits / count, Z * Z
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = Z * math.sqrt(share * (1 - share) / count + z2 / (4 * count * count)) / (1 + z2 / count)
    low = 0.0 if hits == 0 else max(0.0, middle - half)
    high = 1.0 if hits == count else min(1.0, middle + half)
    return low, high
