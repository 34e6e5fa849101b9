"""`tellwhy record -- claude -p …`: run a program that cannot be hooked behind a recording proxy."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import tellwhy
from tellwhy._cli.asking import Asking
from tellwhy._proxy.forwarding import Forwarding
from tellwhy._proxy.server import running

FLUSH_S = 20.0


def run(argv: list[str]) -> int:
    """Run a program and record its model calls.

    Returns:
        The exit status of the program; 2 when it could not be run.
    """
    words, command = split(argv)
    parser = _parser()
    given = parser.parse_args(words)
    if not command:
        parser.error("say after -- the command that runs your program")
    name = given.name or Path(command[0]).name
    url = Asking.at(given.url).collector_url
    tellwhy.configure(service_name=name, endpoint=url, content="full", replayable=True)
    forwarding = Forwarding(os.environ)
    with tellwhy.agent(name, arguments={"command": command}) as step:
        recorded = tellwhy.current_run()
        with running(forwarding) as proxy:
            try:
                done = subprocess.run(command, env=os.environ | proxy.variables, check=False)  # noqa: S603
            except OSError as error:
                print(f"{command[0]} cannot be run: {error.strerror}.", file=sys.stderr)
                return 2
            except KeyboardInterrupt:
                return 130
        step.result({"exit_status": done.returncode})
    delivered = tellwhy.flush(FLUSH_S)
    run_id = recorded.run_id if recorded is not None else ""
    print(_told(run_id, forwarding.model_calls, url, delivered=delivered), file=sys.stderr)
    return done.returncode


def _told(run_id: str, calls: int, url: str, *, delivered: bool) -> str:
    if not calls:
        return "recorded nothing: the program asked no model through ANTHROPIC_BASE_URL or OPENAI_BASE_URL."
    said = f"recorded run {run_id}: {calls} model call{'' if calls == 1 else 's'}"
    if not delivered:
        said += f"\n  the collector at {url} has not taken it yet; the spool keeps it"
    return said


def split(argv: list[str]) -> tuple[list[str], list[str]]:
    """Our own words, and the command behind ``--``."""
    if "--" not in argv:
        return argv, []
    at = argv.index("--")
    return argv[:at], argv[at + 1 :]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tellwhy record",
        usage="tellwhy record [options] -- claude -p …",
        description="Run a program that tellwhy cannot be imported into, such as Claude Code, behind a "
        "proxy on this machine that records its model calls as one run. ANTHROPIC_BASE_URL and "
        "OPENAI_BASE_URL lead the program to the proxy, and the proxy to where they led before. "
        "`tellwhy replay RUN --proxy -- …` runs it again on the recording.",
    )
    parser.add_argument("--name", help="name of the agent (default: of the program)")
    parser.add_argument(
        "--url", help="the collector's address (TELLWHY_COLLECTOR_URL; else where spans go)"
    )
    return parser
