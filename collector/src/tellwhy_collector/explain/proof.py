"""What a model told, held against what it was given. Pure.

A sentence is kept when it cites sentences that exist, all of its own layer, and when every figure,
quotation and name in backticks in it stands in what it cites. That does not prove its meaning:
other words are the model's own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

MAX_TEXT = 600
"""Longest sentence of a model, in characters."""

_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_QUOTE = re.compile(r"“([^”]+)”|\"([^\"]+)\"|`([^`]+)`|\u2018([^\u2019]+)\u2019")


class Facts(NamedTuple):
    """Sentences of an explanation by id, with what they cite."""

    sentences: list[dict[str, Any]]
    """As the API tells them, each with an ``id``."""
    texts: dict[str, str]
    """By id: the sentence and what it cites, as one text."""
    layers: dict[str, str]

    @classmethod
    def of(cls, sentences: Sequence[dict[str, Any]]) -> Facts:
        """Number them."""
        made = [one | {"id": f"s{at}"} for at, one in enumerate(sentences, 1)]
        texts = {one["id"]: "\n".join([one["text"], *_excerpts(one)]) for one in made}
        return cls(made, texts, {one["id"]: one["layer"] for one in made})

    def given(self) -> list[dict[str, Any]]:
        """What the model gets to see."""
        return [
            {
                "id": one["id"],
                "layer": one["layer"],
                "text": one["text"],
                "recorded": _excerpts(one),
            }
            for one in self.sentences
        ]


def kept(
    sentences: Sequence[Any], facts: Facts
) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """The sentences that hold, and the others with the reason."""
    found, dropped = [], []
    for one in sentences:
        wrong = _wrong(one, facts)
        if wrong is None:
            cites = list(dict.fromkeys(one["cites"]))
            found.append({"layer": one["layer"], "text": one["text"], "cites": cites})
        else:
            text = one.get("text") if isinstance(one, dict) else None
            dropped.append({"why": wrong, "text": str(text)[:MAX_TEXT]})
    return found, dropped


def _wrong(one: Any, facts: Facts) -> str | None:
    """Why a sentence cannot stand; None when it can."""
    if not isinstance(one, dict) or not isinstance(one.get("text"), str) or not one["text"].strip():
        return "it is no sentence"
    if len(one["text"]) > MAX_TEXT:
        return f"it is longer than {MAX_TEXT} characters"
    cites = one.get("cites")
    if not isinstance(cites, list) or not cites:
        return "it cites nothing"
    if unknown := [
        str(it)[:20] for it in cites if not (isinstance(it, str) and it in facts.layers)
    ]:
        return f"it cites {', '.join(unknown)}, which is not there"
    layers = {facts.layers[cited] for cited in cites}
    if layers != {one.get("layer")}:
        return (
            f"it is called {one.get('layer')} and rests on what is {' and '.join(sorted(layers))}"
        )
    return _beyond(one["text"], "\n".join(facts.texts[cited] for cited in cites))


def _beyond(text: str, given: str) -> str | None:
    """What stands in *text* and not in *given*."""
    known = {_figure(number) for number in _NUMBER.findall(given)}
    for number in _NUMBER.findall(text):
        if _figure(number) not in known:
            return f"{number} stands in nothing that it cites"
    plain = _plain(given)
    for groups in _QUOTE.findall(text):
        quoted = "".join(groups)
        if _plain(quoted).strip(" .,;:…") not in plain:
            return f"the words “{quoted[:60]}” stand in nothing that it cites"
    return None


def _figure(number: str) -> float:
    return float(number.replace(",", "").rstrip(".") or 0)


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[“”\"`\u2018\u2019']", "", text).casefold().split())


def _excerpts(one: dict[str, Any]) -> list[str]:
    return [cited["excerpt"] for cited in one["citations"] if cited.get("excerpt")]
