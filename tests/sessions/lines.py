"""Self-made transcripts of Claude Code in the forms of 2.1.197 and 2.1.330, with invented words."""

import hashlib
import json
from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 3, 2, 0, tzinfo=UTC)
SESSION = "11111111-2222-4333-8444-555555555555"
PROMPT = "aaaaaaaa-0000-4000-8000-000000000001"
OLD, NEW = "2.1.197", "2.1.330"
SYSTEM = [{"type": "text", "text": "Help with the garden."}]
TOOLS = [{"name": "Bash", "description": "Runs a command.", "input_schema": {"type": "object"}}]


def hash_of(message):
    """As the program makes it."""
    text = json.dumps(message, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


class Session:
    """Lines of one file, written as the program writes them; the clock is moved by hand."""

    def __init__(self, version=NEW, session=SESSION, prompt=PROMPT, agent=None):
        self.version, self.session, self.prompt, self.agent = version, session, prompt, agent
        self.lines, self.ms = [], 0
        self._conversation, self._sent, self._request, self._number = [], 0, None, 0

    @property
    def now(self):
        """The clock as lines have it."""
        return (START + timedelta(milliseconds=self.ms)).isoformat().replace("+00:00", "Z")

    @property
    def now_ns(self):
        """The clock in Unix nanoseconds."""
        return int(START.timestamp()) * 10**9 + self.ms * 10**6

    def write(self, kind, **fields):
        """One line."""
        self._number += 1
        common = {"sessionId": self.session, "version": self.version, "timestamp": self.now}
        if self.agent:
            common |= {"agentId": self.agent, "isSidechain": True}
        uuid = f"{self.agent or 'main'}-{self.prompt}-{self._number}"
        self.lines.append({"type": kind, "uuid": uuid, **common, **fields})

    def ask(self, text, **fields):
        """A prompt."""
        message = {"role": "user", "content": text}
        self._conversation.append(message)
        self.write("user", promptId=self.prompt, message=message, **fields)

    def _send(self):
        """What the newer version writes of a request: pieces, and how they go together."""
        if self.version == OLD:
            return {}
        own, before = f"request-{self.session}-{len(self._conversation)}", self._request
        if before is None:
            shape = {"system": SYSTEM, "tools": TOOLS}
            self.write("api-request-shape", shapeHash="shape-1", shape=shape)
        new = self._conversation[self._sent :]
        for message in new if before is None else ():
            self.write("api-request-blob", hash=hash_of(message), message=message)
        tail = [hash_of(message) for message in new]
        based = {"base": before, "keep": self._sent} if before else {"keep": 0}
        params = {"model": "claude-fake-1", "max_tokens": 32000}
        self.write("api-request", id=own, shapeHash="shape-1", params=params, tail=tail, **based)
        self._request, self._sent = own, len(self._conversation)
        return {"requestRef": own, "requestedModel": "claude-fake-1"}

    def answer(self, number, *blocks, took_ms=100, **fields):
        """One answer of the API, a line for each block."""
        sent = self._send()
        self.ms += took_ms
        calls = any(block["type"] == "tool_use" for block in blocks)
        usage = {
            "input_tokens": 10,
            "cache_creation_input_tokens": 200,
            "output_tokens": 30 + number,
        }
        self._conversation.append({"role": "assistant", "content": list(blocks)})
        for block in blocks:
            message = {
                "id": f"msg_{self.session[:4]}_{number}",
                "role": "assistant",
                "model": "claude-fake-1",
                "content": [block],
                "stop_reason": "tool_use" if calls else "end_turn",
                "usage": usage | {"cache_read_input_tokens": 0},
            }
            request_id = f"req_{self.session[:4]}_{number}"
            self.write("assistant", message=message, requestId=request_id, **sent | fields)
            self.ms += 2

    def result(self, call_id, content, *, is_error=False, decision=None, took_ms=80, **fields):
        """What came of a tool call."""
        self.ms += took_ms
        block = {"type": "tool_result", "tool_use_id": call_id, "content": content}
        if is_error:
            block["is_error"] = True
        message = {"role": "user", "content": [block]}
        self._conversation.append(message)
        if decision and self.version != OLD:
            fields["permissionDecision"] = decision
        self.write("user", promptId=self.prompt, message=message, **fields)
        self.ms += 5

    def save(self, folder):
        """The file as the program names it."""
        place = folder / "-garden"
        if self.agent:
            place = place / self.session / "subagents"
        place.mkdir(parents=True, exist_ok=True)
        path = place / f"{f'agent-{self.agent}' if self.agent else self.session}.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in self.lines))
        return path


def think(text):
    """A block of thinking."""
    return {"type": "thinking", "thinking": text, "signature": "sig"}


def say(text):
    """A block of words."""
    return {"type": "text", "text": text}


def use(call_id, name, arguments):
    """A block that calls a tool."""
    return {"type": "tool_use", "id": call_id, "name": name, "input": arguments}


ACCEPTED = {"decision": "accept", "source": "config", "reasonType": "rule", "ruleSource": "cliArg"}


def watering(version=NEW, session=SESSION, prompt=PROMPT):
    """A prompt, one tool call after some thinking, and an answer."""
    lines = Session(version, session, prompt)
    lines.ask("Is the bed dry?")
    lines.ms += 20
    lines.answer(
        1, think("The sensor knows."), say("I look."), use("toolu_1", "Bash", {"command": "sensor"})
    )
    lines.result("toolu_1", "dry", decision=ACCEPTED)
    lines.answer(2, say("It is dry."))
    return lines
