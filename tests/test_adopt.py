"""`tellwhy serve --adopt`: what dead processes left on disk, taken in by the collector."""

import json
import signal
import subprocess
import sys
import time
import urllib.request

import pytest

from tellwhy_collector import testing

pytestmark = pytest.mark.slow

AGENT = """
import os, signal, sys, time
import tellwhy

how, count = sys.argv[1], int(sys.argv[2])

@tellwhy.tool(effect="write")
def refund(order: str) -> str:
    if order == "last":
        print("refunding", flush=True)
        if how == "_exit":
            os._exit(3)
        if how == "end":
            return "done"
        time.sleep(60)
    return order * 20

@tellwhy.agent
def shop(orders: list) -> str:
    for order in orders:
        refund(order)
    return "done"

shop([str(number) for number in range(count)] + ["last"])
"""
SPANS = "SELECT count(*), count(DISTINCT span_id) FROM spans"


@pytest.fixture
def spool(tmp_path):
    """Where agents write and collectors look."""
    return tmp_path / "spool"


@pytest.fixture
def agent(tmp_path, spool, agent_environment):
    """Start agents that send to an address; all are ended after the test."""
    path = tmp_path / "shop_agent.py"
    path.write_text(AGENT)
    running = []

    def start(how, count=2, url="http://127.0.0.1:9", **more):
        places = {"TELLWHY_ENDPOINT": url, "TELLWHY_SPOOL_DIR": str(spool)}
        quick = {"TELLWHY_EXPORT_INTERVAL_S": "0.05", "TELLWHY_EXIT_TIMEOUT_S": "0.2"}
        quick["TELLWHY_HEARTBEAT_INTERVAL_S"] = "0.5"
        running.append(
            subprocess.Popen(
                [sys.executable, str(path), how, str(count)],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
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


def health(running):
    with urllib.request.urlopen(f"{running.url}/healthz", timeout=20) as response:
        return json.loads(response.read())["adopted"]


def is_empty(spool):
    deadline = time.monotonic() + 20
    while found := list(spool.iterdir()):
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    return True


@pytest.mark.parametrize("how", ["SIGKILL", "SIGTERM", "SIGABRT", "_exit"])
def test_a_run_that_died_alone_is_seen_with_the_step_it_died_in(collector, agent, spool, how):
    """No collector was there when it ran; one that shares the folder tells the end."""
    dying = agent(how)
    assert "refunding" == dying.stdout.readline().strip()
    if how != "_exit":
        dying.send_signal(getattr(signal, how))
    dying.wait()
    running = collector(None, 0, "--adopt", str(spool))
    reason = "SIGTERM" if how == "SIGTERM" else "killed"
    running.wait_for(
        [["lost", reason, "refund", '{"order":"last"}', dying.pid]],
        "SELECT r.status, l.lost_reason, l.died_in, l.died_in_arguments, l.pid "
        "FROM runs r JOIN lost_runs l USING (run_id)",
    )

    assert is_empty(spool)
    running.wait_for([[reason]], "SELECT ended_by FROM processes")
    assert [[4, 4]] == running.ask(SPANS)
    assert {"folders": 1, "spans": 2, "lost": 2, "refused": 0, "failed": 0} == health(running)
    with urllib.request.urlopen(f"{running.url}/metrics", timeout=20) as response:
        assert b"tellwhy_adopted_spans_total 2.0" in response.read()


def test_a_living_run_shows_at_once_and_is_lost_when_it_is_killed(collector, agent, spool):
    """Running within a second, then lost, with the same spans."""
    running = collector(None, 0, "--adopt", str(spool))
    dying = agent("SIGKILL", 2, running.url)
    assert "refunding" == dying.stdout.readline().strip()
    began = time.monotonic()
    now = "SELECT status, died_in, last_seen IS NOT NULL FROM runs"
    running.wait_for([["running", None, True]], now)
    running.wait_for([["refund"]], "SELECT inside_name FROM open_runs")
    visible = time.monotonic() - began
    dying.send_signal(signal.SIGKILL)
    dying.wait()
    running.wait_for([["lost", "refund", True]], now)

    assert visible < 20  # a second, on a machine with nothing else to do
    assert is_empty(spool)
    assert [[4, 4]] == running.ask(SPANS)
    assert [["killed", 2]] == running.ask("SELECT ended_by, stored_sequence FROM processes")


def test_a_collector_that_is_killed_while_it_adopts_stores_everything_once(
    collector, agent, spool, tmp_path
):
    """Again and again; then the folder goes."""
    dying = agent("SIGKILL", 3000)
    assert "refunding" == dying.stdout.readline().strip()
    dying.kill()
    dying.wait()
    database = tmp_path / "killed.duckdb"
    for spans in (1, 600, 1500):
        running = collector(database, 0, "--adopt", str(spool))
        deadline = time.monotonic() + 30
        while running.ask("SELECT count(*) >= ? FROM spans", spans) != [[True]]:
            assert time.monotonic() < deadline
        running.kill()
    running = collector(database, 0, "--adopt", str(spool))

    assert is_empty(spool)
    running.wait_for([[3002, 3002]], SPANS)
    assert [[3002]] == running.ask("SELECT count(*) FROM steps")
    assert [] == running.ask("SELECT * FROM gaps")
    assert [[3000, 3000]] == running.ask("SELECT stored_sequence, last_sequence FROM processes")


def test_what_had_to_make_room_for_other_programs_shows_as_a_gap(collector, agent, spool):
    """The dead may not fill the disk; how they ended and how much they had said is known all the same."""
    dying = agent("SIGKILL", 300)
    assert "refunding" == dying.stdout.readline().strip()
    dying.kill()
    dying.wait()
    following = agent("SIGKILL", 2, TELLWHY_MAX_SPOOL_TOTAL_BYTES="1000")
    deadline = time.monotonic() + 30
    while sum(each.stat().st_size for each in spool.glob(f"*-{dying.pid}-*/*.seg")) > 3000:
        assert time.monotonic() < deadline, list(spool.glob("*/*.seg"))
        time.sleep(0.05)
    following.kill()
    following.wait()
    running = collector(None, 0, "--adopt", str(spool))
    running.wait_for(
        [[dying.pid, "killed", 300, 300]],
        "SELECT pid, ended_by, last_sequence, missing FROM gaps",
    )

    assert is_empty(spool)


def test_a_folder_that_cannot_be_read_is_counted_once_and_left(collector, agent, spool):
    """The others are adopted all the same."""
    spool.mkdir()
    broken = spool / "a-1-aaaaaaaa"
    broken.mkdir()
    (broken / "lock").touch()
    (broken / "process.json").write_text("{")
    pipe = spool / "b-1-bbbbbbbb"
    pipe.mkdir()
    (pipe / "lock").symlink_to("/dev/null")
    dying = agent("_exit")
    dying.wait()
    running = collector(None, 0, "--adopt", str(spool))
    running.wait_for([["lost"]], "SELECT status FROM runs")
    running.wait_for([["killed"]], "SELECT ended_by FROM processes")
    deadline = time.monotonic() + 20
    while health(running)["failed"] < 2:
        assert time.monotonic() < deadline

    assert {broken, pipe} <= set(spool.iterdir())
    assert 2 == health(running)["failed"]


def test_several_folders_are_named_by_flag_or_variable(agent, spool, tmp_path):
    """And a setting of two is the same as two flags."""
    import argparse

    from tellwhy_collector import settings
    from tellwhy_collector.flags import add_arguments

    parser = argparse.ArgumentParser()
    add_arguments(parser)
    words = ["--adopt", "/a", "--adopt", "/b"]
    assert "/a:/b" == settings.load(vars(parser.parse_args(words)), {}).adopt
    assert "/c:/d" == settings.load({}, {"TELLWHY_ADOPT": "/c:/d"}).adopt


def test_adoption_in_this_process_ends_when_the_collector_does(tmp_path, spool):
    """A folder that is not there yet is waited for."""
    with testing.collector(tmp_path, adopt=f"{spool}:{tmp_path / 'other'}") as running:
        assert running.adopter.done.failed == 0
