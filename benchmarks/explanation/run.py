"""How well the collector says where failed runs went wrong; one JSON line for each set.

    python benchmarks/explanation/run.py --data FOLDER [--save]

Every run in FOLDER is posted to a real collector in a temporary folder. When it has looked at them,
its tables ``suspects`` and ``findings`` are read, and the scorers in ``FOLDER/tools/score.py`` count.
No model is asked, and nothing of FOLDER but the runs is read before the predictions stand.
``--save`` writes ``results.json``, which the documentation quotes.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from predicting import explained, predictions

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results.json"
SCORERS = ("trail", "whoandwhen", "agentrx", "tau")


def scorer(data: Path) -> Any:
    """The module ``tools/score.py`` of *data*, used where it stands."""
    path = data / "tools" / "score.py"
    spec = importlib.util.spec_from_file_location("tellwhy_scorers", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise SystemExit(
            f"There is no scorer at {path}. Name the folder that holds tools/score.py."
        )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def lines_of(scores: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """One line a set, figures flat: ``joint_f1``, ``location_precision``, ``step`` and so on."""
    found = []
    for name, score in scores.items():
        parts = score if name != "tau" else {"tau": score}
        for part, figures in parts.items():
            line: dict[str, Any] = {"set": part}
            for key, value in figures.items():
                if isinstance(value, dict):
                    line |= {f"{key}_{inner}": one for inner, one in value.items()}
                else:
                    line[key] = value
            found.append(line)
    return found


def measured(data: Path) -> list[dict[str, Any]]:
    """The lines for the folder *data*."""
    score = scorer(data)
    with tempfile.TemporaryDirectory() as scratch:
        made = predictions(explained(data, Path(scratch)))
    return lines_of({name: getattr(score, name)(made[name]) for name in SCORERS})


def main() -> None:
    """Print the lines; keep them with ``--save``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="see sets.py for its layout")
    parser.add_argument("--save", action="store_true", help="write results.json")
    given = parser.parse_args()
    began = time.monotonic()
    lines = measured(given.data)
    for line in lines:
        print(json.dumps(line))
    if given.save:
        kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
        kept |= {"seconds": round(time.monotonic() - began), "results": lines}
        RESULTS.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
