"""Runs that go on in services of HTTP: real servers in processes of their own, real headers."""

import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SERVICES = Path(__file__).with_name("services.py")
GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "propagation.md"
TESTED = (SERVICES, Path(__file__).parents[1] / "frameworks" / "scenarios" / "celery_shop.py")
AGENT = """
import sys
import httpx
import tellwhy

@tellwhy.agent("clerk", conversation_id="case-7")
def shop():
    answer = httpx.get(sys.argv[1], params={"item": "coat"}, headers=tellwhy.carrier())
    return answer.raise_for_status().text

print(shop())
"""
STEPS = """
    SELECT r.agent_name, r.conversation_id, r.status, t.tool_name, t.agent_name, t.arguments
    FROM runs r JOIN tool_calls t USING (run_id)"""
PARENT = "SELECT trace_id, parent_span_id, name FROM spans"


@pytest.fixture
def service(collector, agent_environment, tmp_path):
    """Start a service; gives its address, what its collector is, and the variables of agents."""
    started = []

    def start(kind):
        running = collector()
        variables = agent_environment | {
            "TELLWHY_ENDPOINT": running.url,
            "TELLWHY_SPOOL_DIR": str(tmp_path / "spool"),
        }
        words = [sys.executable, str(SERVICES), kind]
        process = subprocess.Popen(
            words, env=variables, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        started.append(process)
        port = process.stdout.readline().strip()
        return f"http://127.0.0.1:{port}/", running, variables

    yield start
    for process in started:
        process.terminate()
        process.communicate()


def test_the_guide_shows_what_is_tested():
    """Each piece of code behind its first heading stands in a program of the tests, to the letter."""
    shown = GUIDE.read_text().partition("## Services")[2].split("```python\n")[1:]
    tested = "".join(path.read_text() for path in TESTED)

    assert 4 == len(shown)
    assert [] == [code for each in shown if (code := each.partition("```")[0]) not in tested]


@pytest.mark.parametrize("kind", ["asgi", "wsgi"])
def test_a_service_continues_the_run_of_who_asks_it(service, kind):
    """The tool that ran there is a step of the agent that asked from here."""
    url, running, variables = service(kind)
    done = subprocess.run(
        [sys.executable, "-c", AGENT, url],
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "coat is on shelf 4\n" == done.stdout, done.stderr
    found = ["clerk", "case-7", "succeeded", "look_up", "clerk", '{"item":"coat"}']
    running.wait_for([found], STEPS)


@pytest.mark.parametrize("kind", ["asgi", "wsgi"])
def test_a_trace_of_others_is_continued(service, kind):
    """`traceparent` alone, as any OpenTelemetry client sends it."""
    url, running, _ = service(kind)
    trace_id, span_id = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    asked = urllib.request.Request(
        f"{url}?item=hat", headers={"traceparent": f"00-{trace_id}-{span_id}-01"}
    )
    with urllib.request.urlopen(asked, timeout=60) as answer:
        assert b"hat is on shelf 4" == answer.read()

    running.wait_for([[trace_id, span_id, "execute_tool look_up"]], PARENT)
