"""`python -m tellwhy._demo`: a scripted model server to run the examples against, without a key."""

import sys
import threading

from tellwhy._demo import scenarios
from tellwhy._model_server import serve

PORT = 8399
"""Unless another one is given as the only argument."""


def main() -> int:
    """Serve until Ctrl+C; print the variables that send the SDKs here."""
    with serve(int(sys.argv[1]) if len(sys.argv) > 1 else PORT) as models:
        models.prepare = scenarios.prepare
        print(
            f"export ANTHROPIC_BASE_URL={models.url} ANTHROPIC_API_KEY=any\n"
            f"export OPENAI_BASE_URL={models.url}/v1 OPENAI_API_KEY=any\n"
            "# Ctrl+C stops this model server.",
            flush=True,
        )
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
