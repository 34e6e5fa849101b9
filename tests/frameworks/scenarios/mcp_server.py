"""A server of the task's tools over standard input and output; for MCP 1.x and 2.x."""

import task

import tellwhy

try:
    from mcp.server.mcpserver import MCPServer
except ImportError:
    from mcp.server.fastmcp import FastMCP as MCPServer

tellwhy.configure(service_name="shop-server")
server = MCPServer("shop")
for tool in (task.get_weather, task.check_stock, task.pay):
    server.tool()(tool)
server.run()
tellwhy.shutdown()
