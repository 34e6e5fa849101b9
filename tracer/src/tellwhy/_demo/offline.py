"""Examples without a key: the scripted model server in this process, for as long as a block runs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tellwhy._model_server import serve

KEYS = ("ANTHROPIC_API_KEY", "OPENAI_API_KEY")
BEDROCK_KEY = "AWS_BEARER_TOKEN_BEDROCK"
SIGNING = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
"""What boto3 signs with where there is no such key; the scripted server reads it over."""


@contextmanager
def models() -> Iterator[None]:
    """Let the SDKs ask the scripted model server, unless a key for a real provider is set."""
    if any(os.environ.get(key) for key in (*KEYS, BEDROCK_KEY)):
        yield
        return
    with serve() as server:
        said = {
            "ANTHROPIC_BASE_URL": server.url,
            "OPENAI_BASE_URL": f"{server.url}/v1",
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": server.url,
            **dict.fromkeys(KEYS, "offline"),
            **{name: "offline" for name in SIGNING if name not in os.environ},
        }
        os.environ.update(said)
        try:
            yield
        finally:
            for name in said:
                os.environ.pop(name, None)


def script(question: str, *steps: dict[str, Any]) -> str:
    """*question* with what the scripted model is to say to it; real models read over it."""
    return f"{question} <<script:{json.dumps(steps)}>>"
