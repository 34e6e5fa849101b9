"""Which request is a model call, in which wire format, and of which provider."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from tellwhy._clients import (
    anthropic,
    bedrock_converse,
    openai_chat,
    openai_embeddings,
    openai_responses,
)
from tellwhy._clients.messages import Answer, Question


class Assembler(Protocol):
    """Builds one answer from the events of a stream."""

    done: bool
    """Whether the last event came."""

    @property
    def whole(self) -> bool:
        """Whether nothing of the answer is missing."""

    def add(self, event: dict[str, Any]) -> None:
        """Take one event in."""

    def result(self) -> dict[str, Any]:
        """The answer so far, in the shape of a JSON response."""


@dataclass(frozen=True, slots=True, eq=False)
class Format:
    """One wire format: how to read its requests, its responses and its streams."""

    name: str
    question: Callable[[dict[str, Any]], Question]
    answer: Callable[[dict[str, Any]], Answer]
    assembler: Callable[[], Assembler] | None
    needs: frozenset[str]
    """A body without any of these fields is another API on the same path."""
    provider: str = "openai"
    """Who answers in it where the address does not say."""


MESSAGES = Format(
    "anthropic",
    anthropic.question,
    anthropic.answer,
    anthropic.Assembler,
    frozenset({"messages", "thread"}),
    "anthropic",
)
CONVERSE = Format(
    "bedrock_converse",
    bedrock_converse.question,
    bedrock_converse.answer,
    bedrock_converse.Assembler,
    frozenset({"messages"}),
    "aws.bedrock",
)
"""Spoken by botocore alone, whose calls are known by their operation."""
CHAT = Format(
    "openai_chat",
    openai_chat.question,
    openai_chat.answer,
    openai_chat.Assembler,
    frozenset({"messages", "prompt"}),
)
RESPONSES = Format(
    "openai_responses",
    openai_responses.question,
    openai_responses.answer,
    openai_responses.Assembler,
    frozenset({"input", "previous_response_id", "prompt", "conversation"}),
)
EMBEDDINGS = Format(
    "openai_embeddings",
    openai_embeddings.question,
    openai_embeddings.answer,
    None,
    frozenset({"input"}),
)

ENDS: tuple[tuple[str, Format], ...] = (
    ("/v1/messages", MESSAGES),
    ("/chat/completions", CHAT),
    ("/responses", RESPONSES),
    ("/embeddings", EMBEDDINGS),
    ("/completions", CHAT),
)
"""End of the path -> format. ``/threads/…/messages`` and ``/messages/count_tokens`` are neither."""

WIRE_ENDS = (
    *(end.encode() for end, _ in ENDS),
    b"/invoke",
    b"/invoke-with-response-stream",
    b"/converse",
    b"/converse-stream",
    b":rawPredict",
    b":streamRawPredict",
)
"""Ends of paths as they go out; Bedrock and Vertex rewrite the SDK's ``/v1/messages``."""

CLOUD_MODEL = re.compile(
    r"/models?/(.+?)(?:(/invoke-with-response-stream|/converse-stream|:streamRawPredict)"
    r"|/invoke|/converse|:rawPredict)$"
)
"""Where Bedrock and Vertex carry the model that the body leaves out."""

HOSTS: tuple[tuple[str, str], ...] = (
    ("anthropic.com", "anthropic"),
    ("openai.azure.com", "azure.ai.openai"),
    ("services.ai.azure.com", "azure.ai.inference"),
    ("openai.com", "openai"),
    ("amazonaws.com", "aws.bedrock"),
    ("aiplatform.googleapis.com", "gcp.vertex_ai"),
    ("generativelanguage.googleapis.com", "gcp.gemini"),
    ("groq.com", "groq"),
    ("mistral.ai", "mistral_ai"),
    ("deepseek.com", "deepseek"),
    ("x.ai", "x_ai"),
    ("perplexity.ai", "perplexity"),
    ("cohere.com", "cohere"),
    ("moonshot.ai", "moonshot_ai"),
    ("openrouter.ai", "openrouter"),
    ("together.xyz", "together"),
    ("fireworks.ai", "fireworks"),
    ("cerebras.ai", "cerebras"),
)
"""End of the host -> ``gen_ai.provider.name``, of the conventions where they have one; more special
ones first."""


@functools.lru_cache(maxsize=256)
def of_path(path: str) -> Format | None:
    """The format that a path ends with, or None when it is no model call."""
    path = path.partition("?")[0].rstrip("/")
    for end, found in ENDS:
        # An SDK's own path may come without the version: "/chat/completions", "messages".
        if path.endswith(end) or path == end[1:]:
            return found
    return None


def goes_to_model(method: str, raw_path: bytes) -> bool:
    """Whether an outgoing request may be an attempt of a model call; cheap, asked for every one."""
    return method == "POST" and raw_path.partition(b"?")[0].endswith(WIRE_ENDS)


@functools.lru_cache(maxsize=256)
def provider(host: str, spoken: Format) -> str:
    """Who answers: by the address, else the format's own provider."""
    if host.startswith("bedrock-"):  # also bedrock-mantle.REGION.api.aws, and China's domains
        return "aws.bedrock"
    for end, name in HOSTS:
        if host.endswith(end) and (len(host) == len(end) or host[-len(end) - 1] in ".-"):
            return name
    return spoken.provider


def in_path(path: str) -> tuple[str | None, bool]:
    """The model that a Bedrock or Vertex address names, and whether it asks for a stream."""
    found = CLOUD_MODEL.search(path)
    return (found[1], bool(found[2])) if found else (None, False)
