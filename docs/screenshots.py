"""Takes the README's pictures of the demo's refund run with headless Chromium: light and dark.

Run it after a change of the viewer: ``python docs/screenshots.py``. Needs Debian's ``chromium`` (or
another one named in ``TELLWHY_CHROMIUM``) and the packages of the ``dev`` group.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, sync_playwright

OUT = Path(__file__).parent / "images"
SIZE: Any = {"width": 1440, "height": 1000}
SCALE = 2
"""Device pixels per CSS pixel, so that text stays sharp on a dense screen."""
COLOURS = 192
"""Of the palette; flat interface colours need no more, and a picture stays below 400 kB."""
MAX_BYTES = 400_000
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
"""Keeps a headless Chromium that runs as root from asking the network for anything."""


def browser_path() -> str:
    """Give back the Chromium to use; ends the program when there is none."""
    found = (
        os.environ.get("TELLWHY_CHROMIUM")
        or shutil.which("chromium")
        or shutil.which("google-chrome")
    )
    if not found:
        sys.exit(
            "No Chromium found. Install it (Debian: apt-get install chromium) or set TELLWHY_CHROMIUM."
        )
    return found


def link_of(demo: subprocess.Popen[str]) -> str:
    """Give back the address that the demo prints when everything is loaded."""
    said = ""
    for line in demo.stdout or ():
        said += line
        print(line, end="")
        if match := re.search(r"look at +(\S+)", said):
            link = match[1]
        if line.startswith("Ctrl+C"):
            return link
    sys.exit("The demo ended before it was ready.")


def settle(page: Page) -> None:
    """Wait until the page has drawn the decision and nothing moves."""
    page.wait_for_load_state("networkidle")
    page.get_by_text("issue_refund").first.wait_for()
    page.evaluate("document.fonts.ready")
    page.wait_for_timeout(1500)  # the timeline eases into its place


def shrink(path: Path) -> int:
    """Write the picture with a palette and give back its size in bytes."""
    with Image.open(path) as picture:
        picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    return path.stat().st_size


def main() -> int:
    """Start the demo, take both pictures, end the demo."""
    OUT.mkdir(exist_ok=True)
    words = [sys.executable, "-m", "tellwhy", "demo", "--no-browser"]
    demo = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        link = link_of(demo)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=browser_path(), args=QUIET)
            for scheme in ("light", "dark"):
                page = browser.new_page(
                    viewport=SIZE,
                    device_scale_factor=SCALE,
                    color_scheme="dark" if scheme == "dark" else "light",
                )
                page.goto(link)
                settle(page)
                path = OUT / f"run-{scheme}.png"
                page.screenshot(path=path)
                size = shrink(path)
                print(f"{path}: {size:,} bytes")
                if size > MAX_BYTES:
                    return 1
            browser.close()
    finally:
        demo.terminate()
        demo.wait(30)
    return 0


if __name__ == "__main__":
    sys.exit(main())
