"""Every setting of the collector: name, default, unit, sentence. With `asking`, the only reader of the environment.

``Settings.max_body_bytes`` is ``TELLWHY_MAX_BODY_BYTES`` is ``--max-body-bytes``.
An argument goes before the environment, the environment before the default.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from tellwhy_collector.errors import SettingsError

PREFIX = "TELLWHY_"
"""What every environment variable of ours starts with."""

TOKENS = ("ingest", "read", "review", "admin")
"""Roles that can have a token: to send, to read, to give verdicts, to do what an operator does."""

DATABASE = Path("tellwhy.duckdb")
"""The database when nobody names one: in the folder where the collector was started."""

MIN_TOKEN = 16
"""Characters of a token, at least."""

NEW_TOKEN = "python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"  # noqa: S105
"""A command that prints a good token."""

_NO_WORDS = {"0", "1", "false", "true", "no", "yes", "off", "on"}
"""A switch that names nothing; 'false' must not open a port because it is not empty."""


def _setting(default: Any, sentence: str, *, unit: str = "", low: float | None = None) -> Any:
    """A field whose metadata is the one definition that command line and docs are made from."""
    return field(default=default, metadata={"sentence": sentence, "unit": unit, "low": low})


def _secret(sentence: str) -> Any:
    """A text that no flag sets, because others see a command line, and that no `repr` shows."""
    about = {"sentence": sentence, "unit": "", "low": None, "secret": True}
    return field(default="", repr=False, metadata=about)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the operator can choose. Checked when it is made.

    Raises:
        SettingsError: A value cannot work; the message names the setting and what it takes.
    """

    database: Path = _setting(  # noqa: RUF009 - it gives a field
        DATABASE, "The DuckDB file. Made when it does not exist; its folder is not."
    )
    host: str = _setting(
        "127.0.0.1",
        "Address to listen on. One that other machines reach needs ingest_token, and read_token "
        "or admin_token.",
    )
    http_port: int = _setting(4318, "Port of OTLP/HTTP and of the API; 0 picks a free one.", low=0)
    grpc_port: int = _setting(4317, "Port of OTLP/gRPC; 0 picks a free one.", low=0)
    guarded_by: str = _setting(
        "",
        "What decides instead of tokens who reaches an address that is not loopback, in your words: "
        "'ports published on 127.0.0.1 only', 'proxy with a login'. Without it such an address "
        "wants tokens.",
    )
    ingest_token: str = _secret("What senders show: `Authorization: Bearer TOKEN`.")
    ingest_token_file: str = _setting("", "File that holds ingest_token, e.g. a mounted secret.")
    read_token: str = _secret("What those show who ask SQL or read /metrics; the viewer too.")
    read_token_file: str = _setting("", "File that holds read_token.")
    review_token: str = _secret(
        "What those show who give verdicts; it opens what read_token opens. For the viewer."
    )
    review_token_file: str = _setting("", "File that holds review_token.")
    admin_token: str = _secret("What those show who make backups; it opens all but ingest's door.")
    admin_token_file: str = _setting("", "File that holds admin_token.")
    tls_cert: str = _setting(
        "", "PEM file with the certificate and its chain; with tls_key, both ports speak TLS."
    )
    tls_key: str = _setting("", "PEM file with the certificate's private key, not encrypted.")
    tls_client_ca: str = _setting(
        "", "PEM file of authorities; only clients with a certificate of theirs are let in."
    )
    max_body_bytes: int = _setting(
        64 * 1024**2, "Largest request, before and after decompression.", unit="bytes", low=1024
    )
    max_queue_bytes: int = _setting(
        128 * 1024**2,
        "Most that may be read, decoded or waiting for its commit at one time; more is told to "
        "come back later.",
        unit="bytes",
        low=1024,
    )
    min_free_bytes: int = _setting(
        128 * 1024**2,
        "Room that has to be left on the disk, beside what waits in the log; with less, senders "
        "are told to come back later.",
        unit="bytes",
        low=0,
    )
    commit_window_ms: int = _setting(
        100,
        "Time between two commits while more than 50 requests come in a second.",
        unit="milliseconds",
        low=0,
    )
    commit_records: int = _setting(
        2048, "So many waiting records are committed without waiting.", unit="records", low=1
    )
    remember_requests_s: int = _setting(
        86_400,
        "How long a request that is sent again, byte for byte, is recognised.",
        unit="seconds",
        low=0,
    )
    recent_spans: int = _setting(
        250_000,
        "Spans whose ids are kept in memory to recognise duplicates; older ones are looked up.",
        unit="spans",
        low=1,
    )
    adopt: str = _setting(
        "",
        "Folder that agents have as TELLWHY_SPOOL_DIR: what dead processes left there is stored, then "
        "removed. Give the flag again for more folders, or write colons between them.",
    )
    rules: str = _setting(
        "",
        "Folder with rules of your own: each `name.sql` gives findings; see docs/guides/rules.md.",
    )
    lost_after_s: float = _setting(
        30.0,
        "How long a process with open steps may say nothing, and three of its heartbeats, until its "
        "runs count as lost.",
        unit="seconds",
        low=1,
    )
    retention_days: float = _setting(
        183.0,
        "How long what was received is kept: traces, logs, metrics, audit rows. 0 keeps it for ever.",
        unit="days",
        low=0,
    )
    database_memory: str = _setting("2GB", "Most memory DuckDB takes, as DuckDB writes it.")
    database_threads: int = _setting(
        0, "Threads DuckDB uses; 0 means one for each processor.", unit="threads", low=0
    )
    max_query_s: float = _setting(
        10.0, "Longest time one SQL query may run.", unit="seconds", low=0.001
    )
    max_query_rows: int = _setting(
        10_000, "Rows a SQL answer holds unless the request asks otherwise.", unit="rows", low=1
    )
    max_query_rows_asked: int = _setting(
        100_000, "Most rows that a request may ask for.", unit="rows", low=1
    )
    max_answer_bytes: int = _setting(
        64 * 1024**2, "Largest SQL answer, as Arrow; the rest is cut.", unit="bytes", low=1024
    )
    max_queries: int = _setting(
        4, "SQL queries that run at one time; more wait, and then are told to come back.", low=1
    )
    max_query_wait_s: float = _setting(
        5.0, "Longest time a SQL query waits for others to end.", unit="seconds", low=0
    )
    api_hosts: str = _setting(
        "", "Host names, with commas between, that the API answers to besides localhost and IPs."
    )
    query_memory: str = _setting("1GB", "Most memory one SQL query takes, as DuckDB writes it.")
    stuck_query_s: float = _setting(
        30.0,
        "How long a SQL query that DuckDB does not stop may go on after its end, until the "
        "collector starts itself again. 0 lets it go on for ever.",
        unit="seconds",
        low=0,
    )
    max_stop_s: float = _setting(
        10.0, "Longest time open requests may take when the collector stops.", unit="seconds", low=0
    )

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        for item in fields(self):
            value, low = getattr(self, item.name), item.metadata["low"]
            if low is not None and value < low:
                raise SettingsError(
                    f"{item.name} is {value}; the least that works is {low}. "
                    f"Change {variable(item.name)} or {flag(item.name)}."
                )
        for name in ("http_port", "grpc_port"):
            if getattr(self, name) > 65_535:
                raise SettingsError(
                    f"{name} is {getattr(self, name)}; ports end at 65535. "
                    f"Change {variable(name)} or {flag(name)}."
                )
        if self.max_queue_bytes < self.max_body_bytes:
            raise SettingsError(
                f"max_queue_bytes is {self.max_queue_bytes:,}, less than one request may be "
                f"(max_body_bytes, {self.max_body_bytes:,}). Raise TELLWHY_MAX_QUEUE_BYTES or "
                "lower TELLWHY_MAX_BODY_BYTES."
            )
        for role in TOKENS:
            self._read_token(role)
        self._check_tokens()
        if bool(self.tls_cert) != bool(self.tls_key) or (self.tls_client_ca and not self.tls_cert):
            missing = "tls_key" if self.tls_cert else "tls_cert"
            raise SettingsError(
                f"{missing} is missing. TLS needs tls_cert and tls_key: set {variable(missing)} or "
                f"{flag(missing)}, or leave all three out."
            )

    def _read_token(self, role: str) -> None:
        """Take the token of *role* from its file, and refuse one that protects nothing."""
        name = f"{role}_token"
        path, token = getattr(self, f"{name}_file"), getattr(self, name)
        source = variable(name)
        if path and token:
            raise SettingsError(f"{source} and {source}_FILE are both set. Keep one of them.")
        if path:
            source = path
            try:
                token = Path(path).read_text("utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                reason = getattr(error, "strerror", None) or "it is no text"
                raise SettingsError(
                    f"{name}_file is {path}, which cannot be read: {reason}. Change "
                    f"{variable(name)}_FILE, or give this user the right to read it."
                ) from None
            object.__setattr__(self, name, token)
        if (path or token) and len(token) < MIN_TOKEN:
            raise SettingsError(
                f"The token in {source} has {len(token)} characters; the least is {MIN_TOKEN}. "
                f"Make one with: {NEW_TOKEN}"
            )
        if not all("!" <= sign <= "~" for sign in token):
            raise SettingsError(
                f"The token in {source} has a space or a sign that is not ASCII, which no header "
                f"can carry. Make one with: {NEW_TOKEN}"
            )

    def _check_tokens(self) -> None:
        given = [token for role in TOKENS if (token := getattr(self, f"{role}_token"))]
        if len(set(given)) < len(given):
            raise SettingsError(
                "Two of ingest_token, read_token, review_token and admin_token are the same, so one role would "
                "get the other's rights. Give each its own."
            )
        if self.guarded_by.strip().lower() in _NO_WORDS:
            raise SettingsError(
                f"guarded_by is {self.guarded_by!r}, which names nothing. Say what decides who "
                "reaches the ports, or leave TELLWHY_GUARDED_BY out and set tokens."
            )
        if self.guarded_by or is_loopback(self.host):
            return
        missing = [
            variable(f"{role}_token")
            for role, there in (
                ("ingest", self.ingest_token),
                ("read", self.read_token or self.admin_token),
            )
            if not there
        ]
        if missing:
            raise SettingsError(
                f"host is {self.host!r}, which other machines may reach, and {' and '.join(missing)} "
                f"{'is' if len(missing) == 1 else 'are'} not set. Set them to tokens ({NEW_TOKEN}), "
                "or listen on 127.0.0.1. Where something else decides who reaches this address, "
                "name it in TELLWHY_GUARDED_BY or --guarded-by."
            )


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def flag(name: str) -> str:
    """The command line flag of a setting."""
    return "--" + name.replace("_", "-")


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches *host*. A name other than localhost counts as reachable."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def load(
    arguments: Mapping[str, str | None] | None = None, environ: Mapping[str, str] | None = None
) -> Settings:
    """Settings from arguments, then the environment, then the defaults.

    Args:
        arguments: Setting name to text; None and missing mean not given.
        environ: Variable name to text; this process's environment when not given.

    Raises:
        SettingsError: A text cannot be read or a value cannot work.
    """
    given, around = arguments or {}, os.environ if environ is None else environ
    values: dict[str, Any] = {}
    for item in fields(Settings):
        text, source = given.get(item.name), flag(item.name)
        if text is None:
            # A variable that is set to nothing counts as not set, as in OpenTelemetry's own rules.
            text, source = around.get(variable(item.name)) or None, variable(item.name)
        if text is not None:
            values[item.name] = _read(text, like=item.default, source=source)
    return Settings(**values)


def _read(text: str, *, like: Any, source: str) -> Any:
    """*text* as the type of *like*."""
    if isinstance(like, bool):
        known = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
        if text.lower() in known:
            return known[text.lower()]
        raise SettingsError(f"{source} is {text!r}; write true or false.")
    kind = type(like) if not isinstance(like, Path) else Path
    try:
        return kind(text)
    except ValueError:
        wanted = "a whole number" if kind is int else "a number"
        raise SettingsError(f"{source} is {text!r}; write {wanted}.") from None


def shown(settings: Settings) -> dict[str, Any]:
    """Every setting as JSON; of a secret only whether it is set."""
    values: dict[str, Any] = {}
    for item in fields(Settings):
        value = getattr(settings, item.name)
        value = str(value) if isinstance(value, Path) else value
        values[item.name] = bool(value) if item.metadata.get("secret") else value
    return values


def state_dir(environ: Mapping[str, str] | None = None) -> Path:
    """This user's folder for what a program remembers; not made here.

    Source: XDG Base Directory Specification 0.8, ``XDG_STATE_HOME``.
    """
    around = os.environ if environ is None else environ
    base = around.get("XDG_STATE_HOME") or around.get("LOCALAPPDATA")
    return (Path(base) if base else Path.home() / ".local" / "state") / "tellwhy"
