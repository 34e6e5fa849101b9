"""One model call from the SDK's entry to the end of its answer: its span, attempts and decision."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from tellwhy import _attributes as names
from tellwhy import (
    _capture,
    _configure,
    _metrics,
    _pending,
    _recording,
    _redact,
    _runs,
    _settings,
    _standing_in,
)
from tellwhy._clients import decision, headers
from tellwhy._clients.body import Body
from tellwhy._clients.messages import Answer, Problem, Question, problem_of
from tellwhy._clients.routes import Format, in_path, provider
from tellwhy._guard import guarded
from tellwhy._places import here
from tellwhy._plain_json import loads, text_of
from tellwhy._recording.exchange import Exchange, tell_exchanges
from tellwhy._telling import tell

PLAIN_PARAMETERS = frozenset({"thinking", "reasoning", "reasoning_effort", "service_tier"})
"""Request fields without content that ``content="none"`` keeps beside numbers and booleans."""

STOPS = "gen_ai.request.stop_sequences"
"""The one attribute of content that is a list of texts and no JSON."""

_starting = guarded("starting a model call")
_attempting = guarded("recording an attempt")
_reading = guarded("reading a stream")
_ending = guarded("ending a model call")
_keeping = guarded("keeping an exchange for a replay")


class Call:
    """The span of one model call; made before the first attempt, ended once."""

    __slots__ = (
        "__weakref__",
        "_answer_body",
        "_answer_found",
        "_attempt_clock",
        "_attempts",
        "_attributes",
        "_clock",
        "_exchanges",
        "_first_chunk_s",
        "_late",
        "_live",
        "_parent",
        "_question",
        "_run",
        "_said",
        "_status",
        "_with_content",
        "body",
        "implicit",
        "span",
        "spoken",
        "started_ns",
    )

    def __init__(self, spoken: Format, *, implicit: bool = False) -> None:
        self.spoken = spoken
        self.implicit = implicit
        """Made by a bare HTTP request: its only attempt is the whole call."""
        self.started_ns = time.time_ns()
        self._clock = time.perf_counter()
        self._parent = here()
        run = _runs.run_in(self._parent)
        self._run = _pending.run_key(run)
        self._said = _runs.attributes_of(run)
        self._with_content = _settings.current().captures_content
        self._attributes: dict[str, Any] = {}
        self._late: dict[str, Any] = {}
        self._question: Question | None = None
        self._attempts = 0
        self._attempt_clock = 0.0
        self._first_chunk_s: float | None = None
        self._status: int | None = None
        self._answer_body: bytes | None = None
        self._answer_found: dict[str, Any] | None = None
        self._exchanges: list[Exchange] | None = [] if _recording.is_on() else None
        self._live = threading.Lock()
        self.span: trace.Span | None = None
        self.body: Body | None = None
        """The streamed body of the answer, if there is one."""

    @property
    def ended(self) -> bool:
        """Whether the span was written."""
        return self._live.locked()

    def attempt(self, request: Any) -> None:
        """An HTTP request of this call goes out."""
        self._attempts += 1
        self._attempt_clock = time.perf_counter()
        self._status = None
        self.body = self._answer_body = self._answer_found = None
        if self.span is None or self._exchanges is not None:
            with _starting:
                body = _json_of(request)
                if self.span is None:
                    self._start(body, request.url)
                if self._exchanges is not None:
                    self._exchanges.append(Exchange(request, body, self._attempts))

    def attempt_failed(self, error: BaseException) -> None:
        """The request of the current attempt got no response."""
        with _attempting:
            self._event({names.ERROR_TYPE: type(error).__name__})
            if self.exchange is not None:
                self.exchange.failed(error)

    def attempt_answered(self, response: Any, library: str, *, streamed: bool) -> None:
        """The current attempt has a response; its body is read, or will be if *streamed*."""
        with _attempting:
            status = self._status = response.status_code
            seen = headers.read(response.headers.raw)
            found: dict[str, Any] = {"http.response.status_code": status}
            if seen.request_id is not None:
                request_id = _redact.label(seen.request_id, "request_id")
                found[names.PROVIDER_REQUEST_ID] = request_id
                self._late[names.PROVIDER_REQUEST_ID] = request_id
            if seen.retry_after_ms is not None:
                found[names.ATTEMPT_RETRY_AFTER_MS] = seen.retry_after_ms
            if seen.rate_limit:
                self._late[names.RATE_LIMIT] = text_of(seen.rate_limit)
            if status >= 400:
                found[names.ERROR_TYPE] = str(status)
            self._event(found)
            exchange = self.exchange
            if exchange is not None:
                exchange.answered(status, response.headers.multi_items())
            if not streamed:
                self._answer_body = response.content
                if exchange is not None:
                    exchange.chunk(response.content)
            elif status < 400:
                self.body = Body(self.spoken, response.headers, library)

    def returned(self) -> None:
        """The SDK has given its result to the host; a stream goes on."""
        if self.body is not None or self.span is None or self.ended:
            return
        with _ending:
            self._complete()

    def failed(self, error: BaseException, options: Any = None) -> None:
        """The call raised *error* to the host."""
        if self.ended:
            return
        with _ending:
            if self.span is None:
                self._start(_body_of(options), None)
            problem = problem_of(error)
            answer = self._answer_so_far()
            self._end(answer, complete=False, problem=problem)

    def chunk(self, data: bytes) -> None:
        """A piece of a streamed body passes by."""
        with _reading:
            if self._first_chunk_s is None:
                self._first_chunk_s = time.perf_counter() - self._clock
            body = self.body
            if body is not None:
                unpacked = body.feed(data)
                if self.exchange is not None:
                    self.exchange.chunk(unpacked)
                # Before the host sees the last event: what it does next may look for our record.
                if body.done:
                    self._end(self._answer_so_far(), complete=True)

    def stream_ended(self, error: BaseException | None = None, *, at_ns: int | None = None) -> None:
        """A streamed body ends: read to its end, left by the host, or failed with *error*."""
        if self.ended:
            return
        with _ending:
            if error is not None and self.exchange is not None:
                self.exchange.failed(error)
            whole = self.body is not None and self.body.finish() and error is None
            problem = None if error is None else problem_of(error)
            self._end(self._answer_so_far(), complete=whole, problem=problem, at_ns=at_ns)

    def _start(self, body: dict[str, Any], url: Any) -> None:
        asked = self._question = _question(self.spoken, body)
        if asked.model is None and url is not None:
            asked.model, streams = in_path(url.path)
            asked.attributes["gen_ai.request.stream"] = streams
        stops = asked.attributes.pop(STOPS, None)
        attributes: dict[str, Any] = {
            **self._said,
            names.STEP_KIND: "model_call",
            names.OPERATION_NAME: asked.operation,
            "gen_ai.provider.name": provider(url.host if url is not None else "", self.spoken),
            **_redact.labels(asked.attributes),
            **decision.request_attributes(asked),
        }
        model = None if asked.model is None else _redact.label(asked.model, "model")
        if model is not None:
            attributes["gen_ai.request.model"] = model
        if asked.conversation_id:
            conversation = _redact.label(asked.conversation_id, "conversation_id")
            attributes.setdefault(names.CONVERSATION_ID, conversation)
        if url is not None:
            attributes["server.address"] = _redact.label(url.host, "address")
            attributes["server.port"] = url.port or (80 if url.scheme == "http" else 443)
        self._add_content(asked, attributes, stops)
        self._attributes = attributes
        _pending.answered(self._run, asked.results, started_ns=self.started_ns)
        self.span = _configure.tracer().start_span(
            f"{asked.operation} {model}" if model else asked.operation,
            context=self._parent,
            kind=SpanKind.CLIENT,
            attributes=attributes,
            start_time=self.started_ns,
        )

    def _add_content(self, asked: Question, attributes: dict[str, Any], stops: Any) -> None:
        wanted: dict[str, Any] = {}
        parameters = asked.parameters
        if self._with_content:
            wanted["gen_ai.input.messages"] = asked.messages
            wanted["gen_ai.system_instructions"] = asked.system
            wanted["gen_ai.tool.definitions"] = asked.tools
        else:
            parameters = {key: value for key, value in parameters.items() if _is_plain(key, value)}
        wanted[names.REQUEST_PARAMETERS] = parameters
        if self._with_content or isinstance(asked.tool_choice, str):
            wanted[names.REQUEST_TOOL_CHOICE] = asked.tool_choice
        attributes |= {name: text_of(value) for name, value in wanted.items() if value}
        if self._with_content and isinstance(stops, list):
            attributes[STOPS] = [_capture.bounded(stop) for stop in stops if isinstance(stop, str)]

    def _event(self, found: dict[str, Any]) -> None:
        if self.span is None:
            return
        milliseconds = (time.perf_counter() - self._attempt_clock) * 1000
        self.span.add_event(
            names.ATTEMPT_EVENT,
            {
                names.ATTEMPT_NUMBER: self._attempts,
                names.ATTEMPT_DURATION_MS: round(milliseconds, 3),
                **found,
            },
        )

    def _answer_so_far(self) -> Answer:
        found = self.body.result() if self.body is not None else loads(self._answer_body)
        self._answer_found = found
        return _answer(self.spoken, found) if found else Answer()

    def _complete(self) -> None:
        """End a call whose answer is whole and in hand."""
        answer = self._answer_so_far()
        if self._status is not None and self._status >= 400 and answer.error is None:
            answer.error = Problem(str(self._status), f"HTTP status {self._status}")
        self._end(answer, complete=answer.error is None)

    def _end(
        self,
        answer: Answer,
        *,
        complete: bool,
        problem: Problem | None = None,
        at_ns: int | None = None,
    ) -> None:
        """Write everything that is known now and end the span; later calls do nothing."""
        # Never released: the first to come ends the call, from whatever thread.
        if self.span is None or not self._live.acquire(blocking=False):
            return
        problem = answer.error or problem
        found = _redact.labels(answer.attributes) | self._late | {names.ATTEMPTS: self._attempts}
        if self._with_content and answer.messages:
            found["gen_ai.output.messages"] = text_of(answer.messages)
        if self._question is not None and self._question.operation != "embeddings":
            found |= decision.response_attributes(
                answer, complete=complete, content=self._with_content
            )
        found |= self._course(complete=complete)
        if problem is not None:
            kind = found[names.ERROR_TYPE] = _redact.label(problem.kind, "type")
            # Providers quote the request in their errors.
            said = problem.message if self._with_content else kind
            self.span.set_status(Status(StatusCode.ERROR, _capture.bounded(said, 2000)))
        self._close(answer, found, at_ns)

    def _course(self, *, complete: bool) -> dict[str, Any]:
        """How the call went: tries, status, and what became of its stream."""
        found: dict[str, Any] = {}
        if self._attempts > 1:
            found["http.request.resend_count"] = self._attempts - 1
        if self._status is not None:
            found["http.response.status_code"] = self._status
        if self._first_chunk_s is not None and self._attributes.get("gen_ai.request.stream"):
            found["gen_ai.response.time_to_first_chunk"] = round(self._first_chunk_s, 6)
        if self.body is not None and not complete:
            found["tellwhy.stream.complete"] = False
        if self.body is not None and self.body.unread:
            found["tellwhy.stream.unread_events"] = self.body.unread
        return found

    def _close(self, answer: Answer, found: dict[str, Any], at_ns: int | None) -> None:
        span = self.span
        if span is None:
            return
        duration_s = time.perf_counter() - self._clock
        # Start on the wall clock plus elapsed on the steady one: no negative durations.
        ended_ns = at_ns or self.started_ns + int(duration_s * 1e9)
        tell(span, found)
        replay = _standing_in.current()
        if replay is not None and names.DECISION_CHOSEN in found:
            with _keeping:
                said = found.get("gen_ai.output.messages", "[]")
                replay.decided(found[names.DECISION_CHOSEN], said)
        if self._exchanges:
            with _keeping:
                tell_exchanges(span, self._exchanges, self._answer_found)
        span.end(end_time=ended_ns)
        if answer.calls:
            _pending.asked(
                self._run,
                answer.calls,
                model_call=span.get_span_context(),
                parent=trace.get_current_span(self._parent).get_span_context(),
                said=self._said,
                ended_ns=ended_ns,
            )
        first = found.get("gen_ai.response.time_to_first_chunk")
        _metrics.record(self._attributes, found, duration_s=duration_s, first_chunk_s=first)

    @property
    def exchange(self) -> Exchange | None:
        """The attempt at hand, while it is kept for a replay."""
        return self._exchanges[-1] if self._exchanges else None


_MISSHAPED = (TypeError, ValueError, LookupError, AttributeError)
"""What reading raises for JSON that is not shaped as its API documents: not an error of ours."""


def _is_plain(name: str, value: Any) -> bool:
    """Whether a request field holds no content: a number, or the setting of a known switch."""
    if isinstance(value, dict) and name in PLAIN_PARAMETERS:
        return all(_is_plain(name, each) for each in value.values())
    is_word = isinstance(value, str) and name in PLAIN_PARAMETERS and value.isidentifier()
    return is_word or isinstance(value, int | float)


def _question(spoken: Format, body: dict[str, Any]) -> Question:
    """What a body asks; a misshapen one, which the provider will refuse, is kept as it is."""
    try:
        return spoken.question(body)
    except _MISSHAPED:
        model = body.get("model")
        return Question(model=model if isinstance(model, str) else None, parameters=body)


def _answer(spoken: Format, body: dict[str, Any]) -> Answer:
    """What a body says; a misshapen one is kept as it is."""
    try:
        return spoken.answer(body)
    except _MISSHAPED:
        return Answer(messages=[{"role": "assistant", "parts": [{"type": "unread", "body": body}]}])


def _json_of(request: Any) -> dict[str, Any]:
    """The JSON body of an outgoing request; empty when it is something else."""
    return loads(getattr(request, "_content", None)) or {}


def _body_of(options: Any) -> dict[str, Any]:
    """What an SDK was about to send, for a call that failed before its first request."""
    body = getattr(options, "json_data", None)
    return loads(json.dumps(body, default=str).encode()) or {} if isinstance(body, dict) else {}
