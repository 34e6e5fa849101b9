"""Replay: the unchanged program runs again, offline, on what was recorded.

Read in this order: `recording` (what there is), `keys` (what makes two calls the same), `player`
(gives answers and notes what happens), `serving` (the transport), `fence` and `programs` (no
connection leaves, no program is started), `network` (what the kernel adds to that), `workers` (who
else is in the replay),
`verdict` and `differences` (what it came to), `report` (in words).

`tellwhy replay` starts a program with ``TELLWHY_REPLAY`` set to a recording; `import tellwhy` then
begins the replay before the program's own code goes on. `replaying` does it for a block of code.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from types import ModuleType
from typing import Any

from opentelemetry.sdk.trace import TracerProvider

from tellwhy import _configure, _provider, _settings, _standing_in
from tellwhy._clients.arrival import when_imported
from tellwhy._replay import fence, serving, serving_botocore, workers
from tellwhy._replay.player import Event, Options, Player
from tellwhy._replay.recording import Recording, UnusableRecording, load
from tellwhy._replay.verdict import Divergence, Verdict, verdict_of
from tellwhy._standing_in import ReplayDiverged

__all__ = ["Divergence", "ReplayDiverged", "UnusableRecording", "Verdict", "replaying"]

RECORDING, EVENTS, OPTIONS = "TELLWHY_REPLAY", "TELLWHY_REPLAY_EVENTS", "TELLWHY_REPLAY_OPTIONS"
"""Variables of a process that `tellwhy replay` starts: the recording, a folder for what happens, and
the fields of `Options` as JSON."""

VARIABLES = (RECORDING, EVENTS, OPTIONS)

LIBRARIES = {
    "httpx": serving.patch,
    "httpx2": serving.patch,
    "botocore.httpsession": serving_botocore.patch,
}
"""Module that sends -> what puts recorded answers in the place of the network."""


@contextmanager
def replaying(recording: str | os.PathLike[str], **options: Any) -> Iterator[Verdict]:
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
    read = load(Path(recording))
    with _folder() as folder:
        player = Player(read, Options(**options), _written_to(folder, but_of=os.getpid()))
        variables = {
            RECORDING: str(Path(recording).absolute()),
            EVENTS: str(folder),
            OPTIONS: json.dumps(asdict(player.options)),
        }
        verdict = Verdict(read.run_id)
        try:
            with workers.handed_on(variables), _installed(player):
                yield verdict
        except ReplayDiverged:
            if not (player.events or events_in(folder)):
                raise
        finally:
            found = verdict_of(read, [*player.events, *events_in(folder)])
            for field in fields(Verdict):
                setattr(verdict, field.name, getattr(found, field.name))


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder for what happens in other processes, for this one to take away."""
    folder, pid = Path(tempfile.mkdtemp(prefix="tellwhy-replay-")), os.getpid()
    try:
        yield folder
    finally:
        if os.getpid() == pid:  # not in a fork that leaves the block as well
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _installed(player: Player) -> Iterator[None]:
    with ExitStack() as stack:
        _install(player, stack)
        yield


def _install(player: Player, stack: ExitStack) -> None:
    if _standing_in.current() is not None:
        raise RuntimeError("A replay runs in this process already. End it first.")
    stack.enter_context(
        _settings.changed(disabled=False, client_hook=True, content="full", handle_sigterm=False)
    )
    if not player.options.record and not _provider.is_borrowed():
        stack.enter_context(_configure.borrowed(TracerProvider(shutdown_on_exit=False)))
    _standing_in.put(player)
    stack.callback(_standing_in.put, None)
    restores: list[Any] = []

    def serve_from(module: ModuleType) -> None:
        restores.append(LIBRARIES[module.__name__](module, player))

    for name in LIBRARIES:
        when_imported(name, serve_from)
    stack.callback(lambda: [restore() for restore in restores])
    url = _settings.traces_url(_settings.current())
    allowed = fence.addresses_of(url) if player.options.record else frozenset()
    stack.callback(fence.build(player, allowed))


def start_from_environment(environ: Mapping[str, str]) -> None:
    """Begin the replay that `tellwhy replay` started this process for.

    Raises:
        UnusableRecording: The recording cannot be read.
    """
    if _standing_in.current() is not None:
        return  # in a fork of a process that replays, or begun for a worker before
    folder = Path(environ[EVENTS])
    read = load(Path(environ[RECORDING]))
    options = Options(**json.loads(environ.get(OPTIONS, "{}")))
    player = Player(read, options, _written_to(folder))
    player.tell({"event": "started", "pid": os.getpid()})
    _install(player, _for_ever)
    workers.begin_in_workers({name: environ[name] for name in VARIABLES if name in environ})


_for_ever = ExitStack()
"""Holds what a replayed process changed, until it ends."""


def _written_to(folder: Path, *, but_of: int | None = None) -> Any:
    """What writes events to a file of this process, each at once: it may be killed.

    Args:
        folder: Where.
        but_of: The process whose events stay in its memory.
    """
    files: dict[int, Any] = {}

    def tell(event: Event) -> None:
        pid = os.getpid()  # asked each time: after a fork the child has a file of its own
        if pid == but_of:
            return
        if pid not in files:
            files[pid] = (folder / f"{pid}.jsonl").open("a", encoding="utf-8")
        files[pid].write(json.dumps(event, ensure_ascii=False) + "\n")
        files[pid].flush()

    return tell


def events_in(folder: Path) -> list[Event]:
    """What the processes of a replay wrote, process by process."""
    found: list[Event] = []
    for path in sorted(folder.glob("*.jsonl"), key=lambda each: each.stat().st_ctime_ns):
        for line in path.read_text("utf-8").splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:  # cut off where the process was killed
                continue
    return found


def judged(recording: Recording, folder: Path) -> Verdict:
    """The verdict on a replay that other processes ran."""
    return verdict_of(recording, events_in(folder))
