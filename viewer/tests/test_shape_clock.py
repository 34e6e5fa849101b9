from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from tellwhy_viewer.shape import clock


def ns(*parts):
    return int(datetime(*parts, tzinfo=UTC).timestamp()) * 10**9


def test_the_distance_of_a_zone_that_keeps_its_clock():
    """One distance, also where it is not whole hours."""
    found = clock.shift(ZoneInfo("Asia/Kathmandu"), ns(2026, 9, 1), ns(2026, 12, 1))
    assert {"turn_ns": 0, "before_s": 20_700, "offset_s": 20_700} == found
    assert {0} == set(clock.shift(UTC, ns(2026, 9, 1), ns(2026, 12, 1)).values())


def test_the_moment_at_which_a_clock_is_put_back():
    """To the second, as the time zone database has it."""
    found = clock.shift(ZoneInfo("Europe/Berlin"), ns(2026, 9, 1), ns(2026, 12, 1))
    assert {"turn_ns": ns(2026, 10, 25, 1), "before_s": 7_200, "offset_s": 3_600} == found


def test_a_time_without_the_change_has_none():
    """The week after it, and nothing at all."""
    week = timedelta(days=7).total_seconds() * 1e9
    end = ns(2026, 12, 1)
    found = clock.shift(ZoneInfo("Europe/Berlin"), end - int(week), end)
    assert (0, 3_600) == (found["turn_ns"], found["offset_s"])
    assert 0 == clock.shift(ZoneInfo("Europe/Berlin"), end, end)["turn_ns"]
