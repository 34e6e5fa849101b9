"""Planted secrets, the whole way: SDKs, tracer, wire, collector, database file."""

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

PLANTING = Path(__file__).parents[1] / "tracer/tests/redaction"
sys.path.insert(0, str(PLANTING))

import planted  # noqa: E402 - beside the tracer's tests

PASSWORD = "green-sofa-7731"
KINDS = ("anthropic", "openai_project", "aws_secret", "jwt", "RSA PRIVATE KEY", "visa by ' '")


@pytest.mark.slow
def test_no_planted_secret_is_in_the_collectors_database(collector, agent_environment, tmp_path):
    """Neither in any byte of the file nor in any value of any table."""
    running = collector()
    secrets = [each for each in planted.secrets(seed=12) if each.kind in KINDS]
    (tmp_path / "secrets.json").write_text(json.dumps([asdict(each) for each in secrets]))
    program = subprocess.run(
        [sys.executable, str(PLANTING / "planting_agent.py"), str(tmp_path / "secrets.json")],
        input="",
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        env=agent_environment
        | {
            "SHOP_PASSWORD": PASSWORD,
            "TELLWHY_ENDPOINT": running.url,
            "TELLWHY_SPOOL_DIR": str(tmp_path / "spool"),
        },
    )
    assert (0, "") == (program.returncode, program.stderr)
    running.wait_for([[0]], "SELECT count(*) FROM steps WHERE end_time IS NULL")
    told = []
    for (table,) in running.ask("SELECT table_name FROM duckdb_tables() WHERE NOT internal"):
        rows = running.ask(f'SELECT CAST(t AS VARCHAR) FROM "{table}" AS t')
        told += [text for (text,) in rows]
    running.stop()

    secrets.append(planted.Planted("environment", PASSWORD))
    assert len(told) > len(secrets) * 20
    assert [] == planted.leaks("\n".join(told).encode(), secrets)
    for path in running.database.parent.rglob("*"):
        data = path.read_bytes() if path.is_file() and path.suffix != ".json" else b""
        assert [] == planted.leaks(data, secrets), path
