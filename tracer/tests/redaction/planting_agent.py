"""A program that puts secrets wherever a program can put them: started by the tests beside it.

Its arguments are the file with the secrets and how often to go round.
"""

import json
import os
import re
import sys
from pathlib import Path

import anthropic
import openai
from opentelemetry import trace
from opentelemetry.trace import Link, SpanContext, Status, StatusCode, TraceFlags, TraceState
from planted import Planted, disguises

import tellwhy

ENV = os.environ["SHOP_PASSWORD"]


def named(secret: str) -> str:
    """A secret in a place for names; only a plain word where names are to be kept."""
    return "name" if "PLAIN_NAMES" in os.environ else secret


def plan(*steps: dict) -> str:
    """What makes the model server answer so."""
    return f"<<script:{json.dumps(steps)}>>"


def ask_anthropic(secret: str, *, stream: bool) -> None:
    """System, task, tool, its arguments and result, thinking, answer."""
    client = anthropic.Anthropic(
        max_retries=0, default_headers={"x-note": secret.replace("\n", " ")}
    )
    tool = {
        "name": "look_up",
        "description": f"Looks up. Uses {secret}",
        "input_schema": {
            "type": "object",
            "properties": {"q": {"type": "string", "default": secret}},
        },
    }
    script = plan(
        {"think": f"It is {secret}", "text": f"Using {secret}", "tools": [["look_up", {"q": secret}]]},
        {"text": f"The answer is {secret}, {ENV}"},
    )  # fmt: skip
    messages = [{"role": "user", "content": f"My key is {secret} and {ENV}. {script}"}]
    rest = {"model": "claude-x", "max_tokens": 100, "tools": [tool], "system": f"Know {secret}"}
    rest |= {"stop_sequences": [secret], "metadata": {"user_id": secret}}
    for _ in range(2):
        if stream:
            with client.messages.stream(messages=messages, **rest) as events:
                answer = events.get_final_message()
        else:
            answer = client.messages.create(messages=messages, **rest)
        messages.append({"role": "assistant", "content": answer.content})
        calls = [block for block in answer.content if block.type == "tool_use"]
        results = [
            {"type": "tool_result", "tool_use_id": call.id, "content": f"found {secret}"}
            for call in calls
        ]
        messages.append({"role": "user", "content": results or "Go on."})


def ask_openai(secret: str) -> None:
    """A chat and a response, and an error that quotes the request."""
    client = openai.OpenAI(max_retries=0)
    task = f"Use {secret}. {plan({'text': f'I have {secret}'})}"
    chat = [{"role": "system", "content": secret}, {"role": "user", "content": task}]
    for stream in (False, True):
        said = client.chat.completions.create(
            model="gpt-x", messages=chat, stream=stream, user=secret
        )
        if stream:
            list(said)
    client.responses.create(model="gpt-x", input=task, instructions=secret)
    failing = plan({"error": {"status": 400, "message": f"Incorrect API key: {secret}"}})
    try:
        client.responses.create(model="gpt-x", input=failing)
    except openai.APIStatusError:
        return


@tellwhy.tool(effect="write")
def pay(**given: object) -> object:
    """Gives back what it gets."""
    return given


@tellwhy.tool
def fail(secret: str) -> None:
    """Raises."""
    raise ValueError(f"cannot use {secret}") from KeyError(secret)


@tellwhy.agent
def in_pieces(secret: str) -> object:
    """Yields a secret letter by letter, in objects."""
    for letter in secret:
        yield {"delta": {"text": letter}}


@tellwhy.agent
def in_text(secret: str) -> object:
    """Yields a secret in pieces of text, then an object."""
    yield from (secret[at : at + 7] for at in range(0, len(secret), 7))
    yield {"done": secret}


def with_tools(secret: str) -> None:
    """Arguments, results, keys, errors, names."""
    for text in disguises(Planted("", secret)).values():
        pay(note=text, deep={"a": [{text: (text, ENV)}]}, raw=text.encode(), blob=bytearray(9))
    for call in (lambda: fail(secret), lambda: pay(**{"password": secret, secret: 1})):
        try:
            call()
        except ValueError:
            continue
    with tellwhy.tool(
        f"tool {named(secret)}", arguments={"x": secret}, call_id=named(secret)
    ) as step:
        step.result([secret])
    list(in_pieces(secret))
    list(in_text(secret))


def with_people(secret: str) -> None:
    """Decisions and approvals."""
    tellwhy.decide(
        f"route {named(secret)}", options=["a", secret], chosen=secret, why=f"as {secret}"
    )
    with tellwhy.approval(
        f"pay {named(secret)}", shown={"key": secret}, call_id=named(secret)
    ) as question:
        question.deny(by=named(secret), note=f"no, {secret}")
    tellwhy.approval("pay", arguments={"k": secret}, approved=True, by="ana", note=secret)


def with_open_telemetry(secret: str) -> None:
    """What others write: spans of their own, and on ours."""
    may_be_state = re.fullmatch(r"[!-+\--<>-~]{1,200}", named(secret))
    state = TraceState([("vendor", named(secret))] if may_be_state else [])
    other = SpanContext(5, 6, is_remote=True, trace_flags=TraceFlags(1), trace_state=state)
    tracer = trace.get_tracer(f"other {named(secret)}")
    with tracer.start_as_current_span(
        f"GET {named(secret)}",
        attributes={"a": secret, named(secret): 1},
        links=[Link(other, {"l": secret})],
    ) as span:
        span.set_attribute("http.request.header.authorization", [f"Bearer {ENV}9"])
        span.set_attribute("gen_ai.input.messages", json.dumps([{"content": secret}]))
        span.set_attribute("many", [secret, "b"])
        span.add_event(f"log {named(secret)}", {"body": secret})
        span.record_exception(RuntimeError(secret), {"more": secret})
        span.set_status(Status(StatusCode.ERROR, secret))
    ours = trace.get_current_span()
    ours.set_attribute("mine", secret)
    ours.add_event("mine", {"text": secret})
    ours.record_exception(ValueError(secret))
    ours.update_name(f"renamed {named(secret)}")


@tellwhy.agent
def work(secret: str) -> str:
    """All of it."""
    tellwhy.set_conversation(f"thread {named(secret)}")
    ask_anthropic(secret, stream=False)
    ask_anthropic(secret, stream=True)
    ask_openai(secret)
    with_tools(secret)
    with_people(secret)
    with_open_telemetry(secret)
    return f"done with {secret} and {ENV}"


@tellwhy.agent
def broken(secret: str) -> None:
    """Ends with an error."""
    raise RuntimeError(secret)


def main() -> None:
    """Every secret in every place."""
    secrets = [Planted(**each) for each in json.loads(Path(sys.argv[1]).read_text())]
    for planted in secrets:
        work(planted.text)
        with tellwhy.agent(f"agent {named(planted.text)}", version=named(planted.text)):
            try:
                broken(planted.text)
            except RuntimeError:
                print(planted.kind, flush=True)
    sys.stdin.read()  # the test looks at the spool, then closes this
    tellwhy.flush(30)


if __name__ == "__main__":
    main()
