"""Spans of other instrumentors, and what others put on ours, redacted before they leave the process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tellwhy import _attributes, _redact, _settings

KEPT_NAMES = frozenset({
    "error.type", "exception.type", "openinference.span.kind", "traceloop.span.kind",
    "llm.model_name", "llm.provider", "llm.system", "llm.request.type", "tool.name", "tool_call.id",
    "embedding.model_name", "reranker.model_name", "agent.name", "session.id", "user.id",
    "logfire.span_type", "logfire.level_num", "operation.name", "component", "span.kind",
    "gen_ai.system", "gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model",
    "gen_ai.response.model", "gen_ai.response.id", "gen_ai.response.finish_reasons",
    "gen_ai.output.type", "gen_ai.token.type", "gen_ai.tool.name", "gen_ai.tool.type",
    "gen_ai.tool.call.id", "gen_ai.agent.name", "gen_ai.agent.id", "gen_ai.agent.version",
    "gen_ai.conversation.id", "gen_ai.data_source.id", "gen_ai.workflow.name",
    "http.request.method", "http.method", "http.route", "http.scheme", "http.flavor", "url.scheme",
    "network.protocol.name", "network.protocol.version", "network.transport", "server.address",
    "net.peer.name", "db.system", "db.system.name", "db.operation.name", "db.collection.name",
    "rpc.system", "rpc.service", "rpc.method", "messaging.system", "messaging.operation.name",
    "messaging.destination.name", "code.function.name", "code.filepath", "code.function",
    "code.namespace", "code.file.path", "thread.name", "mcp.method.name", "mcp.session.id",
})  # fmt: skip
"""Texts that ``content="none"`` keeps: names and ids. Numbers and truths are kept whatever their name."""

Clean = Callable[[str, str], str]
"""(text, name) -> text without secrets."""

OURS = frozenset(
    value
    for name, value in vars(_attributes).items()
    if name.isupper() and isinstance(value, str) and "." in value
) | {
    "gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions",
    "gen_ai.tool.definitions", "gen_ai.provider.name", "gen_ai.request.model",
    "gen_ai.response.model", "gen_ai.response.id", "gen_ai.response.finish_reasons",
    "gen_ai.request.stop_sequences", "gen_ai.output.type", "gen_ai.request.stream",
    "server.address", "server.port", "http.response.status_code", "http.request.resend_count",
    "tellwhy.stream.complete", "tellwhy.stream.unread_events",
}  # fmt: skip
"""Attributes that were redacted when we wrote them."""


def attributes(said: Mapping[str, Any]) -> dict[str, Any]:
    """*said* without secrets, and without content where none is to be recorded."""
    little = _keeps_little()
    return {
        _redact.label(name): _redacted(name, value)
        for name, value in said.items()
        if not little or name in KEPT_NAMES or isinstance(value, int | float)
    }


def on_ours(said: Mapping[str, Any]) -> Mapping[str, Any]:
    """*said* on a span of ours: what somebody else set there is not clean yet."""
    others = said.keys() - OURS
    if all(isinstance(said[name], int | float) for name in others):
        return said
    ours = {name: value for name, value in said.items() if name in OURS}
    return ours | attributes({name: said[name] for name in others})


def resource(said: Mapping[str, Any]) -> dict[str, Any]:
    """*said* of a process without secrets: its command line can hold some.

    The user's own rule is not asked: these are names that its operator chose.
    """
    little = _keeps_little()
    return {
        name: _redacted(name, value, _by_default)
        for name, value in said.items()
        if not (little and name.startswith("process.command"))
    }


def name(said: str, *, is_ours: bool) -> str:
    """*said*, a span's name, without secrets; for one of ours the user's rule was asked before."""
    return _redact.constant(said, _redact.by_default) if is_ours else _redact.text(said)


def text(said: str) -> str:
    """*said*, a name, without secrets."""
    return _redact.text(said)


def message(said: str, kind: object = None) -> str:
    """*said* about an error of *kind* without secrets; where no content is recorded, only the kind."""
    if _keeps_little():
        return said if said == kind else ""
    return _redact.text(said)


def _keeps_little() -> bool:
    return not _settings.current().captures_content


def _redacted(name: str, value: Any, clean: Clean = _redact.text) -> Any:
    last = name.rpartition(".")[2]
    if _redact.hides(last, value):
        return _redact.REPLACED
    if isinstance(value, str):
        found = clean(value, last)
        return value if found == value else found
    if isinstance(value, bytes):
        said = value.decode("utf-8", "replace")
        return value if clean(said, last) == said else _redact.REPLACED
    if isinstance(value, Mapping):
        return {
            clean(str(key), ""): _redacted(str(key), item, clean) for key, item in value.items()
        }
    if isinstance(value, Sequence):
        return [
            _redact.REPLACED if _announced(value, at) else _redacted(name, item, clean)
            for at, item in enumerate(value)
        ]
    return _redact.REPLACED if isinstance(value, int | float) and _redact.is_card(value) else value


def _by_default(value: str, name: str) -> str:  # noqa: ARG001 - as `text` takes it
    return _redact.by_default(value)


def _announced(items: Sequence[Any], at: int) -> bool:
    """Whether the item in front names this one a secret, as an option of a command line does."""
    before = items[at - 1] if at else None
    return isinstance(before, str) and _redact.announces(before, items[at], is_pair=len(items) == 2)
