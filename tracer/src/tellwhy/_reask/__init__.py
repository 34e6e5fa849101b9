"""Asks a recorded request again: as it was, or with something changed. No agent, no tool runs.

Read in this order: `requests` (what there is to ask), `choices` (what was chosen, and how another
choice differs), `provider` (one request to one model, tried again where that helps), `kept` (answers
that were had before), `budget` (what may be spent), `asking` (all of it for one request).
"""
