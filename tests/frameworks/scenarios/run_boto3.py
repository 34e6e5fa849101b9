"""Bedrock through boto3: a loop by hand with converse, or with converse_stream; leave is asked in code."""

import json
import os

import boto3
import task
from botocore.config import Config

import tellwhy

task.beside()
tellwhy.configure()
SCRIPT = [
    {**step, "error": {"status": 503, "times": 1, "type": "ServiceUnavailableException"}}
    if "error" in step
    else step
    for step in task.SCRIPT
]
"""Bedrock is overloaded in other words."""

client = boto3.client(
    "bedrock-runtime",
    region_name="eu-north-1",
    endpoint_url=os.environ["ANTHROPIC_BASE_URL"],
    aws_access_key_id="x",
    aws_secret_access_key="x",
    config=Config(retries={"max_attempts": 3}),
)
TOOLS = {
    name: tellwhy.tool(effect=effect)(getattr(task, name))
    for name, effect in {"get_weather": "read", "check_stock": "read", "pay": "write"}.items()
}
FIELDS = {"get_weather": ("city", "string"), "check_stock": ("item", "string")}
OFFERED = [
    {
        "toolSpec": {
            "name": name,
            "description": tool.__doc__,
            "inputSchema": {"json": {"type": "object", "properties": {field: {"type": kind}}}},
        }
    }
    for name, tool in TOOLS.items()
    for field, kind in [FIELDS.get(name, ("amount", "integer"))]
]


def asked(messages):
    """What the model says to *messages*, as the message that goes into the next request."""
    request = {
        "modelId": "eu.anthropic.claude-sonnet-5-v1:0",
        "messages": messages,
        "system": [{"text": "Be brief."}],
        "inferenceConfig": {"maxTokens": 2000},
        "toolConfig": {"tools": OFFERED},
        "additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 1024}},
    }
    if task.form() != "stream":
        return client.converse(**request)["output"]["message"]
    blocks = {}
    for event in client.converse_stream(**request)["stream"]:
        if "contentBlockStart" in event:
            told = event["contentBlockStart"]
            blocks[told["contentBlockIndex"]] = {
                "toolUse": {**told["start"]["toolUse"], "input": ""}
            }
        elif "contentBlockDelta" in event:
            told = event["contentBlockDelta"]
            add(blocks, told["contentBlockIndex"], told["delta"])
    for block in blocks.values():
        if "toolUse" in block:
            block["toolUse"]["input"] = json.loads(block["toolUse"]["input"])
    return {"role": "assistant", "content": [blocks[place] for place in sorted(blocks)]}


def add(blocks, place, delta):
    """Put a piece where it belongs."""
    if "text" in delta:
        blocks.setdefault(place, {"text": ""})["text"] += delta["text"]
    elif "toolUse" in delta:
        blocks[place]["toolUse"]["input"] += delta["toolUse"]["input"]
    else:
        thought = blocks.setdefault(place, {"reasoningContent": {"reasoningText": {"text": ""}}})
        text = thought["reasoningContent"]["reasoningText"]
        for name, piece in delta["reasoningContent"].items():
            text[name] = text.get(name, "") + piece


def carried_out(call):
    """What comes of a tool call."""
    try:
        if call["name"] == "pay":
            with tellwhy.approval("pay", arguments=call["input"]) as leave:
                leave.approve(by="ana")
        said, status = TOOLS[call["name"]](**call["input"]), "success"
    except ValueError as error:
        said, status = str(error), "error"
    result = {"toolUseId": call["toolUseId"], "content": [{"text": said}], "status": status}
    return {"toolResult": result}


@tellwhy.agent(name=task.AGENT, conversation_id=task.CONVERSATION)
def loop():
    question = f"Buy a coat. <<script:{json.dumps(SCRIPT)}>>"
    messages = [{"role": "user", "content": [{"text": question}]}]
    while True:
        message = asked(messages)
        calls = [block["toolUse"] for block in message["content"] if "toolUse" in block]
        if not calls:
            return message["content"][-1]["text"]
        results = [carried_out(call) for call in calls]
        messages += [message, {"role": "user", "content": results}]


print(loop())
