"""Every setting of the tracer, once: a keyword of `configure()`, or ``TELLWHY_`` and its name.

Reads the environment and nothing else. A value that cannot be read costs one log line and gives
the default: a typing error in a variable must not stop an agent.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote, urlsplit

logger = logging.getLogger("tellwhy")

DEFAULT_ENDPOINT = "http://127.0.0.1:4318"
"""Where `tellwhy up` listens."""

TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off", ""})


@dataclass(frozen=True, slots=True)
class Settings:
    """What `configure()` and the environment decided; one object, replaced as a whole."""

    service_name: str = ""
    """Name of this program in ``service.name``. Empty: OTEL_SERVICE_NAME, else its file name."""
    endpoint: str = ""
    """Base URL of the collector. Empty: OTEL_EXPORTER_OTLP_(TRACES_)ENDPOINT, else port 4318 here."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """HTTP headers of every export, written `name=value,name=value`; values may be %-encoded."""
    collector_ca: str = ""
    """PEM file of the authorities that signed an https collector; the system's when empty."""
    client_cert: str = ""
    """PEM file of this program's own certificate, for a collector that lets in nobody without."""
    client_key: str = ""
    """PEM file of the private key of `client_cert`, when it is not in the same file."""
    compression: str = "none"
    """`none` or `gzip`: how exports are packed. On one machine `none` is the cheaper."""
    content: str = "full"
    """`full` or `none`: whether arguments, results, messages and the words of errors are recorded at
    all; with `none` only names, times, counts and the like are, of other instrumentors' spans too."""
    disabled: bool = False
    """Record nothing: decorated functions run as if they were bare."""
    strict: bool = False
    """Raise the tracer's own errors instead of logging them. For our tests, not for yours."""
    redact_defaults: bool = True
    """Replace provider keys, tokens, private keys, card numbers and values named like secrets."""
    redact_environment: bool = True
    """Replace, wherever they stand, the values of this process's variables that are named like
    secrets, such as `DB_PASSWORD`: those of at least 8 characters with a digit among them."""
    redact_emails: bool = False
    """Replace e-mail addresses too."""
    redact_phones: bool = False
    """Replace telephone numbers too, as people write them."""
    replayable: bool = True
    """Keep what a replay needs, while ``content`` is full: what models were sent and answered byte for
    byte, what tools gave back. Only tellwhy collectors get it."""
    max_exchange_bytes: int = 16_777_216
    """Longest answer of a model, or result of a tool, in bytes that is kept for a replay."""
    client_hook: bool = True
    """Capture the calls of the anthropic and openai packages."""
    instrument: str = "auto"
    """Frameworks whose structure is recorded: `auto` for every one that the program imports, `none`,
    or names with commas between, such as `langgraph,mcp`; `auto,-crewai` leaves one out."""
    inherit_trace: str = "first"
    """`first`, `all` or `none`: which runs of this program continue the trace that `TRACEPARENT` in its
    environment names. `tellwhy run` sets `all` for what it starts."""
    threads: bool = True
    """Carry the current run into threads and thread pools that it starts."""
    max_value_bytes: int = 1_048_576
    """Longest recorded value (arguments, result, a message list) in bytes of JSON; cut and said."""
    max_queue_spans: int = 20_000
    """Spans that may wait in memory where nothing can be spooled; further ones are dropped, counted
    and logged once."""
    max_queue_bytes: int = 67_108_864
    """Bytes that may wait in memory where nothing can be spooled; further spans are dropped."""
    spool_dir: str = ""
    """Folder that keeps steps on disk until they are sent, so that a killed program loses none.
    Empty: `tellwhy/spool` in XDG_STATE_HOME, else in `~/.local/state`. `off`: memory only."""
    durability: str = "process"
    """`process`: records survive the death of the program. `disk`: also that of the machine, for
    about 0.3 ms more at the start and the end of every step."""
    max_spool_bytes: int = 1_073_741_824
    """Bytes that one program may keep on disk; then the oldest steps are dropped and counted."""
    max_spool_total_bytes: int = 8_589_934_592
    """Bytes that programs which have ended may leave in one spool together; then the oldest keep no
    more than how they ended, which shows as a gap."""
    pending: str = "auto"
    """`auto` or `never`: whether a tellwhy collector is told of steps that have not ended yet.
    Other receivers never are."""
    heartbeat_interval_s: float = 5.0
    """Seconds between two signs of life to a tellwhy collector, while steps are open."""
    handle_sigterm: bool = True
    """On SIGTERM send what waits before the program ends as it would have. Only where nobody else
    handles the signal."""
    max_batch_bytes: int = 4_194_304
    """Bytes of one export as spooled; a batch closes earlier when it would become longer."""
    export_interval_s: float = 0.5
    """Seconds that an ended span waits for others before it is sent."""
    export_timeout_s: float = 10.0
    """Seconds that the collector has for one answer."""
    exit_timeout_s: float = 0.8
    """Seconds that the end of the program may wait for the last export."""

    @property
    def keeps_exchanges(self) -> bool:
        """Whether what a replay needs is kept."""
        return self.replayable and self.content == "full"

    @property
    def captures_content(self) -> bool:
        """Whether arguments, results and messages may be recorded."""
        return self.content == "full"


ALTERNATIVES = {
    "service_name": ("OTEL_SERVICE_NAME",),
    "endpoint": ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"),
    "compression": ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "OTEL_EXPORTER_OTLP_COMPRESSION"),
    "headers": ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"),
    "collector_ca": ("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE"),
    "client_cert": (
        "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
    ),
    "client_key": ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", "OTEL_EXPORTER_OTLP_CLIENT_KEY"),
}
"""Setting -> OpenTelemetry's own variables, read when ours is absent."""

FOR_ONE_RECEIVER = ("headers", "compression", "collector_ca", "client_cert", "client_key")
"""Settings whose OTEL_* variables are not read when our own endpoint is set."""

CHOICES = {
    "content": ("full", "none"),
    "compression": ("none", "gzip"),
    "durability": ("process", "disk"),
    "inherit_trace": ("first", "all", "none"),
    "pending": ("auto", "never"),
}
"""Setting -> the words it takes."""


class _Held:
    """The settings in force, and whether their endpoint was named for us."""

    current: Settings | None = None
    endpoint_chosen = False


def current() -> Settings:
    """The settings in force; the environment is read at the first call."""
    if _Held.current is None:
        _Held.endpoint_chosen = bool(os.environ.get("TELLWHY_ENDPOINT", "").strip())
        _Held.current = from_environment()
    return _Held.current


def change(**values: Any) -> Settings:
    """Put *values* over the settings in force; a value that cannot be read is logged and left out."""
    before = current()
    known = {spec.name: spec for spec in fields(Settings)}
    good = {}
    for name, value in values.items():
        read = _read(name, value, f"configure({name}=…)", known[name].type)
        if read is not None:
            good[name] = read
    if good.get("endpoint"):
        _Held.endpoint_chosen = True
        for name in FOR_ONE_RECEIVER:
            # What OTEL_* said belongs to another receiver; see `from_environment`.
            if not os.environ.get(f"TELLWHY_{name.upper()}"):
                good.setdefault(name, getattr(Settings(), name))
    _Held.current = replace(before, **good)
    return _Held.current


def reset() -> None:
    """Forget the settings, so that the environment is read again."""
    _Held.current = None
    _Held.endpoint_chosen = False


@contextmanager
def changed(**values: Any) -> Iterator[None]:
    """`change` for a while."""
    before, chosen = _Held.current, _Held.endpoint_chosen
    change(**values)
    try:
        yield
    finally:
        _Held.current, _Held.endpoint_chosen = before, chosen


def is_strict() -> bool:
    """Whether the tracer's own errors are raised; needs no settings, because they may be at fault."""
    if _Held.current is not None:
        return _Held.current.strict
    return os.environ.get("TELLWHY_STRICT", "").strip().lower() in TRUE_WORDS


def from_environment(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings as *environ* (default: the process's) has them."""
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    for spec in fields(Settings):
        ours = f"TELLWHY_{spec.name.upper()}"
        names = [ours, *ALTERNATIVES.get(spec.name, ())]
        if spec.name in FOR_ONE_RECEIVER and environ.get("TELLWHY_ENDPOINT"):
            # OTEL_* describes another receiver: its credentials must not go to ours.
            names = [ours]
        used = next((name for name in names if environ.get(name, "").strip()), None)
        if used is None:
            continue
        text = environ[used].strip()
        if used == "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT":
            text = text.removesuffix("/v1/traces")
        read = _read(spec.name, text, used, spec.type)
        if read is not None:
            values[spec.name] = read
    return Settings(**values)


def endpoint_is_chosen() -> bool:
    """Whether somebody named a collector for tellwhy: `configure()` or ``TELLWHY_ENDPOINT``.

    OTEL_EXPORTER_OTLP_ENDPOINT does not count: it may be meant for an exporter of the user's own.
    """
    current()
    return _Held.endpoint_chosen


def traces_url(settings: Settings) -> str:
    """The full address that exports are posted to."""
    base = (settings.endpoint or DEFAULT_ENDPOINT).rstrip("/")
    return base if base.endswith("/v1/traces") else f"{base}/v1/traces"


def logs_url(settings: Settings) -> str:
    """The full address that signs of life are posted to."""
    return f"{traces_url(settings).removesuffix('/v1/traces')}/v1/logs"


def spool_root(settings: Settings) -> Path | None:
    """The folder of all spools, which need not exist; None when nothing is to be spooled."""
    said = settings.spool_dir
    if said.lower() in {"off", "none"}:
        return None
    if said:
        return Path(said).absolute()
    state = os.environ.get("XDG_STATE_HOME", "")
    try:
        base = Path(state) if state else Path.home() / ".local" / "state"
    except RuntimeError:  # a process without a home
        return None
    return base / "tellwhy" / "spool"


def environment() -> dict[str, str]:
    """A copy of the process's variables, in which to look for secrets."""
    return dict(os.environ)


def otel_limits() -> set[str]:
    """The limits of OpenTelemetry that the user set on purpose."""
    return {name for name in os.environ if name.startswith("OTEL_") and "LIMIT" in name}


def program_name() -> str:
    """The file or package that Python was started with, for ``service.name``."""
    started = Path(sys.argv[0] if sys.argv and sys.argv[0] not in {"", "-c", "-m"} else "python")
    name = started.parent.name if started.name == "__main__.py" else started.stem
    return name or "python"


def _read(name: str, value: Any, source: str, kind: Any) -> Any:
    """*value* in the type of setting *name*; None (and one log line) when it cannot be."""
    try:
        parsed = _PARSERS[str(kind)](value)
        _check(name, parsed, source)
    except (ValueError, TypeError) as error:
        shown = "given" if name == "headers" else repr(value)
        logger.warning("%s is %s: %s. The default is used.", source, shown, error)
        return None
    return parsed


def _check(name: str, value: Any, source: str) -> None:
    if name in CHOICES and value not in CHOICES[name]:
        raise ValueError(f"it takes {' or '.join(CHOICES[name])}")
    if name == "endpoint" and value:
        _check_endpoint(value, source)


def _check_endpoint(url: str, source: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("it must be an http:// or https:// address, like http://127.0.0.1:4318")
    if parts.port == 4317:  # raises ValueError itself for a port that is no number
        logger.warning(
            "%s is %r: port 4317 is OTLP/gRPC by custom, and tellwhy sends OTLP/HTTP. "
            "Set TELLWHY_ENDPOINT to the collector's HTTP port, usually 4318.",
            source,
            url,
        )


def _bool(value: Any) -> bool:
    word = str(value).strip().lower()
    if word not in TRUE_WORDS | FALSE_WORDS:
        raise ValueError("it takes true or false")
    return word in TRUE_WORDS


def _int(value: Any) -> int:
    number = int(str(value).replace("_", ""))
    if number <= 0:
        raise ValueError("it must be greater than 0")
    return number


def _seconds(value: Any) -> float:
    number = float(value)
    if not 0 <= number < float("inf"):
        raise ValueError("it must be a number of seconds, 0 or more")
    return number


def _headers(value: Any) -> dict[str, str]:
    if isinstance(value, Mapping):
        return {str(name): str(text) for name, text in value.items()}
    pairs = [pair.partition("=") for pair in str(value).split(",") if pair.strip()]
    if any(not equals or not name.strip() for name, equals, _ in pairs):
        raise ValueError("it is written name=value,name=value")
    return {name.strip(): unquote(text.strip()) for name, _, text in pairs}


_PARSERS = cast(
    "Mapping[str, Callable[[Any], Any]]",
    {
        "str": lambda value: str(value).strip(),
        "bool": _bool,
        "int": _int,
        "float": _seconds,
        "Mapping[str, str]": _headers,
    },
)
"""The annotation of a field, as text -> what reads it."""
