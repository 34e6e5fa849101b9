"""Telemetry, transcript and job of one session: one run, one step a call, whatever came first."""

import itertools
import os
import subprocess
import sys
import time

import pytest
from lines import NEW, OLD, watering
from telemetry import Telemetry, post

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

AT_REST = "SELECT (SELECT count(*) FROM steps) > 0 AND (SELECT count(*) FROM open_traces) = 0"
RUN = """
    SELECT trace_id, status, model_calls, tool_calls, agent_name FROM runs WHERE conversation_id = $1"""
DECISION = """
    SELECT chosen, stated_reason, outcome, outcome_result, approval_decision, approver
    FROM decisions d JOIN runs r USING (run_id)
    WHERE r.conversation_id = $1 AND d.action = 'tool_call'"""
KNOWN = [["Bash", "The sensor knows.", "succeeded", '"dry"', "approved", "config"]]


def session_of(number):
    """A session of its own for each case."""
    return (
        f"{number:04d}aaaa-0000-4000-8000-{number:012d}",
        f"{number:04d}bbbb-0000-4000-8000-{number:012d}",
    )


def rest(running):
    """Wait until nothing is left to be settled."""
    deadline = time.monotonic() + 60
    while running.ask(AT_REST) != [[True]]:
        assert time.monotonic() < deadline, "the traces did not come to rest"
        time.sleep(0.05)


def imported(running, folder):
    """Run the importer on a folder; what it printed."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tellwhy", "import", "claude-code", str(folder)],
        env={**os.environ, "TELLWHY_ENDPOINT": running.url},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "" == done.stderr
    return done.stdout


def test_every_order_of_arrival_gives_one_run(collector, tmp_path):
    """Job, telemetry and transcript in all six orders, with pauses in which traces settle."""
    running = collector()
    cases = []
    for number, order in enumerate(itertools.permutations(["job", "telemetry", "transcript"])):
        session, prompt = session_of(number)
        sent = Telemetry(session, prompt, job=True)
        folder = tmp_path / str(number)
        watering(NEW, session, prompt).save(folder)
        cases.append((order, session, sent, folder))
    for turn in range(3):
        for order, _, sent, folder in cases:
            if order[turn] == "job":
                post(running.url, spans=[sent.job_span()])
            elif order[turn] == "telemetry":
                post(running.url, spans=sent.spans(), events=sent.events())
            else:
                imported(running, folder)
        rest(running)

    for order, session, sent, _ in cases:
        runs = running.ask(RUN, session)
        assert (order, [[sent.trace_id, "succeeded", 2, 1, "nightly-garden"]]) == (order, runs)
        assert (order, KNOWN) == (order, running.ask(DECISION, session))


@pytest.mark.parametrize("version", [OLD, NEW])
def test_a_transcript_completes_telemetry(collector, tmp_path, version):
    """Without a job the run is the interaction's; what was told at the time keeps its place."""
    session, prompt = session_of(1)
    running = collector()
    sent = Telemetry(session, prompt)
    watering(version, session, prompt).save(tmp_path)
    imported(running, tmp_path)
    rest(running)
    assert 1 == len(running.ask(RUN, session))
    post(running.url, spans=sent.spans(), events=sent.events())
    rest(running)

    assert [[sent.trace_id, "succeeded", 2, 1, "claude-code"]] == running.ask(RUN, session)
    assert KNOWN == running.ask(DECISION, session)
    kept = "SELECT DISTINCT dialect, source FROM steps WHERE duplicate_of IS NULL"
    assert [["claude_code", "span"]] == running.ask(kept)


def test_events_without_traces_and_a_transcript_share_a_trace_and_come_under_their_job(
    collector, tmp_path
):
    """With traces switched off the session that the job printed is what joins them."""
    session, prompt = session_of(1)
    running = collector()
    sent = Telemetry(session, prompt)
    post(running.url, events=sent.events(traced=False))
    rest(running)
    watering(NEW, session, prompt).save(tmp_path)
    imported(running, tmp_path)
    rest(running)
    assert [2, 1] == running.ask(RUN, session)[0][2:4]
    post(running.url, spans=[sent.job_span()])
    rest(running)

    assert [[sent.trace_id, "succeeded", 2, 1, "nightly-garden"]] == running.ask(RUN, session)
    assert KNOWN == running.ask(DECISION, session)


def test_importing_again_changes_nothing(collector, tmp_path):
    """The same file, a longer one, and everything computed anew: still one step a call."""
    session, prompt = session_of(1)
    running = collector()
    lines = watering(NEW, session, prompt)
    whole = list(lines.lines)
    for count in (7, len(whole), len(whole)):
        lines.lines = whole[:count]
        path = lines.save(tmp_path)
        os.utime(path, (1, 1))  # long ago: the session is taken as ended
        said = imported(running, tmp_path)
        rest(running)

    assert said.startswith("1 files, ")
    assert [2, 1] == running.ask(RUN, session)[0][2:4]
    assert KNOWN == running.ask(DECISION, session)
    doubles = "SELECT count(*) - count(DISTINCT (trace_id, span_id)) FROM "
    assert [[0]] == running.ask(doubles + "steps")
    assert [[0]] == running.ask(doubles + "spans")


def test_two_jobs_of_one_session_keep_their_own_prompts(collector, tmp_path):
    """A prompt belongs to the job in whose time it was asked; one outside of both stands alone."""
    session, prompt = session_of(1)
    running = collector()
    first = Telemetry(session, prompt)
    later = watering(NEW, session, session_of(2)[1])
    for line in later.lines:
        line["timestamp"] = line["timestamp"].replace("T02:00", "T05:00")
    lines = watering(NEW, session, prompt)
    lines.lines += [line for line in later.lines if "msg_" not in str(line)]
    lines.save(tmp_path)
    imported(running, tmp_path)
    post(running.url, spans=[first.job_span()])
    rest(running)

    assert [[2]] == running.ask("SELECT model_calls FROM runs WHERE agent_name = 'nightly-garden'")


def test_following_sends_what_is_written(collector, tmp_path):
    """Steps come while the session goes on, and the follower ends by Ctrl+C."""
    session, prompt = session_of(1)
    running = collector()
    lines = watering(NEW, session, prompt)
    whole = list(lines.lines)
    lines.lines = whole[:-2]
    path = lines.save(tmp_path)
    words = ["import", "claude-code", "--follow", "--interval", "0.1", str(tmp_path)]
    follower = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "tellwhy", *words],
        env={**os.environ, "TELLWHY_ENDPOINT": running.url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    calls = "SELECT count(*) FROM steps WHERE kind = $1 AND duplicate_of IS NULL"
    try:
        running.wait_for([[1]], calls, "tool_call")
        assert [[1]] == running.ask(calls, "model_call")
        lines.lines = whole
        path.write_text("")  # written anew, as an editor would: read from its beginning
        lines.save(tmp_path)
        running.wait_for([[2]], calls, "model_call")
        running.wait_for([[1]], calls, "agent")
    finally:
        follower.send_signal(2)
        said, errors = follower.communicate(timeout=30)
    assert (130, "") == (follower.returncode, errors)
    assert said.startswith("1 files, ")


def test_a_collector_that_is_away_is_said(tmp_path):
    """One line: what happened and what to do; nothing is marked as sent."""
    watering().save(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "tellwhy", "import", "claude-code", str(tmp_path)],
        env={**os.environ, "TELLWHY_ENDPOINT": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert 1 == done.returncode
    assert "spans: ConnectionRefusedError" in done.stderr
    assert "tellwhy up" in done.stderr


def test_a_path_that_does_not_exist_is_said(tmp_path):
    """With its name."""
    done = subprocess.run(
        [sys.executable, "-m", "tellwhy", "import", "claude-code", str(tmp_path / "none")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (1, "") == (done.returncode, done.stdout)
    assert f"{tmp_path / 'none'} does not exist" in done.stderr
