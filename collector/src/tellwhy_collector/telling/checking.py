"""Proves that what sentences cite is there. Pure; the reader hands in how a column is read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tellwhy_collector.reconstruct.rows import JSON_COLUMNS
from tellwhy_collector.telling.paths import NoSuchPlace, found_at
from tellwhy_collector.telling.sentences import Citation, Explanation

Stored = Callable[[Citation], Any]
"""Gives the stored value of a citation's column, None when there is no such row or it is NULL."""


def check_citations(explanation: Explanation, stored: Stored) -> list[str]:
    """What is wrong with the citations; nothing when every sentence can be looked up.

    Args:
        explanation: The sentences.
        stored: Reads one column of the run's own row or of one of its steps.
    """
    wrong = []
    for number, sentence in enumerate(explanation.sentences, 1):
        if not sentence.citations:
            wrong.append(f"sentence {number} cites nothing: {sentence.text}")
        for citation in sentence.citations:
            try:
                text_at(citation, stored)
            except NoSuchPlace as missing:
                wrong.append(f"sentence {number}: {citation}: {missing}")
    return wrong


def text_at(citation: Citation, stored: Stored) -> str:
    """What stands at a citation, as text: JSON for what is no text itself.

    Raises:
        NoSuchPlace: Nothing does.
    """
    value = stored(citation)
    if value is None:
        raise NoSuchPlace(f"{citation.column} is NULL, or there is no such row")
    if citation.path is not None:
        value = found_at(_parsed(value, citation.column), citation.path)
    if citation.inner_path is not None:
        value = found_at(_loaded(value), citation.inner_path)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    if citation.from_ is None or citation.to_ is None:
        return text
    if not 0 <= citation.from_ < citation.to_ <= len(text):
        raise NoSuchPlace(f"characters {citation.from_} to {citation.to_} of {len(text)}")
    return text[citation.from_ : citation.to_]


def _parsed(value: Any, column: str) -> Any:
    return _loaded(value) if column in JSON_COLUMNS else value


def _loaded(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise NoSuchPlace("what stands there is no JSON") from None
