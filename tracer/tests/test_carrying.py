"""A run goes along in a carrier: to processes, queues, pools and HTTP; with real processes."""

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from urllib.request import Request, urlopen

import anthropic
import pytest

import tellwhy


def told():
    """Which run this code belongs to."""
    run = tellwhy.current_run()
    return None if run is None else [run.run_id, run.agent_name, run.conversation_id]


def working(carried):
    """What a worker process does with a task."""
    with tellwhy.continued(carried):
        return told()


@pytest.fixture
def here(recorded):
    """An agent at work: its carrier and what `told` says in it."""
    with tellwhy.agent("clerk", conversation_id="case 7/é"):
        yield tellwhy.carrier(), told()


def test_a_carrier_is_short_ascii(here):
    """Names and values fit into headers of HTTP."""
    carried, _ = here

    assert {"traceparent", "tellwhy-run"} <= set(carried)
    assert all(value.isascii() and "\n" not in value for value in carried.values())


def test_outside_of_every_step_there_is_nothing_to_carry(recorded):
    """And nothing to go on with."""
    assert {} == tellwhy.carrier()
    assert working({}) is working(None) is working({"traceparent": "nonsense"}) is None


POOLS = """
import json, multiprocessing, sys
from concurrent.futures import ProcessPoolExecutor
import tellwhy


def told():
    run = tellwhy.current_run()
    return None if run is None else [run.run_id, run.agent_name, run.conversation_id]


def work(carried, pipe=None):
    with tellwhy.continued(carried):
        return told() if pipe is None else pipe.send(told())


if __name__ == "__main__":
    spawn = multiprocessing.get_context("spawn")
    with tellwhy.agent("clerk", conversation_id="case-7"):
        carried = tellwhy.carrier()
        with ProcessPoolExecutor(1, mp_context=spawn) as pool:
            pooled = pool.submit(work, carried).result()
        receiving, sending = spawn.Pipe(duplex=False)
        process = spawn.Process(target=work, args=(carried, sending))
        process.start()
        print(json.dumps([told(), pooled, receiving.recv()]))
        process.join()
"""


def test_pools_and_processes_that_are_started_anew(tmp_path):
    """The carrier is an argument as others, of a pool's job and of a process of multiprocessing."""
    program = tmp_path / "program.py"
    program.write_text(POOLS)
    done = subprocess.run(
        [sys.executable, str(program)], capture_output=True, text=True, check=True, timeout=110
    )
    here, pooled, alone = json.loads(done.stdout)

    assert here == pooled == alone
    assert "case-7" == here[2]


CHILD = """
import json, sys, tellwhy
with tellwhy.continued(json.loads(sys.stdin.read())), tellwhy.tool("pay"):
    run = tellwhy.current_run()
    print(json.dumps([run.run_id, run.agent_name, run.conversation_id]))
"""


def test_another_program(here):
    """Whatever way the texts take."""
    carried, expected = here
    done = subprocess.run(
        [sys.executable, "-c", CHILD],
        input=json.dumps(carried),
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    assert expected == json.loads(done.stdout)


def test_a_worker_that_takes_from_a_queue(recorded):
    """A thread that ran before the agent did: each message brings its run along."""
    messages, answers = Queue(), Queue()

    def work():
        while (carried := messages.get()) is not None:
            with tellwhy.continued(carried):
                answers.put(told())
            answers.put(told())

    worker = threading.Thread(target=work)
    worker.start()
    expected = []
    for name in ("first", "second"):
        with tellwhy.agent(name):
            messages.put(tellwhy.carrier())
            expected += [told(), None]
    found = [answers.get(timeout=60) for _ in expected]
    messages.put(None)
    worker.join()

    assert expected == found


def test_over_http(here):
    """Out in the headers of a request, in from those of the handler, whatever their case."""
    carried, expected = here
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            """Works for the run of the caller."""
            with tellwhy.continued(self.headers):
                seen.append(told())
            raw = [(name.encode(), value.encode()) for name, value in self.headers.items()]
            seen.append(working(raw))  # as ASGI servers give them
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        urlopen(Request(f"http://127.0.0.1:{server.server_port}", headers=carried)).close()
        server.shutdown()
        thread.join()

    assert [expected, expected] == seen


def test_steps_elsewhere_stand_in_the_run(recorded):
    """A tool there is below the step that made the carrier, and of its run."""
    with tellwhy.agent("clerk") as run:
        carried = tellwhy.carrier()
    with tellwhy.continued(carried), tellwhy.tool("pay"):
        pass
    tool = recorded.span("execute_tool pay")

    assert recorded.span("invoke_agent clerk")["span_id"] == tool["parent_id"]
    assert run.run_id == tool["attributes"]["tellwhy.run.id"]


async def test_an_async_block_left_early_leaves_nothing(recorded, caplog):
    """A generator that is closed inside of one tells nobody of a lost context."""

    async def answers():
        async with tellwhy.continued(tellwhy.carrier()):
            yield told()
            yield told()

    with tellwhy.agent("clerk"):
        async for _ in answers():
            break
    assert told() is None
    assert "Failed to detach" not in caplog.text


def test_models_are_not_told_of_traces(recorded):
    """What goes to a provider is the request and nothing of the run that it belongs to."""
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            """Refuses, which is enough."""
            seen.append({name.lower() for name in self.headers})
            self.send_response(400)
            self.end_headers()

        def log_message(self, *_):
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        client = anthropic.Anthropic(base_url=url, api_key="x", max_retries=0)
        with client, tellwhy.agent("clerk"), pytest.raises(anthropic.APIStatusError):
            client.messages.create(model="m", max_tokens=9, messages=[])
        server.shutdown()
        thread.join()

    assert 1 == len(seen)
    assert not seen[0] & {"traceparent", "tracestate", "baggage", "tellwhy-run"}
