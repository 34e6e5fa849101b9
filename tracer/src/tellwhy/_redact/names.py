"""Secrets that show by what they are called: keys of mappings, and names inside a text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tellwhy._redact.formats import REPLACED

SECRET_NAMES = frozenset({
    "password", "passwd", "pwd", "passphrase", "passcode", "secret", "secrets", "authorization",
    "proxyauthorization", "apikey", "xapikey", "token", "idtoken", "jwt", "otp", "credential",
    "credentials", "cookie", "cookies", "setcookie", "cvv", "cvc", "cvv2", "ssn", "cardnumber",
    "creditcard", "securitycode", "connectionstring", "authtoken", "xamzsignature",
    "xgoogsignature", "sastoken", "passwort", "kennwort",
})  # fmt: skip
"""Names whose value is always replaced, in lower case without separators."""

SECRET_ENDINGS = (
    "password", "passwd", "passphrase", "apikey", "secret", "secretkey", "privatekey",
    "accesskey", "accountkey", "signingkey", "encryptionkey", "masterkey", "subscriptionkey",
    "accesstoken", "refreshtoken", "authorizationtoken", "authtoken", "bearertoken",
    "sessiontoken", "securitytoken", "csrftoken", "bottoken", "apitoken", "accesstokensecret",
    "secretaccesskey", "credentials", "connectionstring", "cookie",
)  # fmt: skip
"""A name that ends so is one too: ``stripe_api_key``, ``dbPassword``."""

KEYS = frozenset({
    "pass", "sessionkey", "auth", "bearer", "pin", "sig", "dsn", "webhookurl", "licensekey", "sas",
    "csrf", "xcsrf", "tokenvalue",
})  # fmt: skip
"""Keys of a mapping whose value is replaced when it looks like a secret; prose uses these words."""

WEAK_NAMES = frozenset({
    "secret", "secrets", "token", "jwt", "otp", "authorization", "proxyauthorization",
    "credential", "credentials", "cookie", "cookies", "setcookie", "ssn", "creditcard",
    "securitycode", "connectionstring",
})  # fmt: skip
"""Names that prose uses with a colon too: outside of quotes only what looks random is hidden."""

NUMERIC_SECRETS = frozenset({
    "cvv", "cvc", "cvv2", "otp", "ssn", "cardnumber", "creditcard", "securitycode", "password",
    "passcode", "pwd",
})  # fmt: skip
"""Names under which a number is a secret too; elsewhere it is a count."""

SCHEMA_WORDS = frozenset({"type", "$ref", "anyOf", "oneOf", "allOf", "enum", "description"})
"""A mapping with one of these describes a parameter, as in a tool's definition; it holds no value."""

NO_VALUES = frozenset({
    "none", "null", "nil", "true", "false", "undefined", "string", "str", "required", "optional",
    "missing", "invalid", "incorrect", "expired", "empty", "hidden", "unknown", "integer", "int",
    "number", "boolean", "bool", "object", "bytes", "text", "redacted", "secret", "password",
    "input", "getpass",
})  # fmt: skip
"""What stands behind such a name in code and prose, and is no secret."""

IN_ADDRESSES = frozenset({"sig", "signature", "key", "auth", "pass"})
"""Names that announce a secret behind ``?`` and ``&`` only."""

MAX_STRUCTURE = 65_536
"""Characters of an object in a text that are searched for its end; past them the rest is hidden."""

_SEPARATORS = str.maketrans("", "", "_- .")
_verdicts: dict[str, bool] = {}

_WORDS = (
    b"pass", b"pwd", b"secret", b"token", b"key", b"authoriz", b'auth"', b"auth\\", b'dsn"',
    b"webhook", b"cookie", b"credential", b"cvv", b"cvc", b"card", b"signature", b"connection",
    b"jwt", b"otp", b"sig=", b"kennwort", b"ssn", b'pin"', b"pin\\",
)  # fmt: skip
"""One of these stands in every such name."""

_BEHIND = re.compile(
    r"[A-Za-z0-9_.-]{0,40}(?P<quote>\\*[\"'`])?"
    r"(?P<sep>\s{0,3}(?:=>|:=|[:=>,]|%3(?:[Aa]|[Dd]))\s{0,3}|\s{1,3}is:?\s{1,3}|\s+)"
)
_BEFORE = re.compile(r"[A-Za-z0-9_.-]*\Z")
_OPENING = re.compile(r"(?P<slashes>\\*)(?P<quote>[\"'`])")
_BARE = re.compile(r"(?:\\(?![nrtbf\"'\\/u])|[^\s\"'`\\,;&{}\[\]()<>\0])+")
_ASSIGNED = re.compile(r"(?:\\(?![nrtbf\"'])|[^\s\"'`\\&;<>\0])+")
_SCHEME = re.compile(r"(?i:(bearer|basic|token|apikey|negotiate|digest|aws4-hmac-sha256)\s+)")
_LINE = re.compile(r"[^\r\n\"'\\\0]+")
_COOKIES = re.compile(r"[A-Za-z0-9_.-]{1,128}=[^\r\n\"'\\\0]+")
_CLOSING = {mark: re.compile(rf"(?<!\\)(\\*){mark}|[\r\n\0]") for mark in "\"'`"}
_STRUCTURE = re.compile(r"[\[\]{}]")
_SCHEMA = re.compile(r"\\*\"(?:type|\$ref|anyOf|oneOf|allOf|enum|description)\\*\"\s*:")
_STAND_IN = re.compile(r"YOUR[A-Z_]+|<[\w -]+>|\$\{?\w+\}?|\{\{?[\w. ]+\}\}?")
_PLACEHOLDER = re.compile(r"[$<*%]|\{\{|os\.environ|process\.env|getenv|env\.|x{4,}\Z|\.\.\.")


def hides(name: str, value: Any) -> bool:
    """Whether *value* is a secret because it is called *name*."""
    verdict = _verdicts.get(name)
    if verdict is None:
        verdict = is_secret(name) or plain(name) in KEYS
        if len(_verdicts) < 10_000:  # names can come from data: do not grow for ever
            _verdicts[name] = verdict
    return verdict and _could_be_secret(plain(name), value)


def is_secret(name: str) -> bool:
    """Whether *name* says that its value is a secret."""
    bare = plain(name)
    if bare in SECRET_NAMES or bare.endswith(SECRET_ENDINGS):
        return True
    return name.lower().endswith(("_pass", "-pass")) or name.endswith("Pass")


def plain(name: str) -> str:
    """*name* in lower case without separators."""
    return name.lower().translate(_SEPARATORS)


def _could_be_secret(name: str, value: Any) -> bool:
    if value is None or isinstance(value, bool):
        return False
    if name in KEYS:
        return _may_be_key(name, value)
    if isinstance(value, int | float):
        return name in NUMERIC_SECRETS
    if isinstance(value, str):
        return bool(value) if name != "token" else _may_be_token(value)
    if isinstance(value, dict):
        return not SCHEMA_WORDS & value.keys()
    return True


def _may_be_key(name: str, value: Any) -> bool:
    """Whether the value of a key of `KEYS` looks like one; `auth` may be a mapping of its own."""
    if name == "pin":
        return str(value).isdecimal() and 3 <= len(str(value)) <= 12
    if not isinstance(value, str) or any(map(str.isspace, value)) or value.isdecimal():
        return False
    if name == "pass":
        return len(value) >= 4 and value.lower() not in NO_VALUES
    return len(value) >= 24 or (len(value) >= 8 and any(map(str.isdigit, value)))


def _may_be_token(value: str) -> bool:
    """Log probabilities call each piece of text a `token`: a word, blanks, marks."""
    if len(value) < 8 or any(map(str.isspace, value)):
        return False
    return len(value) >= 24 or any(map(str.isdigit, value))


def without(value: str, lower: bytes) -> str:
    """*value* with what stands behind secret names replaced: ``key=value``, ``"key": "value"``.

    Environment dumps, command lines, query strings, headers, connection strings, and JSON as text,
    also where it is escaped.
    """
    words = [word for word in _WORDS if word in lower]
    if not words:
        return value
    searched = value.lower()
    if len(searched) != len(value):
        searched = "".join(low if len(low := each.lower()) == 1 else each for each in value)
    look, pieces, done = _Look(value), [], 0
    for at in sorted(_places(searched, words)):
        if at < done:
            continue
        span = look.value_behind(at)
        if span is not None and span[0] >= done:
            pieces += [value[done : span[0]], look.replacement]
            done = span[1]
    return "".join([*pieces, value[done:]]) if pieces else value


def _places(searched: str, words: list[bytes]) -> Iterator[int]:
    for word in words:
        text = word.decode()
        at = searched.find(text)
        while at >= 0:
            yield at
            at = searched.find(text, at + len(text))


class _Look:
    """One pass over the names in a text."""

    __slots__ = ("left", "replacement", "value")

    def __init__(self, value: str) -> None:
        self.value = value
        self.left = 4 * MAX_STRUCTURE
        """Characters that may yet be searched for the ends of objects."""
        self.replacement = REPLACED
        """What to put in the place found last."""

    def value_behind(self, at: int) -> tuple[int, int] | None:
        """Where the secret stands that the name around *at* announces."""
        value = self.value
        behind = _BEHIND.match(value, at)
        if behind is None:
            return None
        start = _start_of_name(value, at)
        end_of_name = behind.start("quote") if behind["quote"] else behind.start("sep")
        name = value[start:end_of_name].rstrip("-.")
        mark, before = behind["sep"].strip(), value[max(start - 1, 0) : start]
        bare = _secret_name(
            name, in_address=before in {"?", "&"}, is_key=bool(behind["quote"]) and mark == ":"
        )
        if bare is None or not (mark or name.startswith("--")):
            return None
        if mark == ">" and before != "<":
            return None  # no element, but a comparison
        return self._found(bare, behind, name, mark)

    def _found(
        self, bare: str, behind: re.Match[str], name: str, mark: str
    ) -> tuple[int, int] | None:
        """The value behind a name that is secret, and the mark between them."""
        value, after = self.value, behind.end()
        self.replacement = REPLACED
        opening = _OPENING.match(value, after)
        if opening is not None:
            end = _end_of_quoted(value, opening)
            said = value[opening.end() : end]
            is_value = _could_be_secret(bare, said) and not _STAND_IN.fullmatch(said)
            if mark == ",":  # the second of a pair, or the next in a list of names
                is_value = is_value and bool(behind["quote"]) and not _is_name(said)
            return _without_scheme(value, opening.end(), end) if is_value else None
        if mark == ",":
            return None
        first = value[after : after + 1]
        if behind["quote"] and (first in {"{", "["} or first.isdigit()):
            # The text stays JSON.
            self.replacement = f"{behind['quote']}{REPLACED}{behind['quote']}"
        if first in {"{", "["}:
            return self.structure(after) if behind["quote"] else None
        return _bare_span(value, bare, behind, name)

    def structure(self, at: int) -> tuple[int, int] | None:
        """A whole object or list; None when it describes a parameter."""
        value, depth, end = self.value, 0, len(self.value)
        limit = at + min(self.left, MAX_STRUCTURE)
        for mark in _STRUCTURE.finditer(value, at, limit):
            depth += 1 if mark.group() in "[{" else -1
            if depth == 0:
                end = mark.end()
                break
        self.left -= min(end, limit) - at
        if end - at <= 2 or _SCHEMA.search(value, at, min(end, limit)):
            return None
        return at, end


def _is_name(said: str) -> bool:
    """Whether it is more likely the name of a field than a secret."""
    return said.isidentifier() and not any(map(str.isdigit, said))


def _secret_name(name: str, *, in_address: bool, is_key: bool) -> str | None:
    """*name* as `plain` gives it, or its last part; None when it names no secret."""
    if is_secret(name) or (is_key and plain(name) in KEYS):
        return plain(name)
    last = plain(name.rpartition(".")[2])
    if last in SECRET_NAMES or (in_address and last in IN_ADDRESSES):
        return last
    return None


def _start_of_name(value: str, at: int) -> int:
    before = _BEFORE.search(value, max(at - 48, 0), at)
    start = before.start() if before else at
    is_escape = value[max(start - 1, 0) : start] == "\\" and value[start] in "nrtbf"
    return start + 1 if is_escape and start < at else start


def _end_of_quoted(value: str, opening: re.Match[str]) -> int:
    """Where the quotation ends: at the mark that closes it, or with the line.

    Inside of a quotation whose mark has 0, 1, 3 … backslashes, a backslash has twice as many and
    one more, so the count of those in front of a mark tells what it is.
    """
    level = len(opening["slashes"])
    for closing in _CLOSING[opening["quote"]].finditer(value, opening.end()):
        slashes = closing[1]
        if slashes is None or len(slashes) <= level or len(slashes) % (2 * level + 2) == level:
            return closing.end() - 1 - min(level, len(slashes or ""))
    return len(value)


def _without_scheme(value: str, start: int, end: int) -> tuple[int, int]:
    """What is quoted, without the scheme of an Authorization header in front."""
    scheme = _SCHEME.match(value, start, end)
    return (scheme.end() if scheme and scheme.end() < end else start, end)


def _bare_span(value: str, bare: str, behind: re.Match[str], name: str) -> tuple[int, int] | None:
    at = behind.end()
    scheme = _SCHEME.match(value, at) if bare.endswith("authorization") else None
    if scheme is not None:
        is_long = scheme[1].lower() in {"digest", "aws4-hmac-sha256"}
        rest = (_LINE if is_long else _BARE).match(value, scheme.end())
        return rest.span() if rest else None
    if bare.endswith(("cookie", "cookies")) and behind["sep"].strip() == ":":
        cookies = _COOKIES.match(value, at)
        return cookies.span() if cookies else None
    if behind["sep"].strip().startswith("is"):
        said = _BARE.match(value, at)
        is_random = said is not None and len(said.group()) >= 8 and not said.group().isalpha()
        return said.span() if said and is_random and any(map(str.isdigit, said.group())) else None
    is_assigned = "=" in behind["sep"] or behind["sep"].strip().lower() == "%3d"
    pattern = _ASSIGNED if is_assigned and name.isupper() else _BARE
    # A long one is read once it is known to be one.
    found = pattern.match(value, at, at + 256)
    if found is None or not _may_be_secret(value, bare, found, is_assigned=is_assigned):
        return None
    whole = pattern.match(value, at)
    return whole.span() if whole else None


def _may_be_secret(value: str, bare: str, found: re.Match[str], *, is_assigned: bool) -> bool:
    said = found.group()
    if said.lower().rstrip(".") in NO_VALUES or _PLACEHOLDER.match(said):
        return False
    if value[found.end() : found.end() + 1] == "(":  # a call in a piece of code
        return False
    has_digit = any(character.isdigit() for character in said)
    if said.isdigit():
        return bare in NUMERIC_SECRETS and len(said) >= 3
    if bare in WEAK_NAMES:
        return (has_digit and len(said) >= 8) or len(said) >= 24
    return len(said) >= (4 if is_assigned or has_digit else 6)
