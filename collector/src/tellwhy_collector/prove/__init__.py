"""`tellwhy prove`: what a decision depended on, tested by asking the model again.

Read in this order: `recorded` (the request out of a collector), `items` and one file a wire format
(what can be left out), `sampling` (how sure), `tree` and `search` (in which order), `provider`, `budget`
and `drawing` (the calls), `proof` (all together), `printed` (in words).
"""

from __future__ import annotations

from tellwhy_collector.prove.command import run

__all__ = ["run"]
