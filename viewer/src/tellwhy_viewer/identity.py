"""Who logged in, as the provider's signed token says it, and whether that person may come in."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tellwhy_viewer.settings import Settings

MAX_NAME = 200
"""Most characters of a name; the collector keeps no longer one."""

_ended: dict[str, float] = {}
"""Digests of logins that somebody ended, with the time at which each would have run out anyway."""


class NobodyIn(Exception):  # noqa: N818 -- a state, not a mistake
    """Nobody is logged in, or not any more; the person logs in."""


class Refused(Exception):  # noqa: N818 -- a state, not a mistake
    """Somebody logged in who may not come in; whoever runs the viewer decides."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A person who may come in."""

    name: str
    """What stands beside verdicts and in the table audit."""
    until: float
    """When this login runs out. Unix seconds."""


def read(claims: Mapping[str, Any], chosen: Settings, *, now: float | None = None) -> Identity:
    """Give the person that *claims* name.

    Args:
        claims: Of an id token whose signature was checked; empty when nobody is logged in.
        chosen: What says who may come in, under which name and for how long.
        now: Unix seconds; the clock's when None.

    Raises:
        NobodyIn: the claims are of no login, or of one that has ended.
        Refused: the person is not on the list.
    """
    now = time.time() if now is None else now
    since, subject = claims.get("iat"), claims.get("sub")
    if not claims.get("is_logged_in") or not isinstance(subject, str) or not subject:
        raise NobodyIn("Nobody is logged in.")
    if isinstance(since, bool) or not isinstance(since, (int, float)):
        raise NobodyIn("The provider does not say when you logged in.")
    until = since + chosen.login_max_age_h * 3600
    if until <= now or _digest(claims) in _ended:
        raise NobodyIn("Your login has ended.")
    _admit(claims, chosen)
    return Identity(_name(claims, chosen.login_name_claim), until)


def end(claims: Mapping[str, Any], chosen: Settings, *, now: float | None = None) -> None:
    """Let nobody in any more with these *claims*, from whatever tab or copied cookie."""
    now = time.time() if now is None else now
    for digest in [digest for digest, until in list(_ended.items()) if until <= now]:
        _ended.pop(digest, None)
    _ended[_digest(claims)] = now + chosen.login_max_age_h * 3600


def _digest(claims: Mapping[str, Any]) -> str:
    # The nonce is of one login alone: the same person may log in again in the same second.
    parts = [str(claims.get(name)) for name in ("iss", "sub", "iat", "nonce")]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _name(claims: Mapping[str, Any], wanted: str) -> str:
    found = _address(claims) if wanted == "email" else claims.get(wanted)
    name = found if isinstance(found, str) else ""
    # What goes into a header and a ledger is one line.
    name = "".join(letter for letter in name if letter.isprintable()).strip()
    return (name or str(claims["sub"]))[:MAX_NAME]


def _address(claims: Mapping[str, Any]) -> str:
    """Give the e-mail address if the provider has verified it; anybody could write another."""
    address, verified = claims.get("email"), claims.get("email_verified")
    return address if isinstance(address, str) and _plain(verified) == "true" else ""


def _plain(said: Any) -> str:
    return str(said).lower() if isinstance(said, bool) else str(said)


def _admit(claims: Mapping[str, Any], chosen: Settings) -> None:
    address = _address(claims).lower()
    domain = address.rpartition("@")[2] if address.count("@") == 1 else ""
    for rule in chosen.allowed:
        name, is_claim, value = rule.partition("=")
        if is_claim:
            said = claims.get(name)
            if value in [_plain(one) for one in (said if isinstance(said, list) else [said])]:
                return
        elif rule == "*" or (address and rule.lower() in {address, f"@{domain}" if domain else ""}):
            return
    if claims.get("email") and not address:
        raise Refused(
            f"Your provider does not say that it has verified the address {claims['email']}, so "
            "it opens nothing here. Whoever runs this viewer can admit you by another claim of "
            "your identity (TELLWHY_LOGIN_ALLOW)."
        )
    raise Refused(
        f"You are logged in as {address or claims['sub']}, whom this viewer does not let in. Ask "
        "whoever runs it to add you (TELLWHY_LOGIN_ALLOW), or log in as somebody else."
    )
