"""The steps of a transcript of Claude Code, each as what is told of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from tellwhy import _attributes as names
from tellwhy._clients import anthropic
from tellwhy._clients.messages import without_bytes
from tellwhy._transcripts.claude_requests import Request
from tellwhy._transcripts.going_on import GoingOn
from tellwhy._transcripts.told import (
    INPUT_MESSAGES,
    OUTPUT_MESSAGES,
    SYSTEM_INSTRUCTIONS,
    TOOL_DEFINITIONS,
    Failure,
    Told,
    derived_id,
)

Line = dict[str, Any]

SYNTHETIC = "<synthetic>"
"""The model of answers that Claude Code wrote itself, about an error."""

RULES = frozenset({"config", "hook", "classifier"})
DECISIONS = {"accept": "approved", "reject": "denied"}


class Place(NamedTuple):
    """Where a step stands."""

    trace_id: str
    session: str
    prompt: str
    agent: str | None
    """None for a subagent whose name is not known yet: the collector takes that of its root."""
    parent_id: str | None = None

    def attributes(self, kind: str, operation: str) -> dict[str, Any]:
        """What every step says."""
        return {
            names.STEP_KIND: kind,
            names.OPERATION_NAME: operation,
            names.CONVERSATION_ID: self.session,
            names.TURN_ID: self.prompt,
            names.AGENT_NAME: self.agent,
        }

    def id_of(self, *parts: object) -> str:
        """A span id that hangs on the session and *parts*."""
        return derived_id("transcript", self.session, *parts)


class ToolUse(NamedTuple):
    """A tool call that a model has asked for."""

    place: Place
    span_id: str
    call_id: str
    name: str
    arguments: Any
    start_ns: int
    request_id: str | None


class Answer:
    """One answer of the API, gathered from its lines."""

    def __init__(
        self,
        message_id: str,
        line: Line,
        request: Request,
        *,
        start_ns: int,
        retries: list[Line],
        is_copy: bool,
    ) -> None:
        self.message_id = message_id
        self.request = request
        self.start_ns = self.end_ns = start_ns
        self.is_copy = is_copy
        self.request_id: str | None = line.get("requestId")
        self.requested_model = line.get("requestedModel")
        self.is_error = bool(line.get("isApiErrorMessage"))
        self.error_kind = str(line.get("error") or line.get("apiErrorStatus") or "api_error")
        self.attempts = 1 + len(retries)
        self.blocks: list[Any] = []
        self._message: dict[str, Any] = {}
        self._times: list[int] = []

    def add(self, message: dict[str, Any], time_ns: int) -> None:
        """The next line of it."""
        self._message = self._message | message
        content = message.get("content")
        for block in content if isinstance(content, list) else ():
            self.blocks.append(block)
            self._times.append(time_ns)
        self.end_ns = max(self.end_ns, time_ns)

    @property
    def stop_reason(self) -> str | None:
        """Why the model stopped."""
        reason = self._message.get("stop_reason")
        return reason if isinstance(reason, str) else None

    @property
    def message(self) -> dict[str, Any]:
        """The whole answer as the API gave it."""
        return {**self._message, "content": self.blocks}

    @property
    def model(self) -> str | None:
        """The model that answered; None where none did."""
        model = self._message.get("model")
        return model if isinstance(model, str) and model != SYNTHETIC else None

    @property
    def text(self) -> str:
        """Its words."""
        return "".join(
            str(block.get("text", ""))
            for block in self.blocks
            if isinstance(block, dict) and block.get("type") == "text"
        )

    def tool_uses(self, place: Place) -> Iterator[ToolUse]:
        """The tool calls in it."""
        for block, time_ns in zip(self.blocks, self._times, strict=True):
            if isinstance(block, dict) and block.get("type") == "tool_use" and block.get("id"):
                call_id = str(block["id"])
                yield ToolUse(
                    place,
                    place.id_of("tool", self.message_id, call_id),
                    call_id,
                    str(block.get("name")),
                    block.get("input"),
                    time_ns,
                    self.request_id,
                )


def call_told(place: Place, answer: Answer, going_on: GoingOn) -> Told:
    """One call of a model."""
    span_id = place.id_of("answer", answer.message_id)
    body = answer.request.body
    framing = (body.get("system"), body.get("tools"))
    since = going_on.since(span_id, body["messages"], framing)
    if since.same_framing:
        body = {key: value for key, value in body.items() if key not in ("system", "tools")}
    asked = anthropic.question(body | {"messages": body["messages"][since.kept :]})
    said = anthropic.answer(answer.message)
    model = answer.model or answer.requested_model or asked.model
    found = place.attributes("model_call", "chat") | asked.attributes | said.attributes
    found |= since.attributes | {
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": answer.requested_model or asked.model or model,
        "gen_ai.response.model": answer.model,
        "gen_ai.response.id": None if answer.model is None else answer.message_id,
        names.PROVIDER_REQUEST_ID: answer.request_id,
        names.ATTEMPTS: answer.attempts,
        names.TRANSCRIPT_REQUEST: answer.request.known,
        INPUT_MESSAGES: asked.messages or None,
        OUTPUT_MESSAGES: said.messages or None,
        SYSTEM_INSTRUCTIONS: asked.system,
        TOOL_DEFINITIONS: asked.tools,
        names.REQUEST_PARAMETERS: asked.parameters or None,
    }
    found.pop("gen_ai.request.stream", None)  # the transcript does not say
    failure = Failure(answer.error_kind, answer.text) if answer.is_error else None
    if failure is not None:
        found.pop(OUTPUT_MESSAGES)
    return Told(
        place.trace_id,
        span_id,
        place.parent_id,
        f"chat {model}" if model else "chat",
        answer.start_ns,
        answer.end_ns,
        found,
        failure,
    )


def result_told(use: ToolUse, line: Line, block: Line, time_ns: int) -> Iterator[Told]:
    """One tool call, and who let it run where the transcript says so."""
    said = line.get("permissionDecision")
    decision = said if isinstance(said, dict) else {}
    denied = decision.get("decision") == "reject" or bool(line.get("toolDenialKind"))
    place = use.place
    found = place.attributes("tool_call", "execute_tool") | {
        names.TOOL_NAME: use.name,
        names.TOOL_CALL_ID: use.call_id,
        names.TOOL_CALL_ARGUMENTS: use.arguments,
        names.PROVIDER_REQUEST_ID: use.request_id,
    }
    words = _text_of(block.get("content"))
    failure = None
    if block.get("is_error"):
        failure = Failure("denied" if denied else "tool_error", words)
    else:
        found[names.TOOL_CALL_RESULT] = words
    end_ns = max(time_ns, use.start_ns)
    yield Told(
        place.trace_id,
        use.span_id,
        place.parent_id,
        f"execute_tool {use.name}",
        use.start_ns,
        end_ns,
        found,
        failure,
    )
    if decision.get("decision") in DECISIONS:
        yield _approval(use, decision, end_ns)


def _approval(use: ToolUse, decision: dict[str, Any], end_ns: int) -> Told:
    """When it was decided is not written: some time before the tool's end, told as a moment."""
    source = str(decision.get("source") or "unknown")
    found = use.place.attributes("human", "permission") | {
        names.APPROVAL_DECISION: DECISIONS[decision["decision"]],
        names.APPROVAL_APPROVER: source,
        names.APPROVAL_APPROVER_KIND: _approver_kind(source),
        names.APPROVAL_TOOL_CALL_ID: use.call_id,
        names.APPROVAL_TOOL_NAME: use.name,
        names.PERMISSION_REASON: decision.get("reasonCode") or decision.get("reasonType"),
        names.PERMISSION_RULE_SOURCE: decision.get("ruleSource"),
    }
    return Told(
        use.place.trace_id,
        derived_id("transcript", use.span_id, "permission"),
        use.span_id,
        f"permission {use.name}",
        end_ns,
        end_ns,
        found,
    )


def _approver_kind(source: str) -> str:
    if source.startswith("user_"):
        return "person"
    return "rule" if source in RULES else "unknown"


def compaction_told(place: Place, line: Line, time_ns: int) -> Told:
    """Where the conversation was made shorter."""
    said = line.get("compactMetadata")
    metadata = said if isinstance(said, dict) else {}
    found = place.attributes("other", "compaction") | {
        names.OUTPUT: {
            "trigger": metadata.get("trigger"),
            "tokens_before": metadata.get("preTokens"),
            "tokens_after": metadata.get("postTokens"),
        }
    }
    return Told(
        place.trace_id,
        place.id_of("compaction", line.get("uuid")),
        place.parent_id,
        "compaction",
        time_ns,
        time_ns,
        found,
    )


def turn_told(
    place: Place, root_id: str, times_ns: tuple[int, int], content: Line, *, is_subagent: bool
) -> Told:
    """A prompt and all that came of it."""
    operation = "subagent" if is_subagent else "turn"
    return Told(
        place.trace_id,
        root_id,
        place.parent_id,
        f"{operation} {place.agent}" if place.agent else operation,
        *times_ns,
        place.attributes("agent", operation)
        | {name: _text_of(value) for name, value in content.items() if value is not None},
    )


def _text_of(content: Any) -> Any:
    """The words of a message; what is not words stays as it is, without bytes."""
    if not isinstance(content, list):
        return content
    texts = [block.get("text") if isinstance(block, dict) else None for block in content]
    words = [text for text in texts if isinstance(text, str)]
    if words and len(words) == len(texts):
        return "\n".join(words)
    return without_bytes(content)
