"""Lines of messages of one session, and the tools that are under way in it."""

from __future__ import annotations

import time
from collections.abc import Hashable
from typing import Any

from opentelemetry.context import Context

from tellwhy._frameworks.claude_agent_calls import ModelCall


class Thread:
    """One line of messages: the main agent's, or a subagent's."""

    def __init__(self, key: Hashable, opening: list[dict[str, Any]]) -> None:
        self.key = key
        """Of its agent's step."""
        self.messages = opening
        self.since_ns = time.time_ns()
        self.failed: list[dict[str, Any]] = []
        self.call: ModelCall | None = None

    def finish(self, stop_reason: str | None = None) -> None:
        """The model's answer is over, if one is open."""
        call, self.call = self.call, None
        if call is not None:
            self.messages.append(call.finish(stop_reason))
            self.since_ns = time.time_ns()


class Tool:
    """One call of a tool that was asked for and has no result yet, or a subagent's afterwards."""

    def __init__(self, name: str, arguments: Any, context: Context) -> None:
        self.name = name
        self.arguments = arguments
        self.context = context
        """Its place, also when it is over: its subagent stands there."""
        self.is_decided = False
        """Whether a callback or a hook has let it run or not."""
        self.refusal: str | None = None


def text_of(value: Any) -> Any:
    """A tool's answer: its text where it is nothing but one text, else its parts."""
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
        return value[0].get("text", value[0])
    return value
