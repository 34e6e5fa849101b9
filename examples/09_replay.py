"""A run, then the same run again, offline: models and tools answer from the recording.

Needs a collector (`tellwhy up`). What is kept is fetched from it, as `tellwhy export recording` does.
"""

import os
import tempfile
import urllib.request
from pathlib import Path

import anthropic

import tellwhy

COLLECTOR = os.environ.get("TELLWHY_ENDPOINT", "http://127.0.0.1:4318")
SENT: list[str] = []
"""What the tool did to the world."""


@tellwhy.tool(effect="irreversible")
def send_mail(to: str) -> str:
    """Send a mail; nobody can take it back."""
    SENT.append(to)
    return f"sent to {to} at {tellwhy.now():%H:%M:%S}"


TOOL = {
    "name": "send_mail",
    "description": send_mail.__doc__,
    "input_schema": {
        "type": "object",
        "properties": {"to": {"type": "string"}},
        "required": ["to"],
    },
}


@tellwhy.agent(name="mail-clerk")
def answer(request: str) -> tuple[str, str]:
    """Work on one request; gives the run's id and the answer."""
    client, run = anthropic.Anthropic(), tellwhy.current_run()
    messages = [{"role": "user", "content": f"{request} It is {tellwhy.now()}."}]
    while True:
        reply = client.messages.create(
            model="claude-haiku-4-5", max_tokens=1000, tools=[TOOL], messages=messages
        )
        calls = [block for block in reply.content if block.type == "tool_use"]
        if not calls:
            return run.run_id, reply.content[-1].text
        results = [
            {"type": "tool_result", "tool_use_id": call.id, "content": send_mail(**call.input)}
            for call in calls
        ]
        messages += [
            {"role": "assistant", "content": reply.content},
            {"role": "user", "content": results},
        ]


if __name__ == "__main__":
    run_id, said = answer("Please send the menu to Ada.")
    print(f"{said}\n{len(SENT)} mail(s) sent, run {run_id}")

    tellwhy.flush()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.jsonl"
        with urllib.request.urlopen(f"{COLLECTOR}/api/runs/{run_id}/recording") as recording:
            path.write_bytes(recording.read())
        with tellwhy.replaying(path) as verdict:
            answer("Please send the menu to Ada.")
        print(verdict)

        with tellwhy.replaying(path) as verdict:
            answer("Please send the bill to Ada.")
        print(verdict)
    print(f"{len(SENT)} mail(s) sent, still")
