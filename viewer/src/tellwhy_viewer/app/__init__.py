"""What Streamlit runs: the script, its configuration, fonts and icon.

It stands in a folder of its own because Streamlit takes a folder ``pages`` beside its script for a
list of scripts.
"""
