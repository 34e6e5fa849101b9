"""Where in a framework's work the code at hand is: frameworks are asked, and attach nothing.

What is attached to the context in a host's callback or generator stays behind when that is left
early. So the steps that adapters open are never current: an adapter says, when it is asked, in which
of them this code runs, from what the framework itself keeps in its context variables.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context

from tellwhy import _inherited
from tellwhy._guard import guarded

Finder = Callable[[], Context | None]
"""Gives the context of the step that this code runs in, as `place` made it."""

_AROUND = otel_context.create_key("tellwhy-places")

_finders: list[Finder] = []


def here() -> Context:
    """The context that a span of ours belongs into.

    It is the current one, unless a framework says that this code runs in a step of its own which
    the current context does not stand in. Outside of everything it may be the span that this
    process was started in.
    """
    context = _inherited.around(otel_context.get_current())
    for find in _finders:
        with _ASKING:
            found = find()
            if found is not None and not _is_inside(context, found):
                context = found
    return context


def place(context: Context) -> Context:
    """*context*, whose span is the step of a framework, as a `Finder` may give it."""
    span_id = trace.get_current_span(context).get_span_context().span_id
    return otel_context.set_value(_AROUND, (*_around(context), span_id), context)


def ask(finder: Finder) -> None:
    """Ask *finder* where the code is, from now on."""
    if finder not in _finders:
        _finders.append(finder)


def ask_no_more(finder: Finder) -> None:
    """Undo `ask`."""
    if finder in _finders:
        _finders.remove(finder)


_ASKING = guarded("asking a framework where the code is")


def _is_inside(context: Context, found: Context) -> bool:
    return _around(found)[-1] in _around(context)


def _around(context: Context) -> tuple[int, ...]:
    """Span ids of the places that *context* stands in, outermost first."""
    return cast("tuple[int, ...]", context.get(_AROUND, ()))
