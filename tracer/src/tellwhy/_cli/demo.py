"""`tellwhy demo`: both rooms, example agents offline through the real SDKs, and recorded runs."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from tellwhy._cli.processes import ChildFailedError, StoppedError, Supervisor
from tellwhy._cli.up import Rooms, missing_rooms, open_browser, start_rooms
from tellwhy._demo import recorded, scenarios
from tellwhy._demo.check import findings
from tellwhy._demo.collector import CollectorError, ask, status
from tellwhy._model_server import serve
from tellwhy._post import Batch, HttpSink
from tellwhy._settings import from_environment

AGENT_TIMEOUT_S = 90.0
"""How long one example agent may take; with a real model it takes up to a minute."""

DEFAULT_PORTS = (4318, 4317, 8501)
"""OTLP/HTTP, OTLP/gRPC and viewer; each is replaced by a free one when it is taken."""

FOREIGN_PREFIXES = ("OTEL_", "TELLWHY_", "ANTHROPIC_", "OPENAI_")
"""Variables of the person's own set-up that must not reach the example agents."""

WAY_IN = tuple(
    f"TELLWHY_{name}"
    for name in ("HEADERS", "COLLECTOR_CA", "CLIENT_CERT", "CLIENT_KEY", "SPOOL_DIR")
)
"""Those that say how a collector is reached which somebody else started."""


@dataclass(frozen=True, slots=True)
class Agent:
    """One example agent: its file in ``_demo/agents`` and what it shows."""

    module: str
    shows: str
    exit_status: int = 0


AGENTS = (
    Agent("refund", "streamed thinking, an approval, a denial, a failing tool, a provider retry"),
    Agent("research", "OpenAI responses and chat completions with parallel tool calls"),
    Agent("delivery", "four async agents, a hand-off, a choice made by plain code"),
    Agent("stock", "one decorator only: tool calls read out of the next request"),
    Agent("invoices", "a run that fails for good", exit_status=1),
    Agent("payouts", "a run whose process is killed in a payment", exit_status=-signal.SIGKILL),
)

BEST_SQL = """
SELECT run_id, decision_id FROM decisions
WHERE start_ns >= ? ORDER BY (chosen = 'issue_refund') DESC, start_ns LIMIT 1
"""
"""The decision worth looking at first: the payment that a person approved."""

QUESTIONS = """\
SELECT agent_name, chosen, arguments, outcome FROM decisions WHERE outcome IN ('failed', 'denied')
SELECT chosen, approval_decision, approver, approval_wait_ns / 1e9 AS s FROM decisions WHERE approver <> ''
SELECT agent_name, status, decisions, retries, round(cost_usd, 4) FROM runs ORDER BY start_time DESC
SELECT agent_name, lost_reason, died_in, died_in_arguments FROM lost_runs
""".splitlines()
"""SQL to try, printed when the demo is ready."""


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tellwhy demo", description=run.__doc__)
    parser.add_argument("--check", action="store_true", help="verify what was recorded, then end")
    parser.add_argument("--live", action="store_true", help="let the refund agent ask the real API")
    parser.add_argument("--database", type=Path, metavar="FILE", help="add the runs to this file")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the database in this folder")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")
    parser.add_argument(
        "--collector-url", metavar="URL", help="start nothing; only run the agents, for this one"
    )
    parser.add_argument(
        "--every", type=float, metavar="S", help="with --collector-url: again after S seconds"
    )
    given = parser.parse_args(argv)
    if given.collector_url and (given.check or given.database or given.keep):
        parser.error("--collector-url starts no rooms: leave --check, --database and --keep out")
    if given.every and not given.collector_url:
        parser.error("--every needs --collector-url")
    return given


def _problem(*, live: bool, rooms: bool) -> str | None:
    """Say what stands in the way, and what to do about it; None when nothing does."""
    if rooms and (problem := missing_rooms()):
        return problem.replace("tellwhy[all]", "tellwhy[demo]")
    absent = [name for name in ("anthropic", "openai") if find_spec(name) is None]
    if absent:
        return f'{" and ".join(absent)}: not installed. Run: pip install "tellwhy[demo]"'
    if live and not os.environ.get("ANTHROPIC_API_KEY"):
        return (
            "--live needs a key for the Anthropic API and ANTHROPIC_API_KEY is not set. "
            "Set it, or leave --live out: the demo works without a network."
        )
    return None


def _port(default: int, *, any_port: bool) -> int:
    """Give back the default when it is free, else 0."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", default))
        except OSError:
            return 0
    return 0 if any_port else default


def _environment(
    models_url: str, collector_url: str, module: str, *, live: bool, spool: Path | None
) -> dict[str, str]:
    """Build what an agent's process sees: where its model and its collector are, nothing else."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(FOREIGN_PREFIXES)}
    if spool is None:
        kept |= {name: os.environ[name] for name in WAY_IN if name in os.environ}
    else:
        kept["TELLWHY_SPOOL_DIR"] = str(spool)
    near = f"127.0.0.1,localhost,{urlsplit(collector_url).hostname}"
    own = {
        "TELLWHY_ENDPOINT": collector_url,
        "TELLWHY_EXIT_TIMEOUT_S": "10",  # all of them start at once, and some machines are slow
        "OTEL_SERVICE_NAME": f"demo-{module}",
        **dict.fromkeys(("NO_PROXY", "no_proxy"), near),
        "OPENAI_BASE_URL": f"{models_url}/{module}/v1",
        "OPENAI_API_KEY": "scripted",
    }
    if live and module == "refund":
        theirs = {k: v for k, v in os.environ.items() if k.startswith("ANTHROPIC_")}
        return kept | own | theirs
    return kept | own | {"ANTHROPIC_BASE_URL": f"{models_url}/{module}", "ANTHROPIC_API_KEY": "x"}


def _run_agents(
    supervisor: Supervisor, collector_url: str, *, live: bool, spool: Path | None
) -> list[str]:
    """Run all example agents as processes of their own; give back what went wrong.

    Args:
        supervisor: Ends them when its ``with`` block ends.
        collector_url: Where they send.
        live: The refund agent asks the real API.
        spool: Their spool; None for a collector that somebody else started, which leaves the choice
            to the person's own settings.
    """
    problems = []
    with serve() as models:
        models.prepare = scenarios.prepare
        children = []
        for agent in AGENTS:
            env = _environment(models.url, collector_url, agent.module, live=live, spool=spool)
            words = ["-m", f"tellwhy._demo.agents.{agent.module}"]
            children.append(supervisor.start(agent.module, words, env=env, stays=False))
        for agent, child in zip(AGENTS, children, strict=True):
            code = supervisor.wait_end(child, AGENT_TIMEOUT_S)
            print(f"  {agent.module:<10} {agent.shows}", flush=True)
            if code != agent.exit_status:
                problems.append(
                    f"Agent {agent.module} ended with {child.why_it_ended()}. It said:\n"
                    f"{child.last_words()}"
                )
    return problems


def _say_where(rooms: Rooms, began_ns: int) -> str:
    """Print the addresses, the deep link and the questions; give back the link."""
    best = ask(rooms.collector_url, BEST_SQL, began_ns)
    link = f"{rooms.viewer_url}/"
    if best:
        link += "?" + urlencode({"run": best[0][0], "decision": best[0][1]})
    print(f"\n  viewer     {rooms.viewer_url}\n  look at    {link}")
    print(f"  OTLP/HTTP  {rooms.collector_url}\n  database   {rooms.database}")
    elsewhere = "" if rooms.collector_url.endswith(":4318") else f" --url {rooms.collector_url}"
    print("\nAsk in SQL:")
    for question in QUESTIONS:
        print(f'  tellwhy sql{elsewhere} "{question}"')
    sys.stdout.flush()
    return link


def _show(supervisor: Supervisor, given: argparse.Namespace, database: Path, spool: Path) -> int:
    began_ns = time.time_ns()
    ports = [_port(port, any_port=given.check) for port in DEFAULT_PORTS]
    rooms = start_rooms(
        supervisor,
        database=database,
        http_port=ports[0],
        grpc_port=ports[1],
        viewer_port=ports[2],
        adopt=spool,
    )
    print("Running the example agents:", flush=True)
    problems = _run_agents(supervisor, rooms.collector_url, live=given.live, spool=spool)
    posted = recorded.load(rooms.collector_url)
    print(f"Loaded {len(posted)} recorded runs: {', '.join(posted)}", flush=True)
    for problem in problems:
        print(problem, file=sys.stderr)
    if given.check:
        good = not problems
        for found in findings(rooms.collector_url, rooms.viewer_url, began_ns, live=given.live):
            print(f"{'ok  ' if found.good else 'FAIL'} {found.text}", flush=True)
            good = good and found.good
        return 0 if good else 1
    link = _say_where(rooms, began_ns)
    if not given.no_browser:
        open_browser(link)
    print("\nCtrl+C stops the demo.", flush=True)
    supervisor.watch()
    return 1 if problems else 0


def _refusal(url: str) -> str | None:
    """Why the collector would turn the agents away; None when it lets them in."""
    settings = replace(from_environment(), endpoint=url)
    answer = HttpSink(settings).put(Batch(b"", 0), settings.export_timeout_s)
    if not answer.is_barred:
        return None
    return (
        f"The collector at {url} turns senders away ({answer.detail}). Set TELLWHY_HEADERS to "
        "Authorization=Bearer%20TOKEN with its TELLWHY_INGEST_TOKEN."
    )


def _feed(supervisor: Supervisor, given: argparse.Namespace) -> int:
    """Run the agents for a collector that somebody else started; once, or until told to stop."""
    url = given.collector_url.rstrip("/")
    while True:
        if status(f"{url}/readyz") != 200:
            problems = [f"No collector is ready at {url}. Start one with `tellwhy serve`."]
        elif (refusal := _refusal(url)) is not None:
            problems = [refusal]
        else:
            print(f"Running the example agents for {url}:", flush=True)
            problems = _run_agents(supervisor, url, live=given.live, spool=None)
        for problem in problems:
            print(problem, file=sys.stderr, flush=True)
        if not given.every:
            return 1 if problems else 0
        supervisor.stop_all()  # forgets the agents that ended
        supervisor.pause(given.every)


def run(argv: list[str]) -> int:
    """Show a real run in a minute: starts everything, runs example agents offline, stays up."""
    given = _arguments(argv)
    if problem := _problem(live=given.live, rooms=not given.collector_url):
        print(problem, file=sys.stderr)
        return 1
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tellwhy-demo-")))
        if given.database is not None:
            database = given.database
        elif given.keep is not None:
            given.keep.mkdir(parents=True, exist_ok=True)
            database = given.keep / "demo.duckdb"
        else:
            database = folder / "demo.duckdb"
        supervisor = stack.enter_context(Supervisor())
        try:
            if given.collector_url:
                return _feed(supervisor, given)
            return _show(supervisor, given, database, folder / "spool")
        except (ChildFailedError, CollectorError) as error:
            print(f"\n{error}", file=sys.stderr)
            return 1
        except StoppedError:
            return 1 if given.check else 0
        finally:
            print("Stopping …", flush=True)
