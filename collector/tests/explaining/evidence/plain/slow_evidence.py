"""The slow and obvious way: look through everything that a call saw, and follow every path."""

import re

import orjson

from tellwhy_collector.reconstruct.contexts import places_of

NOT_SAID = {"type", "signature"}
STEP = re.compile(r'\.([A-Za-z_]\w*)|\."((?:[^"\\]|\\.)*)"|\[(\d+)\]')


def at_path(value, path):
    """What stands at a JSON path: ``(value, key)``; KeyError when nothing does."""
    assert path[0] == "$"
    rest, key = path[1:], None
    while rest:
        match = STEP.match(rest)
        plain, quoted, place = match.groups()
        rest = rest[match.end() :]
        if place is not None:
            value = value[int(place)]
            continue
        key = plain or re.sub(r"\\(.)", r"\1", quoted)
        value = value[key]
    return value, key


def columns_of(case):
    """What is recorded of each step: ``{(span_id, column): parsed JSON}``."""
    found = {}
    for context in case.contexts.values():
        if context.system is not None:
            found[context.span_id, "system_instructions"] = context.system
        if context.tools is not None:
            found[context.span_id, "tools_offered"] = context.tools
        own = [p for p in places_of(context) if p.span_id == context.span_id]
        found[context.span_id, "input_messages"] = {p.at: p.message for p in own}
        found[context.span_id, "output_messages"] = context.output
    for step in case.steps:
        for column in ("tool_result", "input", "output", "output_messages"):
            value = getattr(step, column)
            if value is not None:
                text = column in ("tool_result", "input")
                found[step.span_id, column] = orjson.loads(str(value)) if text else value
    return found


def stands_at(row, columns):
    """The text at the place that a row names."""
    value, key = at_path(columns[row.source_span_id, row.source_column], row.source_path)
    if row.source_inner_path is not None:
        value, key = at_path(orjson.loads(value), row.source_inner_path)
    if row.method == "key":
        return key
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    if row.source_from is None:
        assert row.source_to is None
        return text
    assert 0 <= row.source_from < row.source_to <= len(text)
    return text[row.source_from : row.source_to]


def strings_in(value, skip=frozenset(), *, open_texts=True):
    """Every string, also of JSON in strings, and every other scalar: ``(text, is_string)``."""
    if isinstance(value, dict):
        for key, below in value.items():
            if key not in skip:
                yield from strings_in(below, open_texts=open_texts)
    elif isinstance(value, list):
        for below in value:
            yield from strings_in(below, open_texts=open_texts)
    elif isinstance(value, str):
        yield value, True
        if open_texts and value.lstrip()[:1] in ("{", "["):
            try:
                inner = orjson.loads(value)
            except ValueError:
                return
            yield from strings_in(inner, open_texts=False)
    elif value is not None:
        yield orjson.dumps(value).decode(), False


def seen_by(case, span_id):
    """All strings and scalars that a call saw."""
    found = []
    context = case.contexts.get(span_id)
    if context is not None:
        for part in context.system or ():
            found += strings_in(part, NOT_SAID)
        for tool in context.tools or ():
            found += strings_in(tool, NOT_SAID)
        for place in places_of(context):
            for part in place.message["parts"]:
                found += strings_in(part, NOT_SAID)
        return found
    asked = next(step for step in case.steps if step.span_id == span_id)
    for (told_by, column), value in columns_of(case).items():
        step = next(step for step in case.steps if step.span_id == told_by)
        before = step.start_ns if column == "input" else step.end_ns
        if before is None or before > asked.start_ns or told_by == span_id:
            continue
        if column == "output_messages":
            for part in [part for message in value for part in message["parts"]]:
                found += strings_in(part, NOT_SAID)
        else:
            found += strings_in(value)
    return found


def stands_verbatim(value, seen):
    """Whether a leaf value stands there: a string in any string, a scalar as a scalar."""
    if isinstance(value, str):
        return any(value in text for text, is_string in seen if is_string)
    written = orjson.dumps(value).decode()
    return any(text == written for text, is_string in seen if not is_string)


def leaves(value, path="$"):
    """Leaves of arguments with their paths, of plain keys only."""
    if isinstance(value, dict) and value:
        for key, below in value.items():
            yield from leaves(below, f"{path}.{key}")
    elif isinstance(value, list) and value:
        for place, below in enumerate(value):
            yield from leaves(below, f"{path}[{place}]")
    else:
        yield path, value
