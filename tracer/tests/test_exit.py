import os
import socket

import pytest

PROGRAM = """
import atexit, time
ended = []
atexit.register(lambda: print(f"{time.perf_counter() - ended[0]:.3f}"))  # runs last
import tellwhy

@tellwhy.agent
def agent(number): return number

for number in range(200): agent(number)
ended.append(time.perf_counter())
"""


@pytest.fixture
def silent():
    """A port that accepts connections and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(16)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
def nobody():
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return f"http://127.0.0.1:{port}"


@pytest.mark.slow
def test_a_program_ends_in_time_when_the_collector_hangs(program, silent):
    """The exit takes at most a second more, with one log line."""
    done = program(PROGRAM, TELLWHY_ENDPOINT=silent)

    assert float(done.stdout) <= 1.0
    assert 1 == len(done.stderr.splitlines())
    assert "200 spans were not sent" in done.stderr


@pytest.mark.slow
def test_a_program_ends_in_time_when_the_collector_is_down(program, nobody):
    """The exit takes at most a second more, with one log line."""
    done = program(PROGRAM, TELLWHY_ENDPOINT=nobody)

    assert float(done.stdout) <= 1.0
    assert 1 == len(done.stderr.splitlines())
    assert "cannot be reached" in done.stderr


@pytest.mark.slow
def test_a_users_provider_does_not_double_the_wait(program, silent):
    """Their provider's own exit handler and ours share one second."""
    done = program(
        """
        import atexit, time
        ended = []
        atexit.register(lambda: print(f"{time.perf_counter() - ended[0]:.3f}"))
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider
        trace.set_tracer_provider(TracerProvider())
        import tellwhy

        @tellwhy.agent
        def agent(): return 1

        agent()
        ended.append(time.perf_counter())
        """,
        TELLWHY_ENDPOINT=silent,
    )

    assert float(done.stdout) <= 1.0


@pytest.mark.slow
def test_everything_arrives_when_the_program_ends_at_once(program, receiver):
    """A normal exit, an exception and sys.exit all send what waits."""
    endings = ("", "raise ValueError('no')", "import sys; sys.exit(3)")
    for ending in endings:
        program(PROGRAM + ending, TELLWHY_ENDPOINT=receiver.url)

    assert 600 == len(receiver.names())


@pytest.mark.slow
def test_importing_costs_little_over_open_telemetry(program):
    """Less than 150 ms of processor time more than the bare SDK."""

    def cost(line):
        code = f"import time\n{line}\nprint(time.process_time())"
        return min(float(program(code).stdout) for _ in range(3))

    assert cost("import tellwhy") - cost("import opentelemetry.sdk.trace") < 0.15


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_of_a_program_with_its_own_provider_goes_on(program):
    """The SDK's own fork handler waits for a lock unless thread pools were imported before it."""
    done = program(
        """
import os, tellwhy
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
provider = TracerProvider(resource=Resource({"service.name": "s"}))
from concurrent.futures import ThreadPoolExecutor  # an agent uses one later
child = os.fork()
if child == 0:
    os._exit(7)
print(os.waitpid(child, 0)[1] >> 8)
"""
    )

    assert "7" == done.stdout.strip()
