"""Example agents of an invented shop, Pelican Lane Outfitters; every name and number is made up.

Each file is a whole program: run it with ``python -m tellwhy._demo.agents.refund`` and your own
keys, or let `tellwhy demo` run it against the scripted model server.
"""
