"""The contributor's one door: `python3 dev.py demo|test|fix|bench|docs|pin`. Standard library only."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
ROOMS = ("tracer", "collector", "viewer")
CHORES: dict[str, list[list[str]]] = {
    "demo": [["tellwhy", "demo"]],
    "test": [
        ["ruff", "check"],
        ["ruff", "format", "--check"],
        ["mypy"],
        ["codespell"],
        ["python", "docs/generate.py", "--check"],
        ["pytest", "--numprocesses=3", "--dist=worksteal"],
    ],
    "fix": [["ruff", "check", "--fix"], ["ruff", "format"], ["python", "docs/generate.py"]],
    "bench": [["python", "benchmarks/run.py"]],
    "docs": [["python", "docs/generate.py"]],
    "pin": [["python", "-m", "pip", "install", "--quiet", "uv"], ["python", "dev.py", "_pin"]],
}
"""Chore -> the commands it runs, in order; the first failure stops it; extra words go to the last."""

QUICK = ["-m", "not slow and not frameworks and not legacy"]
"""What `test` leaves out without `--all`: what starts browsers, real programs and side environments."""

HINTS = {
    "demo": "start the collector and the viewer and run example agents, offline",
    "test": "every check and every quick test; --all: the slow ones too (other words go to pytest)",
    "fix": "format, mend what the linter can, regenerate the reference pages",
    "bench": "measure overhead and ingest, as ratios in one run",
    "docs": "regenerate docs/reference",
    "pin": "resolve constraints.txt again (maintainers)",
}


def ensure_venv() -> None:
    """Build ``.venv`` when the files that describe it changed since it was last built."""
    inputs = [ROOT / "pyproject.toml", ROOT / "constraints.txt"]
    inputs += [ROOT / room / "pyproject.toml" for room in ROOMS]
    digest = hashlib.sha256(sys.version.encode())
    for path in inputs:
        digest.update(path.read_bytes())
    stamp = VENV / "built-from"
    if stamp.exists() and stamp.read_text() == digest.hexdigest():
        return
    print(f"Building {VENV.name} with Python {sys.version.split()[0]} …", flush=True)
    venv.create(VENV, with_pip=True, clear=True)
    pip = [str(BIN / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # `--group` (PEP 735) needs pip 25.1; a bare Python 3.11 brings 23.x.
    subprocess.run([*pip, "pip>=25.1"], check=True, cwd=ROOT)
    editables = [word for room in ROOMS for word in ("-e", room)]
    subprocess.run(
        [*pip, "-c", "constraints.txt", *editables, "--group", "dev"], check=True, cwd=ROOT
    )
    stamp.write_text(digest.hexdigest())


def pin() -> None:
    """Write ``constraints.txt``: plain ``name==version ; marker`` lines, no addresses."""
    manifests = [f"{room}/pyproject.toml" for room in ROOMS]
    command = [str(BIN / "uv"), "pip", "compile", "--universal", "--no-header", "--no-annotate"]
    command += ["--python-version", "3.11", "--no-emit-index-url", "--no-emit-find-links"]
    command += [*manifests, "--group", "pyproject.toml:dev", "--upgrade", "-o", "constraints.txt"]
    subprocess.run(command, check=True, cwd=ROOT)
    own = tuple(f"{name}==" for name in ("tellwhy", "tellwhy-collector", "tellwhy-viewer"))
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    kept = [x for x in lines if not x.startswith((*own, "-e", "./", "file:"))]
    (ROOT / "constraints.txt").write_text("\n".join(kept) + "\n")


def main(words: list[str]) -> int:
    """Run one chore and give back the exit status of the command that ended it."""
    if not words or words[0] not in {*CHORES, "_pin"}:
        print("Usage: python3 dev.py CHORE [WORDS]\n")
        for name, hint in HINTS.items():
            print(f"  {name:<6} {hint}")
        return 2
    if sys.version_info < (3, 11):  # noqa: UP036 -- whatever `python3` is here may be older
        print(f"Python {sys.version.split()[0]} is too old; run dev.py with Python 3.11 or newer.")
        return 2
    if words[0] == "_pin":
        pin()
        return 0
    ensure_venv()
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "VIRTUAL_ENV": str(VENV)}
    commands = [list(command) for command in CHORES[words[0]]]
    more = words[1:]
    quick = words[0] == "test" and "--all" not in more
    if words[0] == "test":
        more = [*(QUICK if quick else []), *(word for word in more if word != "--all")]
    commands[-1] += more
    for command in commands:
        print(f"$ {' '.join(command)}", flush=True)
        program = [str(BIN / command[0]), *command[1:]]
        done = subprocess.run(program, cwd=ROOT, env=environment, check=False)
        if done.returncode:
            return done.returncode
    if quick:
        print("Left out: slow tests (browsers, real programs, agent frameworks). To run them as CI")
        print("does, about 20 minutes: python3 dev.py test --all")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
