"""How long it takes to look at whole runs: contexts, evidence, findings, from a real file and into it.

    python benchmarks/explanation/speed.py [--calls 5000] [--growing 500] [--traces 2000]

Three arms, each in a store of its own, posted and settled first (what that took is stated):

- ``window``: one run of so many model calls, each with a tool call and its result. The agent sends
  its task and the last `WINDOW` messages, as agents with a bounded history do.
- ``growing``: one run whose requests repeat all of the history.
- ``many``: so many short traces that came to rest together, `explainer.AT_ONCE` at a time.

``seconds`` is the wall time of `explain` with its commits on one thread, ``processor_s`` what it used
of processors, ``memory_mb`` by how much it made the process grow at most.
"""

from __future__ import annotations

import argparse
import itertools
import json
import multiprocessing
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from tellwhy_collector import store as store_module
from tellwhy_collector.dialects import normalise
from tellwhy_collector.ingest import Ingest
from tellwhy_collector.ingest.explainer import AT_ONCE
from tellwhy_collector.reconstruct.explaining import explain
from tellwhy_collector.reconstruct.settle import settle
from tellwhy_collector.settings import Settings
from tellwhy_collector.testing import span, traces

WINDOW = 40
CALLS_OF_SHORT = 4
START_NS = 1_780_000_000_000_000_000
REQUEST_BYTES = 4_000_000
SYSTEM = (
    "You help customers of a shop. Look orders up before you change them. Today is 2026-05-28. "
)
WORDS = (
    *("refund", "parcel", "late", "colour", "size", "order", "address", "change", "please"),
    *("cancel", "paid", "card", "broken", "missing", "invoice", "return", "label", "courier"),
    *("window", "weekend", "gift", "voucher", "account", "discount", "stock", "blue", "wrong"),
)
TOOLS = [
    {
        "name": name,
        "description": f"{name} of a customer",
        "parameters": {"properties": {"order_id": {"type": "string"}, "amount": {}}},
    }
    for name in ("find_order", "issue_refund", "send_mail")
]


def told(chance: random.Random, trace: str, calls: int, window: int | None) -> Iterator[Any]:
    """The spans of one run: model call, tool call, model call, and so on."""
    first = text("user", f"Hello, my order is #W{chance.randrange(10**7)}: {prose(chance, 20)}.")
    history, order = [first], f"#W{chance.randrange(10**7)}"
    for call in range(calls):
        seen = history if window is None else [first, *history[1:][-window:]]
        call_id, at = f"call_{call % 997}", START_NS + call * 2_000_000_000
        arguments = {
            "order_id": order,
            "amount": round(chance.random() * 500, 2) if call % 3 else 25,
            "note": prose(chance, 8),
        }
        asked = {
            "role": "assistant",
            "parts": [
                {"type": "text", "content": f"I look at {order}: {prose(chance, 12)}."},
                {"type": "tool_call", "id": call_id, "name": "find_order", "arguments": arguments},
            ],
        }
        result = found(chance)
        yield spanned(trace, 2 * call, at, {
            "gen_ai.operation.name": "chat",
            "gen_ai.system_instructions": [{"type": "text", "content": SYSTEM * 5}],
            "gen_ai.tool.definitions": TOOLS,
            "gen_ai.input.messages": seen,
            "gen_ai.output.messages": [asked | {"finish_reason": "tool_call"}],
        })  # fmt: skip
        yield spanned(trace, 2 * call + 1, at + 10**9, {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "find_order",
            "gen_ai.tool.call.id": call_id,
            "gen_ai.tool.call.arguments": arguments,
            "gen_ai.tool.call.result": result,
        })  # fmt: skip
        answer = {"type": "tool_call_response", "id": call_id, "response": json.dumps(result)}
        history += [asked, {"role": "tool", "parts": [answer]}]
        order = result["orders"][0]["order_id"]


def text(role: str, content: str) -> dict[str, Any]:
    """A message."""
    return {"role": role, "parts": [{"type": "text", "content": content}]}


def prose(chance: random.Random, words: int) -> str:
    """Words without much sense."""
    return " ".join(chance.choices(WORDS, k=words))


def found(chance: random.Random) -> dict[str, Any]:
    """What a tool gives: a few orders."""
    orders = [
        {
            "order_id": f"#W{chance.randrange(10**7)}",
            "status": chance.choice(["pending", "delivered"]),
            "price": round(chance.random() * 900, 2),
            "item": prose(chance, 4),
            "sent": f"2026-05-{chance.randrange(1, 29):02}",
        }
        for _ in range(4)
    ]
    return {"orders": orders, "count": len(orders)}


def spanned(trace: str, number: int, at_ns: int, attributes: dict[str, Any]) -> dict[str, Any]:
    """One span of a second, structures as JSON text."""
    written = {k: v if isinstance(v, str) else json.dumps(v) for k, v in attributes.items()}
    times = {"startTimeUnixNano": str(at_ns), "endTimeUnixNano": str(at_ns + 900_000_000)}
    return span(written, traceId=trace, spanId=f"{number + 1:016x}", **times)


def posted(ingest: Ingest, spans: Iterator[Any]) -> int:
    """Post all spans in requests of some megabytes; how many they were."""
    waiting: list[Any] = []
    size = count = 0
    for one in spans:
        waiting.append(one)
        size += len(json.dumps(one))
        count += 1
        if size > REQUEST_BYTES:
            send(ingest, waiting)
            waiting, size = [], 0
    send(ingest, waiting)
    return count


def send(ingest: Ingest, spans: list[Any]) -> None:
    """One request, answered after its commit."""
    body = json.dumps(traces(spans)).encode()
    ingest.submit(body, signal="traces", encoding="json").result(300)


def measure(arm: str, calls: int, many: int) -> dict[str, Any]:
    """One arm in a process of its own."""
    chance, settings = random.Random(7), Settings()
    with tempfile.TemporaryDirectory() as folder:
        store = store_module.open(Path(folder) / "speed.duckdb", settings)
        ingest = Ingest(store, settings, normalise, on_quiet=settle)
        ingest.start()
        window = WINDOW if arm == "window" else None
        began = time.monotonic()
        runs = (told(chance, f"{number + 1:032x}", calls, window) for number in range(many))
        spans = posted(ingest, itertools.chain.from_iterable(runs))
        assert ingest.stop(300)
        ingested = time.monotonic() - began
        answer = explained(store)
        store.close()
    sizes = {"model_calls": calls * many, "traces": many, "spans": spans}
    return sizes | {"ingest_and_settle_s": round(ingested, 1)} | answer


def explained(store: store_module.Store) -> dict[str, Any]:
    """Look at all that is due, and what it took."""
    cursor = store.cursor()
    due = [row[0] for row in cursor.execute("SELECT DISTINCT trace_id FROM unexplained").fetchall()]
    before_mb, began, worked = peak_mb(), time.monotonic(), time.process_time()
    evidence = 0
    for start in range(0, len(due), AT_ONCE):
        cursor.execute("BEGIN")
        done = explain(cursor, due[start : start + AT_ONCE])
        cursor.execute("COMMIT")
        assert not done.failed
        evidence += done.evidence
    took, used = time.monotonic() - began, time.process_time() - worked
    kinds = cursor.execute(
        "SELECT kind, count(*) FROM evidence WHERE rank = 0 GROUP BY 1 ORDER BY 1"
    )
    found = {"kinds": dict(kinds.fetchall())}
    size = cursor.execute("SELECT count(*) FROM steps").fetchall()[0][0]
    cursor.close()
    return {
        "seconds": round(took, 2),
        "processor_s": round(used, 2),
        "us_per_span": round(took / size * 1e6),
        "memory_mb": peak_mb() - before_mb,
        "evidence_rows": evidence,
    } | found


def peak_mb() -> int:
    """The most memory that this process had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> None:
    """Measure each arm and print a JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=5000, help="model calls of the long run")
    parser.add_argument("--growing", type=int, default=500, help="calls that repeat everything")
    parser.add_argument("--traces", type=int, default=2000, help="short traces")
    parser.add_argument("--arms", default="window,growing,many")
    chosen = parser.parse_args()
    sizes = {
        "window": (chosen.calls, 1),
        "growing": (chosen.growing, 1),
        "many": (CALLS_OF_SHORT, chosen.traces),
    }
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=1) as processes:
        for arm in chosen.arms.split(","):
            answer = processes.submit(measure, arm, *sizes[arm]).result()
            print(json.dumps({"benchmark": "explanation_speed", "arm": arm} | answer), flush=True)


if __name__ == "__main__":
    main()
