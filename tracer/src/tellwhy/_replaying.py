"""The public face of replays; what stands behind it is imported when somebody replays."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from tellwhy import _settings
from tellwhy._standing_in import ReplayDiverged

if TYPE_CHECKING:
    from tellwhy._replay import Verdict

__all__ = ["ReplayDiverged", "replaying", "start_if_asked"]


def replaying(recording: str | os.PathLike[str], **options: Any) -> AbstractContextManager[Verdict]:
    """Serve the calls of a block of code from a recording; gives the verdict, filled in at the end.

    What the block asks for beyond the recording raises `tellwhy.ReplayDiverged` there, which ends
    the block and is not raised further: the verdict tells it.

    Args:
        recording: A file that `tellwhy export recording RUN` wrote.
        **options: ``allow_network``, ``allow_programs``, ``timing``, ``run_blocks``, ``record``, as `tellwhy replay` has them;
            ``main``: the name that the module has now which was ``__main__`` then.

    Raises:
        UnusableRecording: The file is no recording. Make it again.
    """
    from tellwhy import _replay  # noqa: PLC0415 - few programs replay

    return _replay.replaying(recording, **options)


def start_if_asked() -> None:
    """Begin the replay that `tellwhy replay` started this process for, if it did."""
    environ = _settings.environment()
    if environ.get("TELLWHY_REPLAY"):
        from tellwhy import _replay  # noqa: PLC0415 - few programs replay

        _replay.start_from_environment(environ)
