"""Step 7 of 7. An answer as JSON, Arrow IPC stream, CSV or Parquet, in pieces.

What Arrow cannot say was made text by `query`. What JSON cannot say: timestamps are ISO 8601 with
``Z``, BLOB is base64, NaN and the infinities are null, integers and decimals keep every digit.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from tellwhy_collector.errors import QueryFailed
from tellwhy_collector.names import distinct
from tellwhy_collector.query import Answer

MEDIA_TYPES = {
    "json": "application/json",
    "arrow": "application/vnd.apache.arrow.stream",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}
"""Format to Content-Type."""

PIECE_ROWS = 1000
"""Rows that are turned into text at one time; bounds memory beyond the answer's own."""

SPREADSHEET_SIGNS = ("=", "+", "-", "@", "\t", "\r")
"""A text that starts with one of these is a formula to a spreadsheet. Source: OWASP, CSV Injection."""

_QUOTE = re.compile(r'^$|[",\r\n]|^\s|\s$')
_INFINITE_MOMENTS = {2**63 - 1: "infinity", 1 - 2**63: "-infinity"}
_INFINITE_DAYS = {2**31 - 1: "infinity", 1 - 2**31: "-infinity"}


def write(answer: Answer, form: str, *, spreadsheet_safe: bool = True) -> Iterator[bytes]:
    """The answer in pieces.

    Args:
        answer: What `query` gave.
        form: A key of `MEDIA_TYPES`.
        spreadsheet_safe: CSV only: put ``'`` before texts that a spreadsheet would run.

    Raises:
        QueryFailed: A column cannot be written in this format.
    """
    if form == "arrow":
        return _arrow(answer)
    if form == "csv":
        return _csv(answer, spreadsheet_safe)
    if form == "parquet":
        return iter([_parquet(answer)])
    return _json(answer)


def _json(answer: Answer) -> Iterator[bytes]:
    head = {"ok": True, "columns": answer.columns, "types": answer.types}
    yield orjson.dumps(head)[:-1] + b',"rows":['
    comma = b""
    for rows in _pieces(answer.table):
        yield comma + orjson.dumps(list(zip(*rows, strict=True)))[1:-1]
        comma = b","
    tail = {"truncated": answer.truncated, "elapsed_ms": answer.elapsed_ms}
    yield b"]," + orjson.dumps(tail)[1:]


def _arrow(answer: Answer) -> Iterator[bytes]:
    # A buffer that is emptied after each batch: the stream is sent while it is written.
    out = io.BytesIO()
    with pa.ipc.new_stream(out, answer.table.schema) as stream:
        for batch in answer.table.to_batches(max_chunksize=PIECE_ROWS * 10):
            stream.write_batch(batch)
            yield out.getvalue()
            out.seek(0)
            out.truncate()
    yield out.getvalue()


def _parquet(answer: Answer) -> bytes:
    out = io.BytesIO()
    table = answer.table.rename_columns(distinct(answer.columns))
    try:
        pq.write_table(table, out, compression="zstd")
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid) as error:
        raise QueryFailed(
            f"Parquet cannot hold this answer: {str(error).splitlines()[0]}. "
            "Cast that column to VARCHAR, or ask for arrow or json."
        ) from error
    return out.getvalue()


def _csv(answer: Answer, safe: bool) -> Iterator[bytes]:
    guard = _guarded if safe else str
    yield (",".join(_field(guard(name)) for name in answer.columns) + "\n").encode()
    kinds = [column.type for column in answer.table.columns]
    for columns in _pieces(answer.table):
        written = [
            _column(column, kind, guard) for column, kind in zip(columns, kinds, strict=True)
        ]
        yield "".join(",".join(row) + "\n" for row in zip(*written, strict=True)).encode()


def _column(column: list[Any], kind: pa.DataType, guard: Callable[[str], str]) -> list[str]:
    if is_text(kind):
        return [_field(_cell(value, guard)) for value in column]
    text = _dumped if pa.types.is_decimal(kind) else str
    return ["" if value is None else text(value) for value in column]


def _dumped(value: Any) -> str:
    return orjson.dumps(value).decode()


def _cell(value: Any, guard: Callable[[str], str]) -> str | None:
    """A value as CSV text; None for NULL."""
    if isinstance(value, str):
        return guard(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else guard(_dumped(value))


def _field(text: str | None) -> str:
    """NULL is nothing, the empty text is ``""``; quotes where they are needed."""
    if text is None:
        return ""
    return '"' + text.replace('"', '""') + '"' if _QUOTE.search(text) else text


def _guarded(text: str) -> str:
    return "'" + text if text.startswith(SPREADSHEET_SIGNS) else text


def is_text(kind: pa.DataType) -> bool:
    """Whether a column of this type holds words that somebody else chose, not numbers or times."""
    number = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    return not (number or pa.types.is_temporal(kind) or pa.types.is_decimal(kind))


def _pieces(table: pa.Table) -> Iterator[list[list[Any]]]:
    """The table as lists of column values, `PIECE_ROWS` at a time."""
    for batch in table.to_batches(max_chunksize=PIECE_ROWS):
        yield [values(column) for column in batch.columns]


def values(array: pa.Array) -> list[Any]:  # noqa: PLR0911 - one line for each type
    """Each value as `orjson` writes it. Works on types, not on single values, wherever it can."""
    kind = array.type
    if isinstance(kind, pa.BaseExtensionType):
        return values(array.storage)
    if pa.types.is_dictionary(kind):
        return values(array.dictionary_decode())
    if pa.types.is_timestamp(kind):
        return [None if x is None else _moment(x, n) for x, n in _with_numbers(array, pa.int64())]
    if pa.types.is_date(kind):
        return [None if x is None else _day(x, n) for x, n in _with_numbers(array, pa.int32())]
    if pa.types.is_time(kind):
        # 24:00:00, which SQL knows and Arrow does not, comes out as "<value out of range: …>".
        texts = array.cast(pa.string()).to_pylist()
        return [x if x is None or x[0] != "<" else "24:00:00" for x in texts]
    if pa.types.is_decimal(kind):
        return [None if x is None else _exact(x) for x in array.to_pylist()]
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return [None if x is None else base64.b64encode(x).decode() for x in array.to_pylist()]
    return _nested(array)


def _nested(array: pa.Array) -> list[Any]:
    kind = array.type
    if pa.types.is_struct(kind):
        fields = [values(array.field(i)) for i in range(kind.num_fields)]
        names = [kind.field(i).name for i in range(kind.num_fields)]
        made = [dict(zip(names, row, strict=True)) for row in zip(*fields, strict=True)]
        made = made or [{} for _ in range(len(array))]
        return [x if ok else None for x, ok in zip(made, array.is_valid().to_pylist(), strict=True)]
    if pa.types.is_map(kind):
        keys, items = values(array.keys), values(array.items)
        pairs = _cut(array, list(zip(keys, items, strict=True)))
        return [None if row is None else {_key(k): v for k, v in row} for row in pairs]
    if pa.types.is_fixed_size_list(kind):
        size, inner = kind.list_size, values(array.values)
        start = array.offset
        return [
            inner[(start + i) * size : (start + i + 1) * size] if ok else None
            for i, ok in enumerate(array.is_valid().to_pylist())
        ]
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _cut(array, values(array.values))
    return list(array.to_pylist())


def _cut(array: pa.Array, inner: list[Any]) -> list[Any]:
    """The inner values of a list or map column, cut at its offsets."""
    ends = array.offsets.to_pylist()
    return [
        inner[ends[i] : ends[i + 1]] if ok else None
        for i, ok in enumerate(array.is_valid().to_pylist())
    ]


def _key(key: Any) -> str:
    return key if isinstance(key, str) else orjson.dumps(key).decode()


def _with_numbers(array: pa.Array, number: pa.DataType) -> Iterator[tuple[str | None, int | None]]:
    """Text beside the raw number, which alone tells an infinity from a far year."""
    return zip(array.cast(pa.string()).to_pylist(), array.cast(number).to_pylist(), strict=True)


def _moment(text: str, number: int | None) -> str:
    if number in _INFINITE_MOMENTS:
        return _INFINITE_MOMENTS[number]
    # Arrow writes years beyond about 32,000 as "<value out of range: …>".
    return (
        "out of range"
        if text.startswith("<")
        else f"{text.removesuffix('Z').replace(' ', 'T', 1)}Z"
    )


def _day(text: str, number: int | None) -> str:
    if number in _INFINITE_DAYS:
        return _INFINITE_DAYS[number]
    return "out of range" if text.startswith("<") else text


def _exact(number: Any) -> Any:
    """A decimal with all its digits, as a JSON number."""
    return orjson.Fragment(format(number, "f"))
