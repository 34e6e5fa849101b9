"""What a replay needs, noted while the agent runs: exchanges with models, outcomes of tools.

Read in this order: `exchange` (one HTTP attempt), `pieces` (a request in parts that are kept once),
`answers` (a response without secrets, cut as it came), `outcome` (what a tool gave back), `values`
and `giving` (a Python value as JSON that can be given back equal), `lane` (which task or thread it happened in).

All of it is redacted, as everything else is, and told as an aside: attributes behind a span that
only tellwhy collectors get.
"""

from __future__ import annotations

from tellwhy import _provider, _runs, _settings

__all__ = ["is_on"]


def is_on() -> bool:
    """Whether what the code at hand does is to be kept for a replay."""
    if not _settings.current().keeps_exchanges or not _provider.tells_aside():
        return False
    run = _runs.current()
    return run is None or run.replayable
