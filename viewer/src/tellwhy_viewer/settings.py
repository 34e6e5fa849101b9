"""Every setting of the viewer, once, with unit and sentence."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints
from urllib.parse import urlsplit

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
"""Host names that only this machine can reach."""

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
    """Address to listen on. Anything but loopback needs `viewer_guarded_by`."""
    viewer_port: int = 8501
    """Port to listen on; 0 takes a free one and prints it."""
    viewer_guarded_by: str = ""
    """What decides who reaches an address that is not loopback, in your words, such as 'proxy with
    a login': the viewer has none. Without it such an address is refused."""
    viewer_allowed_hosts: str = ""
    """Host names under which browsers may reach a remote viewer; comma-separated."""
    viewer_user_header: str = ""
    """Header in which a proxy names who is logged in, such as X-Forwarded-User; the collector's
    table audit has it then. Only for a proxy that sets it on every request."""
    viewer_timeout_s: float = 20.0
    """How long one question to the collector may take before the viewer gives up. Seconds."""

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
        for role in ("read", "review"):
            self._read_token_file(f"{role}_token")
        if not 0 <= self.viewer_port <= 65535:
            raise BadSetting(f"viewer_port is {self.viewer_port}; it lies between 0 and 65535.")
        if self.viewer_guarded_by.strip().lower() in _NO_WORDS:
            raise BadSetting(
                f"viewer_guarded_by is {self.viewer_guarded_by!r}, which names nothing. Say what "
                "decides who reaches the viewer, or leave it out and listen on 127.0.0.1."
            )
        if self.viewer_host not in LOOPBACK and not self.viewer_guarded_by:
            raise BadSetting(
                f"viewer_host is {self.viewer_host!r}, which other machines can reach, and the "
                "viewer has no login. Put a proxy with one in front and name it with --guarded-by, "
                "or listen on 127.0.0.1."
            )

    def _read_token_file(self, name: str) -> None:
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
