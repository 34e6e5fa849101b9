"""The task's tools, and the one that Claude Code asks for leave, as an MCP server in a few lines.

Written out so that it runs beside every version of Claude Code, whatever `mcp` is installed.
"""

import json
import sys
import time

import task

TOOLS = {"get_weather": "city", "check_stock": "item", "pay": "amount"}
ASKED = "approve"


def offered(name, parameters):
    """One tool as the protocol lists it."""
    schema = {"type": "object", "properties": {key: {} for key in parameters}}
    return {"name": name, "description": f"{name}.", "inputSchema": schema}


def called(name, arguments):
    """What a tool gives back."""
    if name == ASKED:
        time.sleep(0.01)  # somebody reads it
        words = json.dumps({"behavior": "allow", "updatedInput": arguments["input"]})
        return {"content": [{"type": "text", "text": words}]}
    try:
        return {"content": [{"type": "text", "text": getattr(task, name)(**arguments)}]}
    except ValueError as error:
        return {"content": [{"type": "text", "text": str(error)}], "isError": True}


def answer(asked):
    """The result of one request."""
    method, given = asked["method"], asked.get("params", {})
    if method == "initialize":
        server = {"name": "shop", "version": "1"}
        version = given["protocolVersion"]
        return {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": server}
    if method == "tools/list":
        listed = [offered(name, [key]) for name, key in TOOLS.items()]
        return {"tools": [*listed, offered(ASKED, ["tool_name", "input", "tool_use_id"])]}
    if method == "tools/call":
        return called(given["name"], given.get("arguments", {}))
    return {}


for line in sys.stdin:
    asked = json.loads(line)
    if "id" in asked:
        reply = {"jsonrpc": "2.0", "id": asked["id"], "result": answer(asked)}
        print(json.dumps(reply), flush=True)
