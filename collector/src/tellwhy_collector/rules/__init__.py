"""Rules that users add as SQL files: read at the start, asked about traces that were looked at."""

from tellwhy_collector.rules.files import Broken, UserRule, read_rules
from tellwhy_collector.rules.runner import Runner

__all__ = ["Broken", "Runner", "UserRule", "read_rules"]
