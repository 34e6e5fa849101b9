"""The ASGI application: Streamlit, the run page's routes, and what stands in front of both."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware

from tellwhy_viewer import entrance, settings
from tellwhy_viewer.component import files
from tellwhy_viewer.component.routes import routes
from tellwhy_viewer.gate import Gate, content_policy
from tellwhy_viewer.parts.connection import shared

SCRIPT = Path(__file__).parent / "app" / "script.py"
COLLECT_EVERY_S = 30
"""Seconds between full garbage collections, which no longer run after every rerun."""

_INDEX = Path(st.__file__).parent / "static" / "index.html"


@asynccontextmanager
async def _life(_: st.App) -> AsyncIterator[dict[str, Any]]:
    gc.collect()
    gc.freeze()  # what is loaded by now stays loaded: later collections skip it
    sweeping = asyncio.create_task(_sweep())
    try:
        yield {}
    finally:
        sweeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sweeping


async def _sweep() -> None:
    while True:
        await asyncio.sleep(COLLECT_EVERY_S)
        gc.collect()


def application() -> st.App:
    """Give the application; one in a process."""
    import pandas as _  # noqa: F401, ICN001, PLC0415 -- loaded before the freeze, not by a visitor
    import pyarrow as __  # noqa: F401, ICN001, PLC0415

    policy = content_policy(_INDEX.read_text(encoding="utf-8"))
    return st.App(
        SCRIPT,
        routes=routes(shared),
        middleware=[Middleware(Gate, policy=policy, link=files.link())],
        lifespan=_life,
        # In memory: the client's secret stands in no file of ours and in no environment.
        secrets=entrance.secrets_of(settings.current()),
    )
