r"""Halves of characters in JSON text, which JavaScript and Python write and UTF-8 cannot hold.

A sender that cuts a text by length cuts emoji in two and writes the half as ``\ud83d``. That must
not cost a batch, nor a step its messages: the half becomes U+FFFD, as in other receivers.
"""

import re

_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
"""Every escape of a JSON text in turn, so that an escaped backslash is never taken for a start."""


def whole_characters(text: bytes) -> bytes:
    """*text* with each escaped half of a surrogate pair replaced by U+FFFD; pairs stay."""
    return _ESCAPE.sub(lambda found: rb"\ufffd" if found["half"] else found[0], text)
