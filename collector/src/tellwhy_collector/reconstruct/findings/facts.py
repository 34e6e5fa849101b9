"""What the rules share about one run, worked out once: tools as they ran, what came after. Pure."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple

import orjson

from tellwhy_collector.reconstruct.case import Case, Decision, Evidence, Finding
from tellwhy_collector.reconstruct.turns import Turn, turns_of
from tellwhy_collector.records import Step

LOOK_AHEAD = 50
"""Decisions behind a step in which its consequences are looked for: what keeps rules linear."""

MOST_TEXT = 20_000
"""Characters of a result or an answer that are read."""


Proof = Mapping[str, Any]
"""One entry of `Finding.proof`."""


class ToolRun(NamedTuple):
    """One tool that ran, or was not let run, with the choice that led to it."""

    step: Step
    decision: Decision | None
    """None when no recorded model call chose it."""
    name: str
    arguments: Any
    """What it ran with; where that was not recorded, what was chosen. None when neither was."""
    result: Any
    """What it gave back, read out of its JSON text."""
    text: str
    """The same as text, at most `MOST_TEXT` characters."""
    error: str | None
    """Why it failed, as it said itself or as its result says; None when nothing says so."""
    denied: bool
    key: str
    """Name, arguments: two runs with the same key are the same call. Empty without arguments."""

    @property
    def agent(self) -> str | None:
        """Whose choice it was."""
        return self.decision.agent_name if self.decision else None

    @property
    def worked(self) -> bool:
        """Whether it ran to its end and nothing says that it failed."""
        return self.step.status == "ok" and self.error is None and not self.denied


class Facts:
    """One run and its evidence, with what several rules ask of it."""

    def __init__(self, case: Case, evidence: Sequence[Evidence]) -> None:
        self.case = case
        self.run = case.run
        self.steps = case.steps
        self.decisions = case.decisions
        self.contexts = case.contexts
        self.by_id = case.by_id
        self.sources: dict[str, list[Evidence]] = {}
        """Evidence by decision."""
        for row in evidence:
            self.sources.setdefault(row.decision_id, []).append(row)

    @cached_property
    def tools(self) -> tuple[ToolRun, ...]:
        """Every run of a tool that counts for its choice, by start.

        Attempts that the last one replaced are left out.
        """
        decided = {d.outcome_span_id: d for d in self.decisions if d.outcome_span_id}
        ids = {d.tool_call_id for d in self.decisions if d.tool_call_id and d.outcome_span_id}
        return tuple(
            _tool_run(step, decided.get(step.span_id))
            for step in self.steps
            if step.kind == "tool_call"
            and step.status != "pending"
            and (step.span_id in decided or step.tool_call_id not in ids)
        )

    @cached_property
    def tool_by_decision(self) -> dict[str, ToolRun]:
        """Runs of tools by the choice that led to them."""
        return {tool.decision.decision_id: tool for tool in self.tools if tool.decision}

    @cached_property
    def lines(self) -> dict[str | None, list[ToolRun]]:
        """Runs of tools by agent, by start."""
        found: dict[str | None, list[ToolRun]] = {}
        for tool in self.tools:
            found.setdefault(tool.agent, []).append(tool)
        return found

    @cached_property
    def turns(self) -> list[Turn]:
        """The run as turns of its models."""
        return turns_of(self.case)

    def after(self, tool: ToolRun) -> Iterator[Decision]:
        """Choices that its agent made when it had ended, at most `LOOK_AHEAD`."""
        known = self._by_agent
        choices = known.get(tool.agent, []) if tool.decision else list(self.decisions)
        starts = self._starts.get(tool.agent, []) if tool.decision else self._all_starts
        ended = tool.step.end_ns if tool.step.end_ns is not None else tool.step.start_ns
        place = bisect_left(starts, max(ended, tool.step.start_ns))
        return islice(choices, place, place + LOOK_AHEAD)

    def asked_for(self, value: str) -> bool:
        """Whether a user or the system said *value*. Reads all that they said: for rare doubts."""
        return any(value in text for text in self._asked)

    @cached_property
    def _asked(self) -> list[str]:
        texts = [canonical(self.run.get("input"))]
        systems: set[int] = set()
        for context in self.contexts.values():
            if context.system is not None and id(context.system) not in systems:
                systems.add(id(context.system))
                texts.append(canonical(context.system))
            texts += [
                str(part["content"])
                for message in context.new
                if message.get("role") in ("user", "system", "developer")
                for part in message.get("parts", ())
                if part.get("type") == "text" and "content" in part
            ]
        return texts

    @cached_property
    def _by_agent(self) -> dict[str | None, list[Decision]]:
        found: dict[str | None, list[Decision]] = {}
        for decision in self.decisions:
            found.setdefault(decision.agent_name, []).append(decision)
        return found

    @cached_property
    def _starts(self) -> dict[str | None, list[int]]:
        return {agent: [d.start_ns for d in made] for agent, made in self._by_agent.items()}

    @cached_property
    def _all_starts(self) -> list[int]:
        return [decision.start_ns for decision in self.decisions]


def at_decision(decision: Decision, message: str, also: Sequence[Proof] = ()) -> Finding:
    """A finding that stands at a choice; `findings_of` fills in rule and severity."""
    return Finding(
        decision.span_id,
        decision.start_ns,
        decision.decision_id,
        "",
        "low",
        message,
        (choice(decision), *also),
    )


def at_tool(tool: ToolRun, message: str, also: Sequence[Proof] = ()) -> Finding:
    """A finding that stands at a run of a tool."""
    decision_id = tool.decision.decision_id if tool.decision else None
    return Finding(
        tool.step.span_id,
        tool.step.start_ns,
        decision_id,
        "",
        "low",
        message,
        (outcome(tool), *also),
    )


def at_turn(turn: Turn, message: str, also: Sequence[Proof] = ()) -> Finding:
    """A finding that stands at a model call and its first choice."""
    where = {"span_id": turn.step.span_id, "column": "output_messages"}
    start_ns = turn.step.start_ns
    proof = (where, *also)
    return Finding(turn.step.span_id, start_ns, turn.decision_id, "", "low", message, proof)


def at_step(step: Step, message: str, column: str = "", also: Sequence[Proof] = ()) -> Finding:
    """A finding that stands at any step."""
    where = {"span_id": step.span_id} | ({"column": column} if column else {})
    return Finding(step.span_id, step.start_ns, None, "", "low", message, (where, *also))


def choice(decision: Decision) -> Proof:
    """Where a choice stands."""
    path = f"$[{decision.choice_index}]"
    return {"span_id": decision.span_id, "column": "chosen", "path": path}


def outcome(tool: ToolRun) -> Proof:
    """Where what came of a tool stands."""
    column = "error_message" if tool.step.status == "error" else "tool_result"
    return {"span_id": tool.step.span_id, "column": column}


def shown(value: Any, most: int = 120) -> str:
    """*value* in one line of at most *most* characters, for a message."""
    text = value if isinstance(value, str) else canonical(value)
    text = " ".join(text[: most * 4].split())
    return text if len(text) <= most else text[: most - 1] + "…"


def canonical(value: Any) -> str:
    """*value* as JSON text with sorted keys; of what nests too deep to be written, Python's text."""
    try:
        return orjson.dumps(
            value, default=str, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS
        ).decode()
    except TypeError:
        return str(value)


def _tool_run(step: Step, decision: Decision | None) -> ToolRun:
    result = _parsed(step.tool_result)
    arguments = step.tool_arguments
    if arguments in (None, {}) and decision is not None:
        arguments = decision.arguments
    name = str((decision and decision.chosen) or step.tool_name or step.name)
    denied = step.error_type == "denied" or bool(decision and decision.outcome == "denied")
    error: str | None = None
    if step.status == "error" and not denied:
        error = step.error_message or step.error_type or "it failed"
    elif not denied:
        error = failure_in(result)
    key = "" if arguments is None else f"{name} {canonical(arguments)}"
    return ToolRun(step, decision, name, arguments, result, text_of(result), error, denied, key)


def _parsed(value: Any) -> Any:
    """A result out of its column; one that is JSON inside a text is read as well."""
    for _ in range(2):
        if not isinstance(value, str):
            return value
        head = value.lstrip()[:1]
        if type(value) is str and head not in ("{", "["):
            return value
        try:
            value = orjson.loads(str(value))
        except orjson.JSONDecodeError:
            return str(value)
    return value


def text_of(value: Any) -> str:
    """The texts of a result in one, at most `MOST_TEXT` characters."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value[:MOST_TEXT]
    texts = _block_texts(value)
    return (canonical(value) if texts is None else "\n".join(texts))[:MOST_TEXT]


def _block_texts(value: Any) -> list[str] | None:
    """Texts of content blocks, as MCP and the providers write them, without images and files."""
    if isinstance(value, dict):
        value = value.get("content", value)
    if not isinstance(value, list) or not all(isinstance(v, dict) and "type" in v for v in value):
        return None
    texts = [item.get("text") for item in value if item["type"] == "text"]
    return [text for text in texts if isinstance(text, str)]


_SAYS_FAILED = re.compile(
    r"\s*(?:<\w+>\s*)?(?:(?:\w+\.)*\w*(?:Error|Exception)\b(?!s)[:( ]|ERROR\b[:! ]"
    r"|Traceback \(most recent call last\)|Failed to \w|Fatal:|fatal:"
    r"|(?:Process )?[Ee]xit(?:ed with)? ?(?:code|status):? ?[1-9])"
)
_FAILED_WORDS = frozenset({"error", "failed", "failure"})


def failure_in(result: Any) -> str | None:
    """What a result says of its own failure; None when it does not say that it failed."""
    if isinstance(result, dict):
        error = next((v for k in ("error", "errors", "exception") if (v := result.get(k))), None)
        flagged = result.get("isError") is True or result.get("is_error") is True
        status = str(result.get("status", "")).lower() in _FAILED_WORDS
        refused = result.get("success") is False or result.get("ok") is False
        says = isinstance(error, str | dict | list) and result.get("success") is not True
        if flagged or status or refused or says:
            return shown(error or result.get("message") or text_of(result), 300)
        return None
    text = text_of(result) if isinstance(result, list) else result
    if isinstance(text, str) and _SAYS_FAILED.match(text):
        return shown(text, 300)
    return None
