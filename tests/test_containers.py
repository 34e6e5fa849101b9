"""Dockerfile and compose file: what they promise, and with an engine at hand a real stack."""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from fnmatch import fnmatch
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
GUIDE = (ROOT / "docs" / "guides" / "deploy.md").read_text()


def stages() -> dict[str, str]:
    """Stage of the Dockerfile -> the image or stage that it starts from."""
    return {
        name: base for base, name in re.findall(r"^FROM (\S+) AS (\S+)$", DOCKERFILE, re.MULTILINE)
    }


def test_the_file_has_what_both_composes_read():
    """No `version`, no `name`: docker-compose 1.29 and Compose v2 take the same file."""
    assert COMPOSE.keys() == {"x-room", "services", "volumes"}
    assert SERVICES.keys() == {"collector", "viewer", "example"}


def test_every_port_is_published_on_loopback_only():
    """The three doors, each with its own number outside unless a variable says otherwise."""
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    pattern = re.compile(r"127\.0\.0\.1:\$\{TELLWHY_\w+_PORT:-(\d+)\}:(\d+)")
    found = [pattern.fullmatch(port) for port in published]
    assert all(found), published
    assert [m.groups() for m in found if m] == [(p, p) for p in ("4317", "4318", "8501")]
    for _, door in (m.groups() for m in found if m):
        assert f"127.0.0.1:{door}" in GUIDE


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_may_do_little(name):
    """Nobody is root, the root is read-only, nothing is privileged, every stage pins its packages."""
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["tmpfs"] == ["/tmp"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"user", "privileged", "cap_add", "network_mode", "pid", "devices"} & set(service)
    assert service["build"]["target"] == name
    assert stages()[name] == "room"
    of_room = DOCKERFILE.partition(" AS room\n")[2].partition("\nFROM ")[0]
    assert re.search(r"^USER [1-9]\d+:[1-9]\d+$", of_room, re.MULTILINE)
    installs = re.findall(r"pip install (.*)", DOCKERFILE)
    assert all("-c constraints.txt" in words or "--no-deps" in words for words in installs)


def test_what_must_last_is_in_volumes():
    """Database and spool are in volumes, in folders that the image makes for them."""
    assert SERVICES["collector"]["volumes"] == ["database:/data", "spool:/spool"]
    assert list(COMPOSE["volumes"]) == ["database", "spool"]
    assert "TELLWHY_DATABASE=/data/tellwhy.duckdb" in DOCKERFILE
    assert "-o tellwhy -g tellwhy /data /spool" in DOCKERFILE


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("collector", "http://127.0.0.1:4318/readyz"),
        ("viewer", "http://127.0.0.1:8501/_stcore/health"),
    ],
)
def test_health_is_asked_with_what_the_image_has(name, address):
    """A check is Python's own library against the door inside; a silent door fails it."""
    check = SERVICES[name]["healthcheck"]["test"]
    assert check[:3] == ["CMD", "python", "-c"]
    assert address in check[3]
    silent = check[3].replace(str(urlsplit(address).port), "9")
    done = subprocess.run(["python3", "-c", silent], capture_output=True, check=False)
    assert done.returncode != 0


def environments(**outside: str) -> dict[str, dict[str, str]]:
    """Service -> its variables, as compose fills them in from those that are set *outside*."""

    def filled(text: str) -> str:
        return re.sub(r"\$\{(\w+):-(.*?)\}", lambda m: outside.get(m[1]) or m[2], text)

    return {
        name: {key: filled(text) for key, text in service.get("environment", {}).items()}
        for name, service in SERVICES.items()
    }


@pytest.mark.parametrize("given", [False, True])
def test_tokens_of_the_environment_reach_every_service(given):
    """Set where `up` is called they are asked for and shown; left out nobody is asked."""
    from tellwhy._settings import from_environment
    from tellwhy_collector import settings as collector_settings
    from tellwhy_collector.access import Access
    from tellwhy_viewer import settings as viewer_settings

    tokens = {
        role: f"{role}-token-of-the-tests" if given else "" for role in ("ingest", "read", "admin")
    }
    found = environments(
        **{f"TELLWHY_{role.upper()}_TOKEN": token for role, token in tokens.items()}
    )
    access = Access(collector_settings.load({}, found["collector"]))
    viewer = viewer_settings.load(found["viewer"])
    example = from_environment(found["example"])

    assert given == access.needs_token("ingest") == access.needs_token("read")
    assert ("ingest" if given else "none") == access.check(
        example.headers["Authorization"], "ingest"
    )
    assert ("read" if given else "none") == access.check(f"Bearer {viewer.read_token}", "read")


def test_the_settings_of_the_services_exist_and_fit_together():
    """Both rooms accept their variables, and the viewer asks under a name that is answered."""
    from tellwhy_collector import settings as collector_settings
    from tellwhy_viewer import settings as viewer_settings

    environment = environments()
    collector = collector_settings.load({}, environment["collector"])
    viewer = viewer_settings.load(environment["viewer"])
    known = set(vars(collector)) | set(viewer_settings.Settings.__dataclass_fields__)
    for name in [*environment["collector"], *environment["viewer"]]:
        assert name.removeprefix("TELLWHY_").lower() in known
    assert (collector.host, viewer.viewer_host) == ("0.0.0.0", "0.0.0.0")
    asked = urlsplit(viewer.collector_url)
    assert asked.hostname in collector.api_hosts.split(",")
    assert asked.port == collector.http_port
    assert asked.hostname in SERVICES
    assert set(viewer.viewer_allowed_hosts.split(",")) <= viewer_settings.LOOPBACK
    assert viewer.collector_url in SERVICES["example"]["command"]


def test_the_examples_wait_for_the_collector_and_end():
    """Example agents start when the collector is ready, and are no service that must stay up."""
    example = SERVICES["example"]
    assert example["depends_on"] == {"collector": {"condition": "service_healthy"}}
    assert example["restart"].startswith("on-failure")
    assert {SERVICES[name]["restart"] for name in ("collector", "viewer")} == {"unless-stopped"}


def test_the_build_gets_the_files_it_copies_and_no_others():
    """Each COPY from the context passes .dockerignore; tests, databases and git do not."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    allowed = [line.removeprefix("!") for line in lines if line.startswith("!")]
    assert "*" in lines
    copied = re.findall(r"^COPY (?!--from)(\S+) ", DOCKERFILE, re.MULTILINE)
    for name in copied:
        assert (ROOT / name).exists()
        assert any(path == name or path.startswith(f"{name}/") for path in allowed), name
    for name in (".git/config", "collector/tests/x.py", ".env", "runs.duckdb", ".venv/bin/python"):
        assert not any(fnmatch(name, path) or name.startswith(f"{path}/") for path in allowed)


class Stack:
    """The compose file as a project of its own on free ports."""

    def __init__(self, words: list[str], project: str) -> None:
        with contextlib.ExitStack() as held:
            sockets = [held.enter_context(socket.socket()) for _ in range(3)]
            for one in sockets:
                one.bind(("127.0.0.1", 0))
            names = ("TELLWHY_GRPC_PORT", "TELLWHY_HTTP_PORT", "TELLWHY_VIEWER_PORT")
            ports = [one.getsockname()[1] for one in sockets]
        self._environment = {**os.environ, **dict(zip(names, map(str, ports), strict=True))}
        self._words = [*words, "-p", project, "-f", str(ROOT / "docker-compose.yml")]
        self.collector, self.viewer = (f"http://127.0.0.1:{port}" for port in ports[1:])

    def run(self, *words: str) -> str:
        """Run one compose command and give back what it wrote."""
        done = self._compose(*words)
        if done.returncode:
            logs = self._compose("logs", "--tail", "20").stdout
            pytest.fail(done.stdout[-3000:] + done.stderr[-3000:] + logs)
        return done.stdout

    def _compose(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self._words, *words],
            capture_output=True,
            text=True,
            check=False,
            env=self._environment,
            timeout=1500,
        )

    def container(self, service: str) -> str:
        """Id of the container of a service, also of one that ended."""
        return self.run("ps", "-aq", service).strip()

    def ask(self, sql: str) -> list[list]:
        """Rows of one SELECT, asked from the host."""
        body = json.dumps({"sql": sql}).encode()
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(f"{self.collector}/api/sql", body, headers)
        with urllib.request.urlopen(request, timeout=20) as response:
            return json.loads(response.read())["rows"]

    def wait_for(self, expected: list[list], sql: str) -> None:
        """Ask until the rows are the expected ones; nobody may be there at first."""
        deadline, rows = time.monotonic() + 120, None
        while rows != expected:
            assert time.monotonic() < deadline, f"{sql}: {rows}, not {expected}"
            with contextlib.suppress(OSError):
                rows = self.ask(sql)
            time.sleep(0.2)


def inspect(container: str, what: str) -> str:
    words = ["docker", "inspect", "--format", f"{{{{{what}}}}}", container]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def stack():
    """A stack that is down with its volume after the test; skipped without an engine."""
    compose = next(
        (
            words
            for words in (["docker", "compose"], ["docker-compose"])
            if shutil.which(words[0])
            and not subprocess.run([*words, "version"], capture_output=True, check=False).returncode
        ),
        None,
    )
    engine = ["docker", "info"]
    if compose is None or subprocess.run(engine, capture_output=True, check=False).returncode:
        pytest.skip("no Docker engine answers (docker info), or there is no compose")
    stack = Stack(compose, f"tellwhy-test-{os.getpid()}")
    yield stack
    stack.run("down", "--volumes")


def post(stack: Stack, trace_id: str) -> None:
    """One span from the host; returns when it is acknowledged."""
    span = {"traceId": trace_id, "spanId": trace_id[:16], "name": "from the host"}
    span |= {"startTimeUnixNano": str(time.time_ns()), "endTimeUnixNano": str(time.time_ns())}
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(f"{stack.collector}/v1/traces", body, headers)
    with urllib.request.urlopen(request, timeout=20) as response:
        assert response.status == 200


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_stack_shows_the_examples_and_keeps_what_it_took(stack):
    """Built and started: five example runs, a span from the host, kept over SIGKILL and `down`."""
    stack.run("build")
    stack.run("up", "-d")
    ended = subprocess.run(
        ["docker", "wait", stack.container("example")], capture_output=True, text=True, check=True
    )
    assert ended.stdout.strip() == "0"
    runs = "SELECT count(*) FROM runs WHERE service_name LIKE 'demo-%' AND status <> 'running'"
    stack.wait_for([[5]], runs)
    with urllib.request.urlopen(stack.viewer, timeout=20) as page:
        assert page.status == 200
    collector = stack.container("collector")
    assert inspect(collector, ".Config.User") == "10001:10001"

    post(stack, "a" * 32)
    before = stack.ask("SELECT count(*), count(DISTINCT span_id) FROM spans")
    subprocess.run(
        ["docker", "kill", "--signal", "KILL", collector], check=True, capture_output=True
    )
    # An engine takes `docker kill` for the operator's wish and does not restart by itself.
    stack.run("up", "-d", "collector")
    stack.wait_for(before, "SELECT count(*), count(DISTINCT span_id) FROM spans")

    stack.run("stop", "collector", "viewer")
    assert inspect(collector, ".State.ExitCode") == "0"
    stack.run("down")
    stack.run("up", "-d", "viewer")
    stack.wait_for(before, "SELECT count(*), count(DISTINCT span_id) FROM spans")
