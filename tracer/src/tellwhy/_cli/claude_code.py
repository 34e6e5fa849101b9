"""`tellwhy claude-code env`: the variables that make Claude Code report to the collector.

Source: Claude Code 2.1.197 and 2.1.330, whose programs know the same ones.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import quote

from tellwhy import _settings
from tellwhy._settings import DEFAULT_ENDPOINT, Settings

ALWAYS = {
    "CLAUDE_CODE_ENABLE_TELEMETRY": "1",
    "CLAUDE_CODE_ENHANCED_TELEMETRY_BETA": "1",
    "OTEL_TRACES_EXPORTER": "otlp",
    "OTEL_LOGS_EXPORTER": "otlp",
    "OTEL_METRICS_EXPORTER": "otlp",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    "CLAUDE_CODE_PROPAGATE_TRACEPARENT": "1",
}
"""What has no choice in it. Without the second there are events and no traces."""

CONTENT = {
    "prompts": "OTEL_LOG_USER_PROMPTS",
    "answers": "OTEL_LOG_ASSISTANT_RESPONSES",
    "arguments": "OTEL_LOG_TOOL_DETAILS",
    "results": "OTEL_LOG_TOOL_CONTENT",
}
"""Sort of content -> the variable that lets it out; Claude Code keeps each back by default."""

EVERYTHING, NOTHING = "all", "none"


def variables(
    settings: Settings, content: Iterable[str] | None = None, bodies: Path | None = None
) -> dict[str, str]:
    """The variables, in the order in which they are printed.

    Args:
        settings: Where the collector is and what it wants to see of us.
        content: Keys of `CONTENT`; default: all, or none where ``settings.content`` says so.
        bodies: Folder for whole requests and answers, uncut.
    """
    if content is None:
        content = CONTENT if settings.captures_content else ()
    shown = set(content)
    found = dict(ALWAYS)
    base = (settings.endpoint or DEFAULT_ENDPOINT).rstrip("/").removesuffix("/v1/traces")
    found["OTEL_EXPORTER_OTLP_ENDPOINT"] = base
    if settings.headers:
        pairs = [f"{name}={quote(text, safe='')}" for name, text in settings.headers.items()]
        found["OTEL_EXPORTER_OTLP_HEADERS"] = ",".join(pairs)
    files = {
        # Node reads the authority from a variable of its own, and some exporters from OTEL's.
        "OTEL_EXPORTER_OTLP_CERTIFICATE": settings.collector_ca,
        "NODE_EXTRA_CA_CERTS": settings.collector_ca,
        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": settings.client_cert,
        "OTEL_EXPORTER_OTLP_CLIENT_KEY": settings.client_key or settings.client_cert,
    }
    found |= {name: path for name, path in files.items() if path}
    # A no is said too: it holds against what the surroundings say.
    found |= {name: "1" if sort in shown else "0" for sort, name in CONTENT.items()}
    if bodies is not None:
        found["OTEL_LOG_RAW_API_BODIES"] = f"file:{bodies.absolute()}"
    return found


def run(argv: list[str]) -> int:
    """Print the variables that make Claude Code report to the collector."""
    given = _arguments(argv)
    found = variables(_settings.from_environment(), given.content, given.bodies)
    print(WRITERS[given.form](found))
    return 0


def _as_shell(found: Mapping[str, str]) -> str:
    return "\n".join(f"export {name}={shlex.quote(text)}" for name, text in found.items())


def _as_json(found: Mapping[str, str]) -> str:
    return json.dumps(found, indent=2)


def _as_settings(found: Mapping[str, str]) -> str:
    return json.dumps({"env": found}, indent=2)


WRITERS = {"shell": _as_shell, "json": _as_json, "settings": _as_settings}


def _sorts(text: str) -> list[str]:
    if text == NOTHING:
        return []
    words = list(CONTENT) if text == EVERYTHING else text.split(",")
    if unknown := sorted(set(words) - CONTENT.keys()):
        raise argparse.ArgumentTypeError(
            f"{', '.join(unknown)} is no sort of content; there are {', '.join(CONTENT)}, "
            f"{EVERYTHING} and {NOTHING}"
        )
    return words


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tellwhy claude-code", description=run.__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="env")
    env = commands.add_parser(
        "env",
        help="print them; endpoint and token are tellwhy's own",
        description="Print the variables that make Claude Code report to the collector that "
        "TELLWHY_ENDPOINT names, with the headers of TELLWHY_HEADERS. A token stands in what is "
        "printed.",
        epilog='To use them: eval "$(tellwhy claude-code env)"; claude',
    )
    form = env.add_mutually_exclusive_group()
    for name, text in (
        ("json", "as one JSON object"),
        ("settings", 'as the block "env" of a settings.json of Claude Code'),
    ):
        form.add_argument(f"--{name}", dest="form", action="store_const", const=name, help=text)
    env.set_defaults(form="shell")
    env.add_argument(
        "--content",
        type=_sorts,
        metavar="SORTS",
        help=f"what may be recorded: {EVERYTHING}, {NOTHING}, or some of {', '.join(CONTENT)} with "
        "commas between (default: all; none where TELLWHY_CONTENT=none)",
    )
    env.add_argument(
        "--bodies",
        type=Path,
        metavar="FOLDER",
        help="let Claude Code write whole requests and answers there, uncut",
    )
    return parser.parse_args(argv)


def environment_of(base: Mapping[str, str] = os.environ) -> dict[str, str]:
    """`variables` for a Claude Code that is started with *base*, whose own settings win."""
    found = variables(_settings.from_environment(base))
    return {name: text for name, text in found.items() if name not in base}
