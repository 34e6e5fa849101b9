"""Every request of docs/guides/grafana.md, sent as a data source would send it."""

import http.client
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tellwhy_collector.testing import collector

PAGE = Path(__file__).parents[4] / "docs" / "guides" / "grafana.md"
REQUEST = re.compile(r"```json\n(.+?)\n```\n```csv\n(.*?)```\n", re.DOTALL)
FILLED = {
    "now()": "timestamptz '2026-06-02 03:00:00+00'",
    "${__interval_ms}": "21600000",  # six hours
    "${__from}": "1780272000000",  # 1 June 2026
    "${__to}": "1780369200000",  # 2 June, 03:00
    "${agent:doublequote}": '"research"',
}


def post(url, body, host=None):
    """Status and text of an answer; *host* is the name by which the sender knows the collector."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    try:
        headers = {"Content-Type": "application/json", **({"Host": host} if host else {})}
        connection.request("POST", "/api/sql", body.encode(), headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def filled(body):
    """The body with what Grafana puts in the places of its variables."""
    for name, value in FILLED.items():
        body = body.replace(name, value)
    assert "${" not in body
    return body


def test_each_request_is_answered_as_the_guide_shows(night, request):
    """Status 200 and the very lines of CSV."""
    text = PAGE.read_text("utf-8")
    found = REQUEST.findall(text)
    assert 4 == len(found)
    for body, shown in found:
        status, answer = post(night, filled(body))
        assert 200 == status, answer
        if request.config.getoption("update_golden"):
            lines = "".join(f"{line}\n" for line in answer.splitlines())
            text = text.replace(f"{body}\n```\n```csv\n{shown}", f"{body}\n```\n```csv\n{lines}")
            PAGE.write_text(text, "utf-8")
        else:
            assert shown.splitlines() == answer.splitlines()


@pytest.mark.parametrize(("hosts", "status"), [("", 403), ("collector", 200)])
def test_a_host_name_must_be_allowed(tmp_path, hosts, status):
    """Grafana in another container reaches the collector by a name that was allowed."""
    with collector(tmp_path, api_hosts=hosts) as running:
        found, answer = post(running.http_url, '{"sql": "select 1"}', host="collector:4318")

    assert status == found, answer
