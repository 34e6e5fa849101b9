"""Several questions to the collector at once: what a page waits for is the slowest, not the sum."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

from tellwhy_viewer import queries
from tellwhy_viewer.client import Collector

AT_ONCE = 4
"""Questions of all run pages together that are under way; so many the collector takes by default
(TELLWHY_MAX_QUERIES). More of them wait here, where nobody is sent away."""

Row = dict[str, Any]

_threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="asking")


class Missing(Exception):  # noqa: N818 -- becomes a 404
    """There is no such thing in this run."""


class Asking:
    """Asks one collector, now or beside other questions. Safe to share between threads."""

    def __init__(self, collector: Callable[[], Collector]) -> None:
        """Remember where to ask."""
        self.collector = collector

    def rows(self, query: queries.Query, **values: Any) -> list[Row]:
        """Give the rows of *query*."""
        return self.collector().sql(query.sql, query.bind(**values)).dicts()

    def one(self, query: queries.Query, missing: str, **values: Any) -> Row:
        """Give the only row of *query*.

        Raises:
            Missing: there is none; *missing* says so.
        """
        rows = self.rows(query, **values)
        if not rows:
            raise Missing(missing)
        return rows[0]

    def many(self, query: queries.Query, **values: Any) -> list[Row]:
        """Give the rows of *query* where thousands are expected."""
        return self.collector().rows(query.sql, query.bind(**values))


def later(ask: Callable[..., list[Row]], *args: Any, **values: Any) -> Future[list[Row]]:
    """Ask in another thread, for the same person; nothing asked here may wait for its like."""
    return _threads.submit(copy_context().run, ask, *args, **values)
