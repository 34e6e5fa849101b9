"""The nouns of telling: an `Explanation` is a list of `Sentence`s, each with `Citation`s. Pure."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

Layer = Literal["fact", "stated", "tested"]
"""What is known of a sentence: it was recorded, a model or code stated it, or a replay showed it."""

Part = Literal[
    "asked",
    "saw",
    "could",
    "chose",
    "stated",
    "came_from",
    "gate",
    "happened",
    "followed",
    "path",
    "turned",
    "ended",
    "cost",
    "found",
    "tested",
]
"""What a sentence is about; readers group by it."""


class Citation(NamedTuple):
    """One place in the tables where a sentence can be looked up."""

    span_id: str | None
    """The step; None when *table* is another: of ``runs`` the row is the run's own."""
    column: str
    """Column of *table*; never NULL there."""
    path: str | None = None
    """JSON path inside the column; None for all of it."""
    inner_path: str | None = None
    """JSON path inside the text at *path*, where that text is JSON itself."""
    from_: int | None = None
    """First character inside the text, from 0; None for a whole value."""
    to_: int | None = None
    """One behind the last."""
    decision_id: str | None = None
    """The choice that is told of there, where it is one."""
    table: Literal["steps", "runs", "proofs", "causes"] = "steps"
    proof_id: str | None = None
    """The test, for ``proofs`` and ``causes``."""
    place: int | None = None
    """The row of the test, for ``causes``."""

    def as_json(self) -> dict[str, Any]:
        """As the API tells it: without what is not set."""
        return {
            name.rstrip("_"): value for name, value in self._asdict().items() if value is not None
        }


class Sentence(NamedTuple):
    """One sentence in English. What stands between “ and ” is quoted, between ` and ` a name."""

    layer: Layer
    part: Part
    text: str
    citations: tuple[Citation, ...]
    """At least one."""

    def as_json(self) -> dict[str, Any]:
        """As the API tells it."""
        cited = [one.as_json() for one in self.citations]
        return {"layer": self.layer, "part": self.part, "text": self.text, "citations": cited}


class Explanation(NamedTuple):
    """A run or one of its decisions in words."""

    run_id: str
    trace_id: str
    decision_id: str | None
    """None when it is about the whole run."""
    sentences: tuple[Sentence, ...]

    def as_json(self) -> dict[str, Any]:
        """As the API tells it."""
        told = [one.as_json() for one in self.sentences]
        return self._asdict() | {"sentences": told}


def fact(part: Part, text: str, *citations: Citation) -> Sentence:
    """A recorded fact; a place that is given twice is cited once."""
    return Sentence("fact", part, text, tuple(dict.fromkeys(citations)))
