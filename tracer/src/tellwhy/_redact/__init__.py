"""Secrets are taken out here, before the spool and before the wire.

Three rules: *what a value looks like* (provider keys, tokens, private keys, card numbers), *what it
is called* (``password``, ``api_key`` …), and *what the environment of this process says it is*.
Searching costs little where nothing can be: each rule first looks for what it cannot do without.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from html import unescape
from typing import Any
from urllib.parse import unquote

from tellwhy._guard import swallow
from tellwhy._redact import cards, formats, names, personal
from tellwhy._redact.formats import REPLACED

__all__ = ["FAILED", "LONG", "MAX_REMEMBERED", "REPLACED", "SHORTEST", "Hook"]

FAILED = "[redaction failed]"
"""What stands where the user's own rule raised: unseen is safer than unredacted."""

Hook = Callable[[str, str], str]
"""The user's rule: (name under which the text stands, text) -> text to record."""

SHORTEST = 8
"""Characters below which no text is a secret by its looks."""

LONG = 256
"""Characters from which it is remembered whether a text holds a secret."""

MAX_REMEMBERED = 20_000
"""Long texts that are remembered to be clean, by length and hash: about 3 MB."""

MAX_CONSTANTS = 1_000
"""Texts out of the program that are remembered, such as what its tools say of themselves."""

MAX_LABELS = 4_096
"""Names, models and the like that are remembered; they come again with every step."""

WORDS_OF_MESSAGES = frozenset({
    "role", "parts", "type", "content", "name", "id", "arguments", "response", "result", "user",
    "assistant", "system", "developer", "tool", "text", "reasoning", "tool_call", "is_error",
    "tool_call_response", "server_tool_call", "server_tool_call_response", "function", "blob",
    "uri", "modality", "mime_type", "bytes", "sha256", "finish_reason", "signature", "parameters",
    "description", "action", "tool_call_id", "on_server", "answer", "refusal", "truncated",
    "handoff", "input", "output", "tool_use", "tool_result",
})  # fmt: skip
"""What messages and decisions are made of; the user's rule is not asked about these words."""

_ISSUED = re.compile(r"(?:toolu|call|msg|req|resp|chatcmpl|gen|fc)[_-][A-Za-z0-9]{8,56}")
"""Ids that providers give to requests, answers and tool calls: each comes once."""

_ESCAPED = re.compile(r"\\+(?:u00([2-7][0-9a-fA-F])|x([2-7][0-9a-fA-F])|(/))")
"""Characters that need no escape in JSON and have one all the same."""

_MAY_NAME = re.compile(rb"[:=]|%3|--|</| is|', '")
"""One of these stands between every name and its value."""

_verdicts = names._verdicts  # noqa: SLF001 - one of this package's own
_clean: set[tuple[int, int]] = set()
_changed: dict[tuple[int, int], str] = {}
_constants: dict[str, str] = {}
_labels: dict[str, str] = {}
_inside: ContextVar[bool] = ContextVar("tellwhy_inside_rule", default=False)


class _Rules:
    """What is switched on; `set_rules` replaces it."""

    defaults = True
    hook: Hook | None = None
    environment: tuple[str, ...] = ()
    emails = False
    phones = False


def set_rules(
    *,
    defaults: bool,
    hook: Hook | None,
    environ: Mapping[str, str] | None = None,
    emails: bool = False,
    phones: bool = False,
) -> None:
    """Switch the default rules on or off and put the user's own behind them.

    Args:
        defaults: Whether secrets are looked for by looks and names.
        hook: The user's own rule.
        environ: Variables whose values are secrets where their names say so.
        emails: Whether e-mail addresses are replaced.
        phones: Whether telephone numbers are.
    """
    _Rules.defaults = defaults
    _Rules.hook = hook
    _Rules.environment = personal.values_of(environ or {})
    _Rules.emails = emails
    _Rules.phones = phones
    for held in (_clean, _changed, _constants, _labels):
        held.clear()


def hook() -> Hook | None:
    """The user's own rule, if there is one."""
    return _Rules.hook


def hides(name: str, value: Any) -> bool:
    """Whether *value* is a secret because it is called *name*."""
    return names.hides(name, value) and _Rules.defaults


def announces(before: str, item: Any, *, is_pair: bool) -> bool:
    """Whether *before* names the *item* behind it in a list as a secret.

    As a header does that is written as a pair, and an option of a command line. Names of fields
    may stand in a pair as well: they have no digits and nothing but letters.
    """
    if not isinstance(item, str):
        return False
    if before[:1] == "-":
        return item[:1] != "-" and hides(before.lstrip("-"), item)
    is_name = item.isidentifier() and not any(map(str.isdigit, item))
    return is_pair and not is_name and hides(before, item)


def is_card(number: float) -> bool:
    """Whether *number* is that of a card."""
    return (
        cards.SMALLEST <= number < cards.LARGEST
        and number == int(number)
        and _Rules.defaults
        and cards.is_card(str(int(number)))
    )


def key(value: str) -> str:
    """*value*, a key of a mapping, without secrets."""
    if _Rules.hook is None:
        return value if len(value) < SHORTEST else by_default(value)
    return text(value)


def text(value: str, name: str = "") -> str:
    """*value* without secrets; *name* is the key or parameter under which it stands."""
    value = by_default(value)
    return value if _Rules.hook is None else _by_hook(_Rules.hook, value, name)


def label(value: str, name: str = "name") -> str:
    """*value* without secrets, for names and ids: few of them, and each comes many times."""
    found = _labels.get(value)
    if found is None:
        if _Rules.hook is None and _ISSUED.fullmatch(value):
            return value
        found = text(value, name)
        if _Rules.hook is None and len(value) <= LONG:
            if len(_labels) >= MAX_LABELS:
                _labels.clear()
            _labels[value] = found
    return found


def labels(found: dict[str, Any]) -> dict[str, Any]:
    """*found* with every text in it as `label` gives it, by the last part of its name."""
    for name, value in found.items():
        if type(value) is str:
            found[name] = label(value, name.rpartition(".")[2])
        elif type(value) is list:
            last = name.rpartition(".")[2]
            found[name] = [label(each, last) if type(each) is str else each for each in value]
    return found


def by_default(value: str) -> str:
    """*value* without what the default rules find."""
    if len(value) < formats.SHORTEST_RUN and (
        len(value) < SHORTEST or (":" not in value and "=" not in value and "@" not in value)
    ):
        return value
    if not (_Rules.defaults or _Rules.emails or _Rules.phones):
        return value
    return _search(value) if len(value) < LONG else _remembered(value)


def constant(value: str, make: Callable[[str], str]) -> str:
    """``make(value)`` of words out of the program's own source, made once for these rules."""
    found = _constants.get(value)
    if found is None:
        found = make(value)
        if _Rules.hook is None and len(_constants) < MAX_CONSTANTS:
            _constants[value] = found
    return found


def is_clean(value: str) -> bool:
    """Whether `text` would surely leave *value*, and any piece of it, as it is."""
    return _Rules.hook is None and by_default(value) == value


def _by_hook(rule: Hook, value: str, name: str) -> str:
    if value in WORDS_OF_MESSAGES:
        return value
    if _inside.get():
        return FAILED  # the rule itself records something: asked again, it would never end
    token = _inside.set(True)
    try:
        replaced = rule(name, value)
        return str.__str__(replaced)  # raises TypeError for what is no text
    except Exception as error:
        # The error's own words may quote the text: only its kind and place are told.
        if not swallow("calling the rule given to configure(redact=…)", _told(error)):
            raise
        return FAILED
    finally:
        _inside.reset(token)


def _told(error: Exception) -> Exception:
    steps = traceback.extract_tb(error.__traceback__)
    where = f" at {steps[-1].filename}:{steps[-1].lineno}" if steps else ""
    return RuntimeError(f"The rule raised {type(error).__qualname__}{where}.")


def _remembered(value: str) -> str:
    """`_search` in a long text, done once: a conversation comes again every turn."""
    mark = (len(value), hash(value))
    if mark in _clean:
        return value
    found = _changed.get(mark)
    if found is None:
        found = _search(value)
        held = _clean if found == value else _changed
        if len(held) >= MAX_REMEMBERED // (1 if held is _clean else 50):
            held.clear()
        if found == value:
            _clean.add(mark)
            return value
        _changed[mark] = found
    return found


def _search(value: str) -> str:
    """*value* without secrets, also those that an escape or an encoding hides."""
    found = _plainly(value)
    if "\\" in found and _ESCAPED.search(found):
        bare = _ESCAPED.sub(_unescaped, found)
        if (searched := _plainly(bare)) != bare:
            found = searched
    if "%3A%2F%2F" in found or "%3a%2f%2f" in found or "%22" in found:
        bare = unquote(found)
        if (searched := _plainly(bare)) != bare:
            found = searched
    if "&quot;" in found:
        bare = unescape(found)
        if (searched := _plainly(bare)) != bare:
            found = searched
    return found


def _unescaped(match: re.Match[str]) -> str:
    code = match[1] or match[2]
    return chr(int(code, 16)) if code else "/"


def _plainly(value: str) -> str:
    if _Rules.defaults:
        raw = value.encode("utf-8", "replace")
        lower = raw.lower()
        found = value
        if _MAY_NAME.search(raw):
            found = names.without(value, lower)
        if len(value) >= formats.SHORTEST_RUN:
            found = formats.without(found, raw, lower, _search)
            found = cards.without(found, raw)
        value = found
        if _Rules.environment:
            value = personal.without_values(value, _Rules.environment)
    if _Rules.emails:
        value = personal.without_emails(value)
    if _Rules.phones:
        value = personal.without_phones(value)
    return value
