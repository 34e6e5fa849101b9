"""Secrets that show by their looks: a prefix and a shape that their issuer chose.

Nearly every one of them is a long run of letters and digits. So a text is searched for long runs
first, which prose has none of, and for the prefixes inside those only.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from itertools import groupby, pairwise

REPLACED = "[redacted]"
"""What stands where a secret stood."""

PREFIXED: tuple[tuple[str, str], ...] = (
    # Anthropic, OpenAI (projects, service accounts, administrators), OpenRouter, Langfuse, DeepSeek.
    (r"sk-", r"(?:ant|proj|svcacct|admin|or|lf)-(?=[a-z_-]{0,64}[A-Z0-9])[A-Za-z0-9_-]{12,}"),
    # A digit tells a key from a name such as a class in a style sheet.
    (r"sk-", r"(?=[A-Za-z0-9_-]{16})[A-Za-z_-]{0,256}+[0-9][A-Za-z0-9_-]*+"),
    (r"AKIA", r"[A-Z0-9]{16}(?![A-Za-z0-9])"),
    (r"ASIA", r"[A-Z0-9]{16}(?![A-Za-z0-9])"),
    (r"AIza", r"[A-Za-z0-9_-]{35,}"),
    (r"ya29\.", r"[A-Za-z0-9_-]{20,}"),
    (r"GOCSPX-", r"[A-Za-z0-9_-]{20,}"),
    (r"gh[pousr]_", r"[A-Za-z0-9]{30,}"),
    (r"github_pat_", r"\w{36,}"),
    (r"gl(?:pat|dt|ptt|rt|cbt|soat|ft|imt|agent|oas)-", r"[A-Za-z0-9_.-]{18,}"),
    (r"xox[abceoprs]", r"[.-](?=[A-Za-z.-]{0,64}\d)[A-Za-z0-9.-]{10,}"),
    (r"xapp-", r"\d-[A-Za-z0-9-]{10,}"),
    (r"hooks\.slack\.com/(?:services|workflows|triggers)/", r"[A-Za-z0-9/]{20,}"),
    (r"[srp]k_(?:live|test)_", r"[A-Za-z0-9]{10,}"),
    (r"whsec_", r"[A-Za-z0-9+/]{20,}"),
    (r"hf_", r"[A-Za-z0-9]{30,}"),
    (r"npm_", r"[A-Za-z0-9]{30,}"),
    (r"pypi-", r"[A-Za-z0-9_-]{50,}"),
    (r"SG\.", r"[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    (r"SK(?=[0-9a-f]{8})", r"[0-9a-f]{32}(?![A-Za-z0-9])"),
    (r"AC(?=[0-9a-f]{8})", r"[0-9a-f]{32}(?![A-Za-z0-9])"),
    (r"gsk_", r"[A-Za-z0-9]{30,}"),
    (r"xai-", r"[A-Za-z0-9]{40,}"),
    (r"r8_", r"[A-Za-z0-9]{30,}"),
    (r"nvapi-", r"[A-Za-z0-9_-]{40,}"),
    (r"pplx-", r"[A-Za-z0-9]{30,}"),
    (r"tvly-", r"(?:[a-z]+-)?[A-Za-z0-9]{20,}"),
    (r"lsv2_", r"(?:pt|sk)_[A-Za-z0-9_]{30,}"),
    (r"dop_v1_", r"[0-9a-f]{40,}"),
    (r"dapi", r"[0-9a-f]{32}"),
    (r"shp(?:at|ca|pa|ss)_", r"[0-9a-fA-F]{32}"),
    (r"ATATT3", r"[A-Za-z0-9_=-]{40,}"),
    (r"hv[sbr]\.", r"[A-Za-z0-9_-]{24,}"),
    (r"ntn_", r"[A-Za-z0-9]{40,}"),
    (r"lin_api_", r"[A-Za-z0-9]{30,}"),
    (r"gl(?:c|sa)_", r"[A-Za-z0-9_+/]{32,}"),
    (r"key-(?=[0-9a-f]{8})", r"[0-9a-f]{32}(?![A-Za-z0-9])"),
    (r"AGE-SECRET-KEY-1", r"[0-9A-Z]{50,}"),
    # JSON Web Token, RFC 7519: base64url parts, the first two being JSON objects.
    (r"eyJ", r"[A-Za-z0-9_-]{8,1024}+\.eyJ[A-Za-z0-9_-]{5,}+(?:\.[A-Za-z0-9_-]*+)?"),
)
"""(how it begins, how it goes on) of the secrets that have a beginning of their own."""

_FREE = r"(?:(?<![A-Za-z0-9])|(?<=\\[bfnrt])|(?<=\\u[0-9a-fA-F]{4})|(?<=%[0-9a-fA-F]{2}))"
"""Where a word can begin: behind none of its letters, or behind an escape that ends with one."""


def _union() -> re.Pattern[str]:
    """Every beginning, grouped by first letter: the engine looks at a letter once."""
    ordered = sorted({begin for begin, _ in PREFIXED}, key=lambda begin: (_first(begin), begin))
    groups = [
        f"{first}(?:{'|'.join(each[len(first) :] for each in some)})"
        for first, some in groupby(ordered, _first)
    ]
    return re.compile("|".join(groups))


def _first(begin: str) -> str:
    return begin[: begin.index("]") + 1] if begin.startswith("[") else begin[0]


BEGINNINGS = _union()
"""Finds where such a secret could begin, much faster than `_PREFIXED` finds secrets."""

_PREFIXED = re.compile(f"{_FREE}(?:{'|'.join(begin + rest for begin, rest in PREFIXED)})")

SHORTEST_RUN = 14
"""Letters and digits of the shortest key, in a row."""

_RUN = b"a" * SHORTEST_RUN
_IN_RUN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./+~")
_AS_RUN = bytes(97 if byte in _IN_RUN else 32 for byte in range(256))

_BARE = r"(?:(?<![A-Za-z0-9/+_.~-])(?<![A-Za-z0-9/+]=)|(?<=\\[bfnrt]))"
"""Where base64 without a name can begin."""

_AZURE = re.compile(
    r"[A-Za-z0-9]{52}JQQJ9[A-Za-z0-9]{20,40}"
    r"|[A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{31,34}"
    rf"|{_BARE}[A-Za-z0-9+/]{{86}}=="
)
"""Keys of Azure OpenAI, secrets of Entra applications, keys of storage accounts."""

_AWS_SECRET = re.compile(rf"{_BARE}[A-Za-z0-9/+]{{40}}(?![A-Za-z0-9/+=_~-])")
MIN_CHANGES = 15
"""From one kind of letter to another in an AWS secret: 1 in 1,000 has fewer."""

_WORD = re.compile(r"[a-z]{7}")
"""Small letters in a row, as in most paths and in one of thirty AWS secrets."""

_TELEGRAM = re.compile(r"(?<!\d)\d{8,10}:AA[A-Za-z0-9_-]{33}")

_PEM = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----.*?"
    r"(?:-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----|\Z)",
    re.DOTALL,
)
# RFC 6750 and RFC 7617: what follows the scheme in an Authorization header.
_BEARER = re.compile(r"(?i:bearer)(?: |%20|\+)+(?P<value>[A-Za-z0-9._~+/=-]{12,})")
_BASIC = re.compile(r"(?i:basic)(?: |%20|\+)+(?P<value>[A-Za-z0-9+/_-]{4,}={0,2})(?!\w)")
# The password inside an address: postgres://user:password@host. It may hold what it must not.
_ADDRESS = re.compile(
    r"://[^\s/:@\"'\\]{0,256}:(?P<value>(?!\d{1,5}(?:[/?#]|\Z))[^\s\"'<>\\@]{1,256}(?:@[^\s\"'<>\\@/]{1,256}(?=@))*)@"
)
# A token in place of the user: https://TOKEN@host. A name has fewer letters, or no digit.
_TOKEN_AS_USER = re.compile(r"://(?P<value>(?=[A-Za-z_.~-]{0,64}\d)[A-Za-z0-9_.~-]{16,256})@")
# .netrc, and curl's -u: a name, then the password without a mark between them.
_LOGIN = re.compile(r"(?i:\blogin\s+\S{1,256}\s+passw(?:or)?d\s+)(?P<value>\S{4,256})")
_CURL = re.compile(r"(?:\s-u|\s--user)[ =]{1,3}[\"']?[^\s:\"']{1,64}:(?P<value>[^\s\"']{4,256})")
# crypt(5): MD5, bcrypt, SHA-2 and Apache's own.
_HASHED = re.compile(r"\$(?:apr1|1|2[abxy]|5|6)\$[./A-Za-z0-9$=]{20,256}")
_PUTTY = re.compile(r"(?<=Private-Lines: )\d{1,4}\s+(?:[A-Za-z0-9+/=]{1,64}\s*){1,200}")
_PACKED = re.compile(r"[A-Za-z0-9+/_-]{24,}")
_DATA = re.compile(r";base64,(?P<value>[A-Za-z0-9+/_-]{8,}={0,2})")

Search = Callable[[str], str]


def without(value: str, raw: bytes, lower: bytes, search: Search) -> str:
    """*value* without secrets known by their looks.

    Args:
        value: Any text.
        raw: The same in UTF-8.
        lower: *raw* in lower case.
        search: The whole search, for what is found packed inside the text.
    """
    long = _long_runs(raw)
    if long:
        value = _without_keys(value, long, search)
    if b"-----BEGIN" in raw:
        value = _PEM.sub(REPLACED, value)
    if b"bearer" in lower:
        value = _BEARER.sub(_bearer, value)
    if b"basic" in lower:
        value = _BASIC.sub(_basic, value)
    value = _without_passwords(value, raw, lower)
    if b";base64," in raw:
        value = _DATA.sub(lambda match: _packed(match, search), value)
    return value


def _without_passwords(value: str, raw: bytes, lower: bytes) -> str:
    """*value* without what logs somebody in, as addresses, commands and files write it."""
    if b"@" in raw and b"://" in raw:
        value = _ADDRESS.sub(_only_value, value)
        value = _TOKEN_AS_USER.sub(_only_value, value)
    if b"login" in lower:
        value = _LOGIN.sub(_only_value, value)
    if b"curl" in lower:
        value = _CURL.sub(_only_value, value)
    if b"$" in raw:
        value = _HASHED.sub(REPLACED, value)
    if b"Private-Lines: " in raw:
        value = _PUTTY.sub(REPLACED, value)
    return value


def _without_keys(value: str, runs: list[bytes], search: Search) -> str:
    long = (runs[0] if len(runs) == 1 else b" ".join(runs)).decode()
    if BEGINNINGS.search(long):
        value = _without_prefixed(value)
    sizes = set(map(len, runs))
    if "JQQJ9" in long or "Q~" in long or 86 in sizes:
        value = _AZURE.sub(REPLACED, value)
    if ":AA" in value:
        value = _TELEGRAM.sub(REPLACED, value)
    if 40 in sizes or 41 in sizes:
        value = _AWS_SECRET.sub(_if_random, value)
    if max(sizes) >= 24:
        packed = [run.decode() for run in runs if len(run) >= 24 and _is_packed(run, search)]
        if packed:
            value = _PACKED.sub(lambda m: REPLACED if m.group() in packed else m.group(), value)
    return value


def _without_prefixed(value: str) -> str:
    pieces, done = [], 0
    for begin in BEGINNINGS.finditer(value):
        if begin.start() < done:
            continue
        found = _PREFIXED.match(value, begin.start())
        if found is not None:
            pieces += [value[done : found.start()], REPLACED]
            done = found.end()
    return "".join([*pieces, value[done:]])


def _long_runs(raw: bytes) -> list[bytes]:
    """The runs of letters, digits and their like that are long enough to be a key."""
    words = raw.translate(_AS_RUN)
    start = words.find(_RUN)
    found = []
    while start >= 0:
        end = words.find(b" ", start + SHORTEST_RUN)
        if end < 0:
            end = len(words)
        found.append(raw[start:end])
        start = words.find(_RUN, end)
    return found


def _only_value(match: re.Match[str]) -> str:
    start, end = match.span("value")
    offset, whole = match.start(), match.group()
    return f"{whole[: start - offset]}{REPLACED}{whole[end - offset :]}"


def _bearer(match: re.Match[str]) -> str:
    """A token has a digit, or is longer than any word: “bearer authentication” stays."""
    said = match["value"]
    is_token = len(said) >= 32 or any(character.isdigit() for character in said)
    return _only_value(match) if is_token else match.group()


def _basic(match: re.Match[str]) -> str:
    """User and password have a colon between them when unpacked: “basic information” has none."""
    unpacked = _unpacked(match["value"])
    return _only_value(match) if unpacked is not None and ":" in unpacked else match.group()


def _packed(match: re.Match[str], search: Search) -> str:
    unpacked = _unpacked(match["value"])
    if unpacked is None or search(unpacked) == unpacked:
        return match.group()
    return _only_value(match)


def _is_packed(run: bytes, search: Search) -> bool:
    """Whether a run is base64 of a text with a secret in it."""
    if not run.translate(None, b"+/_-").isalnum():
        return False
    unpacked = _unpacked(run.decode())
    return unpacked is not None and search(unpacked) != unpacked


def _unpacked(encoded: str) -> str | None:
    """The text that base64 holds; None when it holds none."""
    bare = encoded.rstrip("=").replace("-", "+").replace("_", "/")
    if len(bare) % 4 == 1:
        return None
    try:
        text = base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    return text if text.isprintable() or "\n" in text else None


def _if_random(match: re.Match[str]) -> str:
    token = match.group()
    return REPLACED if _is_random(token) and _unpacked(token) is None else token


def _is_random(token: str) -> bool:
    """Whether kinds of letters change as often as in an AWS secret; in most paths they do not."""
    kinds = [_kind(character) for character in token]
    changes = sum(one != other for one, other in pairwise(kinds))
    return changes >= MIN_CHANGES and {"0", "A", "a"} <= set(kinds) and not _WORD.search(token)


def _kind(character: str) -> str:
    if character.isdigit():
        return "0"
    if character.isalpha():
        return "A" if character.isupper() else "a"
    return "/"
