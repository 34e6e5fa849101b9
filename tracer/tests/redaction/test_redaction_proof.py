"""No planted secret reaches the disk or the wire, wherever a program puts it."""

import json
import os
import random
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import planted
import pytest

from tellwhy._model_server import serve

PROGRAM = Path(__file__).with_name("planting_agent.py")
PASSWORD = "-".join(["blue", "horse", str(random.Random(7).randrange(10**9))])


@pytest.fixture(scope="module")
def models():
    """A scripted model server."""
    with serve() as server:
        yield server


@pytest.fixture
def planting(tmp_path, models):
    """Starts the planting program; it ends when its standard input is closed."""
    running = []

    def start(secrets, endpoint: str, **settings: str) -> subprocess.Popen:
        path = tmp_path / "secrets.json"
        path.write_text(json.dumps([asdict(each) for each in secrets]))
        environ = os.environ | {
            "ANTHROPIC_BASE_URL": models.url,
            "ANTHROPIC_API_KEY": "x",
            "OPENAI_BASE_URL": f"{models.url}/v1",
            "OPENAI_API_KEY": "x",
            "NO_PROXY": "127.0.0.1",
            "SHOP_PASSWORD": PASSWORD,
            "OTEL_RESOURCE_ATTRIBUTES": f"deployment.note={PASSWORD},api_key={PASSWORD[::-1]}",
            "TELLWHY_ENDPOINT": endpoint,
            "TELLWHY_SPOOL_DIR": str(tmp_path / "spool"),
            "TELLWHY_EXIT_TIMEOUT_S": "20",
            **settings,
        }
        running.append(
            subprocess.Popen(
                [sys.executable, str(PROGRAM), str(path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=environ,
            )
        )
        return running[-1]

    yield start
    for each in running:
        if each.poll() is None:
            each.kill()
        each.wait()
        for pipe in (each.stdin, each.stdout, each.stderr):
            pipe.close()


def spooled(folder: Path) -> bytes:
    """Every byte below *folder*, names included."""
    found = b""
    for path in sorted(folder.rglob("*")):
        found += str(path.name).encode()
        try:
            found += path.read_bytes() if path.is_file() else b""
        except FileNotFoundError:
            continue  # sent and removed meanwhile
    return found


def in_texts(data: bytes, secrets: list) -> list[str]:
    """`planted.leaks`, those of the environment included."""
    own = [planted.Planted("environment", PASSWORD), planted.Planted("resource", PASSWORD[::-1])]
    return planted.leaks(data, [*secrets, *own])


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_no_secret_reaches_the_disk_or_the_wire(planting, receiver, tmp_path, part):
    """Read while the program runs and when it has sent all, with what a collector alone gets."""
    secrets = planted.secrets(seed=random.randrange(10**6))[part::4]
    receiver.header = "1"
    receiver.statuses = [503] * 3  # so that the spool fills
    program = planting(secrets, receiver.url)
    seen = 0
    for line in program.stdout:
        data = spooled(tmp_path / "spool")
        assert [] == in_texts(data, secrets), line
        seen = max(seen, len(data))
        if line.strip() == secrets[-1].kind:
            break
    program.stdin.close()
    said = program.stderr.read()
    assert 0 == program.wait(60), said

    assert seen > 10_000
    posted = b"".join([*receiver.bodies, *receiver.logs])
    assert [] == in_texts(posted, secrets)
    assert [] == in_texts(said.encode(), secrets)
    names = set(receiver.names())
    assert {"chat claude-x", "chat gpt-x", "execute_tool pay", "execute_tool look_up"} <= names
    assert {"execute_tool fail", "invoke_agent broken", "approve pay"} <= names
    assert posted.count(b"[redacted]") > len(secrets) * 40


@pytest.mark.slow
def test_a_rule_that_raises_lets_nothing_out(planting, receiver, tmp_path):
    """Every text is replaced, and said once, without the text that it raised about."""
    broken = tmp_path / "sitecustomize.py"
    broken.write_text(
        "import tellwhy\n"
        "def rule(name, text):\n"
        "    raise ValueError(text)\n"
        "tellwhy.configure(redact=rule, redact_defaults=False, strict=False)\n"
    )
    secrets = planted.secrets(seed=3)[:2]
    paths = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    program = planting(secrets, receiver.url, PYTHONPATH=paths, TELLWHY_STRICT="0")
    _, said = program.communicate("")
    assert 0 == program.returncode, said

    posted = b"".join(receiver.bodies) + said.encode()
    assert [] == planted.leaks(posted, secrets)
    assert b"[redaction failed]" in posted
    assert 1 == said.count("calling the rule given to configure(redact=")


@pytest.mark.slow
def test_without_content_no_text_of_anybody_is_recorded(planting, receiver, tmp_path):
    """content="none", with all rules switched off: nothing that was said is found anywhere."""
    word = "zebra"
    said = [planted.Planted("word", f"{word} crossing the street", [word])]
    program = planting(
        said,
        receiver.url,
        TELLWHY_CONTENT="none",
        TELLWHY_REDACT_DEFAULTS="false",
        PLAIN_NAMES="yes",
    )
    assert "word" == program.stdout.readline().strip()
    data = spooled(tmp_path / "spool")
    _, errors = program.communicate("")
    assert 0 == program.returncode, errors

    assert {"chat claude-x", "execute_tool pay", "execute_tool fail"} <= set(receiver.names())
    assert [] == planted.leaks(data + b"".join(receiver.bodies), said)
