"""The one task that every runtime is given: three tools, one that fails, one that needs leave."""

import contextlib
import functools
import json
import os
import sys
from pathlib import Path

CONVERSATION = "case-7"
SESSION = "00000000-0000-4000-8000-0000000000a7"
"""The conversation of runtimes that take a UUID and nothing else."""

AGENT = "clerk"
THOUGHT = "I need the weather first."
MODEL = "claude-sonnet-5"
OPENAI_MODEL = "gpt-5.5"

SCRIPT = [
    {"think": THOUGHT, "text": "Looking.", "tools": [["get_weather", {"city": "Oslo"}]]},
    {
        "think": "Then the stock.",
        "tools": [["check_stock", {"item": "coat"}]],
        "error": {"status": 529, "times": 1},
    },
    {"think": "Pay now.", "text": "Paying.", "tools": [["pay", {"amount": 42}]]},
    {"text": "All done."},
]
"""What the model says; the second answer takes two attempts."""

EXPORTING = {
    "CLAUDE_CODE_ENABLE_TELEMETRY": "1",
    "CLAUDE_CODE_ENHANCED_TELEMETRY_BETA": "1",
    "OTEL_TRACES_EXPORTER": "otlp",
    "OTEL_LOGS_EXPORTER": "otlp",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    "OTEL_LOG_TOOL_DETAILS": "1",
}
"""With these Claude Code exports spans and events of its own."""

QUESTION = f"Buy a coat. <<script:{json.dumps(SCRIPT)}>>"
ANSWER = "All done."
PAY = [{"text": "Paying.", "tools": [["pay", {"amount": 42}]]}, {"text": ANSWER}]
PAYING = f"Pay for the coat. <<script:{json.dumps(PAY)}>>"
"""A task of one call, which needs leave."""


def noted(function):
    """*function* with a line in the file ``EFFECTS`` for each time that its body runs, and decorated.

    Where nobody names that file it stays as it is.
    """
    path = os.environ.get("EFFECTS")
    if not path:
        return function
    import tellwhy

    @functools.wraps(function)
    def counted(*args, **kwargs):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(f"{function.__name__}\n")
        return function(*args, **kwargs)

    return tellwhy.tool(effect="write")(counted)


@noted
def get_weather(city: str) -> str:
    """Weather in a city."""
    return f"-3 degrees in {city}"


@noted
def check_stock(item: str) -> str:
    """How many there are."""
    raise ValueError(f"no shelf for {item}")


@noted
def pay(amount: int) -> str:
    """Pay for it."""
    return f"paid {amount}"


def form():
    """How the scenario is to be run: the first word of the command line."""
    return sys.argv[1] if len(sys.argv) > 1 else ""


def beside():
    """Start the instrumentors that the environment asks for, as their users do."""
    words = os.environ.get("BESIDE", "")
    if words == "claude_code":
        os.environ |= EXPORTING | {
            "OTEL_EXPORTER_OTLP_ENDPOINT": os.environ["TELLWHY_ENDPOINT"],
        }
        return
    for line in filter(None, words.split(",")):
        module, _, name = line.partition(":")
        found = getattr(__import__(module, fromlist=[name]), name)
        if name == "Agent":
            found.instrument_all()
        else:
            found().instrument()


def around():
    """An agent of ours around it all, where others tell too: their spans are in its trace then."""
    if not os.environ.get("BESIDE"):
        return contextlib.nullcontext()
    import tellwhy

    return tellwhy.agent("shop", conversation_id=CONVERSATION)
