"""A JSON schema from a function's own signature, so that each tool is written once."""

import inspect
from collections.abc import Callable, Iterable
from typing import Any

JSON_TYPES = {str: "string", float: "number", int: "integer", bool: "boolean"}


def _parameters(function: Callable[..., Any]) -> dict[str, Any]:
    names = inspect.signature(function, eval_str=True).parameters
    properties = {name: {"type": JSON_TYPES[p.annotation]} for name, p in names.items()}
    return {"type": "object", "properties": properties, "required": list(properties)}


def for_anthropic(functions: Iterable[Callable[..., Any]]) -> list[Any]:
    """Give back the tool definitions as the Messages API wants them."""
    return [
        {"name": f.__name__, "description": inspect.getdoc(f), "input_schema": _parameters(f)}
        for f in functions
    ]


def for_openai(functions: Iterable[Callable[..., Any]]) -> list[Any]:
    """Give back the tool definitions as chat completions want them."""
    described = [
        {"name": f.__name__, "description": inspect.getdoc(f), "parameters": _parameters(f)}
        for f in functions
    ]
    return [{"type": "function", "function": function} for function in described]
