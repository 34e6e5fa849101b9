"""Every setting of the viewer, once, with unit and sentence."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_type_hints
from urllib.parse import urlsplit

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
"""Host names that only this machine can reach."""

MIN_SECRET = 32
"""Fewest characters of the secret that signs cookies."""

_NO_WORDS = frozenset({"0", "1", "false", "true", "no", "yes", "off", "on"})
"""A switch that names nothing; 'false' must not open a port because it is not empty."""


class BadSetting(ValueError):  # noqa: N818 -- it is the setting that is bad
    """A setting has a value that cannot be used. The person who started the viewer can fix it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How this viewer runs; ``TELLWHY_`` plus the upper-case name sets a field."""

    collector_url: str = "http://127.0.0.1:4318"
    """Address of the collector whose database is shown; http or https, without a path."""
    collector_ca: str = ""
    """PEM file of the authorities that signed an https collector; the system's when empty."""
    client_cert: str = ""
    """PEM file of a certificate that is shown to a collector that wants one."""
    client_key: str = ""
    """PEM file of its private key, when that is not in the same file."""
    read_token: str = field(default="", repr=False)
    """What the viewer shows to a collector that asks for a token. Never on a command line."""
    read_token_file: str = ""
    """File that holds `read_token`, such as a mounted secret."""
    review_token: str = field(default="", repr=False)
    """What the viewer shows with a verdict, to a collector that asks for a token; where `read_token`
    is empty, with everything."""
    review_token_file: str = ""
    """File that holds `review_token`."""
    viewer_host: str = "127.0.0.1"
    """Address to listen on. Anything but loopback needs a login or `viewer_guarded_by`."""
    viewer_port: int = 8501
    """Port to listen on; 0 takes a free one and prints it."""
    viewer_guarded_by: str = ""
    """What decides who reaches an address that is not loopback, in your words, such as 'proxy with
    a login'. Without it, and without a login of the viewer's own, such an address is refused."""
    viewer_url: str = ""
    """Address under which browsers reach a viewer with a login, such as https://why.example.
    The provider sends people back to it, with /oauth2callback behind it; of `viewer_host` and
    `viewer_port` when empty."""
    viewer_allowed_hosts: str = ""
    """Host names under which browsers may reach a remote viewer; comma-separated."""
    viewer_user_header: str = ""
    """Header in which a proxy names who is logged in, such as X-Forwarded-User; the collector's
    table audit has it then. Only for a proxy that sets it on every request."""
    viewer_timeout_s: float = 20.0
    """How long one question to the collector may take before the viewer gives up. Seconds."""

    login_issuer: str = ""
    """Address of the OpenID Connect provider at which people log in, such as
    https://accounts.google.com; the viewer has no login when empty."""
    login_client_id: str = ""
    """What the provider calls this viewer."""
    login_client_secret: str = field(default="", repr=False)
    """What the viewer proves to the provider that it is the one. Never on a command line."""
    login_client_secret_file: str = ""
    """File that holds `login_client_secret`, such as a mounted secret."""
    login_cookie_secret: str = field(default="", repr=False)
    """What signs the cookie of a login, 32 characters or more; a new one at each start when
    empty, so that a restart ends all logins."""
    login_cookie_secret_file: str = ""
    """File that holds `login_cookie_secret`."""
    login_allow: str = ""
    """Who may come in, comma-separated: verified addresses (erika@example.org), whole domains
    (@example.org), claims (groups=auditors), or * for everybody whom the provider knows."""
    login_name_claim: str = "email"
    """Claim that is the person's name beside verdicts and in the table audit; `sub` when it is
    missing or is an address that is not verified."""
    login_scope: str = "openid email profile"
    """What the provider is asked to tell, space-separated."""
    login_max_age_h: float = 12.0
    """How long a login holds before the person is asked again. Hours."""

    def __post_init__(self) -> None:
        """Refuse values that would fail later with a stranger message."""
        address = urlsplit(self.collector_url)
        if address.scheme not in {"http", "https"} or not address.hostname:
            raise BadSetting(
                f"collector_url is {self.collector_url!r}; write it like http://127.0.0.1:4318."
            )
        for name in ("collector_ca", "client_cert", "client_key"):
            path = getattr(self, name)
            if path and not Path(path).is_file():
                raise BadSetting(f"{name} is {path}; there is no such file.")
        for name in ("read_token", "review_token", "login_client_secret", "login_cookie_secret"):
            self._read_secret_file(name)
        if not 0 <= self.viewer_port <= 65535:
            raise BadSetting(f"viewer_port is {self.viewer_port}; it lies between 0 and 65535.")
        if self.viewer_guarded_by.strip().lower() in _NO_WORDS:
            raise BadSetting(
                f"viewer_guarded_by is {self.viewer_guarded_by!r}, which names nothing. Say what "
                "decides who reaches the viewer, or leave it out and listen on 127.0.0.1."
            )
        if self.login_issuer:
            check_login(self)
        elif self.viewer_host not in LOOPBACK and not self.viewer_guarded_by:
            raise BadSetting(
                f"viewer_host is {self.viewer_host!r}, which other machines can reach, and the "
                "viewer has no login. Set TELLWHY_LOGIN_ISSUER, or put a proxy with a login in "
                "front and name it with --guarded-by, or listen on 127.0.0.1."
            )

    @property
    def has_login(self) -> bool:
        """Tell whether people log in at the viewer itself."""
        return bool(self.login_issuer)

    @property
    def address(self) -> str:
        """Give the address under which browsers reach the viewer, without a slash at its end."""
        host = f"[{self.viewer_host}]" if ":" in self.viewer_host else self.viewer_host
        return (self.viewer_url or f"http://{host}:{self.viewer_port}").rstrip("/").lower()

    @property
    def allowed(self) -> list[str]:
        """Give the rules of `login_allow`, one each."""
        return [rule.strip() for rule in self.login_allow.split(",") if rule.strip()]

    def _read_secret_file(self, name: str) -> None:
        path = getattr(self, f"{name}_file")
        if not path:
            return
        if getattr(self, name):
            raise BadSetting(f"{name} and {name}_file are both set. Keep one of them.")
        try:
            text = Path(path).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is no text"
            raise BadSetting(f"{name}_file is {path}, which cannot be read: {reason}.") from None
        object.__setattr__(self, name, text)


def check_login(chosen: Settings) -> None:
    """Refuse a login that could not work, or that would let in more people than was said.

    Raises:
        BadSetting: with the setting and what to do.
    """
    if find_spec("authlib") is None:
        raise BadSetting(
            "login_issuer is set, and the package that logs people in is not installed. "
            "Run: pip install 'tellwhy-viewer[login]'"
        )
    for name in ("login_client_id", "login_client_secret"):
        if not getattr(chosen, name):
            raise BadSetting(f"login_issuer is set without {name}; the provider gave you one.")
    _check_rules(chosen)
    for name, url in (("login_issuer", chosen.login_issuer), ("viewer_url", chosen.address)):
        _check_address(name, url)
    if urlsplit(chosen.address).path or (not chosen.viewer_url and not chosen.viewer_port):
        raise BadSetting(
            f"viewer_url is {chosen.viewer_url!r}; with a login it is the address that browsers "
            "use, with a port and without a path, such as https://why.example."
        )
    if chosen.login_cookie_secret and len(chosen.login_cookie_secret) < MIN_SECRET:
        raise BadSetting(
            f"login_cookie_secret has {len(chosen.login_cookie_secret)} characters; it has "
            f"{MIN_SECRET} or more. Make one: "
            'python3 -c "import secrets; print(secrets.token_urlsafe(32))"'
        )
    if chosen.login_max_age_h <= 0:
        raise BadSetting(f"login_max_age_h is {chosen.login_max_age_h}; it is more than 0 hours.")
    if chosen.viewer_user_header:
        raise BadSetting(
            "login_issuer and viewer_user_header are both set, and each says who sits there. Keep "
            "the one that is true."
        )


def _check_rules(chosen: Settings) -> None:
    if not chosen.allowed:
        raise BadSetting(
            "login_issuer is set without login_allow, which says who may come in: addresses "
            "(erika@example.org), domains (@example.org), claims (groups=auditors), or * for "
            "everybody whom the provider knows."
        )
    for rule in chosen.allowed:
        name, _, value = rule.partition("=")
        if name == "email":
            raise BadSetting(f"login_allow has {rule!r}; write {value}, which must be verified.")
        if rule != "*" and "@" not in rule and not (name and value):
            raise BadSetting(
                f"login_allow has {rule!r}; write erika@example.org, @example.org, claim=value or *."
            )


def _check_address(name: str, url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query:
        raise BadSetting(f"{name} is {url!r}; write it like https://why.example.")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise BadSetting(
            f"{name} is {url!r}: whoever is on the way could read the login. Use https; for the "
            "viewer that is a proxy in front of it that speaks TLS."
        )


_state: dict[str, Settings] = {}


def load(environ: Mapping[str, str] | None = None, **given: Any) -> Settings:
    """Give the settings: what was *given* (not None) before the environment before defaults.

    Raises:
        BadSetting: a value cannot be read or used.
    """
    environ = os.environ if environ is None else environ
    kinds = get_type_hints(Settings)
    values: dict[str, Any] = {}
    for entry in fields(Settings):
        text = environ.get(f"TELLWHY_{entry.name.upper()}", "")
        if given.get(entry.name) is not None:
            values[entry.name] = given[entry.name]
        elif text:
            values[entry.name] = _read(entry.name, text, kinds[entry.name])
    return Settings(**values)


def _read(name: str, text: str, kind: type) -> Any:
    try:
        return kind(text)
    except ValueError:
        raise BadSetting(f"TELLWHY_{name.upper()} is {text!r}; it takes a number.") from None


def use(settings: Settings) -> None:
    """Make *settings* the ones that every page of this process sees."""
    _state["current"] = settings


def current() -> Settings:
    """Give the settings in use; read from the environment when nobody called `use`."""
    if "current" not in _state:
        _state["current"] = load()
    return _state["current"]
