"""Runs written down by hand, a line each: the examples of the rules, for docs and tests. Pure.

They go through the same nouns as recorded runs, but through no dialect and no database.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self

import orjson

from tellwhy_collector.reconstruct.case import Case, Decision, Evidence
from tellwhy_collector.reconstruct.contexts import Request, contexts_of
from tellwhy_collector.reconstruct.rows import JsonText
from tellwhy_collector.records import Kind, Step

TRACE_ID = "5" * 32
START_NS = 1_780_000_000_000_000_000
SECOND_NS = 10**9

Tool = str | dict[str, Any]
"""A tool that is offered: its name alone, or as in ``steps.tools_offered``."""


class Script:
    """A run that grows line by line; `case` gives it as it would be known."""

    def __init__(self, *tools: Tool, system: str | None = None, **run: Any) -> None:
        self.lines: list[str] = []
        """What happens, for a reader."""
        self.evidence: list[Evidence] = []
        """Rows that were said by hand."""
        self._tools: list[dict[str, Any]] | None = [
            {"name": tool} if isinstance(tool, str) else tool for tool in tools
        ] or None
        self._system = [{"type": "text", "content": system}] if system else None
        self._run = run
        self._steps: list[Step] = []
        self._decisions: list[Decision] = []
        self._requests: list[Request] = []
        self._messages: list[dict[str, Any]] = []
        self._open: list[int] = []
        self._now_ns = START_NS

    def user(self, text: str) -> Self:
        """The user says *text*."""
        self.lines.append(f"user: {text}")
        return self._say("user", {"type": "text", "content": text})

    def chose(self, *calls: tuple[str, Any], reason: str | None = None, **fields: Any) -> Self:
        """The model calls these tools with these arguments, at the same time if they are several.

        Args:
            calls: Name and arguments of each.
            reason: What it writes beside them.
            fields: Of the model call, and of the decisions where they have the same name.
        """
        for name, arguments in calls:
            self.lines.append(f"model calls {name} {_shown(arguments)}")
        actions: list[dict[str, Any]] = [
            {"action": "tool_call", "name": name, "arguments": arguments}
            for name, arguments in calls
        ]
        self._model_call(actions, reason, fields)
        return self

    def answered(self, text: str | None, action: str = "answer", **fields: Any) -> Self:
        """The model answers *text*, refuses, or is cut off."""
        said = f'"{text}"' if text else "nothing"
        self.lines.append(f"model {_VERBS.get(action, action)}: {said}")
        self._model_call([{"action": action, "text": text}], fields.pop("reason", None), fields)
        return self

    def ran(self, result: Any, **fields: Any) -> Self:
        """The first tool that is waiting gives back *result*."""
        self.lines.append(f"  → {_shown(result)}")
        text = None if result is None else JsonText(_json(result))
        return self._tool({"tool_result": text} | fields, result, "succeeded")

    def failed(self, message: str, error_type: str = "tool_error", **fields: Any) -> Self:
        """The first tool that is waiting fails."""
        self.lines.append(f"  ✗ {message}")
        error = {"status": "error", "error_type": error_type, "error_message": message}
        return self._tool(error | fields, message, "failed")

    def denied(self, by: str = "policy", kind: str = "rule") -> Self:
        """The first tool that is waiting is not let run."""
        self.lines.append(f"  ✗ denied by {kind} {by}")
        at = self._open[0]
        self._change(at, approval_decision="denied", approver=by, approver_kind=kind)
        error = {"status": "error", "error_type": "denied", "error_message": f"denied by {by}"}
        return self._tool(error, f"denied by {by}", "denied")

    def approved(
        self, by: str, kind: str = "person", wait_s: float = 30, shown: Any = None
    ) -> Self:
        """Somebody allows the first tool that is waiting, having seen *shown*."""
        self.lines.append(f"  {kind} {by} allows it after {wait_s:g} s")
        at = self._decisions[self._open[0]]
        wait_ns = int(wait_s * SECOND_NS)
        gate = self._step(
            "human",
            f"approve {at.chosen}",
            wait_ns,
            tool_name=at.chosen,
            tool_call_id=at.tool_call_id,
            approval_decision="approved",
            approver=by,
            approver_kind=kind,
            input=None if shown is None else JsonText(_json(shown)),
        )
        self._change(
            self._open[0],
            approval_decision="approved",
            approver=by,
            approver_kind=kind,
            approval_wait_ns=wait_ns,
            approval_span_id=gate.span_id,
        )
        return self

    def step(self, kind: Kind, name: str, line: str, **fields: Any) -> Self:
        """Any other step; *line* tells a reader of it."""
        self.lines.append(line)
        self._step(kind, name, SECOND_NS, **fields)
        return self

    def source(self, argument: str, value: Any, kind: Any, **fields: Any) -> Self:
        """Evidence of the newest choice."""
        at = self._decisions[-1]
        row = Evidence(at.span_id, at.start_ns, at.decision_id, argument, _json(value), kind)
        self.evidence.append(row._replace(**fields))
        return self

    def case(self) -> Case:
        """The run as far as it was written."""
        run = {"run_id": TRACE_ID, "trace_id": TRACE_ID, "status": "succeeded"}
        return Case(
            run | {"start_ns": START_NS, "died_in": None, "died_in_span_id": None} | self._run,
            tuple(self._steps),
            tuple(self._decisions),
            contexts_of(self._requests),
        )

    def _model_call(
        self, actions: list[dict[str, Any]], reason: str | None, fields: dict[str, Any]
    ) -> None:
        for place, action in enumerate(actions):
            if action["action"] != "answer" and "name" in action:
                action["tool_call_id"] = f"call_{len(self._decisions) + place}"
        mine = {name: value for name, value in fields.items() if name not in _OF_STEPS}
        step = self._step(
            "model_call",
            "chat",
            SECOND_NS,
            chosen=actions,
            stated_reason=reason,
            **{name: value for name, value in fields.items() if name in _OF_STEPS},
        )
        self._requests.append(
            Request(step.span_id, _json(self._messages), _json(self._system), _json(self._tools))
        )
        if step.status == "ok":
            self._choose(step, actions, reason, mine)

    def _choose(
        self, step: Step, actions: list[dict[str, Any]], reason: str | None, fields: dict[str, Any]
    ) -> None:
        self._say("assistant", *map(_part, actions))
        for place, action in enumerate(actions):
            if "name" in action:
                self._open.append(len(self._decisions))
            given: dict[str, Any] = dict.fromkeys(Decision.__dataclass_fields__) | {
                "decision_id": f"{step.span_id}:{place}",
                "trace_id": TRACE_ID,
                "run_id": TRACE_ID,
                "span_id": step.span_id,
                "choice_index": place,
                "choice_count": len(actions),
                "agent_name": step.agent_name,
                "made_by": "model",
                "start_ns": step.start_ns,
                "decided_ns": step.end_ns,
                "action": action["action"],
                "chosen": action.get("name"),
                "tool_call_id": action.get("tool_call_id"),
                "arguments": action.get("arguments"),
                "answer_text": action.get("text"),
                "offered": self._tools and [tool["name"] for tool in self._tools],
                "forced": step.forced,
                "stated_reason": reason,
                "outcome": "unknown" if "name" in action else "succeeded",
                "finish_reason": step.finish_reason,
                "dialect": step.dialect,
            }
            self._decisions.append(Decision(**(given | fields)))

    def _tool(self, fields: dict[str, Any], result: Any, outcome: str) -> Self:
        place = self._open.pop(0)
        at = self._decisions[place]
        given = {"tool_arguments": at.arguments} | fields
        step = self._step(
            "tool_call",
            f"execute_tool {at.chosen}",
            SECOND_NS,
            tool_name=at.chosen,
            tool_call_id=at.tool_call_id,
            **given,
        )
        self._change(
            place,
            outcome=outcome,
            outcome_span_id=step.span_id,
            outcome_error=step.error_message,
        )
        part = {"type": "tool_call_response", "id": at.tool_call_id, "response": result}
        return self._say("tool", part)

    def _step(self, kind: Kind, name: str, duration_ns: int, **fields: Any) -> Step:
        start_ns, self._now_ns = self._now_ns, self._now_ns + duration_ns
        common: dict[str, Any] = {
            "trace_id": TRACE_ID,
            "span_id": f"{len(self._steps) + 1:016x}",
            "parent_span_id": None,
            "run_id": TRACE_ID,
            "source": "span",
            "dialect": "native",
            "kind": kind,
            "name": name,
            "start_ns": start_ns,
            "end_ns": self._now_ns,
            "status": "ok",
        }
        step = Step(**(common | fields))
        self._steps.append(step)
        return step

    def _change(self, place: int, **changes: Any) -> None:
        self._decisions[place] = replace(self._decisions[place], **changes)

    def _say(self, role: str, *parts: dict[str, Any]) -> Self:
        self._messages.append({"role": role, "parts": list(parts)})
        return self


_VERBS = {"answer": "answers", "refusal": "refuses", "truncated": "is cut off"}
_OF_STEPS = frozenset(Step.__dataclass_fields__) - {"arguments"}


def _part(action: dict[str, Any]) -> dict[str, Any]:
    if "name" in action:
        call = {"id": action.get("tool_call_id"), "name": action["name"]}
        return {"type": "tool_call", **call, "arguments": action["arguments"]}
    return {"type": "text", "content": action["text"]}


def _json(value: Any) -> Any:
    return None if value is None else orjson.dumps(value).decode()


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
