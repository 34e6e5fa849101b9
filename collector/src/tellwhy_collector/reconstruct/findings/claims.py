"""Sentences of answers that say that something was done. Pure, English only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

MOST_CLAIMS = 200
"""Sentences of one answer that are read."""

PARTICIPLES = {
    "add": "added",
    "approve": "approved",
    "assign": "assigned",
    "book": "booked|reserved",
    "buy": "bought|purchased",
    "cancel": "cancelled|canceled",
    "change": "changed|updated|modified",
    "charge": "charged",
    "close": "closed",
    "commit": "committed",
    "create": "created",
    "delete": "deleted|removed",
    "deploy": "deployed",
    "disable": "disabled",
    "edit": "edited|changed|updated",
    "email": "emailed|sent",
    "enable": "enabled",
    "exchange": "exchanged",
    "file": "filed",
    "insert": "inserted|added",
    "install": "installed",
    "issue": "issued",
    "merge": "merged",
    "modify": "modified|changed|updated",
    "move": "moved",
    "notify": "notified",
    "order": "ordered",
    "pay": "paid",
    "place": "placed",
    "post": "posted",
    "publish": "published",
    "purchase": "purchased|bought",
    "refund": "refunded",
    "remove": "removed|deleted",
    "rename": "renamed",
    "reserve": "reserved|booked",
    "reset": "reset",
    "restart": "restarted",
    "save": "saved",
    "schedule": "scheduled",
    "send": "sent",
    "submit": "submitted",
    "transfer": "transferred",
    "update": "updated|changed|modified",
    "upgrade": "upgraded",
    "upload": "uploaded",
    "write": "written|saved",
}
"""Verbs that change the world, as names of tools hold them, and how an answer says it was done."""

_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_SENTENCE = re.compile(r"[^.!?\n]+(?:[.!](?!\s|$)[^.!?\n]*)*[.!?]?")
_DOUBT = re.compile(
    r"n't\b|\b(?:not?|never|cannot|unable|fail\w*|could|would|should|can|will|if|once|when|after"
    r"|before|until|unless|error|unfortunately|must|may|might|need\w*|attempt\w*|tr(?:y|ied)"
    r"|to be|already|previous\w*|earlier|policy|only|any|cannot|request\w*)\b|\?",
    re.IGNORECASE,
)
"""What makes a sentence something else than a plain claim."""

_DONE = r"(?:has|have|been|i|we|i['\u2019]ve|we['\u2019]ve|now|successfully)"


@lru_cache(maxsize=4096)
def verbs_of(name: str) -> frozenset[str]:
    """Verbs of `PARTICIPLES` in the name of a tool: ``cancel_order``, ``cancelOrder``."""
    return frozenset(word.lower() for word in _PART.findall(name)) & PARTICIPLES.keys()


def claims_of(text: str) -> Iterator[str]:
    """Sentences that say plainly that something is so."""
    for count, found in enumerate(_SENTENCE.finditer(text)):
        if count >= MOST_CLAIMS:
            return
        sentence = found.group().strip()
        if sentence and not _DOUBT.search(sentence):
            yield sentence


def claim_in(sentence: str, verbs: frozenset[str]) -> bool:
    """Whether *sentence* says that one of *verbs* was done."""
    return any(_claim(verb).search(sentence) for verb in verbs)


@lru_cache(maxsize=256)
def _claim(verb: str) -> re.Pattern[str]:
    return re.compile(
        rf"\b{_DONE}\s+(?:\w+ly\s+|now\s+|been\s+|also\s+)*(?:{PARTICIPLES[verb]})\b",
        re.IGNORECASE,
    )
