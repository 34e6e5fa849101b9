"""The component's own files: no way to turn text into markup, and its pure modules."""

import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import tellwhy_viewer

ASSETS = Path(tellwhy_viewer.__file__).parent / "component" / "assets"
MODULES = sorted(ASSETS.glob("*.js"))
VENDORED = ASSETS / "vendor" / "codemirror.js"
ORIGIN = Path(__file__).parents[1] / "vendored" / "codemirror"
SINKS = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment"
    r"|setHTML|srcdoc|\beval\b|new Function|setTimeout\(\s*[\"'`]|\.href\s*=|\.src\s*=|cssText"
)
NODE = shutil.which("node")

PURE = """
import assert from "node:assert/strict";
import { scale, tickStep, clock, bounded, spread } from "FOLDER/scale.js";
import { visible, took, count, money, deed, flagged } from "FOLDER/words.js";
import { mentioned, quoted } from "FOLDER/sqlwords.js";

const flat = scale(1000, [], null, 500);
assert.equal(flat.x(0), 0);
assert.equal(flat.x(1000), 500);
assert.equal(flat.t(250), 500);

const folded = scale(100000, [[10000, 90000]], null, 534);
assert.equal(folded.x(10000), 250);
assert.equal(folded.x(90000), 284);
assert.equal(folded.x(100000), 534);
for (const at of [0, 5000, 10000, 50000, 90000, 99000]) {
  assert.ok(Math.abs(folded.t(folded.x(at)) - at) < 1e-6, String(at));
}
const atEnd = scale(60000, [[5000, 60000]], null, 300);
assert.equal(atEnd.x(60000), 300);
const zoomed = scale(1000, [], [0.25, 0.75], 500);
assert.equal(zoomed.x(250), 0);
assert.equal(zoomed.x(750), 500);
const many = scale(1000, Array.from({ length: 50 }, (_, i) => [i * 20, i * 20 + 10]), null, 400);
assert.ok(many.x(1000) <= 400.0001);

assert.equal(bounded([-0.2, 1.2]), null);
assert.deepEqual(bounded([0.8, 1.2]).map((v) => Math.round(v * 10)), [6, 10]);
assert.deepEqual(spread([1, 2, 50], 20, 100), [1, 21, 50]);
assert.deepEqual(spread([90, 95], 20, 100), [80, 100]);
assert.equal(tickStep(0.1), 1000);
assert.equal(clock(65000, 5000), "1:05");
assert.equal(clock(3725000, 60000), "1:02:05");
assert.equal(clock(1500, 500), "1.5 s");

assert.equal(visible("a\\u202eb\\u001b[0m\\tc\\n"), "a\\u27e8U+202E\\u27e9b\\u27e81B\\u27e9[0m\\tc\\n");
assert.equal(took(812), "812 ms");
assert.equal(took(4400), "4.4 s");
assert.equal(took(1121000), "18 m 41 s");
assert.equal(count(15700), "15.7k");
assert.equal(money(0.0512), "$0.0512");
assert.equal(money(null), "\\u2013");
assert.equal(deed({ action: "tool_call", offered: 4 }), "Chosen over 3 other tools");
assert.equal(deed({ action: "answer", offered: 1 }), "Answered instead of calling one of 1 tool");
assert.ok(flagged({ outcome: "denied" }) && !flagged({ outcome: "succeeded" }));

const words = new Set(["select", "order"]);
assert.equal(quoted("run_id", words), "run_id");
assert.equal(quoted("Order", words), '"Order"');
assert.equal(quoted('a"; drop', words), '"a""; drop"');
assert.equal(quoted("\u00e9", words), '"\u00e9"');
assert.deepEqual(mentioned("from runs r join steps", new Map([["runs", 1], ["step", 1], ["steps", 1]])), ["runs", "steps"]);
"""


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_no_module_can_turn_text_into_markup(module):
    """What an agent wrote can only become a text node: the ways around it are not in the files."""
    assert [] == SINKS.findall(module.read_text())


def test_nothing_is_loaded_from_elsewhere():
    """No address but the page's own stands in the shipped files."""
    for path in [*MODULES, *ASSETS.glob("*.css"), VENDORED]:
        text = path.read_text().replace("http://www.w3.org/2000/svg", "")
        assert "http:" not in text, path.name
        assert "https:" not in text, path.name
        assert "@import" not in text, path.name


def test_modules_import_only_each_other():
    """There is no build step, so every import is a file that is here."""
    for module in MODULES:
        for name in re.findall(r'(?:from |import\()"([^"]+)"', module.read_text()):
            assert (ASSETS / name).is_file(), f"{module.name}: {name}"


def test_the_vendored_editor_is_the_one_that_was_made():
    """Its sum and its size stand where it says how it was made, and its licence names each part."""
    content, told = VENDORED.read_bytes(), (ORIGIN / "README.md").read_text()
    licence = VENDORED.with_name("codemirror.LICENSE.txt").read_text()
    locked = json.loads((ORIGIN / "package-lock.json").read_text())["packages"]
    parts = {
        f"{path.removeprefix('node_modules/')} {entry['version']}\n"
        for path, entry in locked.items()
        if path and not entry.get("dev")
    }

    assert hashlib.sha256(content).hexdigest() in told
    assert f"{len(content):,} (" in told
    assert [] == [part for part in parts if part not in licence]
    assert {"MIT"} == {entry["license"] for path, entry in locked.items() if path}
    assert [] == re.findall(
        r"innerHTML|outerHTML|document\.write|\beval\b|new Function", content.decode()
    )


@pytest.mark.skipif(NODE is None, reason="no node: apt-get install nodejs checks the JavaScript")
def test_every_module_parses():
    """The shipped file is the reviewed file; a slip shows here before a browser meets it."""
    for module in MODULES:
        done = subprocess.run(
            [NODE, "--check", "--input-type=module"],
            input=module.read_text(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert 0 == done.returncode, f"{module.name}: {done.stderr}"


@pytest.mark.skipif(NODE is None, reason="no node: apt-get install nodejs runs the pure modules")
def test_time_scale_and_words():
    """Folding, zoom, ticks, spreading, and what is said about numbers."""
    script = PURE.replace("FOLDER", ASSETS.as_uri())
    done = subprocess.run(
        [NODE, "--no-warnings", "--input-type=module"],
        input=script,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (0, "") == (done.returncode, done.stderr)


def test_pages_never_give_untrusted_text_to_an_element_that_reads_markdown():
    """Only our own words stand in captions and headings, and nothing is marked as safe HTML."""
    folder = Path(tellwhy_viewer.__file__).parent
    for path in [*(folder / "pages").glob("*.py"), *(folder / "parts").glob("*.py")]:
        text = path.read_text()
        found = re.findall(
            r"\.(markdown|write|error|warning|info|success|toast|metric|html)\(", text
        )
        # A figure of the health page is a label of ours and numbers; see shape.health.figures.
        allowed = ["metric"] if path.name == "health.py" else []
        assert allowed == found, path.name
        assert "unsafe_allow" not in text, path.name
