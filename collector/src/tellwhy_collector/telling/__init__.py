"""Runs and decisions in English, every sentence with the places where it can be looked up.

Computed when somebody asks, from what is stored at that moment: nothing can be stale. `decision` and
`run` are pure; `reading` brings them what they look at.
"""

from tellwhy_collector.telling.checking import check_citations
from tellwhy_collector.telling.decision import decision_told
from tellwhy_collector.telling.run import run_told
from tellwhy_collector.telling.scene import Scene, Seen
from tellwhy_collector.telling.sentences import Citation, Explanation, Sentence

__all__ = [
    "Citation",
    "Explanation",
    "Scene",
    "Seen",
    "Sentence",
    "check_citations",
    "decision_told",
    "run_told",
]
