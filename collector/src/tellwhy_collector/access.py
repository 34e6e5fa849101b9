"""Who may come in: tokens, and whether a browser of somebody else is asking.

Roles are doors: ``ingest`` sends, ``read`` asks SQL, ``review`` gives verdicts and reads, ``admin``
does what an operator does, and those two. A door without a token is open, as long as only this
machine reaches it and no token is wanted for less.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tellwhy_collector.errors import ForeignCaller, NoToken, WrongToken
from tellwhy_collector.settings import TOKENS, Settings, is_loopback, variable

Door = Literal["ingest", "read", "review", "admin"]
"""What a caller wants to do."""

MAX_NAME = 200
"""Characters of a name that a caller gives itself."""

CHALLENGE = 'Bearer realm="tellwhy"'
"""Value of the header WWW-Authenticate of every 401. Source: RFC 6750."""

_OPENED_BY: dict[Door, tuple[str, ...]] = {
    "ingest": ("ingest",),
    "read": ("read", "review", "admin"),
    "review": ("review", "admin"),
    "admin": ("admin",),
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, as far as the collector knows."""

    token: str = "none"  # noqa: S105 - the name of a role
    """Role of the token that was shown; none where none is wanted."""
    address: str = ""
    """IP address of the other end of the connection; a proxy's when there is one."""
    user: str = ""
    """Whom the caller says it asks for (``X-Tellwhy-User``). Nobody has checked it."""
    program: str = ""
    """What the caller says it is (``User-Agent``)."""


class Access:
    """Knows the tokens, as digests only."""

    def __init__(self, settings: Settings) -> None:
        self._digests = {
            role: _digest(token) for role in TOKENS if (token := getattr(settings, f"{role}_token"))
        }
        self._local = is_loopback(settings.host)

    def needs_token(self, door: Door) -> bool:
        """Whether *door* asks for a token."""
        return any(role in self._digests for role in _OPENED_BY[door])

    def check(self, authorization: str | None, door: Door) -> str:
        """The role whose token was shown; ``none`` where *door* asks for none.

        Args:
            authorization: Value of the header or gRPC metadata of that name.
            door: What the caller wants to do.

        Raises:
            NoToken: None, or an unknown one.
            WrongToken: One for another door; or nobody may do this here.
        """
        openers = _OPENED_BY[door]
        if not self.needs_token(door):
            if door == "admin" and (self._digests.keys() - {"ingest"} or not self._local):
                raise WrongToken("Nobody may do this here. Set TELLWHY_ADMIN_TOKEN and show it.")
            if door == "review" and "read" in self._digests:
                raise WrongToken(
                    "Nobody may give verdicts here: who shows the read token only reads. Set "
                    "TELLWHY_REVIEW_TOKEN, and give it to the viewer."
                )
            return "none"
        wanted = " or ".join(variable(f"{role}_token") for role in openers if role in self._digests)
        if not authorization:
            raise NoToken(
                f"A token is wanted and none was sent. Send the header `Authorization: Bearer` with "
                f"the value of {wanted}."
            )
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise NoToken(
                "The header Authorization is not of the kind Bearer. Send `Authorization: Bearer` "
                f"with the value of {wanted}."
            )
        shown = _digest(token.strip())
        # All are compared, whatever the first says: time tells nothing.
        held = [
            role for role, digest in self._digests.items() if hmac.compare_digest(shown, digest)
        ]
        if not held:
            raise NoToken(f"The token that was sent is not known. Send the value of {wanted}.")
        if held[0] not in openers:
            raise WrongToken(
                f"The token that was sent is the one of {variable(held[0] + '_token')}, which does "
                f"not open this. Send the value of {wanted}."
            )
        return held[0]


class Names:
    """Which host names the collector answers to, so that no web page can ask through a browser."""

    def __init__(self, settings: Settings) -> None:
        named = (name.strip() for name in settings.api_hosts.lower().split(","))
        self._hosts = {"localhost", *filter(None, named)}

    def check(self, headers: Mapping[str, str]) -> None:
        """Refuse a foreign name (DNS rebinding) and pages of other sites.

        Raises:
            ForeignCaller: The message says which.
        """
        host = headers.get("host", "")
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        if not (name.lower() in self._hosts or _is_address(name)):
            raise ForeignCaller(
                f"This collector does not answer to the name {name[:100]!r}. Use an IP address or "
                "localhost, or add the name to TELLWHY_API_HOSTS."
            )
        origin = headers.get("origin")
        site = headers.get("sec-fetch-site", "none")
        if site not in {"none", "same-origin"} or (
            origin is not None and origin.partition("://")[2] != host
        ):
            raise ForeignCaller(
                f"A web page of {(origin or site)[:100]} may not ask this collector. Ask from a "
                "program, from the viewer or with `tellwhy sql`."
            )


def caller(headers: Mapping[str, str], address: str, token: str = "none") -> Caller:  # noqa: S107 - a role
    """Who asks, by what the request says."""
    user, program = headers.get("x-tellwhy-user", ""), headers.get("user-agent", "")
    return Caller(token, address, plain(user), plain(program))


def plain(text: str) -> str:
    """*text* of a header without what could disturb a terminal, of bounded length."""
    with contextlib.suppress(UnicodeError):  # headers arrive as Latin-1, whatever was sent
        text = text.encode("latin-1").decode()
    return "".join(sign for sign in text[:MAX_NAME] if sign.isprintable())


def _digest(token: str) -> bytes:
    """Of one length, whatever the token's."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def _is_address(name: str) -> bool:
    """Whether *name* is an IP address, which nobody can point elsewhere."""
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
