"""A proxy on this machine for programs that cannot be hooked, such as Claude Code.

They take the address of their model from a variable (`ANTHROPIC_BASE_URL`, `OPENAI_BASE_URL`). While it
records, the proxy hands everything on and notes it as the client hook would; while it replays, it
answers from a recording and nothing goes out. It sees model calls alone: what the program does with
the answers, its tools included, happens.

Read in this order: `server` (HTTP in), `forwarding` (recording), `serving` (replaying).
"""
