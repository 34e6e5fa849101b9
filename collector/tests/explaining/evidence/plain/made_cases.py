"""Cases of one run, made by hand: requests, the tools that ran between them, what was chosen."""

import orjson

from tellwhy_collector.reconstruct.case import Case, Decision
from tellwhy_collector.reconstruct.contexts import Request, contexts_of
from tellwhy_collector.records import Step

NOTHING = dict.fromkeys(Decision.__dataclass_fields__)


def said(text, role="user"):
    """A message of one text."""
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def result(value, call_id="c1"):
    """A message with what a tool gave."""
    part = {"type": "tool_call_response", "id": call_id, "response": value}
    return {"role": "tool", "parts": [part]}


def step(span_id, at, kind="model_call", **more):
    """A step of one second."""
    times = {"start_ns": at * 10, "end_ns": at * 10 + 9}
    plain = {"trace_id": "t", "run_id": "r", "parent_span_id": None, "status": "ok"}
    origin = {"source": "span", "dialect": "otel_genai", "kind": kind, "name": span_id}
    return Step(**plain | times | origin | {"span_id": span_id} | more)


def decision(span_id, at, **more):
    """A choice of that call."""
    times = {"start_ns": at * 10, "decided_ns": at * 10 + 9}
    place = {"choice_index": 0, "choice_count": 1, "made_by": "model", "action": "tool_call"}
    ids = {"decision_id": f"{span_id}:0", "trace_id": "t", "run_id": "r", "span_id": span_id}
    told = {"outcome": "succeeded", "dialect": "otel_genai"}
    return Decision(**NOTHING | times | place | ids | told | more)


def case(calls, tools=()):
    """A case.

    Args:
        calls: ``(messages, decision fields[, request fields])`` of each model call.
        tools: Further steps; model calls start at 10, 20, 30 …
    """
    steps, decisions, requests = [*tools], [], []
    for place, (messages, chosen, *more) in enumerate(calls):
        at, span_id = 10 * (place + 1), f"m{place}"
        steps.append(step(span_id, at))
        decisions.append(decision(span_id, at, **chosen))
        fields = {key: orjson.dumps(value).decode() for key, value in (*more, {})[0].items()}
        requests.append(Request(span_id, orjson.dumps(messages).decode(), **fields))
    steps.sort(key=lambda found: (found.start_ns, found.span_id))
    return Case({"run_id": "r", "trace_id": "t"}, tuple(steps), tuple(decisions),
                contexts_of(requests))  # fmt: skip


def chose(arguments, messages, **request):
    """A case of one call that chose a tool with these arguments."""
    return case([(messages, {"chosen": "act", "arguments": arguments}, request)])


def answered(text, messages):
    """A case of one call that answered."""
    return case([(messages, {"action": "answer", "answer_text": text})])
