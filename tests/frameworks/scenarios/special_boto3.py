"""Bedrock through boto3, where it is not one plain answer: refusals, streams, other operations."""

import json
import os

import boto3
import botocore.exceptions
import task
from botocore.config import Config

import tellwhy

tellwhy.configure()
KEYS = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "eu-north-1"}
client = boto3.client(
    "bedrock-runtime",
    endpoint_url=os.environ["ANTHROPIC_BASE_URL"],
    config=Config(retries={"mode": "standard", "max_attempts": 2}),
    **KEYS,
)


def said(text, **step):
    """A prompt whose script answers *text*."""
    return f"Say it. <<script:{json.dumps([{'text': text, **step}])}>>"


def asked(name, text, **step):
    """The request of one converse."""
    message = {"role": "user", "content": [{"text": said(text, **step)}]}
    return {"modelId": name, "messages": [message]}


def invoked(name, text):
    """The request of one invoke_model, as a model of Anthropic wants it."""
    body = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": said(text)}],
    }
    return {"modelId": name, "body": json.dumps(body)}


def refused(error, **request):
    """Whether a call of converse ends with that error."""
    try:
        client.converse(**request)
    except error:
        return True
    return False


kept = []


@tellwhy.agent(name=task.AGENT)
def loop():
    error = {"status": 429, "times": 9, "type": "ThrottlingException", "message": "Slow down."}
    assert refused(client.exceptions.ThrottlingException, **asked("throttled", "x", error=error))
    wrong = botocore.exceptions.ParamValidationError
    assert refused(wrong, modelId="wrong", messages="none")

    left = client.converse_stream(**asked("left", "one two three"))["stream"]
    assert "messageStart" in next(iter(left))
    left.close()
    cut = client.converse_stream(**asked("cut", "one two three four", cut="error"))["stream"]
    try:
        assert not list(cut)
    except botocore.exceptions.EventStreamError:
        assert cut

    kept.append(client.converse_stream(**asked("kept", "one two"))["stream"])
    assert "messageStart" in next(iter(kept[0]))

    body = client.invoke_model(**invoked("invoked", "Invoked."))["body"]
    assert "Invoked." in body.read().decode()
    chunks = client.invoke_model_with_response_stream(**invoked("piecewise", "In pieces."))["body"]
    assert [json.loads(each["chunk"]["bytes"]) for each in chunks]
    other = client.invoke_model(modelId="unseen", body=json.dumps({"messages": []}))
    assert other["body"].read(4)
    return "done"


assert loop() == "done"
print(task.ANSWER)
