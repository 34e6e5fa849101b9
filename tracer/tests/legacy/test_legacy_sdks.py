"""The client hook under older majors, each in a side environment that is built once."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tellwhy._model_server import serve

ROOT = Path(__file__).resolve().parents[3]
SCENARIO = Path(__file__).with_name("scenario.py")

pytestmark = [pytest.mark.legacy, pytest.mark.slow, pytest.mark.timeout(600)]


def side_environment(name, *requirements):
    """A folder with *requirements* installed into it, built unless it is there."""
    target = ROOT / ".venv-legacy" / name
    stamp = target / "built-from"
    wanted = " ".join([*requirements, sys.version.split()[0]])
    if stamp.exists() and stamp.read_text() == wanted:
        return target
    shutil.rmtree(target, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run(
        [*pip, "--target", str(target), *requirements],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode != 0:
        pytest.skip(f"pip could not install {wanted}: {done.stderr.strip().splitlines()[-1:]}")
    stamp.write_text(wanted)
    return target


def spans_of(sdk, target):
    """The version that ran and the spans that it left."""
    clean = {
        k: v for k, v in os.environ.items() if not k.startswith(("TELLWHY", "OTEL", "ANTHROPIC"))
    }
    with serve() as server:
        done = subprocess.run(
            [sys.executable, str(SCENARIO), sdk, server.url],
            env={**clean, "TELLWHY_STRICT": "1", "PYTHONPATH": str(target)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    return found["version"], found["spans"]


def check(spans, calls):
    """Every call gave one whole span of ours, and the tool that ran unseen was found."""
    assert {span["scope"] for span in spans} == {"tellwhy"}
    assert all(span["ok"] for span in spans)
    models = [s for s in spans if s["attributes"]["tellwhy.step.kind"] == "model_call"]
    assert len(models) == calls
    (tool,) = [s for s in spans if s["attributes"]["tellwhy.step.kind"] == "tool_call"]
    assert json.loads(tool["attributes"]["gen_ai.tool.call.arguments"]) == {"city": "Oslo"}
    assert max(span["attributes"]["tellwhy.attempts"] for span in models) == 2
    for span in models:
        assert span["attributes"]["tellwhy.provider.request_id"]
        if span["name"].startswith("chat"):
            assert json.loads(span["attributes"]["tellwhy.decision.chosen"])
            assert span["attributes"]["gen_ai.response.id"]
    return models


@pytest.mark.parametrize(
    ("name", "requirement", "major"),
    [("anthropic-0", "anthropic<1", "0."), ("anthropic-1", "anthropic>=1,<2", "1.")],
)
def test_anthropic(name, requirement, major):
    """Anthropic 0.x and 1.x: all forms, sync and async, with the signature of the thinking."""
    version, spans = spans_of("anthropic", side_environment(name, requirement))
    assert version.startswith(major)
    models = check(spans, 9)
    thoughts = [
        json.loads(s["attributes"]["gen_ai.output.messages"])[0]["parts"][0] for s in models
    ]
    assert sum("signature" in part for part in thoughts) == 8


def test_openai():
    """Openai 2.x, on httpx: chat, responses, embeddings."""
    version, spans = spans_of("openai", side_environment("openai-2", "openai>=2,<3"))
    assert version.startswith("2.")
    check(spans, 9)
