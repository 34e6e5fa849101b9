"""OpenAI embeddings (`POST /v1/embeddings`) → what was asked; the vectors are not kept."""

from __future__ import annotations

from typing import Any

from tellwhy._clients.messages import Answer, Question, text_part
from tellwhy._clients.openai_parts import problem, sampling, token_counts

REPRESENTED = frozenset({"model", "input"})
"""Fields of the body that have an attribute of their own."""


def question(body: dict[str, Any]) -> Question:
    """What an embeddings request asks."""
    asked = Question(operation="embeddings", model=body.get("model"))
    asked.attributes = sampling(body)
    del asked.attributes["gen_ai.request.stream"]
    if body.get("encoding_format"):
        asked.attributes["gen_ai.request.encoding_formats"] = [body["encoding_format"]]
    given = body.get("input")
    texts = given if isinstance(given, list) else [given]
    parts = [text_part(text) for text in texts if isinstance(text, str)]
    asked.messages = [{"role": "user", "parts": parts}] if parts else None
    asked.parameters = {k: v for k, v in body.items() if k not in REPRESENTED}
    return asked


def answer(body: dict[str, Any]) -> Answer:
    """What an embeddings response says about itself; the vectors are not kept."""
    said = Answer(
        attributes=token_counts(body.get("usage") or {}, "prompt_tokens", "completion_tokens"),
        error=problem(body.get("error")),
    )
    said.attributes.pop("gen_ai.usage.output_tokens", None)
    if body.get("model"):
        said.attributes["gen_ai.response.model"] = body["model"]
    return said
