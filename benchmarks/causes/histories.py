"""Made-up histories of agents, and the requests that they lead to, in both wire formats."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import Any

SCHEMA = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
DESKS: dict[str, dict[str, Any]] = {
    "shop": {
        "tools": {
            "get_order": "Reads an order with its state and its price.",
            "get_customer": "Reads what is known of a customer.",
            "track_parcel": "Says where a parcel is.",
            "refund": "Pays money back to the card that was charged.",
            "send_replacement": "Sends the same article once more.",
            "escalate": "Hands the ticket to a person.",
            "close_ticket": "Closes the ticket.",
        },
        "user": "My lamp from last week does not work. What can you do about it?",
    },
    "travel": {
        "tools": {
            "find_flights": "Lists flights between two airports.",
            "get_booking": "Reads a booking with its fare rules.",
            "rebook": "Moves a booking to another flight.",
            "cancel_booking": "Cancels a booking.",
            "issue_voucher": "Gives a voucher to a traveller.",
            "escalate": "Hands the case to a person.",
        },
        "user": "My flight was moved by five hours, and I need to be there at noon.",
    },
    "operations": {
        "tools": {
            "read_logs": "Gives the newest lines of a service.",
            "read_metrics": "Gives error rate and latency of a service.",
            "restart": "Restarts a service.",
            "roll_back": "Deploys the version before this one.",
            "scale_out": "Adds two instances.",
            "page_on_call": "Wakes the person on call.",
            "escalate": "Opens an incident for people to look at.",
        },
        "user": "The checkout is slow since ten minutes. Please look after it.",
    },
}
SECTIONS = (
    ("Role", "You look after cases with the tools that are offered, one step at a time."),
    ("Tone", "Be kind and short. Say what you did, not what you might do."),
    ("Limits", "Never promise a date. Never quote internal names of systems."),
    ("Privacy", "Addresses and numbers of cards are not repeated in answers."),
    ("Language", "Answer in the language of the person who wrote."),
)
ASIDES = (
    "I wrote about it yesterday already and got no answer.",
    "There is no hurry, today is soon enough.",
    "You may reach me under the usual address.",
    "Thank you for looking into it.",
)
THOUGHTS = (
    "Let me look at the record first.",
    "I will check one more source before I go on.",
    "That agrees with what was said before.",
)
FACTS = ("state: open", "priority: normal", "updated 3 hours ago", "channel: web", "no open tasks")


@dataclass(slots=True)
class History:
    """What an agent was told until it decides, whatever the wire format."""

    sections: list[list[str]]
    """Heading and text of each part of the instructions."""
    tools: dict[str, str]
    turns: list[dict[str, str]] = field(default_factory=list)
    """Each with ``user``, or with ``said`` (may be empty), ``call`` and ``result``."""

    def places(self, kind: str) -> list[tuple[Any, Any]]:
        """Holders and keys of all texts of a *kind* of items."""
        if kind == "instructions":
            return [(section, 1) for section in self.sections]
        if kind == "tool":
            return [(self.tools, name) for name in self.tools]
        key = {"user": "user", "assistant": "said", "result": "result"}[kind]
        return [(turn, key) for turn in self.turns if turn.get(key)]


def history(chance: random.Random) -> History:
    """One history; some 9 to 23 items of its requests can be left out."""
    desk = DESKS[chance.choice(sorted(DESKS))]
    names = [name for name in desk["tools"] if name != "escalate"]
    kept = {*chance.sample(names, chance.randint(3, 5)), "escalate"}
    made = History(
        [list(each) for each in SECTIONS[: chance.randint(2, 4)]],
        {name: text for name, text in desk["tools"].items() if name in kept},
        [{"user": desk["user"]}],
    )
    number = chance.randint(1000, 9999)
    for at in range(chance.randint(1, 4)):
        call = chance.choice([name for name in made.tools if name != "escalate"])
        said = THOUGHTS[at % len(THOUGHTS)] if at == 0 or chance.random() < 0.5 else ""
        text = f"case {number + at}; {'; '.join(chance.sample(FACTS, 3))}."
        made.turns.append({"said": said, "call": call, "result": text})
        if chance.random() < 0.3:
            made.turns.append({"user": chance.choice(ASIDES)})
    return made


def claude(made: History) -> dict[str, Any]:
    """The request as Anthropic Messages."""
    messages: list[dict[str, Any]] = []
    for at, turn in enumerate(made.turns):
        if "user" in turn:
            block = {"type": "text", "text": turn["user"]}
            if messages and messages[-1]["role"] == "user":
                messages[-1]["content"].append(block)
            else:
                messages.append({"role": "user", "content": [block]})
            continue
        said = [{"type": "text", "text": turn["said"]}] if turn["said"] else []
        use = {"type": "tool_use", "id": f"toolu_{at}", "name": turn["call"], "input": {"id": "1"}}
        result = {"type": "tool_result", "tool_use_id": f"toolu_{at}", "content": turn["result"]}
        messages.append({"role": "assistant", "content": [*said, use]})
        messages.append({"role": "user", "content": [result]})
    tools = [
        {"name": name, "description": text, "input_schema": SCHEMA}
        for name, text in made.tools.items()
    ]
    return {
        "model": "claude-haiku-4-5",
        "max_tokens": 1024,
        "system": _instructions(made),
        "tools": tools,
        "messages": messages,
    }


def chat(made: History) -> dict[str, Any]:
    """The request as OpenAI chat completions."""
    messages: list[dict[str, Any]] = [{"role": "system", "content": _instructions(made)}]
    for at, turn in enumerate(made.turns):
        if "user" in turn:
            messages.append({"role": "user", "content": turn["user"]})
            continue
        function = {"name": turn["call"], "arguments": json.dumps({"id": "1"})}
        call = {"id": f"call_{at}", "type": "function", "function": function}
        messages.append(
            {"role": "assistant", "content": turn["said"] or None, "tool_calls": [call]}
        )
        messages.append({"role": "tool", "tool_call_id": call["id"], "content": turn["result"]})
    tools = [
        {"type": "function", "function": {"name": n, "description": d, "parameters": SCHEMA}}
        for n, d in made.tools.items()
    ]
    return {
        "model": "gpt-4.1-mini",
        "max_completion_tokens": 1024,
        "tools": tools,
        "messages": messages,
    }


def _instructions(made: History) -> str:
    return "\n\n".join(f"# {heading}\n{text}" for heading, text in made.sections)
