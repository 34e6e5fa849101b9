"""Where each value of a choice came from, in words. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby

import orjson

from tellwhy_collector.reconstruct.case import Decision, Evidence
from tellwhy_collector.telling.messages import ROLES, place_named
from tellwhy_collector.telling.scene import Scene, choice
from tellwhy_collector.telling.sentences import Citation, Sentence, fact
from tellwhy_collector.telling.wording import counted, listed, named, quoted, sentence, valued

MOST = 10
"""Most sentences about values of one decision; the rest is counted."""

_RANGE = re.compile(r"\[(\d+):(\d+)\]$")
"""Characters of a text, behind its path."""

METHODS = {
    "case": "in another case",
    "number": "as a number written differently",
    "date": "as a date written differently",
    "time": "as a time written differently",
    "whitespace": "with other spaces",
    "punctuation": "with other punctuation",
    "unicode": "in other characters of the same form",
    "unit": "with its unit",
    "member": "as a member of a list",
    "key": "as the name of a field",
    "part": "as a part of a longer text",
    "concatenation": "in pieces that were joined",
    "sum": "as the terms of a sum",
    "difference": "as the terms of a difference",
    "product": "as the factors of a product",
    "quotient": "as the parts of a quotient",
    "percentage": "as the parts of a percentage",
}
"""Evidence method -> how the value stood there; another method is named as it is."""


def sources_told(scene: Scene, decision: Decision) -> list[Sentence]:
    """One sentence for each place that values came from, then those without a source.

    Of several places only the likeliest is told; the table ``evidence`` has the others.
    """
    best = [one for one in scene.evidence if one.rank == 0]
    traced = [one for one in best if one.kind in ("exact", "normalised", "derived")]
    told = [_from_one_place(scene, decision, group) for group in _by_place(traced)]
    if len(told) > MOST:
        rest = told[MOST - 1 :]
        cited = [one.citations[-1] for one in rest[:5]]
        text = f"{counted(len(rest), 'more value')} came from other places that were found."
        told = [*told[: MOST - 1], fact("came_from", text, *cited)]
    if missing := [one for one in best if one.kind == "no_source"]:
        verb = "stood" if len(missing) == 1 else "all stood"
        text = f"{_values(missing)} {verb} nowhere in what was recorded that the model saw"
        told.append(
            fact("came_from", sentence(text), *(_written(decision, one) for one in missing))
        )
    if free := [one for one in best if one.kind == "model_written"]:
        text = f"{_names(free)} {'is' if len(free) == 1 else 'are'} the model's own text or choice"
        told.append(fact("came_from", sentence(text), *(_written(decision, one) for one in free)))
    return told


def _by_place(evidence: Iterable[Evidence]) -> list[list[Evidence]]:
    """Values that stood in the same part of the same message in the same manner, in their order."""

    def place(one: Evidence) -> tuple[object, ...]:
        inside = ".".join((one.source_path or "").split(".")[:2])
        return one.source_span_id, one.source_column, inside, one.method, one.weak

    first: dict[tuple[object, ...], int] = {}
    for at, one in enumerate(evidence := list(evidence)):
        first.setdefault(place(one), at)
    ordered = sorted(evidence, key=lambda one: first[place(one)])
    return [list(group) for _, group in groupby(ordered, key=place)]


def _from_one_place(scene: Scene, decision: Decision, group: Sequence[Evidence]) -> Sentence:
    one = group[0]
    how = "" if one.method is None else METHODS.get(one.method, f"by the rule {named(one.method)}")
    verb = "follows from" if one.kind == "derived" else "stood in"
    if one.kind == "derived" and len(group) > 1:
        verb = "follow from"
    where = _where(scene, one)
    text = f"{_values(group)} {verb} {where}"
    if how:
        text += f", {how}"
    if one.kind != "exact" and one.source_text:
        text += f": {quoted(one.source_text, 100)}"
    if one.weak:
        text += ", which may be chance: so short a value stands in many places"
    cited = [cite(item) for item in group]
    return fact("came_from", sentence(text), *cited, *(_written(decision, item) for item in group))


def _where(scene: Scene, one: Evidence) -> str:
    if one.source_column == "system_instructions":
        return ROLES["system"]
    if one.source_column == "tools_offered":
        return ROLES["tool_schema"]
    messages = scene.text(one.source_span_id or "", one.source_column or "")
    return place_named(messages, one.source_path, one.source_role)


def cite(one: Evidence) -> Citation:
    """The place that a row of evidence names."""
    return Citation(
        one.source_span_id or one.span_id,
        one.source_column or "name",
        one.source_path,
        one.source_inner_path,
        one.source_from,
        one.source_to,
    )


def _written(decision: Decision, one: Evidence) -> Citation:
    """Where the model wrote the value."""
    path, begin, end = _split(one.argument)
    if decision.arguments is None:
        return choice(decision)
    return choice(decision, f".arguments{path.removeprefix('$')}")._replace(from_=begin, to_=end)


def _split(argument: str) -> tuple[str, int | None, int | None]:
    """The path of a value and, where it is a piece of a text, its characters."""
    found = _RANGE.search(argument)
    if found is None:
        return argument, None, None
    return argument[: found.start()], int(found[1]), int(found[2])


def _values(group: Sequence[Evidence]) -> str:
    return listed([_named_value(one) for one in group])


def _named_value(one: Evidence) -> str:
    """`` `order_id` “88213” ``; of a piece of a text ``“88213” in `body` ``."""
    path, begin, _ = _split(one.argument)
    name = path.removeprefix("$").removeprefix(".")
    if not name:
        return _value(one)
    return (
        f"{_value(one)} in {named(name)}" if begin is not None else f"{named(name)} {_value(one)}"
    )


def _names(group: Sequence[Evidence]) -> str:
    names = (_split(one.argument)[0].removeprefix("$").removeprefix(".") for one in group)
    told = [named(name) if name else _value(one) for name, one in zip(names, group, strict=True)]
    return listed(list(dict.fromkeys(told)))


def _value(one: Evidence) -> str:
    try:
        return valued(orjson.loads(one.value), 80)
    except ValueError:  # it is longer than what is kept of it
        return quoted(one.value, 80)
