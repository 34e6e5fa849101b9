"""tellwhy: see, query and replay every decision an AI agent made."""

from tellwhy._configure import configure, flush, shutdown
from tellwhy._runs import Run, set_conversation
from tellwhy._runs import current as current_run
from tellwhy._version import __version__

__all__ = [
    "Run",
    "__version__",
    "configure",
    "current_run",
    "flush",
    "set_conversation",
    "shutdown",
]
