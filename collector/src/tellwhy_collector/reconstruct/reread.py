"""When a step that was read in a transcript is one that the program told of too. Pure.

The program's own span or event goes before: its place and times are exact, and the transcript
completes it.
"""

from tellwhy_collector.reconstruct.tree import Tree, overlap
from tellwhy_collector.records import Step

TRANSCRIPT = "transcript"
READ = frozenset({"claude_code", "codex"})
"""Dialects of the programs whose transcripts are imported."""


def is_read_approval(one: Step, other: Step, tree: Tree) -> bool:
    """A permission in a transcript, and in what the program told of it: of the same tool call."""
    if (one.dialect == TRANSCRIPT) == (other.dialect == TRANSCRIPT):
        return False
    return asked_call(one, tree) == asked_call(other, tree) is not None


def asked_call(step: Step, tree: Tree) -> str | None:
    """The tool call that a wait is about; Claude Code's does not name it, its tool does."""
    above = tree.by_id.get(step.parent_span_id or "")
    return step.tool_call_id or (above.tool_call_id if above is not None else None)


def is_read_turn(one: Step, other: Step, _: Tree) -> bool:
    """The prompt of a transcript, or its subagent, that the program told of too."""
    if (one.dialect == TRANSCRIPT) == (other.dialect == TRANSCRIPT):
        return False
    read, told = (one, other) if one.dialect == TRANSCRIPT else (other, one)
    if told.dialect not in READ or read.conversation_id != told.conversation_id:
        return False
    if (read.operation == "subagent") != (told.operation == "subagent_completed"):
        return False
    same_agent = told.agent_name is None or read.agent_name == told.agent_name
    return same_agent and overlap(read, told)


def is_read_count(one: Step, other: Step, _: Tree) -> bool:
    """A model call of codex, whose events have no id: the same tokens at the same time."""
    if {one.dialect, other.dialect} != {TRANSCRIPT, "codex"} or not overlap(one, other):
        return False
    counts = [(step.input_tokens, step.output_tokens) for step in (one, other)]
    return counts[0] == counts[1] and None not in counts[0]


def is_read_failure(one: Step, other: Step, _: Tree) -> bool:
    """A failed model call in a transcript, which has no id, and the program's own of that time."""
    if {one.status, other.status} != {"error"} or not overlap(one, other):
        return False
    told = {one.dialect, other.dialect} - {TRANSCRIPT}
    return one.dialect != other.dialect and len(told) == 1 and told <= READ
