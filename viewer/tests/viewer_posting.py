"""Sends made runs to a collector, at times around now."""

import json
import time
import urllib.request

NOW_NS = time.time_ns()
HOUR_NS = 3600 * 10**9


def post(url: str, export: dict) -> None:
    """Send one export; it is committed when this returns."""
    request = urllib.request.Request(
        f"{url}/v1/traces", json.dumps(export).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status == 200
