"""Runs every benchmark beside this file, one after the other, and prints a JSON line for each.

Each script measures its arms in turn within one run and states ratios: machines are noisy, so an
absolute figure only means something beside the other arm of the same run. `--save` also writes
``results.json``, which the documentation quotes.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGES = ("tellwhy", "anthropic", "openai", "duckdb", "opentelemetry-sdk", "streamlit")


def processor() -> str:
    """The processor's name, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((x.partition(":")[2].strip() for x in lines if x.startswith("model name")), "")


def main(words: list[str]) -> int:
    """Run the benchmarks named in *words*, or all; 1 when one of them failed."""
    wanted = {word for word in words if not word.startswith("-")}
    scripts = [path for path in sorted(HERE.glob("*.py")) if path.name != "run.py"]
    results, failed = [], 0
    for script in scripts:
        if wanted and script.stem not in wanted:
            continue
        done = subprocess.run(
            [sys.executable, str(script)], stdout=subprocess.PIPE, text=True, check=False
        )
        if done.returncode:
            print(f"{script.name} ended with status {done.returncode}.", file=sys.stderr)
            failed = 1
            continue
        for line in done.stdout.splitlines():
            if line.startswith("{"):
                results.append({"benchmark": script.stem, **json.loads(line)})
                print(json.dumps(results[-1]), flush=True)
    if "--save" in words:
        machine = {
            "python": platform.python_version(),
            "system": f"{platform.system()} {platform.machine()}",
            "processor": processor(),
            "packages": {name: version(name) for name in PACKAGES},
        }
        text = json.dumps({"machine": machine, "results": results}, indent=1)
        (HERE / "results.json").write_text(text + "\n", encoding="utf-8")
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
