"""The client hook: every model call of anthropic, openai and boto3, without a change to the host.

Read in this order: `hook` (one logical call of an SDK), `transport` (its HTTP attempts), `call` (its
span), `routes` (which format), `anthropic`, `openai_chat`, `openai_responses` (what was asked and
said), `bedrock` and `bedrock_converse` (boto3), `tee`, `body` and `sse` (streams), `decision` (what was chosen), `beside` (who else writes spans).
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable
from types import ModuleType

from tellwhy import _pending, _settings
from tellwhy._clients import bedrock, beside, hook, transport
from tellwhy._clients.arrival import wait_no_more, when_imported
from tellwhy._clients.tee import drain_abandoned

__all__ = ["drain_abandoned", "install", "uninstall"]

PATCHES: tuple[tuple[str, Callable[[ModuleType], Callable[[], None]]], ...] = (
    ("httpx", transport.patch),
    ("httpx2", transport.patch),
    ("anthropic._base_client", hook.patch),
    ("openai._base_client", hook.patch),
    ("botocore.client", bedrock.patch_client),
    ("botocore.httpsession", bedrock.patch_transport),
    ("opentelemetry.util.genai.handler", beside.patch_official),
)
"""Module -> what is done to it once the host has imported it."""

_lock = threading.RLock()
_restores: list[Callable[[], None]] = []
_at_exit_known: list[bool] = []


def install() -> None:
    """Hook what is imported now and whatever will be; a second call does nothing."""
    with _lock:
        if _restores or not _settings.current().client_hook:
            return
        _restores.append(lambda: wait_no_more(*(name for name, _ in PATCHES)))
        _restores.append(beside.switch_native_off())
        for name, patch in PATCHES:
            when_imported(name, _remembering(patch))
        if not _at_exit_known:
            _at_exit_known.append(True)
            atexit.register(drain_abandoned)


def uninstall() -> None:
    """Undo `install`, as far as nobody has wrapped our wrappers."""
    with _lock:
        drain_abandoned()
        while _restores:
            _restores.pop()()
        _pending.forget()


def _remembering(patch: Callable[[ModuleType], Callable[[], None]]) -> Callable[[ModuleType], None]:
    def action(module: ModuleType) -> None:
        with _lock:
            _restores.append(patch(module))

    return action
