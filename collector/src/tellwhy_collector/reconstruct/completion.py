"""What a step says when its duplicates, its parts and its neighbourhood are heard too. Pure.

Fills only what the record left out. The kept step stays itself: its own facts win.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, replace
from typing import Any

from tellwhy_collector.dialects.choices import STATED, TOOL_FINISHES, choice_fields
from tellwhy_collector.reconstruct.reread import TRANSCRIPT
from tellwhy_collector.reconstruct.tree import Tree, overlap
from tellwhy_collector.records import Step

IDENTITY = frozenset(
    [
        "trace_id",
        "span_id",
        "parent_span_id",
        "run_id",
        "source",
        "dialect",
        "kind",
        "name",
        "start_ns",
        "end_ns",
        "inferred",
        "lost_reason",
        "process_instance",
    ]
)
"""Fields that belong to the record and are never taken from another."""

UNRECORDED_ANSWERS = ("claude_code", "codex", "gemini_cli", "google_adk")
"""Dialects that tell of a model call without what it answered, and whose finish reason does not
tell of tools; the tools that ran show it."""

OFFERING = ("strands",)
"""Dialects whose agents say which tools every model call of theirs may choose."""

COST = ("cost_usd", "cost_source", "price_version")
OUTPUT = ("output_messages", *STATED)
ERROR = ("error_type", "error_message")
LISTS = ("input_messages", "system_instructions")
HANDLED = frozenset({*COST, *OUTPUT, "status", "attempts", "approver_kind", "tool_arguments"})
FILLED = tuple(f.name for f in fields(Step) if f.name not in IDENTITY | HANDLED)
"""Fields that are simply taken where the kept step has none."""


def completed(kept: Step, others: Iterable[Step]) -> Step:
    """*kept* with what *others*, its duplicates and parts, add."""
    step = kept
    for other in others:
        changes: dict[str, Any] = {
            name: value
            for name in FILLED
            if getattr(step, name) is None and (value := getattr(other, name)) is not None
        }
        if step.status != "error":
            changes = {name: value for name, value in changes.items() if name not in ERROR}
        changes |= {n: getattr(other, n) for n in LISTS if _holds(other, step, n)}
        changes |= _cost(step, other) | _output(step, other) | _ending(step, other)
        changes |= _reasoned(step, other)
        if step.approver_kind in (None, "unknown") and other.approver_kind is not None:
            changes["approver_kind"] = other.approver_kind
        if other.attempts is not None:
            changes["attempts"] = max(step.attempts or 0, other.attempts)
        if _says_more(other.tool_arguments, step.tool_arguments):
            changes["tool_arguments"] = other.tool_arguments
        step = replace(step, **changes)
    return step


def _cost(step: Step, other: Step) -> dict[str, Any]:
    """A stated cost goes before a computed one, that before none."""
    rank = {"reported": 2, "computed": 1}
    if rank.get(other.cost_source or "", 0) <= rank.get(step.cost_source or "", 0):
        return {}
    return {name: getattr(other, name) for name in COST}


def _reasoned(step: Step, other: Step) -> dict[str, Any]:
    """Count and computed cost of a duplicate that counts the reasoning in."""
    if step.reasoning_tokens is not None or not other.reasoning_tokens:
        return {}
    if step.output_tokens is None or (other.output_tokens or 0) <= step.output_tokens:
        return {}
    counted = {"output_tokens": other.output_tokens}
    stated = step.cost_source == "reported" or other.cost_usd is None
    return counted if stated else counted | {name: getattr(other, name) for name in COST}


def _output(step: Step, other: Step) -> dict[str, Any]:
    if step.kind != "model_call":
        return {}
    if (
        (step.output_messages is None and other.output_messages is not None)
        or _holds(other, step, "output_messages")
        or _reads_more(other, step)
    ):
        choice = choice_fields(other.output_messages, step.finish_reason)
        if step.finish_reason in TOOL_FINISHES and not _calls(choice["chosen"]):
            # The text of an answer that also called tools: it stands beside the choice.
            text = choice["chosen"][0].get("text") if choice["chosen"] else None
            choice = _stated_in_text(text)
        return {"output_messages": other.output_messages, **choice}
    if other.operation == "assistant_response" and step.chosen is None and not step.finish_reason:
        # Claude Code says by default that there was a text and not which.
        return {"chosen": [{"action": "answer"}]}
    if step.chosen is None and other.chosen is not None:
        return {name: getattr(other, name) for name in OUTPUT[1:]}
    return {}


def _stated_in_text(text: str | None) -> dict[str, Any]:
    source = "text" if text else None
    return {"stated_reason": text, "stated_reason_source": source, "stated_text": text}


def _calls(chosen: Sequence[dict[str, Any]] | None) -> bool:
    return any(action["action"] in ("tool_call", "handoff") for action in chosen or ())


def _ending(step: Step, other: Step) -> dict[str, Any]:
    """A failure inside a tool call that ended with it is the call's failure."""
    if other.status != "error" or step.status != "ok" or step.kind != "tool_call":
        return {}
    if other.kind == "tool_call" and other.dialect == step.dialect and other.source == step.source:
        return {}
    return {
        "status": "error",
        "error_type": other.error_type,
        "error_message": other.error_message,
    }


def _holds(other: Step, own: Step, name: str) -> bool:
    """Whether a log brings all that *own* has and more: messages may come one by one."""
    more, less = getattr(other, name), getattr(own, name)
    if other.source != "log" or not less or not more or len(more) <= len(less):
        return False
    rest = iter(more)
    return all(any(item == message for item in rest) for message in less)


def _reads_more(other: Step, own: Step) -> bool:
    """Whether a transcript has more of an answer, as its reasoning, than events told before."""
    if other.dialect != TRANSCRIPT or not other.output_messages or not own.output_messages:
        return False
    more, less = (
        sum(len(message.get("parts") or ()) for message in messages if isinstance(message, dict))
        for messages in (other.output_messages, own.output_messages)
    )
    return more > less


def _says_more(other: Any, own: Any) -> bool:
    if own is None:
        return other is not None
    return isinstance(own, dict) and isinstance(other, dict) and set(other) > set(own)


def from_above(step: Step, tree: Tree) -> dict[str, Any]:
    """Run, agent, and for a wait the tool that waits, from the steps above."""
    changes: dict[str, Any] = {}
    for upper in tree.above(step):
        if step.run_id == step.trace_id != upper.run_id:
            changes.setdefault("run_id", upper.run_id)
        if step.agent_name is None and upper.agent_name is not None:
            changes.setdefault("agent_name", upper.agent_name)
        if step.conversation_id is None and upper.conversation_id is not None:
            changes.setdefault("conversation_id", upper.conversation_id)
        if _tells_end(upper, step, tree):
            changes.setdefault("finish_reason", upper.finish_reason)
        if upper.dialect in OFFERING and upper.tools_offered and step.kind == "model_call":
            changes.setdefault("tools_offered", step.tools_offered or upper.tools_offered)
    above = tree.by_id.get(step.parent_span_id or "")
    if step.kind == "human" and step.tool_call_id is None and above and above.kind == "tool_call":
        changes |= {"tool_call_id": above.tool_call_id, "tool_name": above.tool_name}
    return changes


def _tells_end(upper: Step, call: Step, tree: Tree) -> bool:
    """Whether a node of a graph says why the one call in it stopped, which does not itself."""
    if call.kind != "model_call" or call.finish_reason is not None or upper.kind != "other":
        return False
    return bool(upper.finish_reason) and tree.count_below(upper, call.kind, call.dialect) == 1


def denials(tree: Tree, ran: frozenset[str]) -> Iterator[tuple[Step, dict[str, Any]]]:
    """Tool calls that nobody let run: by that, and by nothing else, they have failed.

    Those of Claude Code end well all the same; a function that asks inside raises what it likes.

    Args:
        tree: All steps of a trace.
        ran: Span ids of the tool calls of which an execution is known.
    """
    about: dict[str, list[Step]] = {}
    for step in tree.steps:
        if step.kind == "human" and step.approval_decision in ("approved", "denied"):
            for key in {step.parent_span_id, step.tool_call_id}:
                about.setdefault(key or "", []).append(step)
    for step in tree.steps:
        if step.kind != "tool_call" or not about:
            continue
        asked = [*about.get(step.span_id, ()), *about.get(step.tool_call_id or "", ())]
        answers = [approval for approval in asked if overlap(approval, step)]
        denied = [answer for answer in answers if answer.approval_decision == "denied"]
        if not denied:
            continue
        if step.status == "error":
            if max(answers, key=lambda answer: answer.start_ns) in denied:
                yield step, {"error_type": "denied"}
        elif step.status == "ok" and _went_nowhere(step, ran):
            who = next((f" by {d.approver}" for d in denied if d.approver), "")
            told = {"error_type": "denied", "error_message": f"denied{who}"}
            yield step, {"status": "error", **told}


def _went_nowhere(tool: Step, ran: frozenset[str]) -> bool:
    """Whether a tool call of Claude Code shows no sign that it ran."""
    return tool.dialect == "claude_code" and tool.tool_result is None and tool.span_id not in ran


def tools_asked_by(tree: Tree, left_out: frozenset[str]) -> dict[str, list[Step]]:
    """Tool calls and approvals by the span id of the model call that they ran for.

    By the request id where a tool carries it, else by place: the last model call under the same
    parent that started before the tool.
    """
    by_request: dict[str, str] = {}
    last_under: dict[str | None, str] = {}
    asked: dict[str, list[Step]] = {}
    calls = [s for s in tree.steps if s.kind == "model_call" and s.span_id not in left_out]
    for call in calls:
        by_request.setdefault(call.request_id or "", call.span_id)
    for step in tree.steps:
        if step.span_id in left_out:
            continue
        if step.kind == "model_call":
            last_under[step.parent_span_id] = step.span_id
        elif step.request_id and step.request_id in by_request:
            asked.setdefault(by_request[step.request_id], []).append(step)
        elif step.kind == "tool_call" and step.parent_span_id in last_under:
            asked.setdefault(last_under[step.parent_span_id], []).append(step)
    return asked


def chosen_by(call: Step, tools: Iterable[Step]) -> dict[str, Any]:
    """What a model call chose when its answer was not recorded: the *tools* that ran for it."""
    unknown = call.finish_reason in TOOL_FINISHES or (
        call.dialect in UNRECORDED_ANSWERS and (call.finish_reason is None or call.chosen is None)
    )
    if call.status != "ok" or not unknown or _calls(call.chosen):
        return {}
    actions: dict[str, dict[str, Any]] = {}
    for step in tools:
        known = actions.setdefault(step.tool_call_id or step.span_id, {"action": "tool_call"})
        told = {"name": step.tool_name, "tool_call_id": step.tool_call_id}
        for key, value in {**told, "arguments": step.tool_arguments}.items():
            if value is not None and _says_more(value, known.get(key)):
                known[key] = value
    if not actions:
        return {}
    found: dict[str, Any] = {"chosen": list(actions.values())}
    texts = [action["text"] for action in call.chosen or () if action.get("text")]
    if texts and call.stated_reason is None:
        found |= _stated_in_text(texts[0])
    return found
