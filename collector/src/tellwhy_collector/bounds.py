"""What a statement may cost at most, as far as its parse tree tells; part of `admission`.

DuckDB 2.0 looks for an interrupt between two vectors of 2,048 rows, not inside a function and not
while it plans. So what one vector, one window or one plan can cost is bounded here: the widths that
functions are told to make, aggregates that keep every row of a window frame, patterns, long column
paths, and WITH parts that multiply because they are named twice. What a tree does not tell
(a list that doubles in a lambda) is left to `watch`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tellwhy_collector.errors import QueryRefused


def words(text: str) -> frozenset[str]:
    """The names in *text*."""
    return frozenset(text.split())


MAX_VALUES = 10_000
"""Most characters or items that functions are told to make of one value, all counts inside each
other multiplied: a vector makes 2,048 such values at once."""

MAX_PATTERN = 1_000
"""Longest regular expression. Characters; 50,000 of them are compiled for half a minute."""

MAX_PATH = 50
"""Most names with dots between; 5,000 are looked up for five seconds that nobody can interrupt."""

MAX_TABLES = 256
"""Most tables that a statement reads after each WITH part is put where it is named."""

MAX_FRAME = 1_000
"""Most rows of a window frame that an aggregate may keep as they are."""

SMALL_AGGREGATES = words(
    "any_value approx_count_distinct arbitrary arg_max arg_max_null arg_max_nulls_last arg_min "
    "arg_min_null arg_min_nulls_last argmax argmin avg mean bit_and bit_or bit_xor bool_and bool_or "
    "corr count count_if count_star countif covar_pop covar_samp favg first fsum kahan_sum kurtosis "
    "kurtosis_pop last max max_by min min_by product regr_avgx regr_avgy regr_count "
    "regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy sem skewness stddev stddev_pop "
    "stddev_samp sum sum_no_overflow sumkahan var_pop var_samp variance"
)
"""Those that keep a few numbers however many rows they see: any window may use them."""

SCALAR_AGGREGATES = words(
    "approx_quantile entropy mad median mode quantile quantile_cont quantile_disc "
    "reservoir_quantile"
)
"""Those that keep every value and give one: once for a whole partition, or in a short frame."""

_TEN_LARGEST = words("max min arg_max arg_min max_by min_by argmax argmin")
"""With one argument more they keep as many values as it says."""

_FILLERS = words("lpad rpad list_resize array_resize bitstring")
"""Functions that make a value as long as their second argument says."""

_FILLED = {"lag": 2, "lead": 2, "list_resize": 2, "array_resize": 2}
"""Function to the position of a value that DuckDB would cast to the column's type, VARIANT too."""

_PATTERNS = words(
    "regexp_matches regexp_full_match regexp_extract regexp_extract_all regexp_replace "
    "regexp_split_to_array regexp_split_to_table string_split_regex str_split_regex"
)
"""Functions whose second argument is a regular expression; ``~`` and SIMILAR TO are among them."""

_SIDE_BY_SIDE = _FILLERS | words("concat concat_ws list_value list_pack struct_pack row")
"""Functions that put their arguments beside each other instead of multiplying them."""

_SERIES = words("range generate_series")
_FORMATTERS = words("format printf")
_WIDTH = re.compile(r"\d{5,}|\{[^}]*\{|%[^a-zA-Z]*\*")
"""A width of 10,000 and more, or one that an argument gives: ``{:{}}``, ``%*d``."""


def check_bounds(tree: Mapping[str, Any], longest_param: int) -> None:
    """Refuse a parsed SELECT that could outlive its interrupt.

    Args:
        tree: As DuckDB's ``json_serialize_sql`` gives it.
        longest_param: Characters of the longest text among its parameters.

    Raises:
        QueryRefused: It could; the message says where, and what to write instead.
    """
    made, tables = _weighed(tree, longest_param)
    if tables > MAX_TABLES:
        raise QueryRefused(
            f"The statement reads {tables:,} tables once every WITH part is put where it is named; "
            f"the limit is {MAX_TABLES}. Name each WITH part in fewer places."
        )
    if made > MAX_VALUES:
        raise QueryRefused(
            f"repeat, lpad, rpad, bitstring and range together make values of {made:,} characters "
            f"or items; the limit is {MAX_VALUES:,}. In FROM, range() has no such limit."
        )


@dataclass(slots=True)
class _Part:
    """One object of the tree. What it holds is weighed before it."""

    node: Mapping[str, Any]
    outer: int
    """Place of the part that holds it; -1 of the tree itself."""
    key: str
    """Under which name."""
    times: int = 1
    """Sizes of what is multiplied in it."""
    widest: int = 1
    """The largest size of what stands side by side in it."""
    tables: int = 0


def _weighed(tree: Mapping[str, Any], longest_param: int) -> tuple[int, int]:
    """Size of the largest value that the tree's own counts make, and how many tables it reads."""
    parts = list(_parts(tree))
    named: dict[str, tuple[int, int]] = {}
    for part in reversed(parts):
        node = part.node
        times, least = _count(node, longest_param)
        size = max(part.times * part.widest * times, least)
        if node.get("type") == "BASE_TABLE":
            wide, tables = named.get(str(node.get("table_name", "")).lower(), (1, 1))
            size, part.tables = size * wide, part.tables + tables
        if part.outer < 0:
            return size, part.tables
        if part.key == "map" and "key" in node:
            # One part of a WITH. Of two with one name the larger counts, whichever is meant.
            name = str(node["key"]).lower()
            wide, tables = named.get(name, (1, 1))
            named[name] = max(wide, size), max(tables, part.tables)
            continue
        outer = parts[part.outer]
        outer.tables += part.tables
        if part.key == "from_table" or _multiplies(outer.node):
            outer.times *= size
        else:
            outer.widest = max(outer.widest, size)
    return 1, 0


def _parts(tree: Mapping[str, Any]) -> Iterator[_Part]:
    """Every object of the tree, outer ones first, a WITH behind what uses it. No recursion: it is deep."""
    waiting: list[tuple[Any, int, str]] = [(tree, -1, "")]
    place = -1
    while waiting:
        node, outer, key = waiting.pop()
        if isinstance(node, list):
            waiting.extend((item, outer, key) for item in node)
        elif isinstance(node, dict):
            place += 1
            yield _Part(node, outer, key)
            inner = sorted(node.items(), key=lambda item: item[0] != "cte_map")
            waiting.extend((value, place, name) for name, value in inner)


def _multiplies(node: Mapping[str, Any]) -> bool:
    """Whether what its parts make can be multiplied: ``replace(repeat(…), 'a', repeat(…))``."""
    if "function_name" not in node:
        return node.get("class") == "LAMBDA"
    return not node.get("is_operator") and node["function_name"] not in _SIDE_BY_SIDE


def _count(node: Mapping[str, Any], longest_param: int) -> tuple[int, int]:
    """How many times what is in the node is repeated, and how long it is at least.

    Raises:
        QueryRefused: It is a call whose arguments make huge values.
    """
    if node.get("type") == "COLUMN_REF" and len(node.get("column_names") or ()) > MAX_PATH:
        raise QueryRefused(
            f"A name has {len(node['column_names']):,} parts; the limit is {MAX_PATH}. "
            "Read deep values of JSON with column->>'$.path'."
        )
    name = str(node.get("function_name", "")).lower()
    if not name:
        return 1, 1
    if node.get("class") == "WINDOW":
        _check_window(name, node)
    given = [item.get("expression", item) for item in arguments(node)]
    _check_constants(name, given, longest_param)
    if name in _SERIES and not node.get("in_from"):
        return 1, _series(name, given)
    if name == "bitstring_agg":
        for item in given[1:] or [{}]:
            _bounded(item, "A bound of bitstring_agg()")
    if len(given) > 1 and name in _FILLERS:
        return 1, _bounded(given[1], f"The count of {name}()")
    if len(given) > 1 and name == "repeat":
        length = _length(given[0], longest_param)
        return max(_bounded(given[1], "The count of repeat()"), 1) * max(length, 1), 1
    return 1, 1


def _length(argument: Mapping[str, Any], longest_param: int) -> int:
    """Characters of *argument*, as far as they are known before it runs."""
    is_param = argument.get("class") == "PARAMETER"
    return longest_param if is_param else len(_literal(argument))


def _check_constants(name: str, given: Sequence[Mapping[str, Any]], longest_param: int) -> None:
    """Refuse arguments that would have to be written out, or are too long."""
    fill = _FILLED.get(name)
    if fill is not None and len(given) > fill and given[fill].get("class") != "CONSTANT":
        raise QueryRefused(f"The third argument of {name}() must be a plain constant here.")
    if name in _FORMATTERS and given:
        template = _literal(given[0]).replace("{{", "")
        if given[0].get("class") != "CONSTANT" or _WIDTH.search(template):
            raise QueryRefused(f"The format of {name}() must be a constant without huge widths.")
    if name in _PATTERNS and len(given) > 1:
        size = _length(given[1], longest_param)
        if size > MAX_PATTERN:
            raise QueryRefused(
                f"The pattern of {name}() may be {size:,} characters long; the limit is "
                f"{MAX_PATTERN:,}. Look for fixed text with contains(), or for several with IN."
            )


def _series(name: str, given: Sequence[Mapping[str, Any]]) -> int:
    """How many items `range` makes as a value, at most."""
    hint = "; in FROM it has no such limit"
    bounds = [_bounded(item, f"A bound of {name}() as a value", hint) for item in given]
    return max(1, abs(bounds[1] - bounds[0] if len(bounds) > 1 else sum(bounds)))


def _check_window(name: str, node: Mapping[str, Any]) -> None:
    """Refuse an aggregate that keeps the rows of a frame which can be the whole table."""
    if node.get("type") != "WINDOW_AGGREGATE":
        return
    given = arguments(node)
    few = name in SMALL_AGGREGATES and not (name in _TEN_LARGEST and len(given) > _usual(name))
    if few or _short(node) or (name in SCALAR_AGGREGATES and _whole(node)):
        return
    raise QueryRefused(
        f"{name}() over a window keeps every row of it, which DuckDB cannot stop. Write ROWS BETWEEN "
        f"n PRECEDING AND n FOLLOWING with at most {MAX_FRAME:,} rows, or use GROUP BY and a join."
    )


def _usual(name: str) -> int:
    return 1 if name in {"max", "min"} else 2


def _whole(node: Mapping[str, Any]) -> bool:
    """Whether the frame is the partition, so that the aggregate is made once for all its rows."""
    after = node.get("end")
    return (
        node.get("start") == "UNBOUNDED_PRECEDING"
        and (
            after == "UNBOUNDED_FOLLOWING" or (after == "CURRENT_ROW_RANGE" and not node["orders"])
        )
        and node.get("exclude_clause") == "NO_OTHER"
    )


def _short(node: Mapping[str, Any]) -> bool:
    """Whether the frame is at most `MAX_FRAME` rows, written out."""
    rows = 0
    for side in ("start", "end"):
        kind = str(node.get(side))
        if kind == "CURRENT_ROW_ROWS":
            continue
        text = _literal(node.get(f"{side}_expr") or {})
        if not kind.startswith("EXPR_") or not kind.endswith("_ROWS") or not text.isdecimal():
            return False
        # Both may lie on one side of the row; then the frame is shorter than their sum.
        rows += int(text[:9])
    return rows <= MAX_FRAME


def arguments(node: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
    """The arguments of a call, each as it stands in the tree."""
    found = node.get("arguments") or node.get("children") or []
    return [item for item in found if isinstance(item, dict)]


def _literal(argument: Mapping[str, Any]) -> str:
    """What *argument* writes out; nothing when it is no constant."""
    return str((argument.get("literal") or {}).get("text", ""))


def _bounded(argument: Mapping[str, Any], what: str, hint: str = "") -> int:
    """The whole number that *argument* writes out, at most `MAX_VALUES`."""
    text = _literal(argument)
    if not re.fullmatch(r"-?\d{1,9}", text) or abs(int(text)) > MAX_VALUES:
        raise QueryRefused(
            f"{what} must be a whole number written out, {MAX_VALUES:,} at most{hint}."
        )
    return int(text)
