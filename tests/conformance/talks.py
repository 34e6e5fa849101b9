"""Record whole talks of agents with tools, replay them with the tools stubbed, and say n of n.

    python tests/conformance/talks.py FOLDER

FOLDER holds JSON files with a list ``traj`` of OpenAI chat messages, as tau-bench writes its runs. Each
file is one run: a loop that asks a model, runs its tool calls and takes what the user says, through the
real SDK, with the recorded answers behind it. It is recorded into a collector and replayed with models and
tools away. A run passes when the replay gives the same messages, all results of tools among them, asks
nobody, runs no tool and is identical. Ends with status 1 when one does not.
"""

import argparse
import json
import os
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ["TELLWHY_STRICT"] = "1"  # the tracer's own errors are raised

import httpx2
import openai

import tellwhy
from tellwhy_collector.testing import collector

Message = dict[str, Any]


class World:
    """What lies outside of the agent: a model and tools that answer as recorded, counted."""

    def __init__(self, messages: list[Message]) -> None:
        self.answers = iter([each for each in messages if each["role"] == "assistant"])
        self.results = iter([each["content"] for each in messages if each["role"] == "tool"])
        self.asked = self.ran = 0

    def answer(self, _request: Any) -> httpx2.Response:
        """The next answer of the model."""
        self.asked += 1
        message = next(self.answers)
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        said = {"id": "x", "object": "chat.completion", "created": 1, "model": "m"}
        return httpx2.Response(200, json={**said, "choices": [choice]})

    def run(self, name: str, arguments: Any) -> str:
        """The next result of a tool."""

        @tellwhy.tool(name=name, effect="write")
        def tool(**_given: Any) -> str:
            self.ran += 1
            return next(self.results)

        return tool(**arguments) if isinstance(arguments, dict) else tool(arguments=arguments)


def main() -> int:
    """Record, replay, print."""
    parser = argparse.ArgumentParser(prog="talks.py", description=__doc__)
    parser.add_argument("folder", type=Path)
    talks = {}
    for path in sorted(parser.parse_args().folder.rglob("*.json")):
        found = json.loads(path.read_text())
        if isinstance(found, dict) and isinstance(found.get("traj"), list):
            talks[path.name] = found["traj"]
    problems, counts = played(talks)
    print(f"{len(talks) - len({name for name, _ in problems})} of {len(talks)} runs")
    print(", ".join(f"{count:,} {name}" for name, count in counts.items()))
    for name, problem in problems:
        print(f"  {name}: {problem}")
    return 1 if problems else 0


def played(talks: dict[str, list[Message]]) -> tuple[list[tuple[str, str]], dict[str, int]]:
    """What went wrong, by run; and what was served."""
    problems: list[tuple[str, str]] = []
    counts = {"model calls": 0, "tool calls": 0}
    with tempfile.TemporaryDirectory() as folder, collector(Path(folder)) as keeping:
        tellwhy.configure(endpoint=keeping.http_url, spool_dir=f"{folder}/spool")
        runs = {name: record(messages) for name, messages in talks.items()}
        if not tellwhy.flush(300):
            raise RuntimeError("The collector did not take what was recorded.")
        path = Path(folder) / "recording.jsonl"
        for name, messages in talks.items():
            run_id, first = runs[name]
            url = f"{keeping.http_url}/api/runs/{run_id}/recording"
            with urllib.request.urlopen(url, timeout=60) as said:
                path.write_bytes(said.read())
            world = World(messages)
            with tellwhy.replaying(path) as verdict:
                again = talk(messages, world)[1]
            counts["model calls"] += verdict.model_calls
            counts["tool calls"] += verdict.tool_calls
            problems += [(name, each) for each in wrong(first, again, world, verdict)]
        tellwhy.shutdown()
    return problems, counts


def record(messages: list[Message]) -> tuple[str, list[Message]]:
    """Run id, and the messages at the end."""
    return talk(messages, World(messages))


def wrong(first: Any, again: Any, world: World, verdict: Any) -> Iterator[str]:
    """What is not as it should be."""
    if world.asked or world.ran:
        yield f"{world.asked} requests and {world.ran} tools went out"
    if not verdict.identical:
        yield f"diverged: {verdict.first.what}"
    elif json.dumps(first) != json.dumps(again):
        yield "the messages are not the same"


@tellwhy.agent(name="talker")
def talk(messages: list[Message], world: World) -> tuple[str, list[Message]]:
    """Go through a talk: what the model says and tools give comes from *world*, the rest is given."""
    transport = httpx2.MockTransport(world.answer)
    history: list[Message] = []
    with openai.OpenAI(
        api_key="none",
        base_url="http://models.test/v1",
        http_client=httpx2.Client(transport=transport),
    ) as client:
        waiting: list[Any] = []
        for each in messages:
            if each["role"] == "assistant":
                reply = client.chat.completions.create(model="m", messages=history)  # type: ignore[arg-type]
                said = reply.choices[0].message
                waiting = list(said.tool_calls or [])
                history.append(said.model_dump(exclude_none=True))
            elif each["role"] == "tool":
                call = waiting.pop(0)
                arguments = json.loads(call.function.arguments)
                result = world.run(call.function.name, arguments)
                history.append({"role": "tool", "tool_call_id": call.id, "content": result})
            else:
                history.append({"role": each["role"], "content": each["content"]})
    run = tellwhy.current_run()
    return run.run_id if run else "", history


if __name__ == "__main__":
    sys.exit(main())
