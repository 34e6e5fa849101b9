"""One recorded request asked again: out of what is kept, or of its model within the budget."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from tellwhy import _attributes as names
from tellwhy import _configure, _provider, _runs
from tellwhy._capture import to_json
from tellwhy._clients import plain
from tellwhy._clients.call import Call
from tellwhy._clients.messages import Answer
from tellwhy._clients.routes import provider as provider_of
from tellwhy._plain_json import loads
from tellwhy._reask.budget import Budget, Prices, Spent, Usage, most_tokens
from tellwhy._reask.choices import Action, Change, actions_of, change_of
from tellwhy._reask.kept import Kept, key_of
from tellwhy._reask.provider import Provider, Response, Target, pause, wait_s
from tellwhy._reask.requests import Request

MAX_ERROR = 500
"""Characters of what a provider says when it refuses."""

NO_ROOM = "another try might cost more than is left"


@dataclass(slots=True)
class Asked:
    """What became of one request."""

    request: Request
    chosen: list[Action] = field(default_factory=list)
    change: Change | None = None
    """None when there was no answer."""
    model: str | None = None
    """That was asked."""
    cost_usd: float | None = None
    """0 when the answer was kept; None when nobody knows."""
    cached: bool = False
    error: str = ""
    """Why there was no answer."""


class Asker:
    """Asks recorded requests again. Safe to use from many threads."""

    def __init__(
        self,
        environ: Mapping[str, str],
        budget: Budget,
        prices: Prices,
        kept: Kept,
        *,
        provider: Provider | None = None,
        ending: threading.Event | None = None,
    ) -> None:
        """Wire the parts.

        Args:
            environ: With the providers' addresses and keys.
            budget: What may be spent.
            prices: What calls cost.
            kept: Answers that were had before.
            provider: Who sends.
            ending: Set when waiting for another try is to end.
        """
        self._environ = environ
        self._budget = budget
        self._prices = prices
        self._kept = kept
        self._provider = provider or Provider()
        self._ending = ending or threading.Event()

    def ask(
        self,
        request: Request,
        body: dict[str, Any],
        *,
        number: int = 0,
        about: Mapping[str, Any] | None = None,
    ) -> Asked:
        """Ask *body* in place of the recorded request.

        Args:
            request: The recorded request.
            body: What is asked: its body, or that with something changed.
            number: Which of several answers to the same body, from 0; each is had once.
            about: Said of it in ``recorded_values``; None records nothing of this.

        Raises:
            NoProvider: There is no key.
            Spent: It might cost more than is left.
        """
        target = Target.of(request.spoken, self._environ, request.headers)
        url = target.url(request.path)
        key = key_of(url, body, number)
        result = Asked(request, model=_model(body))
        if (known := self._kept.get(key)) is not None:
            result.chosen, result.cached, result.cost_usd = known["chosen"], True, 0.0
            result.change = change_of(request.chosen, result.chosen)
            if about is not None:
                _tell_kept(result, about)
            return result
        most_usd = self._most_usd(request, url, body)
        held = self._budget.hold(most_usd)
        call = Call(request.spoken) if about is not None else None
        said = self._sent(call, request, target, url, body=body, most_usd=most_usd)
        answer = self._take(result, said, url)
        if not said.is_lost:
            self._budget.settle(held, 0.0 if answer is None else result.cost_usd)
        if answer is not None and not result.error:
            self._kept.put(key, json.loads(to_json({"chosen": result.chosen})))
        if call is not None and about is not None:
            _finish(call, said, result, about)
        return result

    def is_kept(self, request: Request, body: dict[str, Any], number: int = 0) -> bool:
        """Whether asking would cost nothing.

        Raises:
            NoProvider: There is no key.
        """
        url = Target.of(request.spoken, self._environ, request.headers).url(request.path)
        return self._kept.get(key_of(url, body, number)) is not None

    def provider_of(self, request: Request) -> str:
        """Who would be asked, in the word of the price list.

        Raises:
            NoProvider: There is no key.
        """
        url = Target.of(request.spoken, self._environ, request.headers).url(request.path)
        return provider_of(urlsplit(url).hostname or "", request.spoken)

    def most_usd(self, request: Request, body: dict[str, Any]) -> float | None:
        """What asking *body* costs at most; None when there is no public price."""
        return self._most_usd(
            request,
            Target.of(request.spoken, self._environ, request.headers).url(request.path),
            body,
        )

    def _most_usd(self, request: Request, url: str, body: dict[str, Any]) -> float | None:
        provider = provider_of(urlsplit(url).hostname or "", request.spoken)
        usage = Usage(provider, _model(body), *most_tokens(body, None))
        return self._prices([usage])[0] if usage.model else None

    def _sent(
        self,
        call: Call | None,
        request: Request,
        target: Target,
        url: str,
        *,
        body: dict[str, Any],
        most_usd: float | None,
    ) -> Response:
        """What came back of the last try. Tries whose answer was lost are in the budget by then."""
        headers = {**request.headers, **target.headers}
        headers.pop("accept", None)
        shown = plain.Request(url, request.headers.items(), json.dumps(body).encode())
        attempt = 1
        while True:
            if call is not None:
                call.attempt(shown)
            said = self._provider.send(url, headers, body)
            if call is not None:
                if said.status:
                    call.attempt_answered(_shown(said), "", streamed=False)
                else:
                    call.attempt_failed(ConnectionError(said.error))
            if said.is_lost:
                self._budget.lose(most_usd or 0.0)
            wait = wait_s(said, attempt)
            if wait is None or self._ending.is_set():
                return said
            pause(wait, self._ending)
            if said.is_lost:
                try:
                    self._budget.hold(most_usd)
                except Spent:
                    return replace(said, error=f"{_words(said)} ({NO_ROOM})")
            attempt += 1

    def _take(self, result: Asked, said: Response, url: str) -> Answer | None:
        """Read what came back into *result*; None when the provider gave no answer."""
        body = loads(said.content) if said.content else None
        if not said.status or said.status >= 400 or body is None:
            words = _words(said)
            result.error = f"status {said.status}: {words}" if said.status else words
            return None
        try:
            answer: Answer = result.request.spoken.answer(body)
        except (TypeError, ValueError, LookupError, AttributeError):
            result.error = "the answer is not shaped as its API documents"
            return Answer()
        result.chosen = actions_of(answer)
        if result.chosen:
            result.change = change_of(result.request.chosen, result.chosen)
        else:
            result.error = "the answer holds no choice"
        result.cost_usd = self._cost(answer, result, url)
        return answer

    def _cost(self, answer: Answer, result: Asked, url: str) -> float | None:
        said = answer.attributes
        if "gen_ai.usage.input_tokens" not in said:
            return None
        usage = Usage(
            provider_of(urlsplit(url).hostname or "", result.request.spoken),
            said.get("gen_ai.response.model") or result.model,
            said["gen_ai.usage.input_tokens"],
            said.get("gen_ai.usage.output_tokens", 0),
            said.get("gen_ai.usage.cache_read.input_tokens", 0),
            said.get("gen_ai.usage.cache_write.input_tokens", 0),
        )
        found = self._prices([usage])[0]
        if found is None and result.model:
            asked = {**usage.as_dict(), "model": result.model}
            found = self._prices([Usage(**asked)])[0]
        return found


def _model(body: Mapping[str, Any]) -> str | None:
    found = body.get("model")
    return found if isinstance(found, str) else None


def _said(result: Asked, about: Mapping[str, Any]) -> str:
    request = result.request
    return to_json(
        {
            "run_id": request.run_id,
            "span_id": request.span_id,
            "number": request.number,
            "before_model": _model(request.body),
            "model": result.model,
            "change": result.change,
            "before": request.chosen,
            "after": result.chosen or None,
            "cached": result.cached,
            **({"error": result.error} if result.error else {}),
            **about,
        }
    )


def _finish(call: Call, said: Response, result: Asked, about: Mapping[str, Any]) -> None:
    """End the step of a request that was sent."""
    if call.span is not None:
        _provider.tell_aside(call.span, {names.ASKED_AGAIN: _said(result, about)})
    if said.status:
        call.returned()
    else:
        call.failed(ConnectionError(said.error))


def _tell_kept(result: Asked, about: Mapping[str, Any]) -> None:
    """A step for an answer that was kept: nothing was asked."""
    attributes = {
        **_runs.attributes_of(_runs.current()),
        names.STEP_KIND: "other",
        names.OPERATION_NAME: "kept_answer",
    }
    now = time.time_ns()
    span = _configure.tracer().start_span("kept answer", attributes=attributes, start_time=now)
    _provider.tell_aside(span, {names.ASKED_AGAIN: _said(result, about)})
    span.end()


def _words(said: Response) -> str:
    return said.error or said.content[:MAX_ERROR].decode("utf-8", "replace")


def _shown(said: Response) -> plain.Response:
    return plain.Response(said.status, plain.Headers(said.headers), said.content)
