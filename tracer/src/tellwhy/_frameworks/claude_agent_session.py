"""One connection to a Claude Code process: what goes over it, read as steps.

A prompt begins an agent, the result ends it; work that a background task wakes begins another. Frames
of a subagent name the call of the tool that started it. Every handler runs in the host's own task,
between two frames.

Source:
    claude-agent-sdk 0.2.189 with Claude Code 2.1.332, captured.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Hashable, Mapping
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan

from tellwhy import _attributes as names
from tellwhy import _configure, _runs
from tellwhy._frameworks.claude_agent_calls import ModelCall
from tellwhy._frameworks.claude_agent_control import Control
from tellwhy._frameworks.claude_agent_gates import Gate, rule_of
from tellwhy._frameworks.claude_agent_result import tell_result
from tellwhy._frameworks.claude_agent_threads import Thread, Tool, text_of
from tellwhy._frameworks.steps import Steps, content
from tellwhy._open_step import OpenStep
from tellwhy._places import here

AGENT = "claude-code"
"""Name of the main agent, which has none of its own; subagents bring theirs."""

DENIED = "tellwhy.Denied"
"""Type of the error of a tool that nobody let run, as of our own gates."""

OFFERED_AS = {"Task": "Agent"}
"""What the list of tools calls one -> how the model is offered it."""

STEPS = Steps("claude_agent")

_numbers = itertools.count()


class Session:
    """What is open on one connection."""

    def __init__(self, options: Any) -> None:
        self._number = next(_numbers)
        self._threads: dict[str | None, Thread] = {}
        self._tools: dict[str, Tool] = {}
        self._control = Control(options, self._tools, self.place)
        self._offered: list[str] = []
        self._background: dict[str, str] = {}
        """Task id -> call id of the tool that started it, while it runs."""
        self._conversation: str | None = None
        self._spent: dict[str, float] = {}
        self._root: Context | None = None
        """The first agent's span, where the process exports spans below it."""

    def connecting(self, *, exports: bool) -> Context | None:
        """The process starts; where what it exports itself belongs.

        Args:
            exports: Whether it exports spans: they need an agent to stand in.
        """
        if exports and _configure.ensure_configured() and _runs.run_in(here()) is None:
            self._begin(None)
        step = STEPS.get(self._main)
        if step is None:
            return None
        root = NonRecordingSpan(step.span.get_span_context())
        self._root = trace.set_span_in_context(root, Context())
        return step.context

    def sent(self, data: str) -> None:
        """The host writes *data*: prompts and answers."""
        frame = json.loads(data)
        kind = frame.get("type")
        if kind == "user":
            self._prompted(frame)
        elif kind == "control_response":
            self._control.answered(frame.get("response") or {})

    def came(self, frame: Mapping[str, Any]) -> str | None:
        """The process says something; gives the id of the tool's call that the host works for next."""
        kind = str(frame.get("type"))
        if kind == "control_request":
            return self._control.asked(str(frame.get("request_id")), frame.get("request") or {})
        session = frame.get("session_id")
        if session and session != self._conversation:
            self._conversation = str(session)
            self._name_conversation()
        handler = _HANDLERS.get(kind)
        if handler is not None:
            handler(self, frame)
        return None

    def over(self, error: BaseException | None) -> None:
        """Nothing more comes; *error* says why, where it is one."""
        for thread in self._threads.values():
            thread.finish()
        self._control.over()
        for call_id in list(self._tools):
            STEPS.end((self._number, "tool", call_id))
        for thread in reversed(self._threads.values()):
            step = STEPS.get(thread.key)
            if step is not None and error is not None:
                STEPS.fail(thread.key, error)
            elif step is not None:
                step.span.set_attribute(names.LEFT_EARLY, True)
                STEPS.end(thread.key)
        self._threads.clear()

    def place(self, call_id: str | None) -> Context | None:
        """Where the host's code stands that works for the call *call_id*, or for the session."""
        return STEPS.place_of((self._number, "tool", call_id)) or STEPS.place_of(self._main)

    @property
    def _main(self) -> Hashable:
        return (self._number, "agent", None)

    def _begin(self, prompt: Any) -> OpenStep | None:
        """An agent begins, unless one is at work: further prompts then belong to it."""
        if STEPS.get(self._main) is not None:
            return STEPS.get(self._main)
        if not _configure.ensure_configured():
            return None
        around = here()
        asked = {"prompt": prompt} if prompt is not None else None
        if _runs.run_in(around) is not None:
            said = content(names.INPUT, asked)
            step = STEPS.part(self._main, AGENT, "session", said=said)
        else:
            around = self._root or around
            step = STEPS.agent(
                self._main, AGENT, asked=asked, context=around, conversation_id=self._conversation
            )
        known = self._threads.get(None)
        self._threads[None] = Thread(self._main, known.messages if known else [])
        self._name_conversation()
        return step

    def _name_conversation(self) -> None:
        step = STEPS.get(self._main)
        run = step.run if step is not None else None
        if run is not None and self._conversation and run.conversation_id is None:
            run.set_conversation(self._conversation)

    def _prompted(self, frame: Mapping[str, Any]) -> None:
        message = frame.get("message") or {}
        is_open = STEPS.get(self._main) is not None
        step = self._begin(message.get("content"))
        if step is None:
            return
        thread = self._threads[None]
        if is_open and not thread.messages:  # it was begun for the process
            asked = content(names.INPUT, {"prompt": message.get("content")})
            step.span.set_attributes(asked)
        thread.messages.append({"role": "user", "content": message.get("content")})
        thread.since_ns = time.time_ns()

    def _thread(self, frame: Mapping[str, Any]) -> Thread | None:
        """The line that *frame* belongs to; an agent begins where it is the first of one."""
        parent = frame.get("parent_tool_use_id")
        if parent is None:
            if STEPS.get(self._main) is None:
                self._begin(None)
            return self._threads.get(None)
        known = self._threads.get(parent)
        if known is not None:
            return known
        tool = self._tools.get(parent)
        key = (self._number, "agent", parent)
        arguments = tool.arguments if tool is not None and isinstance(tool.arguments, dict) else {}
        name = frame.get("subagent_type") or arguments.get("subagent_type") or "subagent"
        context = tool.context if tool is not None else STEPS.place_of(self._main)
        if context is None:
            return None
        STEPS.agent(key, str(name), context=context)
        opening = [{"role": "user", "content": arguments.get("prompt") or ""}]
        self._threads[parent] = Thread(key, opening)
        return self._threads[parent]

    def _call(self, thread: Thread, message: Mapping[str, Any]) -> ModelCall | None:
        """The call whose answer *message* is a piece of."""
        if thread.call is not None and thread.call.message_id == message.get("id"):
            return thread.call
        thread.finish()
        context = STEPS.place_of(thread.key)
        if context is None:
            return None
        failed, thread.failed = thread.failed, []
        asked: dict[str, Any] = {"messages": thread.messages}
        if thread.key == self._main:
            asked["tools"] = [self._control.definitions.get(n, {"name": n}) for n in self._offered]
        thread.call = ModelCall(
            message, context=context, asked=asked, since_ns=thread.since_ns, failed=failed
        )
        return thread.call

    def _assistant(self, frame: Mapping[str, Any]) -> None:
        thread = self._thread(frame)
        call = self._call(thread, frame["message"]) if thread is not None else None
        if thread is None or call is None:
            return
        for each in call.add(frame):
            if each.id is None or each.on_server:
                continue
            key = (self._number, "tool", each.id)
            arguments = each.arguments if isinstance(each.arguments, dict) else None
            step = STEPS.tool(key, each.name, arguments, parent=thread.key, call_id=each.id)
            self._tools[each.id] = Tool(each.name, each.arguments, step.context)

    def _partial(self, frame: Mapping[str, Any]) -> None:
        event = frame.get("event") or {}
        kind = event.get("type")
        thread = self._thread(frame) if kind == "message_start" else None
        if thread is not None:
            self._call(thread, event.get("message") or {})
        known = self._threads.get(frame.get("parent_tool_use_id"))
        if known is None or known.call is None:
            return
        if kind == "message_delta":
            known.call.ends(event)
        elif kind == "message_stop":
            known.finish()

    def _user(self, frame: Mapping[str, Any]) -> None:
        thread = self._thread(frame)
        if thread is None:
            return
        thread.finish()
        message = frame.get("message") or {}
        blocks = message.get("content")
        metas = {m.get("id"): m for m in frame.get("tool_result_meta") or () if isinstance(m, dict)}
        for block in blocks if isinstance(blocks, list) else ():
            if isinstance(block, dict) and block.get("type") == "tool_result":
                call_id = str(block.get("tool_use_id"))
                self._tool_ended(call_id, block, metas.get(call_id) or {})
        thread.messages.append({"role": "user", "content": blocks})
        thread.since_ns = time.time_ns()

    def _tool_ended(self, call_id: str, block: Mapping[str, Any], meta: Mapping[str, Any]) -> None:
        key = (self._number, "tool", call_id)
        tool, step = self._tools.get(call_id), STEPS.get(key)
        if tool is None or step is None:
            return
        rule = rule_of(meta)
        if rule is not None and not tool.is_decided:
            word, by, kind = rule
            gate = Gate(tool.name, call_id, tool.arguments, tool.context, asks=False)
            if gate.decided(word, by=by, kind=kind) == "denied":
                tool.refusal = by
        said = text_of(block.get("content"))
        if tool.refusal is not None:
            step.told_error(DENIED, said if isinstance(said, str) else tool.refusal)
        elif block.get("is_error"):
            step.told_error("tool_error", said if isinstance(said, str) else "")
        STEPS.end(key, said)
        if call_id not in self._background.values():
            self._subagent_ended(call_id)
            del self._tools[call_id]

    def _subagent_ended(self, call_id: str, result: Any = None) -> None:
        thread = self._threads.pop(call_id, None)
        if thread is not None:
            thread.finish()
            STEPS.end(thread.key, result)

    def _system(self, frame: Mapping[str, Any]) -> None:
        subtype = frame.get("subtype")
        if subtype == "init":
            self._offered = [OFFERED_AS.get(str(n), str(n)) for n in frame.get("tools") or ()]
        elif subtype == "api_retry":
            thread = self._thread(frame)
            if thread is not None:
                thread.failed.append({**frame, "at_ns": time.time_ns()})
        elif subtype == "status" and frame.get("status") == "requesting":
            known = self._threads.get(None)
            if known is not None and known.call is None:
                known.since_ns = time.time_ns()
        elif subtype == "task_started" and frame.get("tool_use_id"):
            self._background[str(frame.get("task_id"))] = str(frame["tool_use_id"])
        elif subtype == "task_notification":
            call_id = self._background.pop(str(frame.get("task_id")), None)
            if call_id is not None:
                self._subagent_ended(call_id, frame.get("summary"))

    def _result(self, frame: Mapping[str, Any]) -> None:
        thread = self._threads.get(None)
        if thread is not None:
            thread.finish(frame.get("stop_reason"))
        step = STEPS.get(self._main)
        if step is None:
            return
        for denial in frame.get("permission_denials") or ():
            self._denied_unseen(denial)
        tell_result(step, frame, self._spent)
        STEPS.end(self._main, frame.get("result"))

    def _denied_unseen(self, denial: Any) -> None:
        """A refusal that an older process tells of in its result alone."""
        tool = self._tools.pop(str(denial.get("tool_use_id")), None)
        if tool is not None and not tool.is_decided:
            gate = Gate(
                tool.name, denial.get("tool_use_id"), tool.arguments, tool.context, asks=False
            )
            gate.decided("deny", by=None, kind="rule")


_HANDLERS: dict[str, Callable[[Session, Mapping[str, Any]], None]] = {
    "assistant": Session._assistant,  # noqa: SLF001 - its own table
    "stream_event": Session._partial,  # noqa: SLF001
    "user": Session._user,  # noqa: SLF001
    "system": Session._system,  # noqa: SLF001
    "result": Session._result,  # noqa: SLF001
}
"""Type of a frame -> what is done with it."""
