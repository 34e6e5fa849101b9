"""How long questions take beside N stored spans, with the collector idle and while it ingests.

    python benchmarks/query_latency.py [N, 100000 when not given]

The first part of the N spans goes the whole way of ingest (decode, understand, store, settle); it
is then copied inside the database with other ids and earlier times until there are N. The
questions are asked over one cursor, as the HTTP door does. While they are asked a second time, runs
arrive at `ARRIVING_S` spans a second.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tellwhy_collector import store
from tellwhy_collector.dialects import normalise
from tellwhy_collector.ingest import Ingest
from tellwhy_collector.reconstruct.settle import settle
from tellwhy_collector.settings import Settings
from tellwhy_collector.testing import span, to_protobuf, traces

RUN = 20
"""Spans of one run: an agent, ten model calls, nine tools."""
WHOLE_WAY = 20_000
"""Spans that are not copied. Spans."""
ARRIVING_S = 2_000
"""Spans a second."""
ROUNDS = 15
MODELS = ("claude-sonnet-4-5", "claude-opus-4-5", "gpt-5", "gpt-5-mini")
TOOLS = [
    {"type": "function", "name": name, "description": "Looks something up and gives it back."}
    for name in ("search", "read_file", "write_file", "refund", "ask")
]

chance = random.Random(7)
QUESTIONS = {
    "one_trace": "SELECT * FROM steps WHERE trace_id = $trace",
    "one_run": "SELECT * FROM runs WHERE run_id = $trace",
    "decisions_of_a_run": "SELECT * FROM decisions WHERE run_id = $trace ORDER BY start_ns",
    "latest_50_runs": (
        "SELECT run_id, agent_name, service_name, name, left(input, 300), status, start_time, "
        "duration_ns, decisions, steps, errors, cost_usd, models FROM runs "
        "ORDER BY start_ns DESC, run_id DESC LIMIT 50"
    ),
    "newest_50_decisions": "SELECT * FROM decisions ORDER BY start_ns DESC LIMIT 50",
    "decisions_by_action_and_outcome": (
        "SELECT action, outcome, count(*) FROM decisions GROUP BY ALL"
    ),
    "cost_a_day_and_model": (
        "SELECT date_trunc('day', start_time), model, sum(cost_usd), sum(input_tokens) "
        "FROM model_calls GROUP BY ALL"
    ),
    "errors_of_15_minutes": (
        "SELECT * FROM failures WHERE start_time > now() - INTERVAL 15 MINUTE ORDER BY start_time"
    ),
}


def words(count: int) -> str:
    """So many words."""
    return " ".join(
        chance.choices(("agent", "looks", "for", "the", "order", "42", "paid"), k=count)
    )


def run(now_ns: int) -> list[dict]:
    """The spans of one run that ended at *now_ns*, as OTLP/JSON."""
    trace, root = f"{chance.getrandbits(128):032x}", f"{chance.getrandbits(64):016x}"
    model, failed = chance.choice(MODELS), chance.random() < 0.05
    moment = now_ns - RUN * 10**8
    common = {"traceId": trace, "parentSpanId": root}
    spans = []
    history: list[dict] = [{"role": "user", "parts": [{"type": "text", "content": words(60)}]}]
    for turn in range(RUN // 2):
        call, last = f"call_{turn}", turn == RUN // 2 - 1
        tool = chance.choice(TOOLS)["name"]
        parts: list[dict] = [{"type": "text", "content": words(30)}]
        arguments = {"q": words(8)}
        if not last:
            parts.append({"type": "tool_call", "id": call, "name": tool, "arguments": arguments})
        answer = {"role": "assistant", "parts": parts, "finish_reason": "stop"}
        spans.append(
            span(
                {
                    "gen_ai.operation.name": "chat",
                    "gen_ai.provider.name": "anthropic",
                    "gen_ai.request.model": model,
                    "gen_ai.response.model": model,
                    "gen_ai.response.id": f"msg_{chance.getrandbits(64):016x}",
                    "gen_ai.agent.name": "planner",
                    "gen_ai.usage.input_tokens": chance.randrange(100, 9000),
                    "gen_ai.usage.output_tokens": chance.randrange(10, 900),
                    "gen_ai.input.messages": json.dumps(history[-3:]),
                    "gen_ai.output.messages": json.dumps([answer]),
                    "gen_ai.system_instructions": json.dumps(
                        [{"type": "text", "content": words(80)}]
                    ),
                    "gen_ai.tool.definitions": json.dumps(TOOLS),
                },
                **common,
                spanId=f"{chance.getrandbits(64):016x}",
                startTimeUnixNano=str(moment),
                endTimeUnixNano=str(moment + 9 * 10**7),
            )
        )
        moment += 10**8
        history.append(answer)
        if last:
            break
        result = words(40)
        spans.append(
            span(
                {
                    "gen_ai.operation.name": "execute_tool",
                    "gen_ai.tool.name": tool,
                    "gen_ai.tool.call.id": call,
                    "gen_ai.tool.call.arguments": json.dumps(arguments),
                    "gen_ai.tool.call.result": json.dumps(result),
                },
                **common,
                spanId=f"{chance.getrandbits(64):016x}",
                name=f"execute_tool {tool}",
                startTimeUnixNano=str(moment),
                endTimeUnixNano=str(moment + 5 * 10**7),
                status={"code": 2, "message": "no"} if chance.random() < 0.05 else {},
            )
        )
        moment += 10**8
        part = {"type": "tool_call_response", "id": call, "response": result}
        history.append({"role": "tool", "parts": [part]})
    agent = span(
        {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": "planner",
            "gen_ai.conversation.id": f"c{chance.randrange(1000)}",
        },
        traceId=trace,
        spanId=root,
        name="invoke_agent planner",
        startTimeUnixNano=str(now_ns - RUN * 10**8 - 10**6),
        endTimeUnixNano=str(moment),
        status={"code": 2, "message": "failed"} if failed else {},
    )
    return [*spans, agent]


def body(runs: int, now_ns: int, apart_ns: int = 0) -> bytes:
    """One request of so many runs, the last of which ended at *now_ns*."""
    ends = [now_ns - (runs - 1 - number) * apart_ns for number in range(runs)]
    return to_protobuf(traces([one for end in ends for one in run(end)], "benchmark"))


def feed(ingest: Ingest, wanted: int, now_ns: int) -> None:
    """Store so many spans, 25 runs a request, a run each 10 ms up to *now_ns*."""
    requests = max(1, wanted // (25 * RUN))
    waiting = []
    for number in range(requests):
        end = now_ns - (requests - 1 - number) * 25 * 10**7
        waiting.append(ingest.submit(body(25, end, 10**7), signal="traces", encoding="protobuf"))
    for one in waiting:
        one.result(120)


def tables(cursor) -> list[str]:
    """Our tables that hold something of a trace, in the order of their migration."""
    found = cursor.execute(
        "SELECT DISTINCT table_name FROM duckdb_columns() WHERE database_name = 'tellwhy' "
        "AND NOT internal AND column_name = 'trace_id' AND table_name IN "
        "(SELECT table_name FROM duckdb_tables()) ORDER BY ALL"
    ).fetchall()
    return [name for (name,) in found]


def copy(cursor, times: int, span_ns: int) -> None:
    """Store everything so many times more, earlier and earlier, with other trace and run ids."""
    for name in tables(cursor):
        cursor.execute(f"CREATE TEMP TABLE original AS FROM {name}")
        cursor.execute(f"DELETE FROM {name}")
        own = {column for (column, *_) in cursor.execute(f"DESCRIBE {name}").fetchall()}
        for place in range(times, -1, -1):
            new = f"md5(trace_id || '{place}')" if place else "trace_id"
            changes = [f"{new} AS trace_id"]
            changes += [f"{new} AS run_id"] if "run_id" in own else []
            shift = place * span_ns
            changes += [f"{c} - {shift} AS {c}" for c in ("start_ns", "end_ns") if c in own]
            changes += [
                f"{c} - INTERVAL {shift // 1000} MICROSECONDS AS {c}"
                for c in ("start_time", "end_time")
                if c in own
            ]
            cursor.execute(
                f"INSERT INTO {name} SELECT * REPLACE ({', '.join(changes)}) FROM original"
            )
        cursor.execute("DROP TABLE original")
        cursor.execute("CHECKPOINT tellwhy")


def ask(cursor, picks: list[str]) -> dict[str, dict[str, float]]:
    """p50 and p95 of each question. Milliseconds."""
    took: dict[str, list[float]] = {name: [] for name in QUESTIONS}
    for _ in range(ROUNDS):
        for name, sql in QUESTIONS.items():
            given = {"trace": chance.choice(picks)} if "$trace" in sql else {}
            started = time.perf_counter()
            cursor.execute(sql, given).fetchall()
            took[name].append((time.perf_counter() - started) * 1000)
    return {
        name: {
            "p50": round(statistics.median(found), 1),
            "p95": round(sorted(found)[int(len(found) * 0.95)], 1),
        }
        for name, found in took.items()
    }


class Arriving:
    """Runs that keep coming while the questions are asked."""

    def __init__(self, ingest: Ingest) -> None:
        self._ingest = ingest
        self._end = threading.Event()
        self.stored = 0
        self._moment_ns = time.time_ns()
        self._template = ExportTraceServiceRequest.FromString(
            body(ARRIVING_S // RUN // 10, self._moment_ns)
        )
        self._thread = threading.Thread(target=self._run)

    def _fresh(self) -> bytes:
        """The template with ids that no other has, and ending now."""
        now = time.time_ns()
        late, self._moment_ns = now - self._moment_ns, now
        ids: dict[bytes, bytes] = {}
        for one in self._template.resource_spans[0].scope_spans[0].spans:
            one.trace_id = ids.setdefault(one.trace_id, chance.randbytes(16))
            one.start_time_unix_nano += late
            one.end_time_unix_nano += late
        return self._template.SerializeToString()

    def _run(self) -> None:
        while not self._end.is_set():
            started = time.monotonic()
            self._ingest.submit(self._fresh(), signal="traces", encoding="protobuf").result(60)
            self.stored += ARRIVING_S // 10
            self._end.wait(max(0.0, 0.1 - (time.monotonic() - started)))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()


def main(wanted: int) -> None:
    """Print one JSON line."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "benchmark.duckdb"
        settings = Settings(database=path)
        opened = store.open(path, settings)
        ingest = Ingest(opened, settings, normalise, on_quiet=settle)
        ingest.start()
        first = min(wanted, WHOLE_WAY)
        feed(ingest, first, time.time_ns())
        ingest.stop(600)
        cursor = opened.cursor()
        copy(cursor, wanted // first - 1, first // RUN * 10**7)
        spans, picks = cursor.execute(
            "SELECT count(*), array_agg(trace_id ORDER BY md5(trace_id))[:50] FROM spans"
        ).fetchone()
        cursor.execute("CHECKPOINT tellwhy")
        size = path.stat().st_size
        ingest = Ingest(opened, settings, normalise, on_quiet=settle)
        ingest.start()
        idle = ask(cursor, picks)
        started = time.monotonic()
        with Arriving(ingest) as arriving:
            time.sleep(2)  # until as many traces wait as will all the time
            busy = ask(cursor, picks)
        rate = arriving.stored / (time.monotonic() - started)
        ingest.stop(60)
        cursor.close()
        opened.close()
    print(
        json.dumps(
            {
                "spans": spans,
                "bytes_a_span": round(size / spans),
                "arriving_spans_s": round(rate),
                **{f"idle_{n}_{q}_ms": v for n, found in idle.items() for q, v in found.items()},
                **{f"busy_{n}_{q}_ms": v for n, found in busy.items() for q, v in found.items()},
            }
        )
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
