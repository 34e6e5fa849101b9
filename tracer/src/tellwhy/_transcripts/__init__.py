"""What agents' programs keep of their sessions on disk, read as spans.

Names, times and ids of a span hang on the lines alone: to read a file twice gives the same spans, and
the collector keeps one of each.
"""
