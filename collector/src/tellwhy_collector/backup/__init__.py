"""Copies of the database: made while the collector runs, or of a file that nobody has open."""

from tellwhy_collector.backup.copying import Counts, copy_file, counts_of
from tellwhy_collector.backup.making import Backups, Copy

__all__ = ["Backups", "Copy", "Counts", "copy_file", "counts_of"]
