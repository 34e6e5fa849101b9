"""Programs that are killed and collectors that are away, against the real collector."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

AGENT = """
import os, sys, time
import tellwhy
from tellwhy import _shipping

_shipping.FIRST_ADOPTION_S = 0.05

@tellwhy.tool(effect="write")
def refund(order: str) -> str:
    if order == "wait":
        print("refunding", flush=True)
        time.sleep(60)
    return "done"

@tellwhy.agent
def shop(order: str) -> str:
    return refund(order)

for order in sys.argv[1:]:
    shop(order)
"""

STEPS = "SELECT count(*), count(DISTINCT span_id) FROM steps"


@pytest.fixture
def agent(tmp_path, agent_environment):
    """Start agents that share a spool and report to an address; all are ended after the test."""
    path = tmp_path / "shop_agent.py"
    path.write_text(AGENT)
    running = []

    def start(collector_url: str, *orders: str, **more: str) -> subprocess.Popen:
        places = {"TELLWHY_ENDPOINT": collector_url, "TELLWHY_SPOOL_DIR": str(tmp_path / "spool")}
        quick = {"TELLWHY_EXPORT_INTERVAL_S": "0.05", "TELLWHY_EXIT_TIMEOUT_S": "0.8"}
        running.append(
            subprocess.Popen(
                [sys.executable, str(path), *orders],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=agent_environment | places | quick | more,
            )
        )
        return running[-1]

    yield start
    for each in running:
        if each.poll() is None:
            each.kill()
        each.communicate()


def folders(tmp_path: Path) -> list[Path]:
    """What is in the spool."""
    return list((tmp_path / "spool").iterdir())


def test_a_call_that_died_is_seen_with_its_arguments(collector, agent, tmp_path):
    """Killed inside a tool; the next program tells, once, and the spool is empty."""
    running = collector()
    dying = agent(running.url, "4411", "wait")
    assert "refunding" == dying.stdout.readline().strip()
    dying.send_signal(signal.SIGKILL)
    dying.wait()
    assert 1 == len(folders(tmp_path))
    living = agent(running.url, "wait")
    assert "refunding" == living.stdout.readline().strip()
    running.wait_for(
        [["refund", '{"order":"wait"}', "process_died"]],
        "SELECT tool_name, tool_arguments, error_type FROM steps WHERE error_type = 'process_died' "
        "AND kind = 'tool_call'",
    )
    living.send_signal(signal.SIGTERM)
    living.communicate()

    assert -signal.SIGTERM == living.returncode
    running.wait_for([[6, 6]], STEPS)
    assert [] == folders(tmp_path)


def test_what_was_recorded_without_a_collector_arrives_when_there_is_one(
    collector, agent, tmp_path
):
    """Two programs ran alone; the third brings their steps along, each once."""
    first = collector()
    database, port = first.database, first.port
    first.stop()
    for _ in range(2):
        alone = agent(first.url, *[str(number) for number in range(50)])
        _, said = alone.communicate()
        assert (0, 1) == (alone.returncode, len(said.splitlines()))
    assert 2 == len(folders(tmp_path))
    again = collector(database, port)
    bringing = agent(again.url, "wait")
    again.wait_for([[200]], "SELECT count(*) FROM steps WHERE end_time IS NOT NULL")
    bringing.send_signal(signal.SIGTERM)
    bringing.communicate()

    again.wait_for([[202, 202]], STEPS)
    assert [] == folders(tmp_path)


def test_what_was_recorded_without_the_token_arrives_with_it(collector, agent, tmp_path):
    """A program that is turned away keeps its steps and says what to set; the next brings them."""
    token = tmp_path / "token"
    token.write_text("ingest-token-of-the-tests")
    guarded = collector(None, 0, "--ingest-token-file", str(token))
    shut_out = agent(guarded.url, "1", "2")
    _, said = shut_out.communicate()
    assert 0 == shut_out.returncode
    assert "turns this program away (status 401" in said
    assert "TELLWHY_HEADERS" in said
    assert 1 == len(folders(tmp_path))
    headers = f"Authorization=Bearer%20{token.read_text()}"
    more = {"TELLWHY_HEADERS": headers, "TELLWHY_EXIT_TIMEOUT_S": "10"}
    let_in = agent(guarded.url, "wait", **more)
    assert "refunding" == let_in.stdout.readline().strip()
    guarded.wait_for([[4]], "SELECT count(*) FROM steps WHERE end_time IS NOT NULL")
    while len(folders(tmp_path)) > 1:  # the first program's, until the last sign of life is sent
        assert let_in.poll() is None
        time.sleep(0.02)
    let_in.send_signal(signal.SIGTERM)
    let_in.communicate()

    guarded.wait_for([[6, 6]], STEPS)
    assert [] == folders(tmp_path)
