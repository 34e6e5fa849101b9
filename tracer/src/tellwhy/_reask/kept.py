"""Answers that were had before, by what was asked: asking again what was asked costs nothing.

One file for each answer, written whole or not at all, so that a run that was stopped goes on where
it was. Requests are those of recordings, redacted; answers are redacted before they are written.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from tellwhy import _settings
from tellwhy._canonical import sha256_of
from tellwhy._replay.keys import NEVER_STEER

FORMAT = 1


def folder_of(environ: dict[str, str]) -> Path:
    """Where answers are kept: ``tellwhy/answers`` in XDG_CACHE_HOME, else in ``~/.cache``."""
    cache = environ.get("XDG_CACHE_HOME", "")
    return (Path(cache) if cache else Path.home() / ".cache") / "tellwhy" / "answers"


def key_of(url: str, body: dict[str, Any], number: int = 0) -> str:
    """The name of an answer.

    Args:
        url: Where it is asked.
        body: What is asked; what never steers a model is left out.
        number: Which of several answers to the same request, from 0.
    """
    steering = {name: value for name, value in body.items() if name not in NEVER_STEER}
    return sha256_of([FORMAT, url, steering, number])


class Kept:
    """A folder of answers; without one nothing is kept."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def get(self, key: str) -> dict[str, Any] | None:
        """The kept answer; None when there is none."""
        if self._folder is None:
            return None
        try:
            found = json.loads(self._path(key).read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def put(self, key: str, answer: dict[str, Any]) -> None:
        """Keep an answer."""
        if self._folder is None:
            return
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=path.parent, suffix=".new")  # readable by us alone
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(answer, file, ensure_ascii=False)
        Path(name).replace(path)

    def _path(self, key: str) -> Path:
        assert self._folder is not None
        return self._folder / key[:2] / f"{key}.json"


def default() -> Kept:
    """The folder of this user."""
    return Kept(folder_of(dict(_settings.environment())))
