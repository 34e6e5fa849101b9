"""Step 4 of 7. From request bodies to committed rows: bounded, in one transaction a group."""

from tellwhy_collector.ingest.intake import Ingest, Ticket
from tellwhy_collector.ingest.nouns import Batch, Item, Outcome
from tellwhy_collector.ingest.prepare import Normalise, prepare, understand
from tellwhy_collector.ingest.settler import OnQuiet

__all__ = [
    "Batch",
    "Ingest",
    "Item",
    "Normalise",
    "OnQuiet",
    "Outcome",
    "Ticket",
    "prepare",
    "understand",
]
