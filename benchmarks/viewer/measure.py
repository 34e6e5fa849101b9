"""What a reviewer waits for: runs of several lengths in a real browser, from a real collector.

    python benchmarks/viewer/measure.py [--steps 40,5000,100000] [--runs 1000000] [--reviewers 10]

The runs come as OTLP through `tellwhy serve`, `tellwhy view` stands before it, and Chromium opens
them; all of it shares this machine's processors. Of repeated measurements the best is stated beside
the median: others may be at work on the machine, and ``load`` says how many were.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from playwright.sync_api import sync_playwright
from serving import Door, Serving, memory_mb, processor_s
from stage import LONG, Looking, fill, fill_list
from tab import Tab, median, p95

from tellwhy_viewer import queries

CHROMIUM = os.environ.get("TELLWHY_CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
ROUNDS = 5
CLICKS = 20
PAUSE_MS = 300
REVIEWER_PAUSE_MS = 2_000
"""Between two clicks of one of many reviewers, on average."""
TEXT_BYTES = 1_000_000
PAGE = 50
"""Runs on one page of the list."""
Line = dict[str, Any]


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser without a window."""
    if CHROMIUM is None:
        raise SystemExit("No Chromium: apt-get install chromium, or set TELLWHY_CHROMIUM.")
    quiet = "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=quiet.split())
        yield opened
        opened.close()


def load() -> float:
    """Processes that want a processor, on average over a minute."""
    return round(os.getloadavg()[0], 1)


def one_run(browser: Any, viewer: Looking, number: int, steps: int, rounds: int) -> Line:
    """Opening one run by its address and out of the list, and walking through it."""
    tab = Tab(browser, viewer.url)
    opened, clicked = [], []
    tab.run(number)  # what a first visit fetches is cached from here on
    for _ in range(rounds):
        tab.tab.close()
        tab.open()
        opened.append(tab.run(number))
    sent, heap_mb = dict(tab.sent), tab.heap_mb()
    tab.walk(CLICKS, PAUSE_MS)
    clicks = tab.clicks()
    for _ in range(rounds):
        tab.tab.close()
        tab.open()
        clicked.append(tab.from_list(number))
    tab.context.close()
    told: Line = {"what": "run", "steps": steps, "load": load()}
    for name, found in (("address", opened), ("list", clicked)):
        for part, words in (("ready", "timeline"), ("card", "decision")):
            times = [one[part] for one in found]
            told[f"{name}_{words}_best_ms"] = round(min(times))
            told[f"{name}_{words}_median_ms"] = round(median(times))
    return told | {
        "click_median_ms": median([seen for seen, _ in clicks]),
        "click_p95_ms": p95([seen for seen, _ in clicks]),
        "card_median_ms": median([filled for _, filled in clicks]),
        "card_p95_ms": p95([filled for _, filled in clicks]),
        "run_bytes": sent["run"],
        "decision_bytes": sent["decision"],
        "websocket_bytes": sent["websocket"],
        "tab_heap_mb": heap_mb,
    }


def long_texts(browser: Any, viewer: Looking, size: int) -> Line:
    """A decision with a message and a result of *size* bytes: at first, and when they are opened."""
    tab = Tab(browser, viewer.url)
    tab.run(LONG)
    tab.tab.keyboard.press("j")
    tab.tab.locator(".card .res").get_by_text("Show all").wait_for()
    told: Line = {"what": "long_text", "text_bytes": size, "load": load()}
    told["first_bytes"] = tab.sent["run"] + tab.sent["decision"]
    tab.longest_task_ms()
    for name, opening in (("result", ".card .res .more button"), ("message", "f")):
        before, started = tab.sent["run"], time.perf_counter()
        if len(opening) == 1:
            tab.tab.keyboard.press(opening)
            tab.tab.locator("dialog.reader .more button").first.click()
        else:
            tab.tab.locator(opening).first.click()
        rest = tab.tab.get_by_text("Show more (")
        rest.wait_for()
        told[f"{name}_open_ms"] = round((time.perf_counter() - started) * 1000)
        while rest.count():
            left = rest.inner_text()
            rest.click()
            tab.tab.get_by_text(left).wait_for(state="detached")
            tab.tab.wait_for_timeout(200)
        told[f"{name}_bytes"] = tab.sent["run"] - before
        told[f"{name}_longest_task_ms"] = tab.longest_task_ms()
        tab.tab.keyboard.press("Escape")
    told["tab_heap_mb"] = tab.heap_mb()
    tab.context.close()
    return told


def many(tabs: list[Tab], viewer: Looking, collector: Serving, number: int, clicks: int) -> Line:
    """Several reviewers at once, each clicking here and there in a tab of their own."""
    before_mb = memory_mb(viewer.pid)
    for tab in tabs:
        tab.run(number)
    with_tabs_mb = memory_mb(viewer.pid)
    used = {name: processor_s(pid) for name, pid in (("v", viewer.pid), ("c", collector.pid))}
    started = time.monotonic()
    for tab in tabs:
        tab.walk(clicks, REVIEWER_PAUSE_MS)
    found = [click for tab in tabs for click in tab.clicks()]
    took_s = time.monotonic() - started
    told: Line = {
        "what": "reviewers",
        "reviewers": len(tabs),
        "load": load(),
        "clicks": len(found),
        "click_median_ms": median([seen for seen, _ in found]),
        "click_p95_ms": p95([seen for seen, _ in found]),
        "card_median_ms": median([filled for _, filled in found]),
        "card_p95_ms": p95([filled for _, filled in found]),
        "viewer_cpus": round((processor_s(viewer.pid) - used["v"]) / took_s, 2),
        "collector_cpus": round((processor_s(collector.pid) - used["c"]) / took_s, 2),
        "viewer_mb": with_tabs_mb,
        "viewer_mb_a_tab": round((with_tabs_mb - before_mb) / len(tabs), 1),
    }
    return told


def the_list(browser: Any, viewer: Looking, door: Door, runs: int, rounds: int) -> Line:
    """The list of so many runs: its first page on the screen, and pages as SQL."""
    tab = Tab(browser, viewer.url)
    shown = []
    for _ in range(rounds + 1):
        started = time.perf_counter()
        tab.tab.goto(viewer.url)
        tab.tab.locator("a.go[data-run]").nth(PAGE - 1).wait_for()
        shown.append((time.perf_counter() - started) * 1000)
    tab.context.close()
    told: Line = {"what": "list", "runs": runs, "load": load()}
    told |= {"shown_best_ms": round(min(shown)), "shown_median_ms": round(median(shown[1:]))}
    pages = min(1_000, runs // PAGE - 1)
    sql = "SELECT start_ns, run_id FROM runs ORDER BY start_ns DESC, run_id DESC LIMIT 1 OFFSET $1"
    for name, place in (("first", None), (f"page_{pages}", pages * PAGE - 1)):
        after = door.ask(sql, [place])[0] if place else (None, None)
        given = {"before_ns": after[0], "before_id": after[1], "limit": PAGE + 1}
        asked = [given.get(one) for one in queries.RUNS.params]
        times = []
        for _ in range(2 * rounds):
            started = time.perf_counter()
            door.ask(queries.RUNS.sql, asked)
            times.append((time.perf_counter() - started) * 1000)
        told |= {f"{name}_best_ms": round(min(times), 1), f"{name}_median_ms": median(times)}
    return told


def tell(line: Line) -> None:
    """One line of JSON."""
    print(json.dumps({"benchmark": "measure", **line}), flush=True)


def main(words: list[str]) -> None:
    """Print a line for each run, one for long texts, one for many reviewers, one for the list."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", default="40,5000", help="lengths of runs, with commas between")
    parser.add_argument("--runs", type=int, default=10_000, help="length of the list; 0 for none")
    parser.add_argument("--reviewers", type=int, default=10, help="how many at once")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often each is opened")
    parser.add_argument("--folder", type=Path, help="keep the databases here, and use them again")
    given = parser.parse_args(words)
    sizes = [int(size) for size in given.steps.split(",")]
    with tempfile.TemporaryDirectory() as temporary, chromium() as browser:
        folder = given.folder or Path(temporary)
        database = folder / "runs.duckdb"
        if not database.exists():
            fill(database, sizes, TEXT_BYTES)
        with Serving(database) as collector, Looking(collector.url) as viewer:
            for number, steps in enumerate(sizes, 1):
                tell(one_run(browser, viewer, number, steps, given.rounds))
            tell(long_texts(browser, viewer, TEXT_BYTES))
            usual = min(len(sizes), 2)
            tabs = [Tab(browser, viewer.url) for _ in range(given.reviewers)]
            line = many(tabs, viewer, collector, usual, 4 * given.rounds)
            tell(line | {"steps": sizes[usual - 1]})
            for tab in tabs:
                tab.context.close()
        if given.runs:
            listed = folder / "list.duckdb"
            runs = given.runs if listed.exists() else fill_list(listed, given.runs)
            with Serving(listed) as collector, Looking(collector.url) as viewer:
                tell(the_list(browser, viewer, Door(collector.url), runs, given.rounds))


if __name__ == "__main__":
    main(sys.argv[1:])
