"""A recorded exchange → the call of the real SDK that sends it, and what the host gets from it."""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import anthropic
import httpx2
import openai
from replaying.cassettes import Exchange
from replaying.server import ToLoopback, ToLoopbackAsync

ENDS: tuple[tuple[str, str], ...] = (
    ("/v1/messages", "messages"),
    ("/chat/completions", "chat"),
    ("/responses", "responses"),
    ("/embeddings", "embeddings"),
    ("/completions", "completions"),
)
"""End of a path -> format."""

NOT_REPLAYED: tuple[tuple[str, str], ...] = (
    (r"/v1/complete$", "text completions: the SDK has had no such method since anthropic 2"),
    (r"/(count_tokens|input_tokens)$|:countTokens$|/count-tokens$", "counts tokens; asks no model"),
    (r"/responses/compact$", "compacts a conversation; the hook does not record it"),
    (r"/images/", "makes images; the hook records text models"),
    (r"/realtime/", "sets up a realtime session; the talk itself is no HTTP exchange"),
    (r"/(files|vector_stores|conversations)(/|$)", "files, stores and conversations; no model"),
    (r"/telemetry/|/traces/", "telemetry of a framework; no model"),
    (r"pdfobject\.com|gstatic\.com", "download of a document; no model"),
    (r"/converse(-stream)?$", "Bedrock Converse: spoken by boto3, not by these SDKs"),
    (r"generativelanguage", "Gemini's own API: spoken by google-genai, not by these SDKs"),
    (r"/api/(chat|generate)$", "Ollama's own API: spoken by ollama, not by these SDKs"),
    (r"bedrock-agent|guardrail", "Bedrock agents and guardrails: spoken by boto3"),
    (r"/invoke(-with-response-stream)?$", "Bedrock, not a body of the Messages API"),
)
"""What a URL holds -> why the exchange is no model call of these SDKs; the first that fits."""

INVOKE = re.compile(r"/model/([^/]+)/invoke(-with-response-stream)?$")


def format_of(exchange: Exchange) -> str | None:
    """The wire format in which one of the two SDKs can send this exchange; None when none can."""
    body = exchange.asked
    if exchange.method != "POST" or not isinstance(body, dict) or not exchange.body:
        return None
    if INVOKE.search(exchange.path):
        # Models of other makers have bodies of their own below the same path.
        spoken = "anthropic_version" in body and "messages" in body
        return "bedrock" if spoken else None
    return next((name for end, name in ENDS if exchange.path.endswith(end)), None)


def reason(exchange: Exchange) -> str:
    """Why an exchange is not replayed."""
    if not exchange.body and exchange.status == 200:
        return "the recording holds no answer"
    for pattern, why in NOT_REPLAYED:
        if re.search(pattern, exchange.url.partition("?")[0]):
            return why
    return f"{exchange.method} of a kept answer; no new model call"


@dataclass(frozen=True)
class Form:
    """One way to make a call."""

    asynchronous: bool
    other: bool
    """Not the plain ``create``: the stream helper, or the raw response."""


def client_for(exchange: Exchange, port: int, key: str, *, asynchronous: bool) -> Any:
    """The SDK's client for the address of an exchange, whose bytes go to the replayer."""
    http: Any
    if asynchronous:
        http = httpx2.AsyncClient(
            transport=ToLoopbackAsync(port, key), verify=False, trust_env=False
        )
    else:
        http = httpx2.Client(transport=ToLoopback(port, key), verify=False, trust_env=False)
    found = urlsplit(exchange.url)
    host = f"{found.scheme}://{found.netloc}"
    options: dict[str, Any] = {"http_client": http, "max_retries": 0, "timeout": 30}
    spoken = format_of(exchange)
    if spoken == "bedrock":
        made = anthropic.AsyncAnthropicBedrock if asynchronous else anthropic.AnthropicBedrock
        return made(api_key="x", aws_region="us-east-1", base_url=host, **options)
    options["api_key"] = "x"
    if spoken == "messages":
        base = host + found.path.removesuffix("/v1/messages")
        made = anthropic.AsyncAnthropic if asynchronous else anthropic.Anthropic
        return made(base_url=base, **options)
    if "/deployments/" in found.path:
        azure = openai.AsyncAzureOpenAI if asynchronous else openai.AzureOpenAI
        version = parse_qs(found.query)["api-version"][0]
        return azure(azure_endpoint=host, api_version=version, **options)
    end = next(end for end, _ in ENDS if found.path.endswith(end))
    made = openai.AsyncOpenAI if asynchronous else openai.OpenAI
    return made(base_url=host + found.path.removesuffix(end), **options)


def resource_of(exchange: Exchange, client: Any) -> Any:
    """The part of a client whose ``create`` sends the exchange."""
    spoken = format_of(exchange)
    if spoken in {"messages", "bedrock"}:
        return client.beta.messages if "beta=true" in exchange.url else client.messages
    return {
        "chat": lambda: client.chat.completions,
        "responses": lambda: client.responses,
        "embeddings": lambda: client.embeddings,
        "completions": lambda: client.completions,
    }[spoken]()


def arguments(exchange: Exchange, method: Callable[..., Any]) -> dict[str, Any]:
    """The recorded body as arguments of *method*; fields that it does not know as extra body."""
    known = inspect.signature(method).parameters
    body = dict(exchange.asked)
    if found := INVOKE.search(exchange.path):
        body.setdefault("model", unquote(found[1]))
        if found[2]:
            body["stream"] = True
    elif "/deployments/" in exchange.path:
        body.setdefault("model", exchange.path.split("/deployments/")[1].split("/")[0])
    if "stream" not in known:
        body.pop("stream", None)
    given = {name: value for name, value in body.items() if name in known}
    if extra := {name: value for name, value in body.items() if name not in known}:
        given["extra_body"] = extra
    if beta := exchange.request_headers.get("anthropic-beta"):
        given["extra_headers"] = {"anthropic-beta": beta}
    return given


def outcome(exchange: Exchange, client: Any, *, other: bool) -> Any:
    """Make the call; what the host got, as JSON text, or the error that it got."""
    resource = resource_of(exchange, client)
    try:
        if not exchange.is_stream:
            if other:
                raw = resource.with_raw_response.create(**arguments(exchange, resource.create))
                return _text(raw.parse())
            return _text(resource.create(**arguments(exchange, resource.create)))
        if other:
            with resource.stream(**arguments(exchange, resource.stream)) as stream:
                return [_text(event) for event in stream]
        with resource.create(**arguments(exchange, resource.create)) as stream:
            return [_text(event) for event in stream]
    except Exception as error:
        return error


async def async_outcome(exchange: Exchange, client: Any, *, other: bool) -> Any:
    """The same with an asynchronous client."""
    resource = resource_of(exchange, client)
    try:
        if not exchange.is_stream:
            if other:
                raw = await resource.with_raw_response.create(
                    **arguments(exchange, resource.create)
                )
                parsed = raw.parse()
                return _text(await parsed if inspect.isawaitable(parsed) else parsed)
            return _text(await resource.create(**arguments(exchange, resource.create)))
        if other:
            async with resource.stream(**arguments(exchange, resource.stream)) as stream:
                return [_text(event) async for event in stream]
        async with await resource.create(**arguments(exchange, resource.create)) as stream:
            return [_text(event) async for event in stream]
    except Exception as error:
        return error


def _text(found: Any) -> str:
    return (
        found.model_dump_json(warnings=False) if hasattr(found, "model_dump_json") else str(found)
    )
