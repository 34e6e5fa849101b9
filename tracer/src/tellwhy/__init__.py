"""tellwhy: see, query and replay every decision an AI agent made."""

from tellwhy._approval import Approval, approval
from tellwhy._carrying import carrier, continued
from tellwhy._configure import configure, flush, shutdown
from tellwhy._decide import decide
from tellwhy._declared import now, random, uuid4
from tellwhy._decorators import agent, tool
from tellwhy._denied import Denied
from tellwhy._frameworks import instrument
from tellwhy._replaying import ReplayDiverged, replaying
from tellwhy._replaying import start_if_asked as _start_if_asked
from tellwhy._runs import Run, set_conversation, trace_environment
from tellwhy._runs import current as current_run
from tellwhy._scopes import Step
from tellwhy._version import __version__

__all__ = [
    "Approval",
    "Denied",
    "ReplayDiverged",
    "Run",
    "Step",
    "__version__",
    "agent",
    "approval",
    "carrier",
    "configure",
    "continued",
    "current_run",
    "decide",
    "flush",
    "instrument",
    "now",
    "random",
    "replaying",
    "set_conversation",
    "shutdown",
    "tool",
    "trace_environment",
    "uuid4",
]

# Tracebacks and reprs show the public names.
for _name in __all__:
    if _name != "__version__":
        globals()[_name].__module__ = "tellwhy"
del _name

_start_if_asked()
