"""Whether a call of a tool changes something: as its developer said, else by its name. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

CHANGING = frozenset(
    [
        "add",
        "apply",
        "approve",
        "assign",
        "book",
        "buy",
        "cancel",
        "change",
        "charge",
        "close",
        "commit",
        "create",
        "delete",
        "deny",
        "deploy",
        "disable",
        "edit",
        "email",
        "enable",
        "exchange",
        "grant",
        "insert",
        "install",
        "issue",
        "merge",
        "modify",
        "move",
        "notify",
        "overwrite",
        "patch",
        "pay",
        "place",
        "post",
        "publish",
        "purchase",
        "put",
        "refund",
        "register",
        "remove",
        "rename",
        "reply",
        "reserve",
        "reset",
        "restart",
        "return",
        "revoke",
        "save",
        "schedule",
        "send",
        "set",
        "submit",
        "transfer",
        "unsubscribe",
        "update",
        "upgrade",
        "upload",
        "withdraw",
        "write",
    ]
)
"""Verbs in names of tools that leave the world other than it was."""

READING = frozenset(
    [
        "analyse",
        "analyze",
        "browse",
        "calculate",
        "check",
        "compare",
        "compute",
        "count",
        "describe",
        "download",
        "explain",
        "extract",
        "fetch",
        "find",
        "get",
        "inspect",
        "list",
        "load",
        "look",
        "lookup",
        "open",
        "parse",
        "preview",
        "query",
        "read",
        "recall",
        "retrieve",
        "scan",
        "search",
        "show",
        "simulate",
        "summarise",
        "summarize",
        "think",
        "translate",
        "validate",
        "verify",
        "view",
        "visit",
    ]
)
"""Verbs that do not."""

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def changes(name: str | None, effect: str | None = None) -> bool:
    """Whether calling the tool *name* changes something.

    Args:
        name: ``cancel_order``, ``cancelOrder``, ``mcp__shop__cancel-order``. The first verb in it
            decides: ``get_order_return`` reads. A name without a verb of ours is taken to read.
        effect: ``read``, ``write`` or ``irreversible`` where the developer said so; it decides.
    """
    if effect is not None:
        return effect in ("write", "irreversible")
    return bool(name) and _changing(str(name))


@lru_cache(maxsize=4096)
def _changing(name: str) -> bool:
    words = (word.lower() for word in _WORD.findall(name))
    return next((word in CHANGING for word in words if word in CHANGING | READING), False)
