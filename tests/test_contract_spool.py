"""The spool that the tracer writes is read the same by the next tracer and by the collector."""

import os
import shutil
import signal
import subprocess
import sys

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tellwhy import _adoption
from tellwhy._attributes import PROCESS_INSTANCE, SEQUENCE
from tellwhy._spool import folder as tracers
from tellwhy._spool import heartbeats, orphans, spans
from tellwhy_collector.spools import folder as collectors
from tellwhy_collector.spools import orphan, records

AGENT = """
import os, signal, sys
import tellwhy

how = sys.argv[1]

@tellwhy.tool
def look(order: str) -> str:
    if order == "last":
        if how == "exit":
            sys.exit(3)
        os.kill(os.getpid(), getattr(signal, how))
        signal.pause()
    return order * 3

@tellwhy.agent
def shop() -> str:
    for order in ("a", "b", "last"):
        look(order)
    return "done"

shop()
"""


@pytest.fixture
def left(tmp_path, agent_environment):
    """Let a program end in a tool, with no collector there, and give back its spool."""

    def run(how):
        script = tmp_path / "agent.py"
        script.write_text(AGENT)
        places = {
            "TELLWHY_ENDPOINT": "http://127.0.0.1:9",
            "TELLWHY_SPOOL_DIR": str(tmp_path / "s"),
        }
        quick = {"TELLWHY_EXIT_TIMEOUT_S": "0.1"}
        subprocess.run(
            [sys.executable, str(script), how], env=agent_environment | places | quick, check=False
        )
        (found,) = (tmp_path / "s").iterdir()
        return found

    return run


def as_spans(body):
    """Resource, scope and span of each span of a request, with attributes in order of names."""
    found = []
    for resource_spans in ExportTraceServiceRequest.FromString(body).resource_spans:
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                attributes = sorted(span.attributes, key=lambda pair: pair.key)
                del span.attributes[:]
                span.attributes.extend(attributes)
                found.append((str(resource_spans.resource), str(scope_spans.scope), str(span)))
    return found


def as_heartbeat(body):
    """Resource and attributes of a heartbeat."""
    (resource_logs,) = ExportLogsServiceRequest.FromString(body).resource_logs
    (record,) = resource_logs.scope_logs[0].log_records
    said = {pair.key: str(pair.value) for pair in record.attributes}
    return (
        str(resource_logs.resource),
        resource_logs.scope_logs[0].scope.name,
        record.event_name,
        said,
    )


def read_by_tracer(path):
    """What the next tracer would send: spans, lost spans, heartbeat."""
    held = tracers.Folder.adopt(path)
    found = orphans.Orphan(held)
    instance = {PROCESS_INSTANCE: held.card.instance}
    said = []
    for chunk in found.chunks(512, 4 * 1024**2):
        for payload in chunk.payloads:
            carrier, sequence, message = spans.ended(payload)
            message += spans.aside_of(payload)
            said.append((carrier, spans.with_attributes(message, instance | {SEQUENCE: sequence})))
    ended = as_spans(spans.request(said, found.carriers))
    lost = [(carrier, spans.with_attributes(m, instance)) for carrier, m in found.lost()]
    died = as_spans(spans.request(lost, found.carriers))
    beat = None
    if found.carriers:
        carrier = next(iter(found.carriers.values()))
        beat = as_heartbeat(heartbeats.request(carrier, _adoption._last_facts(found)))
    held.leave()
    return ended, died, beat


def read_by_collector(path):
    """What the collector would store."""
    held = collectors.Folder.take(path)
    found = orphan.Orphan(held)
    batches = list(found.batches())
    ended = as_spans(records.traces([each for batch in batches for each in batch.spans]))
    died = as_spans(records.traces([each for lost in found.lost() for each in lost]))
    beat = as_heartbeat(found.heartbeat(1))
    held.leave()
    return ended, died, beat if found.carriers else None


@pytest.mark.parametrize("how", ["SIGKILL", "SIGTERM", "SIGABRT", "exit"])
def test_both_readers_read_the_same(left, how):
    """However the program ended."""
    path = left(how)
    mine, theirs = read_by_collector(path), read_by_tracer(path)

    assert theirs == mine
    ended, died, beat = mine
    assert ((4, 0) if how == "exit" else (2, 2)) == (len(ended), len(died))
    reason = how if how in ("SIGTERM", "exit") else "killed"
    assert reason in beat[3]["tellwhy.process.ended"]


def test_torn_tails_are_read_the_same(left, tmp_path):
    """Cut at any byte: what lies before counts, for both."""
    whole = left("SIGKILL")
    segment = whole / "000001.seg"
    size = segment.stat().st_size
    changed = segment.stat().st_mtime_ns
    told = set()
    for length in [*range(40), *range(40, size, 23), *range(size - 40, size + 1)]:
        torn = tmp_path / f"torn-{length}"
        shutil.copytree(whole, torn)
        with (torn / "000001.seg").open("r+b") as file:
            file.truncate(length)
        for file in (torn / "000001.seg", torn / "process.json"):
            os.utime(file, ns=(changed, changed))
        mine, theirs = read_by_collector(torn), read_by_tracer(torn)
        assert theirs == mine, length
        told.add((len(mine[0]), len(mine[1])))
        shutil.rmtree(torn)

    assert {(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 1), (2, 2)} == told


def test_a_damaged_byte_ends_the_reading_of_both(left, tmp_path):
    """Anywhere in the file."""
    whole = left("SIGKILL")
    data = (whole / "000001.seg").read_bytes()
    for place in range(0, len(data), 131):
        torn = tmp_path / f"damaged-{place}"
        shutil.copytree(whole, torn)
        (torn / "000001.seg").write_bytes(
            data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :]
        )
        mine, theirs = read_by_collector(torn), read_by_tracer(torn)
        assert theirs == mine, place
        shutil.rmtree(torn)


def test_what_was_acknowledged_is_not_read_again(left):
    """By neither."""
    path = left("SIGKILL")
    held = collectors.Folder.take(path)
    first = next(orphan.Orphan(held).batches())
    held.acknowledge(first.segment, first.end)
    held.leave()
    mine, theirs = read_by_collector(path), read_by_tracer(path)

    assert theirs == mine
    assert (0, 2) == (len(mine[0]), len(mine[1]))


def test_a_living_process_keeps_its_folder(tmp_path, agent_environment):
    """Neither takes what another process holds."""
    script = tmp_path / "agent.py"
    script.write_text(
        "import tellwhy, sys\n@tellwhy.agent\ndef a():\n"
        "    print('in', flush=True)\n    sys.stdin.read()\na()\n"
    )
    places = {"TELLWHY_ENDPOINT": "http://127.0.0.1:9", "TELLWHY_SPOOL_DIR": str(tmp_path / "s")}
    running = subprocess.Popen(
        [sys.executable, str(script)],
        env=agent_environment | places,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert b"in" == running.stdout.readline().strip()
    (path,) = (tmp_path / "s").iterdir()
    assert collectors.Folder.take(path) is None
    assert tracers.Folder.adopt(path) is None
    running.send_signal(signal.SIGKILL)
    running.communicate()

    held = collectors.Folder.take(path)
    assert held is not None
    held.leave()
