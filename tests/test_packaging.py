import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LIGHT = """
import sys
before = set(sys.modules)
import tellwhy

@tellwhy.agent
def hello(): return "hi"

assert hello() == "hi"
heavy = {"duckdb", "pyarrow", "streamlit", "pandas", "numpy", "grpc", "httpx", "httpx2", "anthropic",
         "openai", "starlette", "pydantic"}
print(sorted(heavy & set(sys.modules)))
"""


def test_a_decorated_call_loads_nothing_heavy():
    """An agent process gets OpenTelemetry and us, even where everything else is installed."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", LIGHT],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "TELLWHY_ENDPOINT": "http://127.0.0.1:9"},
    )

    assert ("[]\n", 0) == (done.stdout, done.returncode), done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("room", "package", "cargo"),
    [
        ("tracer", "tellwhy", ["py.typed", "_demo/recordings/", "_cli/"]),
        ("collector", "tellwhy_collector", ["py.typed", "sql/", "dialects/native.py"]),
        ("viewer", "tellwhy_viewer", ["py.typed", "component/", "pages/"]),
    ],
)
def test_the_wheel_carries_everything_that_runs(room, package, cargo, tmp_path):
    """Files that are not Python are in the wheel too, and tests are not."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT / room, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    source = ROOT / room / "src" / package
    tracked = subprocess.run(
        ["git", "ls-files", "."], cwd=source, capture_output=True, text=True, check=True
    ).stdout.split("\n")

    assert [] == [part for part in cargo if not any(f"{package}/{part}" in n for n in names)]
    assert [] == [name for name in tracked if name and f"{package}/{name}" not in names]
    assert [] == [name for name in names if "/tests/" in name]
