import io

import httpx
import pyarrow as pa
import pytest

from tellwhy_viewer.client import (
    Collector,
    CollectorDown,
    CollectorError,
    QueryRefused,
    QueryTooSlow,
)

URL = "http://127.0.0.1:4318"


def asking(answer):
    return Collector(URL, transport=httpx.MockTransport(answer))


def test_an_answer_becomes_rows():
    """Columns, types, rows, and whether there is more."""
    told = {"ok": True, "columns": ["a"], "types": ["BIGINT"], "rows": [[1]], "truncated": True}
    answer = asking(lambda _: httpx.Response(200, json=told)).sql("select 1 as a")

    assert [{"a": 1}] == answer.dicts()
    assert answer.truncated


def test_many_rows_come_as_arrow():
    """The same rows, without a character of JSON between."""
    table = pa.table({"a": [1, None], "b": ["x", "y"]})
    written = io.BytesIO()
    with pa.ipc.new_stream(written, table.schema) as stream:
        stream.write_table(table)

    def answer(request):
        assert "application/vnd.apache.arrow.stream" == request.headers["accept"]
        return httpx.Response(200, content=written.getvalue())

    assert [{"a": 1, "b": "x"}, {"a": None, "b": "y"}] == asking(answer).rows("select 1")


@pytest.mark.parametrize(
    ("status", "kind"), [(400, QueryRefused), (408, QueryTooSlow), (503, CollectorError)]
)
def test_the_collectors_sentence_reaches_the_reader(status, kind):
    """What the collector said is what the page says."""
    refusing = asking(lambda _: httpx.Response(status, json={"ok": False, "error": "No."}))

    with pytest.raises(kind, match=r"^No\.$"):
        refusing.sql("drop table runs")


def test_an_answer_of_another_program_is_recognised():
    """A port that something else has says so."""
    with pytest.raises(CollectorError, match="is it a tellwhy collector"):
        asking(lambda _: httpx.Response(404, text="<html>")).sql("select 1")


def test_nobody_at_the_address_is_told_with_the_address_and_what_to_do():
    """The message names the URL and the command."""

    def refuse(request):
        raise httpx.ConnectError("connection refused", request=request)

    with pytest.raises(CollectorDown, match=r"4318 \(connection refused\).*tellwhy serve"):
        asking(refuse).tables()
