"""Recordings of runs, fetched from a collector."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from tellwhy._cli import asking
from tellwhy._cli.asking import Asking


def recording_lines(run_id: str, *, url: str | None, whole_process: bool) -> Iterator[bytes]:
    """The lines of the recording of a run.

    Raises:
        Silent: There is none; says why.
    """
    more = "?whole_process=true" if whole_process else ""
    return asking.lines(Asking.at(url), f"/api/runs/{quote(run_id, safe='')}/recording{more}")


def fetched(run_id: str, folder: Path, *, url: str | None, whole_process: bool) -> Path:
    """A file in *folder* with the recording of a run.

    Raises:
        Silent: There is none; says why.
    """
    path = folder / "recording.jsonl"
    with path.open("wb") as file:
        file.writelines(recording_lines(run_id, url=url, whole_process=whole_process))
    return path
