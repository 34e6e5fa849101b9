"""The run page's own files, named in advance so that a browser loads them beside Streamlit's."""

from __future__ import annotations

import re
from pathlib import Path

ASSETS = Path(__file__).parent / "assets"
ADDRESS = "/_stcore/bidi-components/tellwhy-viewer.run/"
"""Where Streamlit serves them; the name is that of `view`."""

_IMPORTED = re.compile(r'^import .* from "\./([^"]+)";', re.MULTILINE)


def needed(module: str = "run.js") -> list[str]:
    """Give *module* and every module that it imports, directly or not, each once."""
    found = [module]
    for name in found:
        text = (ASSETS / name).read_text(encoding="utf-8")
        found += [one for one in dict.fromkeys(_IMPORTED.findall(text)) if one not in found]
    return found


def link() -> str:
    """Give the header ``Link`` that names them: otherwise they are found one after the other."""
    return ", ".join(f"<{ADDRESS}{name}>; rel=modulepreload" for name in needed())
