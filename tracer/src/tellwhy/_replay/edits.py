"""Changes of a request by path: one message, a tool's result or description, instructions, the model."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

_PART = re.compile(r"\.([^.\[\]]+)|\[(-?\d+)\]")


class UnusableEdit(Exception):  # noqa: N818 - says what it is
    """A path that cannot be read or leads nowhere; says which."""


def parsed(path: str) -> list[str | int]:
    """The names and places of a path such as ``$.messages[2].content``.

    Raises:
        UnusableEdit: It is no path.
    """
    rest = path.removeprefix("$")
    if rest == path:
        rest = f".{path}"
    found = list(_PART.finditer(rest))
    if not found or "".join(each[0] for each in found) != rest:
        raise UnusableEdit(f"{path!r} is no path; write it like $.messages[2].content or $.model.")
    return [int(each[2]) if each[1] is None else each[1] for each in found]


def edited(body: dict[str, Any], edits: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of *body* with each path set to its value; None takes away what is there.

    Raises:
        UnusableEdit: A path leads nowhere in *body*.
    """
    made = copy.deepcopy(body)
    for path, value in edits.items():
        *way, last = parsed(path)
        holder: Any = made
        try:
            for part in way:
                holder = holder[part]
            if value is None:
                del holder[last]
            else:
                holder[last] = value
        except (KeyError, IndexError, TypeError) as error:
            raise UnusableEdit(
                f"{path} leads nowhere in the request at hand: {error!r}."
            ) from error
    return made
