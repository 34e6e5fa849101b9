import subprocess
import sys
from pathlib import Path

import pytest

ROOM = Path(__file__).parents[1]


@pytest.mark.slow
def test_decorated_functions_keep_their_types(tmp_path):
    """Mypy --strict sees the original signatures, right uses pass and wrong ones are found."""
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--config-file=",
         f"--cache-dir={tmp_path}", str(ROOM / "tests/typing/api.py")],
        capture_output=True, text=True, check=False, env={"MYPYPATH": str(ROOM / "src")},
    )  # fmt: skip

    assert "Success: no issues found in 1 source file" == done.stdout.strip()
