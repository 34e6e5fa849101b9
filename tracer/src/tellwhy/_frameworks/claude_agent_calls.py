"""One model call of the Claude Code process, as its messages tell of it.

That process asks the model itself, so that no client hook sees the request. What it says of a call
is the provider's message block by block, the ids of answer and request, and each retry. What it adds
to a conversation of its own, its instructions above all, it does not say: the span is marked so.

Source:
    claude-agent-sdk 0.2.189 with Claude Code 2.1.332, captured: ``assistant``, ``stream_event``,
    ``api_retry``.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, Status, StatusCode

from tellwhy import _attributes as names
from tellwhy import _configure, _metrics, _pending, _redact, _runs, _settings
from tellwhy._capture import bounded
from tellwhy._clients import anthropic, decision
from tellwhy._plain_json import text_of

UNSEEN_UNTIL_THE_END = (
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.reasoning.output_tokens",
)
"""Counts that a block states as they were when the answer began."""


class ModelCall:
    """The open span of one call; `add` takes its blocks, `finish` ends it."""

    def __init__(
        self,
        message: Mapping[str, Any],
        *,
        context: Context,
        asked: Mapping[str, Any],
        since_ns: int,
        failed: Sequence[Mapping[str, Any]],
    ) -> None:
        """Begin with the first that is heard of the answer.

        Args:
            message: The provider's message, so far.
            context: The agent that asks.
            asked: ``messages`` and ``tools`` as a request would have them.
            since_ns: When the model could be asked at the earliest, Unix nanoseconds.
            failed: What was said of each attempt that failed.
        """
        self.message_id = message.get("id")
        self._message: dict[str, Any] = {**message, "content": []}
        self._is_whole = False
        self._last_ns = time.time_ns()
        self._since_ns = since_ns
        self._context = context
        self._run = _runs.run_in(context)
        self._with_content = _settings.current().captures_content
        self._asked = self._question(asked, message)
        self.span = _configure.tracer().start_span(
            f"chat {self._asked['gen_ai.request.model']}",
            context=context,
            kind=SpanKind.CLIENT,
            attributes=self._asked,
            start_time=since_ns,
        )
        self._late: dict[str, Any] = {names.ATTEMPTS: len(failed) + 1}
        for number, each in enumerate(failed, 1):
            self._attempt_failed(number, each)

    def add(self, frame: Mapping[str, Any]) -> list[_pending.ToolCall]:
        """One more piece of the answer; gives the tool calls in it."""
        self._last_ns = time.time_ns()
        message = frame["message"]
        blocks = [block for block in message.get("content") or () if isinstance(block, dict)]
        self._message["content"].extend(blocks)
        if not self._is_whole:
            self._message["usage"] = message.get("usage") or self._message.get("usage")
        if message.get("stop_reason"):
            self._message["stop_reason"] = message["stop_reason"]
        if frame.get("request_id"):
            request_id = _redact.label(str(frame["request_id"]), "request_id")
            self._late[names.PROVIDER_REQUEST_ID] = request_id
        if frame.get("error"):
            self._late[names.ERROR_TYPE] = _redact.label(str(frame["error"]), "type")
        calls = anthropic.answer({"content": blocks}).calls
        if calls:
            _pending.asked(
                _pending.run_key(self._run),
                calls,
                model_call=self.span.get_span_context(),
                parent=trace.get_current_span(self._context).get_span_context(),
                said=_runs.attributes_of(self._run),
                ended_ns=self._last_ns,
            )
        return calls

    def ends(self, event: Mapping[str, Any]) -> None:
        """``message_delta`` of a host that hears of partial messages: the counts of the whole."""
        self._last_ns = time.time_ns()
        self._is_whole = True
        self._message["usage"] = event.get("usage")
        stop = (event.get("delta") or {}).get("stop_reason")
        if stop:
            self._message["stop_reason"] = stop

    def finish(self, stop_reason: str | None = None) -> dict[str, Any]:
        """The answer is over; gives it as a message of the conversation."""
        if stop_reason and not self._message.get("stop_reason"):
            self._message["stop_reason"] = stop_reason
        said = anthropic.answer(self._message)
        found = _redact.labels(said.attributes) | self._late
        if not self._is_whole:
            for name in UNSEEN_UNTIL_THE_END:
                found.pop(name, None)
        if self._with_content and said.messages:
            found["gen_ai.output.messages"] = text_of(said.messages)
        failed = found.get(names.ERROR_TYPE)
        found |= decision.response_attributes(
            said, complete=failed is None, content=self._with_content
        )
        if failed is not None:
            words = " ".join(str(b.get("text", "")) for b in self._message["content"])
            text = bounded(words, 2000) if self._with_content else failed
            self.span.set_status(Status(StatusCode.ERROR, text))
        self.span.set_attributes(found)
        self.span.end(end_time=self._last_ns)
        duration_s = (self._last_ns - self._since_ns) / 1e9
        _metrics.record(self._asked, found, duration_s=duration_s, first_chunk_s=None)
        return {"role": "assistant", "content": self._message["content"]}

    def _question(self, asked: Mapping[str, Any], message: Mapping[str, Any]) -> dict[str, Any]:
        model = _redact.label(str(message.get("model") or "unknown"), "model")
        question = anthropic.question({"model": model, **asked})
        found: dict[str, Any] = {
            **_runs.attributes_of(self._run),
            names.FRAMEWORK: "claude_agent",
            names.STEP_KIND: "model_call",
            names.OPERATION_NAME: "chat",
            names.REQUEST_PARTIAL: True,
            "gen_ai.provider.name": "anthropic",
            "gen_ai.request.model": model,
            **decision.request_attributes(question),
        }
        if self._with_content and question.messages:
            found["gen_ai.input.messages"] = text_of(question.messages)
        if self._with_content and question.tools:
            found["gen_ai.tool.definitions"] = text_of(question.tools)
        return found

    def _attempt_failed(self, number: int, said: Mapping[str, Any]) -> None:
        status, delay_ms = said.get("error_status"), said.get("retry_delay_ms")
        event: dict[str, Any] = {names.ATTEMPT_NUMBER: number}
        if isinstance(status, int):
            event["http.response.status_code"] = status
        event[names.ERROR_TYPE] = _redact.label(str(said.get("error") or status), "type")
        if isinstance(delay_ms, int | float):
            event[names.ATTEMPT_RETRY_AFTER_MS] = round(delay_ms)
        self.span.add_event(names.ATTEMPT_EVENT, event, timestamp=said.get("at_ns"))
