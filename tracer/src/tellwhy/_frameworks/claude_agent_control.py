"""Questions of the Claude Code process to the host, and the answers: permissions, hooks, tools' servers.

Source:
    claude-agent-sdk 0.2.189, _internal/query.py: ``control_request`` and ``control_response``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context

from tellwhy import _attributes as names
from tellwhy._frameworks.claude_agent_gates import Gate, answer_of_hook, name_of
from tellwhy._frameworks.claude_agent_threads import Tool
from tellwhy._frameworks.steps import content

GATES = frozenset({"PreToolUse", "PermissionRequest"})
"""Hooks that may let a tool run or not."""


class Control:
    """What the process has asked and is not answered yet."""

    def __init__(
        self,
        options: Any,
        tools: dict[str, Tool],
        place: Callable[[str | None], Context | None],
    ) -> None:
        self._callbacks = _callbacks(options)
        self._can_use_tool = name_of(getattr(options, "can_use_tool", None))
        self._tools = tools
        self._place = place
        self._gates: dict[str, tuple[Gate, str | None, str | None]] = {}
        """Id of a request -> the gate, the call's id, who answers."""
        self._listing: dict[str, str] = {}
        """Id of a request -> the server that is asked for its tools."""
        self.definitions: dict[str, dict[str, Any]] = {}
        """Tools of the host's own servers, by the name that the model knows."""

    def over(self) -> None:
        """Nobody will answer any more."""
        for gate, _, by in self._gates.values():
            gate.decided(None, by=by, kind="unknown")
        self._gates.clear()

    def asked(self, request_id: str, request: Mapping[str, Any]) -> str | None:
        subtype = request.get("subtype")
        message = request.get("message") if subtype == "mcp_message" else None
        if isinstance(message, Mapping) and message.get("method") == "tools/list":
            self._listing[request_id] = str(request.get("server_name"))
        told = request.get("input") if subtype == "hook_callback" else request
        told = told if isinstance(told, Mapping) else {}
        call_id = request.get("tool_use_id") or told.get("tool_use_id")
        if subtype == "can_use_tool":
            self._gate(request_id, told, call_id, self._can_use_tool, asks=True)
        elif told.get("hook_event_name") in {"PreToolUse", "PermissionRequest"}:
            by = self._callbacks.get(str(request.get("callback_id")))
            self._gate(request_id, told, call_id, by, asks=False)
        return None if call_id is None else str(call_id)

    def _gate(
        self,
        request_id: str,
        told: Mapping[str, Any],
        call_id: str | None,
        by: str | None,
        *,
        asks: bool,
    ) -> None:
        arguments = told.get("input") if asks else told.get("tool_input")
        context = self._place(call_id)
        if context is not None:
            gate = Gate(str(told.get("tool_name")), call_id, arguments, context, asks=asks)
            self._gates[request_id] = (gate, call_id, by)

    def answered(self, response: Mapping[str, Any]) -> None:
        request_id = str(response.get("request_id"))
        given = response.get("response")
        given = given if isinstance(given, Mapping) else {}
        server = self._listing.pop(request_id, None)
        if server is not None:
            self._listed(server, given)
        waiting = self._gates.pop(request_id, None)
        if waiting is None:
            return
        gate, call_id, by = waiting
        if gate.asks:
            word, reason, changed = (
                given.get("behavior"),
                given.get("message"),
                given.get("updatedInput"),
            )
        else:
            word, reason, changed = answer_of_hook(given)
        kind = "unknown" if gate.asks else "rule"
        decision = gate.decided(word, by=by, kind=kind, reason=reason, changed=changed)
        tool = self._tools.get(call_id or "")
        if tool is None or decision is None:
            return
        tool.is_decided = True
        if decision == "denied":
            tool.refusal = str(reason or by or "")
        elif isinstance(changed, dict) and changed != tool.arguments:
            told = content(
                names.TOOL_CALL_ARGUMENTS, changed
            )  # it runs with others than it was given
            trace.get_current_span(tool.context).set_attributes(told)

    def _listed(self, server: str, given: Mapping[str, Any]) -> None:
        """A server of the host's tells which tools it has."""
        answer = given.get("mcp_response")
        result = answer.get("result") if isinstance(answer, Mapping) else None
        for tool in (result.get("tools") or ()) if isinstance(result, Mapping) else ():
            name = f"mcp__{server}__{tool.get('name')}"
            self.definitions[name] = {
                "name": name,
                "description": tool.get("description"),
                "input_schema": tool.get("inputSchema"),
            }


def _callbacks(options: Any) -> dict[str, str | None]:
    """Ids of the host's hooks, as the SDK will number them -> their names."""
    found: dict[str, str | None] = {}
    hooks = getattr(options, "hooks", None)
    for matchers in hooks.values() if isinstance(hooks, Mapping) else ():
        for matcher in matchers or ():
            for callback in getattr(matcher, "hooks", None) or ():
                found[f"hook_{len(found)}"] = name_of(callback)
    return found
