"""Beside the doors: what processes that died left on disk, taken in by `tellwhy serve --adopt`.

`records` reads the bytes, `folder` holds one process's folder, `orphan` tells what is in it, `adopter`
stores that. The format is described in docs/reference/spool.md; the tracer has a reader of its own.
"""

from tellwhy_collector.spools.adopter import Adopter, Adoption, watch

__all__ = ["Adopter", "Adoption", "watch"]
