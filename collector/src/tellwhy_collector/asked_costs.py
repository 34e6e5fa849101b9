"""What ``POST /api/costs`` is asked: calls that somebody means to make, and what they would cost."""

from __future__ import annotations

from typing import Any

import orjson

from tellwhy_collector.costs import PRICE_VERSION, cost_of
from tellwhy_collector.errors import RequestError

MAX_CALLS = 20_000
"""Calls in one question."""

MAX_TOKENS = 10**12
"""Tokens of one call; more are no tokens."""

_TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
_EXAMPLE = (
    '{"calls": [{"provider": "anthropic", "model": "claude-haiku-4-5", "input_tokens": 900, '
    '"output_tokens": 80}]}'
)


def answer(body: bytes) -> dict[str, Any]:
    """Costs of the calls that *body* lists, in their order.

    Raises:
        RequestError: It cannot be understood; the message says what to send.
    """
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RequestError(f"The body is not JSON: {error}. Send {_EXAMPLE}.") from None
    calls = given.get("calls") if isinstance(given, dict) else None
    if not isinstance(calls, list) or len(calls) > MAX_CALLS:
        raise RequestError(f'"calls" must be a list of at most {MAX_CALLS:,}. Send {_EXAMPLE}.')
    return {"price_version": PRICE_VERSION, "costs_usd": [_cost(call) for call in calls]}


def _cost(call: Any) -> float | None:
    model = call.get("model") if isinstance(call, dict) else None
    if not isinstance(model, str):
        raise RequestError(f'A call has no "model". Send {_EXAMPLE}.')
    provider = call.get("provider")
    if not isinstance(provider, str | None):
        raise RequestError(f'"provider" must be a text. Send {_EXAMPLE}.')
    tokens = {name: call.get(name, 0) for name in _TOKENS}
    for name, count in tokens.items():
        if type(count) is not int or not 0 <= count <= MAX_TOKENS:
            raise RequestError(f'"{name}" must be a whole number from 0. Send {_EXAMPLE}.')
    return cost_of(provider, model, **tokens)
