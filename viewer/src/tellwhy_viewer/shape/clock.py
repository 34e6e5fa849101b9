"""How far a reader's clock is from UTC over a span of time."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

DAY_S = 86_400


def shift(zone: tzinfo, since_ns: int, until_ns: int) -> dict[str, int]:
    """Give the distance of *zone* from UTC between two times, in Unix nanoseconds.

    Returns:
        ``offset_s`` at the end, ``before_s`` before the clock was last put forward or back, and
        ``turn_ns`` when that was: 0, with both distances the same, where it was not.
    """
    since, until = since_ns // 10**9, until_ns // 10**9
    now = _offset(zone, until)
    late = until
    while late > since:
        early = max(since, late - DAY_S)
        if (before := _offset(zone, early)) != now:
            while late - early > 1:
                middle = (early + late) // 2
                early, late = (early, middle) if _offset(zone, middle) == now else (middle, late)
            return {"turn_ns": late * 10**9, "before_s": before, "offset_s": now}
        late = early
    return {"turn_ns": 0, "before_s": now, "offset_s": now}


def _offset(zone: tzinfo, at_s: int) -> int:
    offset = datetime.fromtimestamp(at_s, UTC).astimezone(zone).utcoffset()
    return round(offset.total_seconds()) if offset else 0
