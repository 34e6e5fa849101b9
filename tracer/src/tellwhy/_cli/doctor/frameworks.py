"""Which frameworks are installed and recorded, what would tell twice, and what cannot be seen."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distributions, version

from tellwhy import _frameworks
from tellwhy._cli.doctor.findings import Finding, Patient, note, ok, problem
from tellwhy._frameworks import Adapter

SDKS = {
    "anthropic": "every call is recorded",
    "openai": "every call is recorded",
    "boto3": "calls of Bedrock are recorded: converse, converse_stream, invoke_model",
}
"""Package -> which of its calls the client hook records."""

INSTRUMENTORS = (
    "openinference-instrumentation-",
    "opentelemetry-instrumentation-genai-",
    "opentelemetry-instrumentation-",
)
"""How the packages of other instrumentors begin; what follows names what they instrument."""

TOLD_BY = {
    "langgraph": ("langchain", "langgraph"),
    "llamaindex": ("llama-index", "llamaindex"),
    "openai_agents": ("openai-agents",),
    "claude_agent": ("claude-agent-sdk",),
    "mcp": ("mcp",),
    "crewai": ("crewai",),
    "pydantic_ai": ("pydantic-ai",),
    "anthropic": ("anthropic",),
    "openai": ("openai",),
}
"""Adapter or SDK -> how instrumentors call it."""

BREAKING = {("opentelemetry-instrumentation-mcp", "mcp", "2.")}
"""An instrumentor, and the package that it breaks from the version that begins so."""

_TEMPORAL = (
    "Clients and workers of Temporal are recorded that are made after the first decorated call; of "
    "what temporalio.contrib.opentelemetry tells too, the collector keeps one step."
)
ADVICE = {
    "temporal": (_TEMPORAL, 'Call tellwhy.instrument("temporal") before Client.connect().'),
}
"""Adapter -> what else is to be known, and what to do."""

UNSEEN = {
    "boto3": (
        "Of boto3's invoke_model, calls of models that are not Anthropic's are not seen.",
        "Call them with converse, which is the same for all models.",
    ),
    "aioboto3": (
        "Model calls through aioboto3 (Bedrock) are not seen.",
        "Call converse of boto3 in a thread (asyncio.to_thread), or anthropic.AsyncAnthropicBedrock.",
    ),
    "httpx-aiohttp": (
        "SDK clients on aiohttp (DefaultAioHttpClient) are not seen.",
        "Make the client without http_client=DefaultAioHttpClient().",
    ),
    "dashscope": (
        "Calls of the dashscope package go through requests and aiohttp, and are not seen.",
        "Call the same models with openai.OpenAI(base_url=…), whose calls are.",
    ),
    "litellm": (
        "LiteLLM sends some calls through aiohttp, which are not seen.",
        "Set DISABLE_AIOHTTP_TRANSPORT=True, and its calls go through httpx.",
    ),
    "requests": (
        "Model calls that the program itself makes with requests are not seen.",
        "Make them with the anthropic or openai package; base_url takes any compatible server.",
    ),
    "aiohttp": (
        "Model calls that the program itself makes with aiohttp are not seen.",
        "Make them with the anthropic or openai package; base_url takes any compatible server.",
    ),
}
"""Distribution -> what cannot be seen of it, and what to do."""


def examine(patient: Patient) -> Iterator[Finding]:
    """SDKs, frameworks, others that instrument them, and transports that no hook is for."""
    installed = {name.lower().replace("_", "-") for name in _names()}
    for sdk in SDKS:
        if sdk in installed:
            yield _sdk(patient, sdk)
    wanted = _frameworks.chosen(patient.settings.instrument)
    for adapter in _frameworks.ADAPTERS:
        if adapter.distribution in installed:
            yield from _framework(adapter, wanted)
    yield from _others(installed)
    for name, (text, remedy) in UNSEEN.items():
        if name in installed:
            yield note(text, remedy)


def _names() -> Iterator[str]:
    for each in distributions():
        name = each.metadata["Name"]
        if name:
            yield name


def _sdk(patient: Patient, sdk: str) -> Finding:
    if not patient.settings.client_hook:
        return problem(f"Calls of {sdk} are not recorded.", "Unset TELLWHY_CLIENT_HOOK.")
    return ok(f"{sdk} {version(sdk)}: {SDKS[sdk]}")


def _framework(adapter: Adapter, wanted: set[str]) -> Iterator[Finding]:
    try:
        found = version(adapter.distribution)
    except PackageNotFoundError:
        return
    shown = f"{adapter.distribution} {found}"
    if adapter.name not in wanted:
        yield note(
            f"{shown} is installed; its structure is left out by TELLWHY_INSTRUMENT.",
            f"Add {adapter.name} to TELLWHY_INSTRUMENT, or unset it.",
        )
        return
    yield ok(f"{shown}: recorded as {adapter.name} from its import on")
    if adapter.name in ADVICE:
        yield note(*ADVICE[adapter.name])
    if not found.startswith(adapter.majors):
        tested = " and ".join(f"{major}x" for major in adapter.majors)
        yield note(
            f"{shown} is no version that was tested ({tested}).",
            "Compare its runs with `select * from steps`.",
        )


def _others(installed: set[str]) -> Iterator[Finding]:
    """Instrumentors of others that would tell of the same calls."""
    for package, broken, since in sorted(BREAKING):
        if package in installed and broken in installed and version(broken).startswith(since):
            yield problem(
                f"{package} breaks the import of {broken} {version(broken)}.",
                f"pip uninstall {package}",
            )
    for told, called in TOLD_BY.items():
        beside = sorted(
            package
            for package in installed
            for prefix in INSTRUMENTORS
            if package.startswith(prefix) and package.removeprefix(prefix) in called
        )
        if beside:
            yield note(
                f"{', '.join(beside)} would tell of {told} too, if the program starts it: the "
                "collector keeps one step of each call, the fullest.",
                "Leave its instrument() out, unless another backend needs it.",
            )
