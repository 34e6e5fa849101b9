import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = {"tracer": "tellwhy", "collector": "tellwhy_collector", "viewer": "tellwhy_viewer"}
ROOT_ENTRIES = set(
    """README.md ARCHITECTURE.md CONTRIBUTING.md CHANGELOG.md SECURITY.md LICENSE pyproject.toml
    constraints.txt docker-compose.yml Dockerfile .dockerignore dev.py .ci .gitignore changes tracer
    collector viewer tests examples docs benchmarks""".split()
)
MAX_LINES = 500
VAGUE_NAMES = {"utils", "util", "common", "core", "helpers", "helper", "manager", "misc", "lib"}

# Lower may not import higher. A module that is not listed may only be imported by listed ones
# above its own folder; the test below fails for a module that stands in no layer.
LAYERS = {
    "tracer": [
        [
            "_attributes",
            "_blobs",
            "_canonical",
            "_denied",
            "_objects",
            "_settings",
            "_stated_ids",
            "_version",
        ],
        ["_model_server"],
        ["_guard", "_inherited", "_otlp", "_own_provider", "_post", "_sigterm", "_telling"],
        ["_redact", "_places", "_notices"],
        ["_capture", "_foreign"],
        ["_plain_json"],
        ["_spool"],
        ["_shipping", "_adoption"],
        ["_export"],
        ["_provider"],
        ["_runs"],
        ["_recording", "_standing_in"],
        ["_threads", "_carrying"],
        ["_configure"],
        ["_granted", "_pending", "_metrics"],
        ["_clients"],
        ["_transcripts"],
        ["_step_errors"],
        ["_open_step"],
        ["_spans"],
        ["_streams"],
        ["_calls"],
        ["_approval", "_decide", "_declared"],
        ["_gate", "_frameworks"],
        ["_scopes"],
        ["_decorators", "temporal", "testing"],
        ["_replay"],
        ["_replaying", "_reask", "_proxy"],
        ["__init__"],
        ["_demo"],
        ["_cli"],
        ["__main__"],
    ],
    "collector": [
        ["records", "names", "errors", "surrogates", "bounds"],
        ["settings", "admission", "restart"],
        ["access", "asking", "tls", "disk", "decode", "costs", "flags", "watch"],
        ["dialects", "meters"],
        ["store", "shell"],
        ["reconstruct", "newest", "one_trace"],
        ["ingest", "query", "audit", "newest", "one_trace"],
        [
            "export",
            "receive",
            "recordings",
            "renormalise",
            "retention",
            "backup",
            "rules",
            "spools",
            "telling",
            "verdicts",
            "causes",
        ],
        ["explain"],
        ["prove"],
        ["question", "asked_costs"],
        ["answering"],
        ["api", "health"],
        ["app"],
        ["cli", "testing", "__init__"],
        ["__main__"],
    ],
    "viewer": [
        ["settings"],
        ["client", "identity", "queries", "shape"],
        ["component", "entrance", "parts"],
        ["pages"],
        ["app", "gate"],
        ["main"],
        ["cli", "__init__"],
        ["__main__"],
    ],
}


def tracked() -> list[Path]:
    """Files that git tracks, or all files where there is no git."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in done.stdout.splitlines() if (ROOT / name).is_file()]


def sources(room: str) -> list[Path]:
    return sorted((ROOT / room / "src" / ROOMS[room]).rglob("*.py"))


def imported(path: Path, package: str) -> list[tuple[str, int]]:
    """Dotted names that *path* imports, absolute, with line numbers."""
    home = list(path.parts)
    start = len(home) - 1 - home[::-1].index(package)
    here = home[start:-1]
    found: list[tuple[str, int]] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                stem = here[: len(here) - node.level + 1]
                base = ".".join([*stem, base] if base else stem)
            if base == package:
                found += [(f"{base}.{alias.name}", node.lineno) for alias in node.names]
            else:
                found.append((base, node.lineno))
    return found


def test_the_root_holds_only_what_the_map_names():
    """A new entry at the root needs a place in the design first."""
    seen = {path.relative_to(ROOT).parts[0] for path in tracked()}

    assert set() == seen - ROOT_ENTRIES


@pytest.mark.parametrize("room", ROOMS)
def test_no_room_imports_another(room):
    """Rooms talk by wire, never by import."""
    others = set(ROOMS.values()) - {ROOMS[room]}
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in sources(room)
        for name, line in imported(path, ROOMS[room])
        if name.split(".")[0] in others
    ]

    assert [] == wrong


@pytest.mark.parametrize("room", ROOMS)
def test_imports_inside_a_room_point_one_way(room):
    """A module imports only from its own layer or below."""
    package = ROOMS[room]
    rank = {name: depth for depth, names in enumerate(LAYERS[room]) for name in names}
    wrong = []
    for path in sources(room):
        relative = path.relative_to(ROOT / room / "src" / package)
        own = relative.parts[0].removesuffix(".py")
        if own not in rank:
            wrong.append(f"{relative}: stands in no layer of {Path(__file__).name}")
            continue
        for name, line in imported(path, package):
            parts = name.split(".")
            if parts[0] != package or len(parts) == 1:
                continue
            target = parts[1] if parts[1] in rank else "__init__"
            if rank[target] > rank[own]:
                wrong.append(f"{relative}:{line} ({own}) imports {name} from above")

    assert [] == wrong


def test_the_tracer_needs_only_open_telemetry():
    """Nothing heavy enters a user's agent process."""
    project = tomllib.loads((ROOT / "tracer/pyproject.toml").read_text())["project"]
    names = {re.split(r"[<>=~! ]", line)[0] for line in project["dependencies"]}
    expected = {"opentelemetry-api", "opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http"}

    assert expected == names


def test_files_stay_small():
    """A file that grows past the limit wants to be two rooms."""
    long = {
        str(path.relative_to(ROOT)): count
        for path in tracked()
        if path.suffix in {".py", ".js", ".sql"}
        and (count := len(path.read_text().splitlines())) > MAX_LINES
    }

    assert {} == long


def test_no_file_has_a_vague_name():
    """Each of these names is where a god file grows."""
    named = [str(path.relative_to(ROOT)) for path in tracked() if path.stem in VAGUE_NAMES]

    assert [] == named


def test_every_test_says_in_one_sentence_what_it_proves():
    """The docstring is what a failing test tells first."""
    silent = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in tracked()
        if path.name.startswith("test_") and path.suffix == ".py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]

    assert [] == silent


def test_the_three_versions_agree():
    """One version, one tag."""
    versions = {
        tomllib.loads((ROOT / room / "pyproject.toml").read_text())["project"]["version"]
        for room in ROOMS
    }

    assert 1 == len(versions)
    assert f"## {versions.pop()}" in (ROOT / "CHANGELOG.md").read_text()


def test_constraints_are_plain_pins():
    """Every line is a name, a version and perhaps a marker: no address, no path."""
    plain = re.compile(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!+_-]+( ; [^@]+)?")
    odd = [
        line
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if not plain.fullmatch(line)
    ]

    assert [] == odd


def test_the_readme_is_short():
    """A README is read in one sitting."""
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150
