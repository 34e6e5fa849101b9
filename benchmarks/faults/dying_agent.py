"""A small agent for `kill_agent`: works on tasks until something ends it.

    python dying_agent.py NAME wait|exit|raise SECONDS
    python dying_agent.py NAME adopt SECONDS

A task is a model call, a tool and a streamed model call against a scripted model. What it does it
says on its standard output, one write a line: ``about CALL`` before a call, ``in CALL`` from inside
it, ``done CALL`` behind it. ``exit`` calls ``os._exit`` from a thread after the time; ``raise``
raises wherever it is next: in the tool, in the stream, or between calls.
"""

from __future__ import annotations

import json
import os
import random
import sys
import threading
import time
from pathlib import Path

import anthropic

import tellwhy

EXIT_STATUS = 77
MODEL = "claude-sonnet-5"
LATENCY_MS = 60
TOOL_S = 0.06


def say(word: str, call: str) -> None:
    """One line, whole, at once."""
    os.write(1, f"{word} {call}\n".encode())


class Agent:
    """Its client, and when it is to raise."""

    def __init__(self, name: str, raises_at: float) -> None:
        self._client = anthropic.Anthropic(max_retries=0)
        self._name = name
        self._raises_at = raises_at
        self._number = 0
        self._where = random.choice(("tool", "stream", "between"))
        self.work = tellwhy.tool(effect="write")(self.work)
        self.shop = tellwhy.agent(self.shop)

    def _falls(self, where: str) -> None:
        if where == self._where and time.monotonic() > self._raises_at:
            raise RuntimeError(f"on purpose, {where}")

    def _prompt(self, call: str, words: int) -> dict[str, object]:
        step = {"text": "so be it " * words, "latency_ms": LATENCY_MS}
        text = f"{call} <<script:{json.dumps([step])}>>"
        return {
            "model": MODEL,
            "max_tokens": 99,
            "messages": [{"role": "user", "content": text}],
        }

    def work(self, order: str, amount: int) -> str:
        """The tool."""
        say("in", order)
        time.sleep(random.random() * TOOL_S)
        self._falls("tool")
        return f"{order} {amount}"

    def shop(self, task: str) -> None:
        """The agent."""
        create, tool, stream = (f"{task}.{kind}" for kind in ("model", "tool", "stream"))
        say("in", f"{task}.agent")
        say("about", create)
        self._client.messages.create(**self._prompt(create, 2))
        say("done", create)
        self._falls("between")
        say("about", tool)
        self.work(tool, amount=self._number)
        say("done", tool)
        say("about", stream)
        with self._client.messages.stream(**self._prompt(stream, 20)) as opened:
            for number, _ in enumerate(opened.text_stream):
                if not number:
                    say("in", stream)
                self._falls("stream")
        say("done", stream)

    def work_on(self) -> None:
        """Task after task."""
        while True:
            task = f"{self._name}.{self._number}"
            self.shop(task)
            say("done", f"{task}.agent")
            self._number += 1


def adopt(seconds: float) -> None:
    """Live until the folder of spools holds nothing but our own, or so long."""
    root, until = Path(os.environ["TELLWHY_SPOOL_DIR"]), time.monotonic() + seconds
    with tellwhy.agent("adopter"):
        while len(list(root.iterdir())) > 1 and time.monotonic() < until:
            time.sleep(0.1)


def main(name: str, how: str, seconds: str) -> None:
    """Work."""
    random.seed(name)
    if how == "adopt":
        adopt(float(seconds))
        return
    if how == "exit":
        threading.Timer(float(seconds), os._exit, (EXIT_STATUS,)).start()
    limit = float(seconds) if how == "raise" else float("inf")
    Agent(name, time.monotonic() + limit).work_on()


if __name__ == "__main__":
    main(*sys.argv[1:])
