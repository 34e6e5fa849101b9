"""Facts that stand in another record than the step they belong to. Pure."""

from collections.abc import Iterator
from typing import Any

from tellwhy_collector.dialects.reading import derived_id
from tellwhy_collector.reconstruct.tree import Tree
from tellwhy_collector.records import Step


def attempts_of(tree: Tree) -> Iterator[tuple[Step, int]]:
    """Model calls of Codex with the attempts that the last request before their answer counts."""
    attempts: int | None = None
    ends = [(step.end_ns or step.start_ns, step) for step in tree.steps if step.dialect == "codex"]
    for _, step in sorted(ends, key=lambda pair: pair[0]):
        if step.operation in ("api_request", "websocket_request"):
            attempts = step.attempts
        elif step.kind == "model_call" and step.attempts is None:
            if attempts is not None:
                yield step, attempts
            attempts = None


def approvals_asked(tree: Tree) -> Iterator[Step]:
    """Approvals that a run of Pydantic AI ended with: its result is the calls that wait for them."""
    for step in tree.steps:
        if step.dialect != "pydantic_ai" or step.kind != "agent" or step.end_ns is None:
            continue
        output = step.output if isinstance(step.output, dict) else {}
        asked = output.get("approvals")
        for call in asked if isinstance(asked, list) else ():
            if isinstance(call, dict) and call.get("tool_call_id"):
                yield _asked(step, call, step.end_ns)


def _asked(agent: Step, call: dict[str, Any], time_ns: int) -> Step:
    call_id = str(call["tool_call_id"])
    return Step(
        trace_id=agent.trace_id,
        span_id=derived_id("asked", agent.trace_id, agent.span_id, call_id),
        parent_span_id=agent.span_id,
        run_id=agent.run_id,
        source="steps",
        dialect=agent.dialect,
        kind="human",
        name=f"approve {call.get('tool_name')}",
        start_ns=time_ns,
        end_ns=time_ns,
        status="ok",
        service_name=agent.service_name,
        conversation_id=agent.conversation_id,
        turn_id=agent.turn_id,
        agent_name=agent.agent_name,
        tool_name=call.get("tool_name"),
        tool_call_id=call_id,
        input=call.get("args"),
        approval_decision="asked",
        approver_kind="unknown",
        inferred=True,
    )
