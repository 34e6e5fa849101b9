"""Secrets are taken out here, before the spool and before the wire.

Two rules: *what a value looks like* (provider keys, tokens, private keys, card numbers), and *what
it is called* (``password``, ``api_key`` …). Searching a long text costs one pass for each literal
that could begin a secret; a pattern runs only where its literal was found.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tellwhy._guard import swallow

REPLACED = "[redacted]"
"""What stands where a secret stood."""

FAILED = "[redaction failed]"
"""What stands where the user's own rule raised: unseen is safer than unredacted."""

Hook = Callable[[str, str], str]
"""The user's rule: (name under which the text stands, text) -> text to record."""

PATTERNS: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...] = (
    # Anthropic, OpenAI, OpenRouter: sk-ant-api03-…, sk-proj-…; a digit tells a key from a name.
    (("sk-",), re.compile(r"\bsk-[A-Za-z_-]{0,256}+(?P<digit>\d)?[A-Za-z0-9_-]*+")),
    (("k_live_", "k_test_"), re.compile(r"\b[srp]k_(?:live|test)_[A-Za-z0-9]{10,256}")),
    (("AKIA", "ASIA"), re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")),
    (("AIza",), re.compile(r"\bAIza[A-Za-z0-9_-]{35}")),
    (("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), re.compile(r"\bgh[pousr]_[A-Za-z0-9]{30,255}")),
    (("github_pat_",), re.compile(r"\bgithub_pat_\w{40,255}")),
    (("glpat-",), re.compile(r"\bglpat-[A-Za-z0-9_-]{20,255}")),
    (("hf_",), re.compile(r"\bhf_[A-Za-z0-9]{30,64}")),
    (("pypi-",), re.compile(r"\bpypi-[A-Za-z0-9_-]{50,512}")),
    (("xox",), re.compile(r"\bxox[abeoprs]-[A-Za-z0-9-]{10,255}")),
    (("hooks.slack.com",), re.compile(r"hooks\.slack\.com/services/[A-Za-z0-9/]{20,255}")),
    # JSON Web Token, RFC 7519: three base64url parts, the first two being JSON objects.
    (
        ("eyJ",),
        re.compile(
            r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}+\.eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]*+"
        ),
    ),
    (
        ("-----BEGIN",),
        re.compile(
            r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----.*?"
            r"(?:-----END [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----|\Z)",
            re.DOTALL,
        ),
    ),
    # RFC 6750 and RFC 7617: what follows the scheme in an Authorization header.
    (("earer ", "EARER "), re.compile(r"(?i:bearer )(?P<value>[A-Za-z0-9._~+/=-]{12,8192})")),
    (("asic ", "ASIC "), re.compile(r"(?i:basic )(?P<value>[A-Za-z0-9+/]{16,8192}={0,2})(?!\w)")),
    # The password inside an address: postgres://user:password@host
    (("://",), re.compile(r"://[^\s/:@\"']{0,256}:(?P<value>[^\s/@\"']{1,256})@")),
    # key=value and "key": "value" inside a text: environment dumps, command lines, JSON as text.
    # The class in front lets the engine skip what cannot begin a match.
    (
        ("assw", "ASSW", "ecret", "ECRET", "oken", "OKEN", "key", "Key", "KEY"),
        re.compile(
            r"""(?x)[aApPeEtTsS](?i:
                (?<=a)(?:sswo?r?d | ccess[_-]?key)
                | (?<=p)i[_-]?key
                | (?<=s)ecret[_-]?key
                | (?<=[_-]s)ecret
                | (?<=[_-]t)oken(?:(?<=access.token) | (?<=auth.token) | (?<=refresh.token)
                    | (?<=bearer.token) | (?<=session.token) | (?<=api.token))
                | (?<=[a-z]t)oken(?:(?<=accesstoken) | (?<=authtoken) | (?<=refreshtoken))
            )
            \\?["']?\s{0,3}[=:]\s{0,3}\\?["']?
            (?P<value>[^\s"'\\,;&{}\[\]()<>]{6,512})""",
        ),
    ),
)
"""(literals of which one must occur, pattern). A group named ``value`` is replaced alone."""

_CARD = re.compile(r"(?<![\d.])[2-6](?:[ -]?\d){12,18}+(?![.]?\d)")
"""13 to 19 digits, perhaps grouped by spaces or hyphens; `_is_card` decides."""

_SCHEMES = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|3[068]\d{12}|35\d{14}"
    r"|6(?:011|4[4-9]\d|5\d\d)\d{12,15}"
)
"""First digits and lengths of Visa, Mastercard, American Express, Diners, JCB, Discover."""

_AS_ZERO = bytes(48 if 48 <= byte <= 57 else byte for byte in range(256))
"""Every ASCII digit -> ``0``, so that plain searches find digits: a pattern takes ten times longer."""

_DIGITS = (b"000000", b"0000 00", b"0000-00")
"""How every card number begins then; most texts hold nothing like it."""

SECRET_NAMES = frozenset(
    [
        "password",
        "passwd",
        "pwd",
        "passphrase",
        "passcode",
        "secret",
        "secrets",
        "authorization",
        "proxyauthorization",
        "apikey",
        "xapikey",
        "token",
        "idtoken",
        "credential",
        "credentials",
        "cookie",
        "setcookie",
        "cvv",
        "cvc",
        "cardnumber",
        "connectionstring",
    ]
)
"""Names whose value is always replaced, in lower case without separators."""

SECRET_ENDINGS = (
    "password",
    "passwd",
    "passphrase",
    "apikey",
    "secret",
    "secretkey",
    "privatekey",
    "accesskey",
    "accesstoken",
    "refreshtoken",
    "authorizationtoken",
    "authtoken",
    "bearertoken",
    "sessiontoken",
    "credentials",
)
"""A name that ends so is one too: ``stripe_api_key``, ``dbPassword``."""

NUMERIC_SECRETS = frozenset({"cvv", "cvc", "cardnumber", "password", "passcode", "pwd"})
"""Names under which a number is a secret too; elsewhere it is a count."""

SCHEMA_WORDS = frozenset({"type", "$ref", "anyOf", "oneOf", "allOf", "enum", "description"})
"""A mapping with one of these describes a parameter, as in a tool's definition; it holds no value."""

_SEPARATORS = str.maketrans("", "", "_- .")
_verdicts: dict[str, bool] = {}
_clean: set[tuple[int, int]] = set()
_changed: dict[tuple[int, int], str] = {}
_constants: dict[str, str] = {}


SHORTEST = 12
"""Characters below which no text is a secret by its looks."""

LONG = 256
"""Characters from which it is remembered whether a text holds a secret."""

MAX_REMEMBERED = 20_000
"""Long texts that are remembered to be clean, by length and hash: about 3 MB."""


MAX_CONSTANTS = 1_000
"""Texts out of the program that are remembered, such as what its tools say of themselves."""


class _Rules:
    """What is switched on; `set_rules` replaces it."""

    defaults = True
    hook: Hook | None = None


def set_rules(*, defaults: bool, hook: Hook | None) -> None:
    """Switch the default rules on or off and put the user's own behind them."""
    _Rules.defaults = defaults
    _Rules.hook = hook
    _clean.clear()
    _changed.clear()
    _constants.clear()


def hook() -> Hook | None:
    """The user's own rule, if there is one."""
    return _Rules.hook


def hides(name: str, value: Any) -> bool:
    """Whether *value* is a secret because it is called *name*."""
    verdict = _verdicts.get(name)
    if verdict is None:
        verdict = _plain(name) in SECRET_NAMES or _plain(name).endswith(SECRET_ENDINGS)
        if len(_verdicts) < 10_000:  # names can come from data: do not grow for ever
            _verdicts[name] = verdict
    return verdict and _Rules.defaults and _could_be_secret(_plain(name), value)


def _plain(name: str) -> str:
    return name.lower().translate(_SEPARATORS)


def _could_be_secret(name: str, value: Any) -> bool:
    if value is None or isinstance(value, bool):
        return False
    if isinstance(value, int | float):
        return name in NUMERIC_SECRETS
    if isinstance(value, str):
        # Log probabilities call each piece of text a `token`.
        return len(value) >= (8 if name == "token" else 1)
    if isinstance(value, dict):
        return not SCHEMA_WORDS & value.keys()
    return True


def text(value: str, name: str = "") -> str:
    """*value* without secrets; *name* is the key or parameter under which it stands."""
    value = by_default(value)
    rule = _Rules.hook
    if rule is None:
        return value
    try:
        replaced = rule(name, value)
    except Exception as error:
        if not swallow("calling the rule given to configure(redact=…)", error):
            raise
        return FAILED
    return replaced if isinstance(replaced, str) else FAILED


def by_default(value: str) -> str:
    """*value* without what the default rules find: for names that come from data."""
    if not _Rules.defaults or len(value) < SHORTEST:
        return value
    return _by_patterns(value) if len(value) < LONG else _remembered(value)


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
    if _Rules.hook is not None:
        return False
    return not _Rules.defaults or len(value) < SHORTEST or _by_patterns(value) == value


def _remembered(value: str) -> str:
    """`_by_patterns` of a long text, found out once: a conversation comes again every turn."""
    mark = (len(value), hash(value))
    if mark in _clean:
        return value
    found = _changed.get(mark)
    if found is None:
        found = _by_patterns(value)
        held = _clean if found == value else _changed
        if len(held) >= MAX_REMEMBERED // (1 if held is _clean else 50):
            held.clear()
        if found == value:
            _clean.add(mark)
            return value
        _changed[mark] = found
    return found


def _has_many_digits(value: str) -> bool:
    digits = value.encode("utf-8", "replace").translate(_AS_ZERO)
    return any(run in digits for run in _DIGITS)


def _by_patterns(value: str) -> str:
    for literals, pattern in PATTERNS:
        for literal in literals:
            if literal in value:
                value = pattern.sub(_replacement, value)
                break
    if _has_many_digits(value):
        value = _CARD.sub(_card_replacement, value)
    return value


def _replacement(match: re.Match[str]) -> str:
    groups = match.re.groupindex
    if "digit" in groups and (match["digit"] is None or len(match.group()) < 19):
        return match.group()
    if "value" not in groups:
        return REPLACED
    start, end = match.span("value")
    offset = match.start()
    whole = match.group()
    return f"{whole[: start - offset]}{REPLACED}{whole[end - offset :]}"


def _card_replacement(match: re.Match[str]) -> str:
    digits = "".join(character for character in match.group() if character.isdigit())
    return REPLACED if _is_card(digits) else match.group()


def _is_card(digits: str) -> bool:
    """A scheme's first digits and length, and Luhn's checksum (ISO/IEC 7812-1)."""
    if not _SCHEMES.fullmatch(digits):
        return False
    numbers = [int(digit) for digit in digits]
    doubled = [digit * 2 for digit in numbers[-2::-2]]
    total = sum(numbers[-1::-2]) + sum(digit - 9 if digit > 9 else digit for digit in doubled)
    return total % 10 == 0
