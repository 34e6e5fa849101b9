"""The tracer's spans, through real OTLP bytes, as the collector's native dialect reads them."""

import ast
import json
from pathlib import Path

import anthropic
import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

import tellwhy
from tellwhy import testing
from tellwhy._model_server import serve
from tellwhy_collector.decode import decode
from tellwhy_collector.dialects import normalise

ROOT = Path(__file__).parents[1]
SCRIPT = [
    {
        "think": "The order number is in the ticket.",
        "text": "I look it up.",
        "tools": [["get_order", {"order_id": "A-17"}]],
    },
    {"text": "Order A-17 is on its way."},
]
TOOLS = [
    {
        "name": name,
        "description": f"About {name}.",
        "input_schema": {"type": "object", "properties": {"order_id": {"type": "string"}}},
    }
    for name in ("get_order", "close_ticket")
]
FOR_OTHERS = {
    # Written for any OpenTelemetry backend; the collector derives the same from the messages.
    "tellwhy.decision.reason_source",
    "tellwhy.decision.reason_path",
    # Kept raw in spans.attributes; no step needs them.
    "tellwhy.checkpoint.from",
    "tellwhy.checkpoint.id",
    "tellwhy.checkpoint.namespace",
    "tellwhy.framework",
    "tellwhy.activity.heartbeat_details",
    "tellwhy.activity.heartbeats",
    "tellwhy.activity.id",
    "tellwhy.continued_from",
    "tellwhy.wait.timeout_s",
    "tellwhy.workflow.id",
    "tellwhy.handoff.to",
    "tellwhy.job.cost_usd",
    "tellwhy.job.exit_code",
    "tellwhy.job.permission_denials",
    "tellwhy.job.pid",
    "tellwhy.job.signal",
    "tellwhy.job.stderr_tail",
    "tellwhy.job.stop_reason",
    "tellwhy.job.turns",
    "tellwhy.node.attempt",
    "tellwhy.node.name",
    "tellwhy.node.step",
    "tellwhy.pause.id",
    "tellwhy.paused",
    "tellwhy.permission.reason",
    "tellwhy.permission.rule_source",
    "tellwhy.attempt",
    "tellwhy.attempt.duration_ms",
    "tellwhy.attempt.number",
    "tellwhy.attempt.retry_after_ms",
    "tellwhy.inferred.from",
    # Ingest puts requests together again.
    "tellwhy.input.goes_on_from",
    "tellwhy.input.kept",
    "tellwhy.replay_of",
    "tellwhy.request.partial",
    "tellwhy.session.permission_denials",
    "tellwhy.session.stop_reason",
    "tellwhy.sequence",
    "tellwhy.rate_limit",
    "tellwhy.schedule.name",
    "tellwhy.stream.complete",
    "tellwhy.stream.items",
    "tellwhy.stream.left_early",
    "tellwhy.transcript.request",
    "tellwhy.tool.call.matched_by",
    # For replays; ingest puts them into tables of their own.
    "tellwhy.recording.asked_again",
    "tellwhy.recording.branch",
    "tellwhy.recording.contents",
    "tellwhy.recording.declared",
    "tellwhy.recording.entry",
    "tellwhy.recording.exchanges",
    "tellwhy.recording.outcome",
}


@tellwhy.tool(effect="read")
def get_order(order_id: str) -> dict[str, str]:
    """Look an order up."""
    return {"id": order_id, "state": "shipped"}


@tellwhy.agent(name="support", conversation_id="ticket-9")
def support(client: anthropic.Anthropic) -> str:
    messages = [{"role": "user", "content": f"Where is it? <<script:{json.dumps(SCRIPT)}>>"}]
    tellwhy.decide("route", options=["orders", "billing"], chosen="orders", why="word in ticket")
    while True:
        with client.messages.stream(
            model="claude-haiku-4-5",
            max_tokens=2000,
            thinking={"type": "enabled", "budget_tokens": 1024},
            system="Help with orders.",
            tools=TOOLS,
            messages=messages,
        ) as stream:
            reply = stream.get_final_message()
        calls = [block for block in reply.content if block.type == "tool_use"]
        if not calls:
            return reply.content[-1].text
        results = [
            {
                "type": "tool_result",
                "tool_use_id": call.id,
                "content": json.dumps(get_order(**call.input)),
            }
            for call in calls
        ]
        messages += [
            {"role": "assistant", "content": reply.content},
            {"role": "user", "content": results},
        ]


@pytest.fixture(scope="module")
def steps():
    """The steps of one support run, by kind."""
    with serve() as server, testing.recording() as recorded:
        with anthropic.Anthropic(base_url=server.url, api_key="loopback") as client:
            support(client)
        tellwhy.flush()
        body = encode_spans(recorded._ended).SerializeToString()
    decoded = decode(body, signal="traces", encoding="protobuf")
    found: dict[str, list] = {}
    for record in decoded.records:
        step = normalise(record)
        found.setdefault(step.kind, []).append(step)
    return found


def test_each_call_is_one_step_of_the_native_dialect(steps):
    """One agent, one code decision, two model calls, one tool call."""
    counts = {kind: len(some) for kind, some in steps.items()}

    assert {"agent": 1, "other": 1, "model_call": 2, "tool_call": 1} == counts
    assert {"native"} == {step.dialect for some in steps.values() for step in some}


def test_every_step_knows_its_run_conversation_and_agent(steps):
    """Whoever reads one row can find the rest."""
    every = [step for some in steps.values() for step in some]

    assert {(every[0].trace_id, "ticket-9", "support")} == {
        (step.run_id, step.conversation_id, step.agent_name) for step in every
    }


def test_the_model_call_carries_what_was_seen_offered_and_chosen(steps):
    """Saw, could, chose, why: all of it crosses the wire."""
    first = min(steps["model_call"], key=lambda step: step.start_ns)

    assert ["get_order", "close_ticket"] == [tool["name"] for tool in first.tools_offered]
    assert "free" == first.forced
    ((action,), source) = first.chosen, first.stated_reason_source
    assert ("tool_call", "get_order", {"order_id": "A-17"}, "reasoning") == (
        action["action"],
        action["name"],
        action["arguments"],
        source,
    )
    assert "The order number is in the ticket." == first.stated_reason
    assert ("claude-haiku-4-5", "anthropic", "ok", 1) == (
        first.response_model,
        first.provider,
        first.status,
        first.attempts,
    )
    assert min(first.input_tokens, first.output_tokens, first.cache_write_tokens) > 0
    assert first.input_tokens > first.cache_write_tokens
    assert first.time_to_first_chunk_ns > 0
    assert first.request_id.startswith("req_")
    assert ("computed", True) == (first.cost_source, first.cost_usd > 0)


def test_the_tool_call_has_the_id_that_the_model_issued(steps):
    """The choice and what came of it can be joined."""
    first = min(steps["model_call"], key=lambda step: step.start_ns)
    (call,) = steps["tool_call"]

    assert first.chosen[0]["tool_call_id"] == call.tool_call_id
    assert ({"order_id": "A-17"}, {"id": "A-17", "state": "shipped"}, "read") == (
        call.tool_arguments,
        call.tool_result,
        call.tool_effect,
    )


def test_a_choice_of_plain_code_is_told_as_code(steps):
    """A reason that a program states is not a model's."""
    (choice,) = steps["other"]

    assert ([{"action": "route", "name": "orders"}], "word in ticket", "code") == (
        choice.chosen,
        choice.stated_reason,
        choice.stated_reason_source,
    )


def names_in(path: Path) -> set[str]:
    """Names of ours that stand as text in a source file, docstrings left out."""
    return {
        node.value
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.startswith("tellwhy.")
        and " " not in node.value
    }


def test_every_attribute_of_ours_is_read_or_said_to_be_for_others():
    """A name added on one side of the wire cannot be forgotten on the other."""
    written = names_in(ROOT / "tracer/src/tellwhy/_attributes.py")
    dialects = ROOT / "collector/src/tellwhy_collector/dialects"
    read = set().union(*(names_in(path) for path in dialects.glob("*.py")))

    assert set() == written - read - FOR_OTHERS
    assert set() == FOR_OTHERS & read
