"""A transcript of Claude Code, line by line → the steps that it tells of.

One answer of the API is several lines with one ``message.id``, and each repeats the usage. A session
that is resumed or forked begins with a copy of the older one: lines that carry another session's
``requestSessionId``, and answers that another file has told already, are left out.

Source: transcripts of Claude Code 2.1.197 and 2.1.330.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tellwhy import _attributes as names
from tellwhy._transcripts.claude_requests import Requests
from tellwhy._transcripts.claude_steps import (
    Answer,
    Line,
    Place,
    ToolUse,
    call_told,
    compaction_told,
    result_told,
    turn_told,
)
from tellwhy._transcripts.going_on import GoingOn
from tellwhy._transcripts.told import Told, derived_id, nanoseconds

AGENT = "claude-code"
FINAL = frozenset({"end_turn", "stop_sequence", "refusal", "max_tokens"})
"""Stop reasons after which a turn is over."""


class Turn:
    """From a prompt to the last answer to it; in the file of a subagent all of it."""

    def __init__(self, place: Place, root_id: str, prompt: Any, start_ns: int) -> None:
        self.place = place
        self.root_id = root_id
        self.prompt = prompt
        self.start_ns = self.end_ns = start_ns
        self.answer: Any = None
        self.steps = 0
        self.is_over = False


class Transcript:
    """One file. `feed` it its lines in order; `finish` when nothing more is expected of it."""

    def __init__(self, own: str, seen: dict[str, str], spawned: dict[str, ToolUse]) -> None:
        self.version: str | None = None
        """Version of the Claude Code that wrote the last line."""
        self._file = own
        self._seen = seen
        """Id of each answer → the file that has told it first; filled by all files."""
        self._spawned = spawned
        """Id of each subagent → the tool call that started it; filled by all files."""
        self._requests = Requests()
        self._going_on = GoingOn()
        self._conversation: list[dict[str, Any]] = []
        self._turn: Turn | None = None
        self._own: set[str] = set()
        self._prompts: set[tuple[Any, Any]] = set()
        self._answer: Answer | None = None
        self._tools: dict[str, ToolUse] = {}
        self._results: list[Any] = []
        self._retries: list[Line] = []
        self._agent_id: str | None = None
        self._agent_name: str | None = AGENT
        self._last_ns = 0

    def feed(self, line: Line) -> Iterator[Told]:
        """The steps that *line* completes."""
        kind = line.get("type")
        time_ns = nanoseconds(line.get("timestamp"))
        if isinstance(line.get("version"), str):
            self.version = line["version"]
        reader = _READERS.get(str(kind))
        if reader is None:
            return
        if kind != "assistant" and not str(kind).startswith("api-request"):
            yield from self._close_answer()
        if time_ns is not None:
            self._last_ns = max(self._last_ns, time_ns)
        yield from reader(self, line, time_ns or self._last_ns)

    def finish(self) -> Iterator[Told]:
        """The steps that are as complete as they will be: the file has not grown for a while."""
        yield from self._close_answer()
        yield from self._close_turn()

    def settle(self) -> Iterator[Told]:
        """The steps that are complete although nothing stands behind them."""
        yield from self._close_answer()
        if self._turn is not None and self._turn.is_over:
            yield from self._close_turn()

    # Lines by their type.

    def _user(self, line: Line, time_ns: int) -> Iterator[Told]:
        message = line.get("message")
        content = message.get("content") if isinstance(message, dict) else None
        results = [
            block
            for block in (content if isinstance(content, list) else ())
            if isinstance(block, dict) and block.get("type") == "tool_result"
        ]
        if results:
            for block in results:
                yield from self._result(line, block, time_ns)
            return
        if content is None or line.get("isMeta"):
            return
        self._say("user", content)
        if line.get("isCompactSummary"):
            return
        yield from self._begin_turn(line, content, time_ns)

    def _begin_turn(self, line: Line, content: Any, time_ns: int) -> Iterator[Told]:
        agent_id = line.get("agentId")
        if agent_id and self._turn is not None:
            return  # what a subagent is told meanwhile
        yield from self._close_turn()
        session, prompt = line.get("sessionId"), line.get("promptId") or line.get("uuid")
        parts: list[Any] = ["claude_code", session, prompt]
        if (session, prompt) in self._prompts:
            parts.append(line.get("uuid"))  # a resumed session goes on under one prompt id
        place = Place(
            trace_id=derived_id(*parts, size_bytes=16),
            session=str(session),
            prompt=str(prompt),
            agent=AGENT,
        )
        root_id = derived_id("transcript", session, agent_id or line.get("uuid"), "turn")
        if agent_id:
            self._agent_id, self._agent_name = str(agent_id), self._name_of(str(agent_id))
        place = place._replace(parent_id=root_id)
        self._turn = Turn(place, root_id, content, time_ns)

    def _assistant(self, line: Line, time_ns: int) -> Iterator[Told]:
        message = line.get("message")
        if not isinstance(message, dict):
            return
        own = str(message.get("id") or line.get("uuid"))
        if self._answer is not None and self._answer.message_id != own:
            yield from self._close_answer()
        if self._answer is None:
            copied = line.get("requestSessionId") not in (None, line.get("sessionId"))
            self._flush_results()
            request = self._requests.of(line.get("requestRef"), self._conversation)
            self._answer = Answer(
                own,
                line,
                request,
                start_ns=request.start_ns or self._last_before(time_ns),
                retries=list(self._retries),
                is_copy=copied or self._seen.get(own, self._file) != self._file,
            )
            self._retries.clear()
        self._answer.add(message, time_ns)

    def _system(self, line: Line, time_ns: int) -> Iterator[Told]:
        subtype = line.get("subtype")
        if subtype == "api_error":
            self._retries.append(line)
        elif subtype in ("compact_boundary", "microcompact_boundary") and self._turn is not None:
            if subtype == "compact_boundary":
                self._conversation.clear()
            self._turn.steps += 1
            yield compaction_told(self._turn.place, line, time_ns)

    def _shape(self, line: Line, _: int) -> Iterator[Told]:
        self._requests.shape(line)
        return iter(())

    def _blob(self, line: Line, _: int) -> Iterator[Told]:
        self._requests.blob(line)
        return iter(())

    def _request(self, line: Line, time_ns: int) -> Iterator[Told]:
        yield from self._close_answer()
        self._flush_results()
        source = line.get("querySource")
        if self._agent_id and isinstance(source, str) and source.startswith("agent:"):
            self._agent_name = source.rpartition(":")[2]
        self._requests.request(line, time_ns)

    # What they add up to.

    def _last_before(self, time_ns: int) -> int:
        """When what stood before the answer was written: the request went out at about then."""
        return min(self._turn.end_ns, time_ns) if self._turn is not None else time_ns

    def _place(self) -> Place | None:
        if self._turn is None:
            return None
        return self._turn.place._replace(agent=self._agent_name)

    def _name_of(self, agent_id: str) -> str | None:
        """What the call asked for that started the subagent; older versions say it nowhere else."""
        use = self._spawned.get(agent_id)
        arguments = use.arguments if use is not None else None
        name = arguments.get("subagent_type") if isinstance(arguments, dict) else None
        return name if isinstance(name, str) else None

    def _close_answer(self) -> Iterator[Told]:
        answer, self._answer = self._answer, None
        if answer is None:
            return
        self._say("assistant", answer.blocks)
        place = self._place()
        if answer.is_copy or place is None or self._turn is None:
            return
        is_more = answer.message_id in self._own  # of a tool that ran before the answer had ended
        self._own.add(answer.message_id)
        self._seen.setdefault(answer.message_id, self._file)
        self._turn.steps += 1
        self._turn.end_ns = max(self._turn.end_ns, answer.end_ns)
        for use in answer.tool_uses(place):
            self._tools[use.call_id] = use
        if answer.text:
            self._turn.answer = answer.text
        self._turn.is_over = answer.stop_reason in FINAL or answer.is_error
        if not is_more:
            yield call_told(place, answer, self._going_on)

    def _result(self, line: Line, block: dict[str, Any], time_ns: int) -> Iterator[Told]:
        self._results.append(block)
        use = self._tools.pop(str(block.get("tool_use_id")), None)
        if use is None:
            return
        yield from result_told(use, line, block, time_ns)
        spawned = line.get("toolUseResult")
        if isinstance(spawned, dict) and isinstance(spawned.get("agentId"), str):
            self._spawned[spawned["agentId"]] = use
        if self._turn is not None:
            self._turn.steps += 1
            self._turn.end_ns = max(self._turn.end_ns, time_ns)

    def _flush_results(self) -> None:
        if self._results:
            results, self._results = self._results, []
            self._say("user", results)

    def _say(self, role: str, content: Any) -> None:
        self._requests.message(role, content)
        self._conversation.append({"role": role, "content": content})

    def _close_turn(self) -> Iterator[Told]:
        turn, self._turn = self._turn, None
        self._tools.clear()
        if turn is None or not turn.steps:
            return
        self._prompts.add((turn.place.session, turn.place.prompt))
        place = turn.place._replace(parent_id=None)
        if self._agent_id:
            started_by = self._spawned.get(self._agent_id)
            place = place._replace(
                parent_id=started_by.span_id if started_by else None,
                agent=self._agent_name or self._name_of(self._agent_id),
            )
        yield turn_told(
            place,
            turn.root_id,
            (turn.start_ns, turn.end_ns),
            {names.INPUT: turn.prompt, names.OUTPUT: turn.answer},
            is_subagent=self._agent_id is not None,
        )


_READERS = {
    "user": Transcript._user,  # noqa: SLF001 - itself
    "assistant": Transcript._assistant,  # noqa: SLF001
    "system": Transcript._system,  # noqa: SLF001
    "api-request-shape": Transcript._shape,  # noqa: SLF001
    "api-request-blob": Transcript._blob,  # noqa: SLF001
    "api-request": Transcript._request,  # noqa: SLF001
}
"""Lines of other types tell of no step."""
