"""`tellwhy doctor` against real collectors, agents and spools."""

import os
import signal
import subprocess
import sys

import pytest

from tellwhy_collector.testing import send, span, traces

pytestmark = pytest.mark.slow

AGENT = """
import signal, sys
import tellwhy

@tellwhy.agent
def shop() -> str:
    print("in", flush=True)
    if sys.argv[1] == "wait":
        signal.pause()
    return "done"

shop()
"""
TOKENS = {
    "TELLWHY_INGEST_TOKEN": "ingest-token-of-tests",
    "TELLWHY_READ_TOKEN": "read-token-of-tests",
}


@pytest.fixture
def ask(tmp_path, agent_environment):
    """Exit status and words of the doctor, with these variables."""

    def run(url, *words, **variables):
        environment = agent_environment | {
            "TELLWHY_ENDPOINT": url,
            "TELLWHY_SPOOL_DIR": str(tmp_path / "spool"),
            **variables,
        }
        done = subprocess.run(
            [sys.executable, "-m", "tellwhy", "doctor", *words],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "" == done.stderr
        return done.returncode, done.stdout

    return run


@pytest.fixture
def agent(tmp_path, agent_environment):
    """Start agents; all are ended after the test."""
    script = tmp_path / "agent.py"
    script.write_text(AGENT)
    running = []

    def start(url, word, **variables):
        places = {"TELLWHY_ENDPOINT": url, "TELLWHY_SPOOL_DIR": str(tmp_path / "spool")}
        running.append(
            subprocess.Popen(
                [sys.executable, str(script), word],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=agent_environment | places | variables,
            )
        )
        assert b"in" == running[-1].stdout.readline().strip()
        return running[-1]

    yield start
    for one in running:
        if one.poll() is None:
            one.kill()
        one.communicate()


def test_nothing_is_wrong_with_a_new_collector(collector, ask, agent):
    """Every examination is fine, and a finished agent changes nothing."""
    running = collector()
    agent(running.url, "go").wait()
    running.wait_for([["succeeded"]], "SELECT status FROM runs")
    status, said = ask(running.url)

    assert (0, "Nothing is wrong.") == (status, said.splitlines()[-1])
    assert "(TELLWHY_ENDPOINT)" in said
    assert "is a tellwhy collector and takes spans" in said
    assert "no gaps" in said


def test_nobody_answers(ask, agent):
    """And a dead program's steps wait, which is a problem only when they wait long."""
    dead = agent("http://127.0.0.1:9", "wait")
    status, said = ask("http://127.0.0.1:9")
    assert "1 living program with" in said
    dead.send_signal(signal.SIGKILL)
    dead.wait()
    status, said = ask("http://127.0.0.1:9")

    assert 1 == status
    assert "does not take spans now" in said
    assert "tellwhy up" in said
    assert "--  1 dead program left" in said
    assert "tellwhy serve --adopt" in said
    assert "Problems: 1." in said


def test_what_is_set_wrong_is_said(ask, tmp_path):
    """A variable that cannot be read, nothing recorded, a place that cannot be a folder."""
    (tmp_path / "file").touch()
    status, said = ask(
        "http://127.0.0.1:9",
        TELLWHY_CONTENT="some",
        TELLWHY_DISABLED="true",
        TELLWHY_SPOOL_DIR=str(tmp_path / "file" / "spool"),
        TELLWHY_HEADERS="authorization=secret-value",
    )

    assert 1 == status
    assert "TELLWHY_CONTENT is 'some': it takes full or none." in said
    assert "Unset TELLWHY_DISABLED." in said
    assert "cannot be written" in said
    assert "headers = authorization (TELLWHY_HEADERS)" in said
    assert "secret-value" not in said


def test_tokens_are_asked_for(collector, ask, monkeypatch):
    """First the one to send, then the one to read."""
    for name, token in TOKENS.items():
        monkeypatch.setenv(name, token)
    running = collector()
    send = {"TELLWHY_HEADERS": f"authorization=Bearer%20{TOKENS['TELLWHY_INGEST_TOKEN']}"}

    status, said = ask(running.url)
    assert (1, True) == (status, "refuses spans: status 401" in said)
    assert "TELLWHY_HEADERS=authorization=Bearer" in said
    status, said = ask(running.url, **send)
    assert (1, True) == (status, "does not answer SQL: status 401" in said)
    assert "Set TELLWHY_READ_TOKEN" in said
    status, said = ask(running.url, **send, TELLWHY_READ_TOKEN=TOKENS["TELLWHY_READ_TOKEN"])
    assert 0 == status, said


def test_another_receiver_is_told_from_a_tellwhy_collector(models, ask):
    """The scripted model server answers everything that is posted, and is none."""
    status, said = ask(models.url)

    assert (1, True) == (status, "Set TELLWHY_ENDPOINT" in said)


def test_silence_gaps_and_dead_runs_are_found(collector, ask, agent, monkeypatch):
    """What the collector knows of its processes."""
    monkeypatch.setenv("TELLWHY_LOST_AFTER_S", "1")
    running = collector()
    fifth = {"tellwhy.process.instance": "c" * 32, "tellwhy.sequence": 5}
    assert 200 == send(f"{running.url}/v1/traces", traces([span(fifth)], service="till")).status
    quick = {"TELLWHY_HEARTBEAT_INTERVAL_S": "0.2", "TELLWHY_EXPORT_INTERVAL_S": "0.05"}
    dying = agent(running.url, "wait", **quick)
    # A heartbeat may come before the open span that it counts.
    running.wait_for([["running"]], "SELECT status FROM runs WHERE agent_name = 'shop'")
    running.wait_for([[1]], "SELECT open_spans FROM processes WHERE open_spans = 1")
    dying.send_signal(signal.SIGKILL)
    dying.wait()
    running.wait_for(
        [["lost", "silent"]], "SELECT status, lost_reason FROM runs WHERE agent_name = 'shop'"
    )
    running.wait_for([[1, 4]], "SELECT first_sequence, last_sequence FROM gaps")  # after 10 s
    status, said = ask(running.url)

    assert 1 == status
    assert f"agent ({dying.pid} on " in said
    assert "with 1 open span." in said
    assert "4 spans of till (? on ?) never came (numbers 1 to 4)." in said
    assert "--  1 run of the last day died with its process; the last died in shop" in said


def test_frameworks_are_named_with_what_doubles_and_what_is_not_seen(collector, ask, tmp_path):
    """Versions, the setting that leaves one out, others who tell, transports without a hook."""
    for name, version in {
        "langchain-core": "1.8.3",
        "mcp": "9.0",
        "crewai": "1.15.30",
        "opentelemetry-instrumentation-langchain": "0.62.4",
        "boto3": "1.44",
    }.items():
        folder = tmp_path / "site" / f"{name.replace('-', '_')}-{version}.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text(f"Name: {name}\nVersion: {version}\n")
    paths = [str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")]
    status, said = ask(
        collector().url,
        PYTHONPATH=os.pathsep.join(filter(None, paths)),
        TELLWHY_INSTRUMENT="auto,-crewai",
    )
    assert 0 == status
    said = said.partition("frameworks\n")[2].partition("spool\n")[0]
    for line in (
        "ok  anthropic ",
        "ok  langchain-core 1.8.3: recorded as langgraph from its import on",
        "--  mcp 9.0 is no version that was tested (1.x and 2.x).",
        "--  crewai 1.15.30 is installed; its structure is left out by TELLWHY_INSTRUMENT.",
        "--  opentelemetry-instrumentation-langchain would tell of langgraph too",
        "ok  boto3 1.44: calls of Bedrock are recorded: converse, converse_stream, invoke_model",
        "--  Of boto3's invoke_model, calls of models that are not Anthropic's are not seen.",
    ):
        assert line in said, said
