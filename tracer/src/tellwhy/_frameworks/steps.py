"""The open steps of one framework, by the framework's own ids, and where each of them stands.

Adapters add structure: agents, nodes, tools, retrievals, questions to people. What models are told
and say is the client hook's, and is not written a second time.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from typing import Any

from opentelemetry.context import Context

from tellwhy import _attributes as names
from tellwhy import _redact, _runs, _spans
from tellwhy._capture import to_json
from tellwhy._open_step import OpenStep
from tellwhy._places import here, place
from tellwhy._settings import current as current_settings

MAX_OPEN = 10_000
"""Steps of one framework that may be open at a time; the oldest is closed for the next."""

_calls: OrderedDict[str, Context] = OrderedDict()
"""Model's id of a call -> the tool that is open for it, whichever framework told of it."""


def place_of_call(call_id: str | None) -> Context | None:
    """The context of the open tool that carries out the model's call *call_id*."""
    return None if call_id is None else _calls.get(call_id)


class Steps:
    """What one framework has begun and not ended."""

    def __init__(self, framework: str) -> None:
        self.framework = framework
        self._lock = threading.Lock()
        self._open: OrderedDict[Hashable, OpenStep] = OrderedDict()
        self._places: OrderedDict[Hashable, Context] = OrderedDict()
        self._call_ids: dict[Hashable, str] = {}

    def place_of(self, key: Hashable) -> Context | None:
        """The context of the step *key*, or of the step that *key* is a part of."""
        return self._places.get(key)

    def agent(
        self,
        key: Hashable,
        name: str,
        *,
        parent: Hashable = None,
        conversation_id: str | None = None,
        asked: Mapping[str, Any] | None = None,
        said: Mapping[str, Any] | None = None,
        context: Context | None = None,
        start_ns: int | None = None,
    ) -> OpenStep:
        """An agent begins; *asked* is recorded where no agent around it has said it."""
        around = self._around(parent) if context is None else context
        outer = _runs.run_in(around)
        step = _spans.begin_agent(
            name,
            asked if outer is None else None,
            conversation_id=conversation_id,
            context=around,
            said=self._said(said),
            start_ns=start_ns,
        )
        if outer is not None and conversation_id and outer.conversation_id is None:
            outer.set_conversation(conversation_id)
        return self._keep(key, step)

    def part(
        self,
        key: Hashable,
        name: str,
        operation: str,
        *,
        parent: Hashable = None,
        said: Mapping[str, Any] | None = None,
    ) -> OpenStep:
        """A part that is neither agent nor tool begins: a node, a workflow's step, a retrieval."""
        around = self._around(parent)
        step = _spans.begin_part(name, operation, self._said(said), around)
        return self._keep(key, step)

    def tool(
        self,
        key: Hashable,
        name: str,
        arguments: Mapping[str, Any] | None,
        *,
        parent: Hashable = None,
        call_id: str | None = None,
        said: Mapping[str, Any] | None = None,
    ) -> OpenStep:
        """A tool begins; *arguments* are None while they are not known."""
        around = self._around(parent)
        step = _spans.begin_tool(
            name,
            arguments,
            call_id=call_id,
            context=around,
            said=self._said(said),
            is_known=arguments is not None or call_id is not None,
        )
        self._keep(key, step)
        if call_id is not None:
            _calls[call_id] = self._places[key]
            self._call_ids[key] = call_id
            while len(_calls) > MAX_OPEN:
                _calls.popitem(last=False)
        return step

    def inside(self, key: Hashable, parent: Hashable) -> None:
        """*key* is no step of its own: what happens in it belongs to *parent*."""
        found = self._places.get(parent)
        if found is not None:
            with self._lock:
                self._places[key] = found
                self._bound()

    def get(self, key: Hashable) -> OpenStep | None:
        """The open step *key*."""
        return self._open.get(key)

    def take(self, key: Hashable) -> OpenStep | None:
        """The step *key*, for who ends it: it is open no longer."""
        with self._lock:
            self._places.pop(key, None)
            _calls.pop(self._call_ids.pop(key, ""), None)
            return self._open.pop(key, None)

    def end(self, key: Hashable, result: Any = None) -> None:
        """The step *key* is over; *result* came of it, if that is to be recorded."""
        step = self.take(key)
        if step is None:
            return
        if result is None:
            step.ended()
        else:
            step.returned(result)

    def fail(self, key: Hashable, error: BaseException) -> None:
        """The step *key* is over, and *error* ended it."""
        step = self.take(key)
        if step is not None:
            step.failed(error)

    def close(self) -> None:
        """End whatever is open."""
        for key in list(self._open):
            self.end(key)
        self._places.clear()

    def _around(self, parent: Hashable) -> Context:
        found = self._places.get(parent) if parent is not None else None
        return here() if found is None else found

    def _said(self, said: Mapping[str, Any] | None) -> dict[str, Any]:
        return {names.FRAMEWORK: self.framework, **labelled(said or {})}

    def _keep(self, key: Hashable, step: OpenStep) -> OpenStep:
        with self._lock:
            self._open[key] = step
            self._places[key] = place(step.context)
            oldest = next(iter(self._open)) if len(self._open) > MAX_OPEN else None
            self._bound()
        if oldest is not None:
            self.end(oldest)
        return step

    def _bound(self) -> None:
        while len(self._places) > 2 * MAX_OPEN:
            self._places.popitem(last=False)


def labelled(said: Mapping[str, Any]) -> dict[str, Any]:
    """*said* without what is None, its texts redacted and bounded as names are."""
    return {
        name: _redact.label(value) if isinstance(value, str) else value
        for name, value in said.items()
        if value is not None
    }


def content(name: str, value: Any) -> dict[str, str]:
    """Attribute *name* with *value* as JSON, where content is recorded at all."""
    if value is None or not current_settings().captures_content:
        return {}
    return {name: to_json(value)}
