"""`agent` and `tool`: decorators for functions, and context managers for what cannot be decorated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, overload

from tellwhy._gate import Ask
from tellwhy._scopes import AgentScope, F, ToolScope
from tellwhy._spans import Effect


@overload
def agent(target: F, /) -> F: ...
@overload
def agent(
    target: str | None = None,
    /,
    *,
    name: str | None = None,
    version: str | None = None,
    conversation_id: str | Callable[..., object] | None = None,
    arguments: Mapping[str, Any] | None = None,
    replayable: bool = True,
) -> AgentScope: ...
def agent(
    target: Any = None,
    /,
    *,
    name: str | None = None,
    version: str | None = None,
    conversation_id: str | Callable[..., object] | None = None,
    arguments: Mapping[str, Any] | None = None,
    replayable: bool = True,
) -> Any:
    """Record one agent's work as a run: ``@tellwhy.agent``, or ``with tellwhy.agent("name")``.

    Args:
        target: The function, when used as a bare decorator; else the agent's name.
        name: The agent's name; default: the function's.
        version: Its version: a git commit, a prompt's hash, a release.
        conversation_id: The thread or session that the run belongs to, or a function that finds
            it in the arguments of the call.
        arguments: With ``with``: what the agent was asked, by name.
        replayable: Whether what a replay needs is kept of its runs.
    """
    if target is None or isinstance(target, str):
        return AgentScope(
            target or name, arguments, version, conversation_id, replayable=replayable
        )
    return AgentScope(name, arguments, version, conversation_id, replayable=replayable)(target)


@overload
def tool(target: F, /) -> F: ...
@overload
def tool(
    target: str | None = None,
    /,
    *,
    name: str | None = None,
    effect: Effect | None = None,
    description: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    call_id: str | None = None,
    needs_approval: bool | Ask = False,
) -> ToolScope: ...
def tool(
    target: Any = None,
    /,
    *,
    name: str | None = None,
    effect: Effect | None = None,
    description: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    call_id: str | None = None,
    needs_approval: bool | Ask = False,
) -> Any:
    """Record a tool's calls: ``@tellwhy.tool``, or ``with tellwhy.tool("name", arguments={…})``.

    Args:
        target: The function, when used as a bare decorator; else the tool's name.
        name: The name that models call it by; default: the function's.
        effect: ``read``, ``write`` or ``irreversible``: what a call does to the world.
        description: What it does; default: the first paragraph of the function's docstring.
        arguments: With ``with``: what the tool was called with, by name.
        call_id: With ``with``: the model's id of the call, if you have it at hand.
        needs_approval: True: a call without an `approval` of exactly its arguments is recorded as
            unapproved, and runs. A function: it is asked before each call with an `Approval` that
            has ``tool`` and ``arguments``, and gives True, False, or a text that says why not; or
            it calls ``approve(by=…)`` or ``deny(by=…)``. Without a yes the tool does not run.

    Raises:
        Denied: At a call: the function that was asked did not say yes.
    """
    is_bare = target is not None and not isinstance(target, str)
    called = name if is_bare else target or name
    scope = ToolScope(
        called, arguments, effect, description, call_id, needs_approval=needs_approval
    )
    return scope(target) if is_bare else scope
