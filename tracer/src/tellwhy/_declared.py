"""`now`, `random` and `uuid4`: chance that an agent asks for here is given back on replay."""

from __future__ import annotations

import datetime as dt
import json
import random as python_random
import uuid
from collections.abc import Callable
from typing import TypeVar, cast

from tellwhy import _recording, _runs, _spans, _standing_in
from tellwhy._guard import guarded
from tellwhy._recording.values import kept

T = TypeVar("T")

MAX_VALUE_BYTES = 512


def now(tz: dt.tzinfo | None = None) -> dt.datetime:
    """``datetime.now(tz)``; in a replay, what it was in the recorded run.

    Args:
        tz: The time zone; default: local time without one, as `datetime.now` has it.
    """
    return _declared("now", lambda: dt.datetime.now(tz))


def random() -> float:
    """A number from 0 up to 1, as `random.random` gives; in a replay, what it was."""
    return _declared("random", python_random.random)


def uuid4() -> uuid.UUID:
    """A new random id; in a replay, what it was in the recorded run."""
    return _declared("uuid4", uuid.uuid4)


def _declared(kind: str, make: Callable[[], T]) -> T:
    run = _runs.current()
    # What a tool does is not done again: what it asked for is in what it gave.
    if run is None or _spans.current_tool() is not None:
        return make()
    replay = _standing_in.current()
    value = None if replay is None else replay.declared(run.agent_name, kind)
    if value is None:
        value = make()
    with guarded("keeping a declared value"):
        if _recording.is_on():
            run.declared.append(f"[{json.dumps(kind)},{kept(value, MAX_VALUE_BYTES)}]")
    return cast("T", value)
