"""What the next request of an agent tells of the call before it. Pure.

A client-only instrumentation sees no tool run. But the next request holds the tool's result, and
the history in it holds the answer that a raw stream did not record.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from tellwhy_collector.dialects.reading import derived_id
from tellwhy_collector.records import Step


def next_requests(calls: Sequence[Step]) -> Iterator[tuple[Step, Step]]:
    """Each model call with the first later one that answers a tool call of it.

    Args:
        calls: Model calls of one trace without duplicates, by start.
    """
    waiting: list[Step] = []
    for call in calls:
        answered = set(results_in(call.input_messages))
        for earlier in [w for w in waiting if answered & asked_ids(w)]:
            waiting.remove(earlier)
            yield earlier, call
        waiting = [*waiting, call][-64:]


def asked_ids(call: Step) -> set[str]:
    """Ids of the tool calls that *call* chose."""
    return {a["tool_call_id"] for a in call.chosen or () if a.get("tool_call_id")}


def results_in(messages: Any) -> dict[str, dict[str, Any]]:
    """Tool results in *messages* by call id; of an id that is used twice the last."""
    return {
        part["id"]: part
        for message in messages or ()
        for part in message.get("parts", ())
        if part.get("type") == "tool_call_response" and part.get("id")
    }


def inferred_tools(call: Step, following: Step, recorded: set[str]) -> list[Step]:
    """A step for each tool result in *following* whose run nobody recorded.

    Args:
        call: The model call that asked.
        following: The next request, which holds the results.
        recorded: Call ids of tool steps that started between the two.
    """
    results = results_in(following.input_messages)
    steps = []
    for action in call.chosen or ():
        call_id = action.get("tool_call_id")
        if action["action"] != "tool_call" or call_id in recorded or call_id not in results:
            continue
        part = results[call_id]
        failed = bool(part.get("is_error"))
        steps.append(_step(call, following, action, part, failed=failed))
    return steps


def _step(
    call: Step, following: Step, action: dict[str, Any], part: dict[str, Any], *, failed: bool
) -> Step:
    """The tool ran somewhere between the answer and the next request; more is not known."""
    start = call.end_ns if call.end_ns is not None else call.start_ns
    end = max(start, following.start_ns)
    response = part.get("response")
    return Step(
        trace_id=call.trace_id,
        span_id=derived_id("inferred", call.trace_id, call.span_id, action.get("tool_call_id")),
        parent_span_id=call.parent_span_id,
        run_id=call.run_id,
        source="steps",
        dialect=call.dialect,
        kind="tool_call",
        name=f"execute_tool {action.get('name')}",
        start_ns=start,
        end_ns=end,
        status="error" if failed else "ok",
        service_name=call.service_name,
        conversation_id=call.conversation_id,
        turn_id=call.turn_id,
        agent_name=call.agent_name,
        operation="execute_tool",
        error_type="tool_error" if failed else None,
        error_message=str(response) if failed else None,
        tool_name=action.get("name"),
        tool_call_id=action.get("tool_call_id"),
        tool_arguments=action.get("arguments"),
        tool_result=response,
        inferred=True,
    )


def answer_in_history(call: Step, following: Step) -> list[dict[str, Any]] | None:
    """What *call* answered, out of the history that *following* begins with.

    None unless the following request repeats all of this call's messages and goes on with the
    assistant's.
    """
    before, after = call.input_messages, following.input_messages
    if not before or not after or len(after) <= len(before) or after[: len(before)] != before:
        return None
    answer = []
    for message in after[len(before) :]:
        if message.get("role") not in ("assistant", "ai", "model"):
            break
        answer.append(message)
    return answer or None


def task_of(call: Step) -> str | None:
    """The first text that a user wrote in *call*."""
    for message in call.input_messages or ():
        if message.get("role") == "user":
            for part in message.get("parts", ()):
                if part.get("type") == "text" and isinstance(part.get("content"), str):
                    return str(part["content"])
    return None


def answer_of(call: Step) -> str | None:
    """The text that *call* answered with, None if it chose anything else."""
    for action in call.chosen or ():
        if action["action"] == "answer":
            text: str | None = action.get("text")
            return text
    return None


def told_of(tool: Step, call: Step, following: Step | None) -> dict[str, Any]:
    """Name and arguments of *call* and the result that *following* holds, where *tool* has none."""
    changes: dict[str, Any] = {}
    for action in call.chosen or ():
        if action.get("tool_call_id") != tool.tool_call_id:
            continue
        if tool.tool_arguments is None:
            changes["tool_arguments"] = action.get("arguments")
        if tool.tool_name is None:
            changes["tool_name"] = action.get("name")
    part = results_in(following.input_messages).get(tool.tool_call_id or "") if following else None
    if part is not None and tool.tool_result is None and tool.status == "ok":
        changes["tool_result"] = part.get("response")
    return changes
