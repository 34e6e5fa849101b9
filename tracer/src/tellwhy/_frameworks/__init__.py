"""Adapters: what frameworks know about their own structure, added to what the client hook sees.

One file a framework, imported when the program has imported the framework and not before. Each has
``install()``, which uses the framework's public hooks and gives the way back. `steps` holds what they
have begun, `pauses` the questions to people; `_places` asks them where the code at hand runs.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

from tellwhy import _configure, _settings
from tellwhy._clients.arrival import wait_no_more, when_imported
from tellwhy._guard import guarded
from tellwhy._settings import logger

__all__ = ["ADAPTERS", "Adapter", "active", "chosen", "install", "instrument", "uninstall"]


@dataclass(frozen=True, slots=True)
class Adapter:
    """What is known of a framework without importing anything."""

    name: str
    """As `TELLWHY_INSTRUMENT` says it, and the file in this folder."""
    module: str
    """Imported by every program that uses the framework; the adapter follows it."""
    distribution: str
    """Whose version is looked at."""
    majors: tuple[str, ...]
    """Beginnings of the versions that the tests run."""


ADAPTERS: tuple[Adapter, ...] = (
    Adapter("langgraph", "langchain_core.callbacks.manager", "langchain-core", ("1.",)),
    Adapter("llamaindex", "llama_index_instrumentation", "llama-index-core", ("0.14.",)),
    Adapter("mcp", "mcp", "mcp", ("1.", "2.")),
    Adapter("crewai", "crewai.events.event_bus", "crewai", ("1.",)),
    Adapter("pydantic_ai", "pydantic_ai", "pydantic-ai-slim", ("2.",)),
    Adapter("claude_agent", "claude_agent_sdk", "claude-agent-sdk", ("0.2.",)),
    Adapter("temporal", "temporalio.worker", "temporalio", ("1.",)),
    Adapter("openai_agents", "agents.tracing", "openai-agents", ("0.24.",)),
)

ALIASES = {"langchain": "langgraph"}
"""Another name -> the adapter that it means."""

_lock = threading.RLock()
_restores: dict[str, Callable[[], None]] = {}
_expected: set[str] = set()


def instrument(*frameworks: str) -> None:
    """Record the structure of these frameworks and of no others; without names, of every known one.

    It is what ``TELLWHY_INSTRUMENT=langgraph,mcp`` does, from code. Nothing is imported for it: a
    framework is adapted when the program imports it.

    Args:
        *frameworks: Names such as ``langgraph``; ``"none"`` for no framework at all.
    """
    with guarded("choosing frameworks"):
        _configure.configure(instrument=",".join(frameworks) or "auto")


def chosen(said: str) -> set[str]:
    """Names of the adapters that the setting *said* asks for; an unknown one costs a log line."""
    known = {adapter.name for adapter in ADAPTERS}
    words = [word.strip().lower() for word in said.split(",") if word.strip()]
    found = set(known) if not words or words[0].startswith("-") else set()
    for word in words:
        name = word.removeprefix("-").replace("-", "_")
        name = ALIASES.get(name, name)
        if word == "auto":
            found |= known
        elif word == "none":
            found = set()
        elif name not in known:
            logger.warning(
                "TELLWHY_INSTRUMENT names %s, which no adapter is for. It takes auto, none, %s.",
                word,
                ", ".join(sorted(known)),
            )
        elif word.startswith("-"):
            found.discard(name)
        else:
            found.add(name)
    return found


def install() -> None:
    """Adapt what is chosen, now or when it is imported, and let go of what is not."""
    with _lock:
        wanted = chosen(_settings.current().instrument)
        for adapter in ADAPTERS:
            if adapter.name not in wanted:
                _remove(adapter)
            elif adapter.name not in _expected:
                _expected.add(adapter.name)
                when_imported(adapter.module, _adapting(adapter))


def uninstall() -> None:
    """Undo `install`."""
    with _lock:
        for adapter in ADAPTERS:
            _remove(adapter)


def active() -> list[str]:
    """Names of the frameworks that are adapted now."""
    return sorted(_restores)


def _remove(adapter: Adapter) -> None:
    _expected.discard(adapter.name)
    wait_no_more(adapter.module)
    restore = _restores.pop(adapter.name, None)
    if restore is not None:
        with guarded(f"letting go of {adapter.name}"):
            restore()


def _adapting(adapter: Adapter) -> Callable[[ModuleType], None]:
    def action(_: ModuleType) -> None:
        with _lock, guarded(f"adapting {adapter.name}"):
            if adapter.name in _expected and adapter.name not in _restores:
                module = importlib.import_module(f"{__name__}.{adapter.name}")
                _restores[adapter.name] = module.install()

    return action
