"""What both doors ask before they read a message: is the sender let in, and is there room."""

from __future__ import annotations

from dataclasses import dataclass

from tellwhy_collector.access import Access
from tellwhy_collector.disk import Disk
from tellwhy_collector.meters import Meters


@dataclass(frozen=True, slots=True)
class Gate:
    """One for both doors."""

    access: Access
    disk: Disk
    meters: Meters

    def check(self, authorization: str | None) -> None:
        """Let a sender in.

        Raises:
            NoToken: It shows no token, or an unknown one.
            WrongToken: Its token is for another door.
            DiskFull: What it sends could not be stored. It may retry.
        """
        self.access.check(authorization, "ingest")
        self.disk.check()
