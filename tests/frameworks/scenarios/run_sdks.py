"""Both SDKs in one run, in whatever majors the environment has: a loop with a tool, and a streamed answer."""

import json

import anthropic
import openai
import task

import tellwhy

TOOL = {"type": "object", "properties": {"amount": {"type": "integer"}}}
MESSAGE = [{"role": "user", "content": task.PAYING}]


@tellwhy.tool(effect="write")
def pay(amount: int) -> str:
    """Pay for it."""
    return f"paid {amount}"


def with_anthropic():
    client = anthropic.Anthropic()
    tools = [{"name": "pay", "description": "Pay for it.", "input_schema": TOOL}]
    asked = {"model": "claude-sonnet-4-5", "max_tokens": 200, "tools": tools}
    reply = client.messages.create(messages=MESSAGE, **asked)
    (call,) = [block for block in reply.content if block.type == "tool_use"]
    result = {"type": "tool_result", "tool_use_id": call.id, "content": pay(**call.input)}
    messages = [
        *MESSAGE,
        {"role": "assistant", "content": reply.content},
        {"role": "user", "content": [result]},
    ]
    with client.messages.stream(messages=messages, **asked) as stream:
        return stream.get_final_message().content[-1].text


def with_openai():
    client = openai.OpenAI()
    function = {"name": "pay", "description": "Pay for it.", "parameters": TOOL}
    asked = {"model": "gpt-5.5", "tools": [{"type": "function", "function": function}]}
    message = client.chat.completions.create(messages=MESSAGE, **asked).choices[0].message
    (call,) = message.tool_calls
    result = pay(**json.loads(call.function.arguments))
    messages = [*MESSAGE, message, {"role": "tool", "tool_call_id": call.id, "content": result}]
    chunks = client.chat.completions.create(messages=messages, stream=True, **asked)
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


@tellwhy.agent(name=task.AGENT, conversation_id=task.CONVERSATION)
def run():
    return with_anthropic(), with_openai()


print(*run())
