"""Rows in, plain data to draw out: pure functions, no Streamlit, no HTTP.

`text` makes untrusted text safe to look at, `timeline` lays a run out in time, `card` tells one
decision, `context` reads message lists, `listing` fills the tables of the other pages.
"""
