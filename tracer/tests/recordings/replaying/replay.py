"""Every exchange through the real SDK, with and without the tracer, and what differs from its recording."""

import asyncio
import json
from dataclasses import dataclass, field, replace
from typing import Any

from replaying import answered, asked, calls, recorded
from replaying.calls import Form
from replaying.cassettes import Exchange
from replaying.server import Replayer, Serving

from tellwhy import _guard, testing

SMALL = 20_000
"""Bytes up to which a body is also served one byte at a time."""

PLAIN, ASYNC = Form(asynchronous=False, other=False), Form(asynchronous=True, other=False)
RAW, ASYNC_RAW = Form(asynchronous=False, other=True), Form(asynchronous=True, other=True)


@dataclass
class Verdict:
    """What came of one exchange."""

    exchange: Exchange
    replays: int = 0
    """Calls that were made under the tracer and compared."""
    problems: list[str] = field(default_factory=list)
    """What the tracer got wrong."""
    sdk: list[str] = field(default_factory=list)
    """What the SDK alone, without the tracer, could not send or read."""
    sent: str = ""
    """How the request differed from the recorded one; empty when it did not."""
    expected: dict[str, Any] = field(default_factory=dict)
    """Every fact that a span must give."""
    spans: list[Any] = field(default_factory=list)
    """The model-call span of every replay."""


def variants(exchange: Exchange) -> list[tuple[Form, Serving]]:
    """How an exchange is replayed: sync and async, whole and cut, packed and not."""
    found = [
        (PLAIN, Serving(exchange)),
        (ASYNC, Serving(exchange, "random", seed=1)),
        (RAW, Serving(exchange, "random", "gzip", seed=2)),
        (ASYNC_RAW, Serving(exchange, "random", "deflate", seed=3)),
    ]
    if len(exchange.body) <= SMALL:
        found.append((ASYNC, Serving(exchange, "bytes")))
    return found


def without_tracer(exchange: Exchange, server: Replayer) -> dict[Form, Any]:
    """What the host gets by each form when nobody looks."""
    return {
        form: call(exchange, server, form, Serving(exchange))
        for form in (PLAIN, ASYNC, RAW, ASYNC_RAW)
        if form in {variant for variant, _ in variants(exchange)}
    }


def with_tracer(
    exchange: Exchange, server: Replayer, alone: dict[Form, Any], recording: testing.Recording
) -> Verdict:
    """Replay an exchange in all its variants and compare.

    Args:
        exchange: What was recorded.
        server: Serves it.
        alone: What `without_tracer` gave for it.
        recording: Where spans arrive; the caller has opened it.
    """
    verdict = Verdict(exchange)
    verdict.sent, body = sent(exchange, server)
    expected = verdict.expected = expectation(replace(exchange, asked=body))
    for form, serving in variants(exchange):
        refusal = sdk_refusal(exchange, alone[form])
        if refusal is not None:
            verdict.sdk.append(f"{_words(form)}: {refusal}")
            continue
        recording.clear()
        _guard.reset()
        got = call(exchange, server, form, serving)
        verdict.replays += 1
        where = f"{_words(form)}, {serving.cut}{', ' + serving.packing if serving.packing else ''}"
        verdict.problems += [
            f"{where}: {problem}" for problem in _problems(expected, recording, alone[form], got)
        ]
        verdict.spans += model_calls(recording)
    return verdict


def call(exchange: Exchange, server: Replayer, form: Form, serving: Serving) -> Any:
    """Make one call; what the host gets."""
    key = f"{exchange.name} {form} {serving.cut} {serving.packing}".encode().hex()[-200:]
    server.servings[key] = serving
    port = server.server_port
    client = calls.client_for(exchange, port, key, asynchronous=form.asynchronous)
    try:
        if form.asynchronous:
            return asyncio.run(_async_call(exchange, client, other=form.other))
        with client:
            return calls.outcome(exchange, client, other=form.other)
    finally:
        del server.servings[key]
        server.asked[exchange.name] = server.asked.pop(key, ("", b""))


async def _async_call(exchange: Exchange, client: Any, *, other: bool) -> Any:
    async with client:
        return await calls.async_outcome(exchange, client, other=other)


def model_calls(recording: testing.Recording) -> list[Any]:
    """The spans of model calls."""
    return [
        span
        for span in recording._ended
        if span.attributes.get("tellwhy.step.kind") == "model_call"
    ]


def expectation(exchange: Exchange) -> dict[str, Any]:
    """Every fact that a span must give."""
    found = {**asked.facts(exchange), **answered.facts(exchange)}
    found["status_code"] = exchange.status
    names = ("request-id", "x-request-id", "x-amzn-requestid")
    found["request_id"] = next((exchange.headers[n] for n in names if n in exchange.headers), None)
    if exchange.status < 400 and "error_message" not in found:
        found["error_type"] = None
    return found


def sdk_refusal(exchange: Exchange, got: Any) -> str | None:
    """Why the SDK alone does not get through; None when it does, or when an error is right."""
    if not isinstance(got, Exception) or exchange.status >= 400:
        return None
    if "error_message" in answered.facts(exchange):
        return None
    return f"{type(got).__name__}: {str(got)[:200]}"


def differences(expected: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """Facts that differ."""
    problems = []
    for name, value in expected.items():
        have = found.get(name)
        if name in {"calls", "server_calls"} and have is not None and len(have) == len(value):
            # What a built-in tool was asked is not compared: each has fields of its own.
            have = [each[: len(want)] for each, want in zip(have, value, strict=True)]
        if have != value:
            problems.append(f"{name}: recorded {_short(value)}, span has {_short(have)}")
    return problems


def _problems(expected: Any, recording: testing.Recording, alone: Any, got: Any) -> list[str]:
    problems = []
    if _plain(alone) != _plain(got):
        problems.append(f"the host gets {_short(_plain(got))}, alone {_short(_plain(alone))}")
    if counts := _guard.counts():
        problems.append(f"errors of the tracer's own: {counts}")
    ended = model_calls(recording)
    if len(ended) != 1:
        return [*problems, f"spans: {recording.names()}, not one model call"]
    problems += _inferred(expected, [each for each in recording._ended if each is not ended[0]])
    found = recorded.facts(ended[0])
    problems += differences(expected, found)
    ids = [call[0] or None for name in ("calls", "server_calls") for call in expected.get(name, [])]
    chosen = [each.get("tool_call_id") for each in found["decision"] if "name" in each]
    if sorted(map(str, ids)) != sorted(map(str, chosen)):
        problems.append(f"decision: recorded calls {ids}, chosen {chosen}")
    if ended[0].status.is_ok is False and not expected.get("error_message"):
        problems.append(f"status: {ended[0].status.description}")
    return problems


def _inferred(expected: Any, spans: list[Any]) -> list[str]:
    """Tool calls that the tracer reads out of a request must be answered in it."""
    ids = [each.attributes.get("gen_ai.tool.call.id") for each in spans]
    wrong = [each for each in spans if not each.attributes.get("tellwhy.inferred")]
    if wrong or set(ids) - set(expected.get("asked_results", [])) or len(ids) != len(set(ids)):
        return [f"spans: beside the model call {[each.name for each in spans]}"]
    return []


def _plain(outcome: Any) -> Any:
    if isinstance(outcome, Exception):
        return f"{type(outcome).__name__}: {outcome}"
    return outcome


def sent(exchange: Exchange, server: Replayer) -> tuple[str, Any]:
    """Which fields the SDK sent otherwise than they were recorded, and the body that it sent."""
    before = exchange.asked
    raw = server.asked.get(exchange.name)
    now = json.loads(raw[1]) if raw and raw[1] else before
    return ", ".join(sorted(k for k in {*now, *before} if now.get(k) != before.get(k))), now


def _words(form: Form) -> str:
    return ("async" if form.asynchronous else "sync") + (" other" if form.other else "")


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= 300 else f"{text[:180]} … {text[-110:]}"
