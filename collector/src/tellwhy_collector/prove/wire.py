"""What the three wire formats have in common, and which one a request has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from tellwhy_collector.prove.items import Item

JSON = dict[str, Any]


class Choice(NamedTuple):
    """One thing that a model chose."""

    action: str
    """``tool_call``, ``answer``, ``refusal`` or ``truncated``; a hand-off is the call of its tool."""
    name: str | None = None
    """The tool."""
    arguments: Any = None
    """Parsed; the text where it is no JSON."""


class Usage(NamedTuple):
    """Tokens of one answer."""

    input_tokens: int = 0
    """With those of caches."""
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Wire:
    """One wire format."""

    name: str
    path: str
    """End of the address, behind what a client has as its base."""
    items: Callable[[JSON], list[Item]]
    """What can be left out of a request."""
    plain: Callable[[JSON], JSON]
    """The request without streaming, so that one JSON answer comes."""
    choices: Callable[[JSON], list[Choice]]
    """What an answer chose; never empty."""
    usage: Callable[[JSON], Usage]
    max_tokens: Callable[[JSON], int | None]
    """The most that an answer may have; None where the request does not say."""
