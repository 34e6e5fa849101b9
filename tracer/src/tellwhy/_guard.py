"""The tracer's own errors end here: swallowed, counted, logged once, and raised only in our tests.

Put it around *our* code and never around the host's: an exception of the host that passed through
would be swallowed too. ``KeyboardInterrupt``, ``CancelledError`` and their like always pass.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import ParamSpec, TypeVar

from tellwhy._settings import is_strict, logger

P = ParamSpec("P")
R = TypeVar("R")

_counts: Counter[str] = Counter()


class guarded:  # noqa: N801 - reads as a verb where it is used
    """Run a block, or a function of ours, so that its errors never reach the host.

    A guarded function gives None when it failed.

    Args:
        where: What we were doing, in words that end the sentence "tellwhy failed while …".
    """

    __slots__ = ("where",)

    def __init__(self, where: str) -> None:
        self.where = where

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        return swallow(self.where, error)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R | None]:
        where = self.where

        @functools.wraps(function)
        def safe(*args: P.args, **kwargs: P.kwargs) -> R | None:
            try:
                return function(*args, **kwargs)
            except Exception as error:
                if not swallow(where, error):
                    raise
                return None

        return safe


def swallow(where: str, error: Exception) -> bool:
    """Count *error*, log the first of its kind, and say whether it may be forgotten."""
    if is_strict():
        return False
    kind = f"{where}: {type(error).__qualname__}"
    # Without a lock: a signal handler or a fork may come in between, and a count that is off by
    # one is better than an agent that waits for ever.
    _counts[kind] += 1
    if _counts[kind] == 1:
        try:
            logger.warning(
                "tellwhy failed while %s (%s). Your program goes on; this part of the record is "
                "missing. Later failures of this kind are only counted.",
                where,
                type(error).__qualname__,
                exc_info=error,
            )
        except Exception:  # noqa: BLE001 - a broken log handler is not the host's problem either
            return True
    return True


def counts() -> dict[str, int]:
    """How often each kind of our own errors happened in this process."""
    return dict(_counts)


def reset() -> None:
    """Forget the counts, so that the next error of each kind is logged again."""
    _counts.clear()
