"""`decide`: the choices that plain code makes, on record beside those of the model."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable
from typing import Any, TypeVar

from tellwhy import _attributes as names
from tellwhy import _configure, _redact, _runs
from tellwhy._capture import bounded, to_json
from tellwhy._guard import guarded
from tellwhy._objects import name_of
from tellwhy._places import here
from tellwhy._settings import current as current_settings

T = TypeVar("T")


def decide(name: str, *, options: Iterable[object] = (), chosen: T, why: str | None = None) -> T:
    """Record that code chose *chosen* among *options*, and give it back.

    ``queue = tellwhy.decide("route", options=["billing", "human"], chosen=pick(), why="…")``

    Args:
        name: What is decided, in a word: ``route``, ``retry``, ``model``.
        options: What could have been chosen: texts, or functions and classes by their names.
        chosen: The choice.
        why: The reason, as your code knows it.
    """
    with guarded("recording a decision"):
        if _configure.ensure_configured():
            _write(name, list(options), chosen, why)
    return chosen


def _write(name: str, options: list[object], chosen: object, why: str | None) -> None:
    found = {names.STEP_KIND: "other", names.OPERATION_NAME: "decide"}
    around = here()
    found.update(_runs.attributes_of(_runs.run_in(around)))
    name = found[names.DECISION_NAME] = _redact.label(name)
    found[names.DECISION_MADE_BY] = "code"
    found[names.DECISION_OFFERED] = to_json([_kept(_label(option)) for option in options])
    found[names.DECISION_CHOSEN] = bounded(_kept(_label(chosen)))
    if why is not None and current_settings().captures_content:
        found[names.DECISION_WHY] = bounded(why, name="why")
    now = time.time_ns()
    tracer = _configure.tracer()
    span = tracer.start_span(f"decide {name}", attributes=found, start_time=now, context=around)
    span.end(now)


def _kept(label: str) -> str:
    """*label*; where no content is recorded, only if it is a name and no sentence."""
    if current_settings().captures_content or _NAME.fullmatch(label):
        return label
    return "[not recorded]"


_NAME = re.compile(r"[\w.:/-]{1,64}")


def _label(option: Any) -> str:
    """How an option is called: itself if it is text, its name if it has one."""
    if isinstance(option, str):
        return str.__str__(option)
    called = getattr(option, "__name__", None)
    if isinstance(called, str):
        return called
    if option is None or isinstance(option, bool | int | float):
        return json.dumps(option)
    value = getattr(option, "name", None)
    return value if isinstance(value, str) else name_of(type(option))
