"""The write-ahead spool: what starts is on disk before it happens, what ended until it is sent.

Read in this order: `records` (bytes), `spans` (OTLP in two parts), `segments` (files), `folder` (one
process), `store` (which segment when), `journal` (what the agent's threads write and the export
thread reads), `orphans` (what a dead process left), `heartbeats`. The format is described in docs/reference/spool.md.
"""
