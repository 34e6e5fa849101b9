"""MCP 1.x and 2.x: tools called by a client, and the server that runs them, in one trace.

* `ClientSession.call_tool` has no hook and is wrapped. The call is a tool's, or a part of the
  framework's tool that it carries out. Into ``_meta`` go the W3C trace context, where the package
  does not write it itself, and the model's id of the call.
* On the server 2.x has middleware; of 1.x the decorator `Server.call_tool` is wrapped. Where the
  caller is one of ours it has recorded the call, and the server's part stands below it; else the
  server's part is the call.

Source:
    mcp 1.30 and 2.3: client/session.py, server/lowlevel/server.py, server/context.py. W3C trace
    context in ``_meta``: SEP-414.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from contextvars import Token
from types import ModuleType
from typing import Any

from mcp import ClientSession
from opentelemetry import context as otel_context
from opentelemetry import propagate, trace
from opentelemetry.context import Context

from tellwhy import _attributes as names
from tellwhy import _configure, _runs, _spans
from tellwhy._clients.arrival import wait_no_more, when_imported
from tellwhy._frameworks.steps import labelled, place_of_call
from tellwhy._guard import guarded
from tellwhy._open_step import NOTHING, OpenStep
from tellwhy._places import here

CALL_KEY = "tellwhy/toolCallId"
"""In ``_meta``: the model's id of the call, empty where it is not known; says that we recorded it."""

FOREIGN_CALL_KEYS = ("claudecode/toolUseId",)
"""Where other clients write the model's id."""

SERVER = "mcp.server.lowlevel.server"

_SAID = {names.FRAMEWORK: "mcp"}


def install() -> Callable[[], None]:
    """Wrap the client now and the server when it is imported; gives the way back."""
    original: Any = ClientSession.call_tool
    ClientSession.call_tool = wrapped = _calling(original)
    restores: list[Callable[[], None]] = []
    when_imported(SERVER, lambda module: restores.append(_on_server(module)))

    def restore() -> None:
        if ClientSession.call_tool is wrapped:
            ClientSession.call_tool = original
        wait_no_more(SERVER)
        for each in restores:
            each()

    return restore


def _calling(original: Any) -> Any:
    takes_meta = "meta" in inspect.signature(original).parameters

    @functools.wraps(original)
    async def call_tool(self: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        step, context = _begin(name, args[0] if args else kwargs.get("arguments"))
        if takes_meta and step is not NOTHING:
            kwargs["meta"] = _meta(kwargs.get("meta"), context)
        token = otel_context.attach(context)
        try:
            result = await original(self, name, *args, **kwargs)
        except BaseException as error:
            step.failed(error)
            raise
        finally:
            _runs.detach(token)
        _end(step, result)
        return result

    return call_tool


def _begin(name: str, arguments: Any) -> tuple[OpenStep, Context]:
    """The step of a call, and the context in which to send it."""
    around = here()
    with guarded("starting an MCP call"):
        if _configure.ensure_configured():
            given = dict(arguments) if isinstance(arguments, Mapping) else {}
            step = _spans.begin_tool(name, given, context=around, said=_SAID)
            return step, step.context
    return NOTHING, around


def _meta(given: Any, context: Context) -> Any:
    """What goes along with the request, beside what the caller put there."""
    with guarded("preparing the context of an MCP call"):
        meta: dict[str, Any] = dict(given or {})
        propagate.inject(meta, context=context)
        tool = _spans.current_tool(context)
        meta[CALL_KEY] = (tool.call_id if tool is not None else None) or ""
        return meta
    return given


@guarded("ending an MCP call")
def _end(step: OpenStep, result: Any) -> None:
    value, failed = _value(result)
    step.result(value)
    if failed:
        step.told_error("tool_error", value if isinstance(value, str) else "")
    step.ended()


def _value(result: Any) -> tuple[Any, bool]:
    """What a tool gave back: its structure, else its text; and whether that is an error."""
    for name in ("structuredContent", "structured_content"):
        found = getattr(result, name, None)
        if found is not None:
            return found, _failed(result)
    parts = getattr(result, "content", None)
    if not isinstance(parts, list):
        return result, False
    texts = [part.text for part in parts if isinstance(getattr(part, "text", None), str)]
    value = texts[0] if len(texts) == len(parts) == 1 else parts
    return value, _failed(result)


def _failed(result: Any) -> bool:
    return bool(getattr(result, "isError", getattr(result, "is_error", False)))


def _on_server(module: ModuleType) -> Callable[[], None]:
    """Follow what servers run; gives the way back."""
    server: Any = module.Server
    if hasattr(server, "call_tool"):  # 1.x
        original = server.call_tool
        server.call_tool = _registering(original)
        return functools.partial(setattr, server, "call_tool", original)
    original = server.__init__

    @functools.wraps(original)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        with guarded("following an MCP server"):
            self.middleware.append(_middleware)

    server.__init__ = init
    return functools.partial(setattr, server, "__init__", original)


def _registering(original: Any) -> Any:
    @functools.wraps(original)
    def call_tool(self: Any, *args: Any, **kwargs: Any) -> Any:
        register = original(self, *args, **kwargs)

        def decorator(function: Any) -> Any:
            @functools.wraps(function)
            async def run(name: str, arguments: Any) -> Any:
                step = _serve(name, arguments, _meta_of(self))
                token = _entered(step)
                try:
                    result = await function(name, arguments)
                except BaseException as error:
                    step.failed(error)
                    raise
                finally:
                    _left(token)
                _served(step, result)
                return result

            register(run)
            return function

        return decorator

    return call_tool


async def _middleware(ctx: Any, call_next: Any) -> Any:
    """Runs around every message of a 2.x server."""
    if getattr(ctx, "method", None) != "tools/call":
        return await call_next(ctx)
    params = ctx.params if isinstance(ctx.params, Mapping) else {}
    step = _serve(str(params.get("name")), params.get("arguments"), params.get("_meta"))
    token = _entered(step)
    try:
        result = await call_next(ctx)
    except BaseException as error:
        step.failed(error)
        raise
    finally:
        _left(token)
    _served(step, result)
    return result


def _entered(step: OpenStep) -> Token[Context] | None:
    """Make the tool's place current: a step of another framework's, too, that it is a part of."""
    return None if step is NOTHING else otel_context.attach(step.context)


def _left(token: Token[Context] | None) -> None:
    if token is not None:
        _runs.detach(token)


def _meta_of(server: Any) -> Any:
    """``_meta`` of the request that a 1.x server works on."""
    with guarded("reading an MCP request"):
        meta = server.request_context.meta
        return meta.model_dump() if hasattr(meta, "model_dump") else meta
    return None


def _serve(name: str, arguments: Any, meta: Any) -> OpenStep:
    with guarded("starting an MCP tool"):
        if _configure.ensure_configured():
            said = meta if isinstance(meta, Mapping) else {}
            around = here()
            if not trace.get_current_span(around).get_span_context().is_valid:
                around = propagate.extract(
                    {key: text for key, text in said.items() if isinstance(text, str)}, around
                )
            return _step(name, arguments, said, around)
    return NOTHING


def _step(name: str, arguments: Any, said: Mapping[str, Any], around: Context) -> OpenStep:
    if CALL_KEY in said:
        told = {names.TOOL_NAME: name, names.TOOL_CALL_ID: said[CALL_KEY] or None}
        return _spans.begin_part(name, "mcp_server", _SAID | labelled(told), around)
    call_id = next((said[key] for key in FOREIGN_CALL_KEYS if key in said), None)
    around = place_of_call(call_id) or around
    given = dict(arguments) if isinstance(arguments, Mapping) else {}
    return _spans.begin_tool(name, given, call_id=call_id, context=around, said=_SAID)


@guarded("ending an MCP tool")
def _served(step: OpenStep, result: Any) -> None:
    value, failed = _value(result)
    if isinstance(result, Mapping):  # a 2.x result as it goes on the wire
        value = result.get("structuredContent", result.get("content"))
        failed = bool(result.get("isError"))
    if _is_call(step):
        step.result(value)
    if failed:
        step.told_error("tool_error", "")
    step.ended()


def _is_call(step: OpenStep) -> bool:
    """Whether the step is the call itself: a caller of ours would have its result."""
    return _spans.current_tool(step.context) is not None
