"""Runs made ready while a browser still loads the page that will ask for them.

From the page's script to the component's first request pass some hundred milliseconds in which the
collector would have nothing to do.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, NamedTuple

from tellwhy_viewer.client import asked_by
from tellwhy_viewer.component.loading import card, skeleton
from tellwhy_viewer.component.questions import Asking, Missing, Row
from tellwhy_viewer.shape.columns import first

KEPT_S = 15.0
"""What nobody has fetched by then is let go, and made anew for whoever asks. Seconds."""

MOST = 32
"""Most runs that wait to be fetched; the oldest goes first."""

Key = tuple[str, str, str, str]
"""Collector, person, run, and "" or the decision."""


class _Made(NamedTuple):
    since: float
    coming: Future[Row]


# Threads of their own: each of them waits for several of those that ask.
_threads = ThreadPoolExecutor(4, thread_name_prefix="ahead")
_lock = threading.Lock()
_made: dict[Key, _Made] = {}


def begin(ask: Asking, run_id: str, decision_id: str | None) -> None:
    """Begin to make *run_id* ready with the card that stands open at first.

    Args:
        ask: Where to ask, for the person of this context.
        run_id: The run.
        decision_id: The decision that the address names; the first when None.
    """
    page = _later(skeleton, ask, run_id)
    _keep(_key(ask, run_id), page)
    if decision_id:
        _keep(_key(ask, run_id, decision_id), _later(card, ask, run_id, decision_id))
    else:
        _later(_first_card, ask, run_id, page)


def _first_card(ask: Asking, run_id: str, page: Future[Row]) -> None:
    # Begun after the skeleton, so a thread of the pool already works at that.
    decision_id = first(page.result()["decisions"], "id")
    if decision_id is not None:
        _keep(_key(ask, run_id, decision_id), _later(card, ask, run_id, decision_id))


def taken(ask: Asking, run_id: str, decision_id: str = "") -> Row | None:
    """Give what was made ready for this person, once; None when nothing was, or it is too old.

    Raises:
        Missing: there is no such run or decision.
    """
    with _lock:
        made = _made.pop(_key(ask, run_id, decision_id), None)
    if made is None or time.monotonic() - made.since > KEPT_S:
        return None
    try:
        return made.coming.result()
    except Missing:
        raise
    except Exception:  # noqa: BLE001 -- whoever asks now asks anew, and is told what is wrong
        return None


def _key(ask: Asking, run_id: str, decision_id: str = "") -> Key:
    return ask.collector().url, asked_by.get(), run_id, decision_id


def _later(make: Callable[..., Any], *args: Any) -> Future[Any]:
    return _threads.submit(copy_context().run, make, *args)


def _keep(key: Key, coming: Future[Row]) -> None:
    now = time.monotonic()
    with _lock:
        for old in [one for one, made in _made.items() if now - made.since > KEPT_S]:
            del _made[old]
        _made[key] = _Made(now, coming)
        while len(_made) > 2 * MOST:
            del _made[next(iter(_made))]
