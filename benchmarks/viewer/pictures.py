"""Takes pictures of every page of the viewer, to be looked at: light and dark, empty and full, wide
and narrow, and of runs of 40, 5,000 and 100,000 spans.

``python benchmarks/viewer/pictures.py FOLDER`` starts two collectors and two viewers, and ends them.
``--viewer URL`` takes the pictures of a viewer that is there; ``--only TEXT`` those with it in their
name.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

from playwright.sync_api import Browser, Error, sync_playwright

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parents[1] / "docs")]

import runs  # noqa: E402
from screenshots import QUIET, browser_path  # noqa: E402
from serving import Door, Serving  # noqa: E402

HOUR_NS = 3600 * 10**9
LONG = {40: 0x40, 5_000: 0x5000, 100_000: 0x100000}
"""Spans of a long run → its number; its id is the number as 32 hexadecimal digits."""
WIDTHS = {1440: 900, 1024: 768, 640: 900, 400: 800}
"""Width of the window → height, in CSS pixels."""
READY = {
    "runs": ".rs[data-ready=true], .st-key-no_runs",
    "run": ".tw[data-ready=true] .card[data-decision], .tw .trouble",
}
"""Page → what stands there when it has drawn what it asked for."""
OVERFLOW = """() => {
  const main = document.querySelector("[data-testid=stMain]") || document.documentElement;
  return Math.max(main.scrollWidth - main.clientWidth,
    document.documentElement.scrollWidth - innerWidth);
}"""
"""Pixels by which the page is wider than its window."""


def fill(url: str) -> None:
    """Send the runs of the demo and the long ones, and wait until they were worked out."""
    words = [sys.executable, "-m", "tellwhy", "demo", "--no-browser", "--collector-url", url]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    for at, (spans, number) in enumerate(LONG.items()):
        started = time.time_ns() - (72 - 24 * at) * HOUR_NS
        for body in runs.requests(spans, number=number, started_ns=started):
            post(url, body)


def post(url: str, body: bytes) -> None:
    """Send one OTLP/JSON request."""
    door = Door(url)
    door._connection.request("POST", "/v1/traces", body, {"Content-Type": "application/json"})
    answer = door._connection.getresponse()
    if answer.status != 200:
        sys.exit(f"The collector answered {answer.status}: {answer.read()[:500]!r}")


@contextmanager
def looking_at(url: str) -> Iterator[str]:
    """Run a viewer for the collector at *url*; gives the viewer's address."""
    words = [sys.executable, "-m", "tellwhy_viewer", "--port", "0", "--collector-url", url]
    viewer = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        yield next(line.split()[-1] for line in viewer.stdout or () if line.startswith("  http"))
    finally:
        viewer.terminate()
        viewer.wait(30)


def pages(url: str | None) -> dict[str, str]:
    """Give the addresses of the pages by name; of runs too, if a collector at *url* holds them."""
    found = {name: f"/{name}" for name in ("review", "compare", "health", "sql", "audit")}
    found = {"runs": "/", **found, "run-unknown": f"/?run={'0' * 32}"}
    found["audit-looked"] = "/audit?ledger=Who+looked"
    if url is None:
        return found
    ask = Door(url).ask
    (paid, trace, other), *_ = ask(
        "SELECT run_id, trace_id, (SELECT run_id FROM runs WHERE agent_name = 'invoice-agent') "
        "FROM runs WHERE agent_name = 'refund-agent'"
    )
    of = "SELECT decision_id FROM decisions WHERE trace_id = ? AND chosen = 'issue_refund' LIMIT 1"
    ((decision,),) = ask(of, [trace])
    found["compare"] = f"/compare?a={paid}&b={other}"
    found["run-demo"] = f"/?run={paid}"
    found["run-refund"] = f"/?run={paid}&decision={decision}"
    died = ask("SELECT run_id FROM runs WHERE status = 'lost'")
    found["run-died"] = f"/?run={died[0][0]}"
    for spans, number in LONG.items():
        found[f"run-{spans}"] = f"/?run={number:032x}"
    return found


def take(browser: Browser, base: str, wanted: dict[str, str], kind: str, out: Path) -> None:
    """Take every page in both palettes and all widths; say what is wider than its window."""
    for (width, height), scheme in product(WIDTHS.items(), ("light", "dark")):
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
            timezone_id="Europe/Berlin",
        )
        page = context.new_page()
        for name, path in wanted.items():
            page.goto(base + path)
            try:
                page.wait_for_load_state("networkidle", timeout=60_000)
                page.locator(READY.get(name.split("-")[0], "[class*=st-key-]")).first.wait_for()
                if name == "sql" and kind == "full":
                    page.get_by_role("button", name="Run", exact=False).first.click()
                    page.get_by_text("rows in").wait_for()
            except Error as error:
                print(f"{name}, {kind}, {width}, {scheme}: {str(error)[:200]}")
            page.locator(".stSpinner, [data-testid=stSkeleton]").first.wait_for(state="detached")
            page.evaluate("document.fonts.ready")
            page.wait_for_timeout(900)  # what eases into its place
            wide = page.evaluate(OVERFLOW)
            file = f"{name}-{kind}-{width}-{scheme}.png"
            page.screenshot(path=out / file)
            print(json.dumps({"picture": file, "beyond_px": wide}))
        context.close()


def main() -> int:
    """Take the pictures that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--viewer", help="a viewer that is there")
    parser.add_argument("--collector-url", help="what it looks at, if that holds the long runs")
    parser.add_argument("--only", default="")
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=QUIET)

        def taken(base: str, url: str | None) -> None:
            kind = "full" if url else "empty"
            wanted = {name: at for name, at in pages(url).items() if chosen.only in name}
            take(browser, base, wanted, kind, chosen.folder)

        if chosen.viewer:
            taken(chosen.viewer, chosen.collector_url)
            return 0
        with tempfile.TemporaryDirectory() as folder:
            with Serving(Path(folder) / "full.duckdb") as full, looking_at(full.url) as base:
                fill(full.url)
                full.settled(600)
                taken(base, full.url)
            with Serving(Path(folder) / "empty.duckdb") as empty, looking_at(empty.url) as base:
                taken(base, None)
    return 0


if __name__ == "__main__":
    sys.exit(main())
