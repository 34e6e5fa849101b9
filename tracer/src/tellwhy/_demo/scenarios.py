"""What the scripted model says to each example agent, kept out of the agents and their prompts.

A scenario is a file in ``scripts/``: a list of ``{"when": TEXT, "steps": [...]}``, where the first
entry whose ``when`` stands in the system prompt is used. An agent reaches its scenario by the
first segment of its base URL (``http://127.0.0.1:PORT/refund``), so the agents' own code is the
same as against the real API.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from tellwhy._model_server.script import MARK, texts


def scenario(name: str) -> list[dict[str, Any]]:
    """Read one scenario; an unknown name is an empty one."""
    path = files("tellwhy._demo") / "scripts" / f"{name}.json"
    found: list[dict[str, Any]] = json.loads(path.read_text()) if path.is_file() else []
    return found


def prepare(path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Give back the request with the fitting script in its system text; the client never sees it.

    Args:
        path: Of the request; its first segment names the scenario.
        body: The request as the SDK sent it.
    """
    name = path.strip("/").split("/")[0]
    if "/" in name or not name.isidentifier():
        return body
    system = _system(body)
    for entry in scenario(name):
        if entry["when"] in system:
            return _with_script(path, body, f"{MARK}{json.dumps(entry['steps'])}>>")
    return body


def _system(body: dict[str, Any]) -> str:
    messages = [m for m in body.get("messages") or [] if m.get("role") in {"system", "developer"}]
    return "\n".join([texts(body.get("system")), body.get("instructions") or "", texts(messages)])


def _with_script(path: str, body: dict[str, Any], script: str) -> dict[str, Any]:
    if path.endswith("/responses"):
        return {**body, "instructions": f"{body.get('instructions') or ''}\n{script}"}
    if path.endswith("/chat/completions"):
        return {**body, "messages": [{"role": "system", "content": script}, *body["messages"]]}
    return {**body, "system": f"{texts(body.get('system'))}\n{script}"}
