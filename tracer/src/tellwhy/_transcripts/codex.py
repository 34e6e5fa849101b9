"""A rollout of codex, line by line → the steps that it tells of.

A session is one run, as in its log events: all of it stands in a trace whose id hangs on the session.
A model call is what the model wrote between two inputs; its tokens stand in a line behind it.

Source: rollouts of codex 0.169.0.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tellwhy import _attributes as names
from tellwhy._clients import openai_responses
from tellwhy._clients.messages import Question, parsed
from tellwhy._transcripts.told import (
    INPUT_MESSAGES,
    OUTPUT_MESSAGES,
    SYSTEM_INSTRUCTIONS,
    Failure,
    Told,
    derived_id,
    nanoseconds,
)

AGENT = "codex"
Line = dict[str, Any]

CALLS = {"function_call": "arguments", "custom_tool_call": "input", "local_shell_call": "action"}
"""Items by which a model calls a tool, and where the arguments are."""

RESULTS = frozenset({"function_call_output", "custom_tool_call_output"})
USAGE = {
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
    "cached_input_tokens": "gen_ai.usage.cache_read.input_tokens",
    "cache_write_input_tokens": "gen_ai.usage.cache_creation.input_tokens",
    "reasoning_output_tokens": "gen_ai.usage.reasoning.output_tokens",
}


class Rollout:
    """One file. `feed` it its lines in order; `finish` when nothing more is expected of it."""

    def __init__(self) -> None:
        self.version: str | None = None
        """Version of the codex that wrote it."""
        self._session = ""
        self._context: Line = {}
        self._instructions: Any = None
        self._turn: Line | None = None
        self._asked_before: tuple[str | None, int] = None, 0
        """The call that what is new goes on from, and how many messages that saw."""
        self._history: list[Line] = []
        """What was said since."""
        self._answer: list[Line] = []
        self._usage: Line = {}
        self._response_id: str | None = None
        self._tools: dict[str, tuple[Line, int]] = {}
        self._failed: dict[str, int] = {}
        self._asked_ns = self._last_ns = 0
        self._calls = 0

    def feed(self, line: Line) -> Iterator[Told]:
        """The steps that *line* completes."""
        payload = line.get("payload")
        reader = _READERS.get(str(line.get("type")))
        if reader is None or not isinstance(payload, dict):
            return
        self._last_ns = max(self._last_ns, nanoseconds(line.get("timestamp")) or 0)
        yield from reader(self, payload)

    def settle(self) -> Iterator[Told]:
        """The steps that are complete although nothing stands behind them: none, ends are told."""
        return iter(())

    def finish(self) -> Iterator[Told]:
        """The steps that are as complete as they will be."""
        yield from self._close_answer()
        yield from self._close_turn(None)

    # Lines by their type.

    def _meta(self, payload: Line) -> Iterator[Told]:
        if not self._session:  # a fork repeats that of its parent behind its own
            self._session = str(payload.get("id") or payload.get("session_id"))
            version = payload.get("cli_version")
            self.version = version if isinstance(version, str) else None
            instructions = payload.get("base_instructions")
            self._instructions = (
                instructions.get("text") if isinstance(instructions, dict) else None
            )
        return iter(())

    def _turn_context(self, payload: Line) -> Iterator[Told]:
        self._context = payload
        return iter(())

    def _event(self, payload: Line) -> Iterator[Told]:
        kind = payload.get("type")
        if kind == "task_started":
            yield from self.finish()
            self._turn = {"id": payload.get("turn_id"), "start_ns": self._last_ns}
            self._asked_ns = self._last_ns
        elif kind in ("task_complete", "turn_aborted"):
            yield from self._close_answer()
            yield from self._close_turn(payload)
        elif kind == "token_count" and self._answer and not self._usage:
            info = payload.get("info")
            usage = info.get("last_token_usage") if isinstance(info, dict) else None
            self._usage = usage if isinstance(usage, dict) else {}
        elif kind == "item_completed":
            item = payload.get("item")
            code = item.get("exit_code") if isinstance(item, dict) else None
            if isinstance(code, int) and code:
                self._failed[str(item.get("id"))] = code  # type: ignore[union-attr]

    def _record(self, payload: Line) -> Iterator[Told]:
        usage = payload.get("usage")
        if self._answer and isinstance(usage, dict):
            self._usage, self._response_id = usage, payload.get("response_id")
            yield from self._close_answer()

    def _item(self, payload: Line) -> Iterator[Told]:
        kind = payload.get("type")
        if kind in RESULTS:
            yield from self._close_answer()
            yield from self._result(payload)
        elif kind == "message" and payload.get("role") != "assistant":
            yield from self._close_answer()
            self._heard(payload)
            if self._turn is not None and payload.get("role") == "user":
                self._turn["input"] = _words_of(payload)
        elif kind in CALLS or kind in ("message", "reasoning"):
            self._answer.append(payload)
            if kind in CALLS:
                call_id = str(payload.get("call_id") or payload.get("id"))
                self._tools[call_id] = (payload, self._last_ns)

    # What they add up to.

    def _heard(self, item: Line) -> None:
        self._history.append(item)
        self._asked_ns = self._last_ns

    def _common(self, kind: str, operation: str) -> Line:
        return {
            names.STEP_KIND: kind,
            names.OPERATION_NAME: operation,
            names.CONVERSATION_ID: self._session,
            names.TURN_ID: str((self._turn or {}).get("id")),
            names.AGENT_NAME: AGENT,
        }

    def _told(
        self, own: tuple[object, ...], name: str, times_ns: tuple[int, int], found: Line,
        failure: Failure | None = None,
    ) -> Told:  # fmt: skip
        turn_id = (self._turn or {}).get("id")
        return Told(
            derived_id(AGENT, self._session, size_bytes=16),
            self._span_id(own),
            derived_id("transcript", self._session, "turn", turn_id),
            name,
            *times_ns,
            found,
            failure,
        )

    def _close_answer(self) -> Iterator[Told]:
        items, self._answer = self._answer, []
        usage, self._usage = self._usage, {}
        response_id, self._response_id = self._response_id, None
        if not items:
            return
        self._calls += 1
        model = self._context.get("model")
        own = response_id or items[-1].get("id") or self._calls
        asked, since = self._asked(("answer", own))
        said = openai_responses.answer({"output": items, "id": response_id, "model": model})
        calls = any(item.get("type") in CALLS for item in items)
        found = self._common("model_call", "chat") | said.attributes | since
        found |= {
            name: usage[key] for key, name in USAGE.items() if isinstance(usage.get(key), int)
        }
        found |= {
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": model,
            "gen_ai.response.finish_reasons": ["tool_calls" if calls else "stop"],
            names.TRANSCRIPT_REQUEST: "conversation",
            INPUT_MESSAGES: asked.messages or None,
            OUTPUT_MESSAGES: said.messages or None,
            SYSTEM_INSTRUCTIONS: asked.system,
        }
        self._history += items
        times_ns = (min(self._asked_ns, self._last_ns), self._last_ns)
        yield self._told(("answer", own), f"chat {model}", times_ns, found)

    def _asked(self, own: tuple[object, ...]) -> tuple[Question, Line]:
        """What is new since an earlier call, and what says which."""
        before, kept = self._asked_before
        told = None if before is not None else self._instructions
        read = openai_responses.question({"input": self._history, "instructions": told})
        since: Line = {}
        if before is not None:
            since = {names.INPUT_GOES_ON_FROM: before, names.INPUT_KEPT: kept}
        # What a model wrote in a row is one message: what follows an open one cannot go on from it.
        if read.messages and read.messages[-1]["role"] != "assistant":
            self._asked_before = self._span_id(own), kept + len(read.messages)
            self._history = []
        return read, since

    def _span_id(self, own: tuple[object, ...]) -> str:
        return derived_id("transcript", self._session, *own)

    def _result(self, payload: Line) -> Iterator[Told]:
        call_id = str(payload.get("call_id"))
        self._heard(payload)
        call, start_ns = self._tools.pop(call_id, (None, 0))
        if call is None:
            return
        name = str(call.get("name") or call.get("type"))
        code = self._failed.pop(call_id, None)
        output = payload.get("output")
        found = self._common("tool_call", "execute_tool") | {
            names.TOOL_NAME: name,
            names.TOOL_CALL_ID: call_id,
            names.TOOL_CALL_ARGUMENTS: parsed(call.get(CALLS[str(call.get("type"))])),
        }
        failure = Failure("tool_error", str(output)) if code else None
        if failure is None:
            found[names.TOOL_CALL_RESULT] = output
        times_ns = (start_ns, self._last_ns)
        yield self._told(("tool", call_id), f"execute_tool {name}", times_ns, found, failure)

    def _close_turn(self, ending: Line | None) -> Iterator[Told]:
        turn = self._turn
        if turn is None:
            return
        found = self._common("agent", "turn") | {names.INPUT: turn.get("input")}
        failure = None
        if ending is not None and ending.get("type") == "turn_aborted":
            failure = Failure("aborted", str(ending.get("reason") or "aborted"))
        elif ending is not None:
            found[names.OUTPUT] = ending.get("last_agent_message")
        times_ns = (turn["start_ns"], self._last_ns)
        told = self._told(("turn", turn["id"]), "turn codex", times_ns, found, failure)
        self._turn = None
        self._tools.clear()
        # Under the step that its log events make of the session, if they are there.
        yield told._replace(parent_id=derived_id(AGENT, self._session))


def _words_of(item: Line) -> str:
    content = item.get("content")
    parts = content if isinstance(content, list) else []
    return "\n".join(str(part.get("text", "")) for part in parts if isinstance(part, dict))


_READERS = {
    "session_meta": Rollout._meta,  # noqa: SLF001 - itself
    "turn_context": Rollout._turn_context,  # noqa: SLF001
    "event_msg": Rollout._event,  # noqa: SLF001
    "token_usage_record": Rollout._record,  # noqa: SLF001
    "response_item": Rollout._item,  # noqa: SLF001
}
"""Lines of other types tell of no step."""
