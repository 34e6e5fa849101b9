"""Golden pairs: what a real client sent (`*.otlp.json`) and what we understood (`*.steps.json`)."""

import dataclasses
import json
from pathlib import Path

import pytest

from tellwhy_collector.decode import decode
from tellwhy_collector.dialects import failures, normalise

FIXTURES = Path(__file__).parent / "fixtures"
PAIRS = sorted(FIXTURES.rglob("*.otlp.json"))


def understood(path: Path) -> list[dict]:
    """The steps of a fixture as JSON objects without the fields that say nothing."""
    body = path.read_bytes()
    signal = "logs" if b'"resourceLogs"' in body else "traces"
    decoded = decode(body, signal=signal, encoding="json")
    steps = [step for record in decoded.records if (step := normalise(record)) is not None]
    plain = [
        {
            field.name: value
            for field in dataclasses.fields(step)
            if (value := getattr(step, field.name)) != field.default
        }
        for step in steps
    ]
    return json.loads(json.dumps(plain))


@pytest.mark.parametrize("path", PAIRS, ids=lambda p: f"{p.parent.name}/{p.name.split('.')[0]}")
def test_a_record_reads_as_the_steps_beside_it(path, request):
    """A changed reading shows as a diff of the golden file, to be reviewed."""
    before = sum(failures.values())
    steps = understood(path)
    golden = path.with_name(path.name.replace(".otlp.json", ".steps.json"))
    if request.config.getoption("--update-golden"):
        golden.write_text(json.dumps(steps, indent=1, ensure_ascii=False) + "\n")

    assert before == sum(failures.values())
    assert json.loads(golden.read_text()) == steps


@pytest.mark.parametrize("path", PAIRS, ids=lambda p: f"{p.parent.name}/{p.name.split('.')[0]}")
def test_every_fixture_names_its_source(path):
    """SDK and version stand in the file, so that a difference can be traced to a release."""
    assert json.loads(path.read_text())["source"]


def test_no_golden_file_stands_alone():
    """A renamed fixture takes its golden file along."""
    pairs = {path.name.removesuffix(".otlp.json") for path in PAIRS}
    golden = {path.name.removesuffix(".steps.json") for path in FIXTURES.rglob("*.steps.json")}

    assert pairs == golden
