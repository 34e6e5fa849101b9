"""One run as a page that stands alone: no server, no script, nothing loaded, good to print. Pure.

The same records make the same page, byte for byte: `tellwhy verify` makes it again and compares.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tellwhy._cli.pack import choice
from tellwhy._cli.pack.markup import Markup, data, many, pretty, tag
from tellwhy._cli.pack.records import Record, canonical, digest, manifest, seal

BLOCK = '<script type="application/json" id="records">'
"""What stands before the records; a browser does not run it."""

STYLE = """
:root{--t:#16181d;--m:#5b6270;--b:#d9dce3;--s:#f5f6f9;--bad:#b3261e;--ok:#0b6b4a;--v:#6a4bd8;color-scheme:light}
*{box-sizing:border-box}body{font:14px/1.5 system-ui,sans-serif;color:var(--t);max-width:1000px;margin:28px auto;padding:0 20px}
h1{font-size:24px;margin:0 0 4px}h2{font-size:17px;margin:30px 0 8px;border-bottom:1px solid var(--b);padding-bottom:4px}
h3{font-size:15px;margin:0 0 4px}h4{font-size:12px;margin:10px 0 3px;color:var(--m);font-weight:600}p{margin:4px 0}
code,pre{font:12px/1.45 ui-monospace,monospace}pre{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--s);padding:6px 9px;border-radius:6px;margin:3px 0}
table{border-collapse:collapse;width:100%;font-size:12.5px;table-layout:fixed}td,th{text-align:left;vertical-align:top;padding:3px 8px 3px 0;border-bottom:1px solid var(--b);overflow-wrap:anywhere}
th{color:var(--m);font-weight:600}.f th{width:180px}.m{color:var(--m)}.bad{color:var(--bad)}.ok{color:var(--ok)}
.d{border:1px solid var(--b);border-radius:9px;padding:10px 14px;margin:12px 0;break-inside:avoid-page}
.said{border-left:3px solid var(--v);padding-left:10px;white-space:pre-wrap;overflow-wrap:anywhere}
.tested{border-left:3px solid var(--ok);padding-left:10px}.box{background:var(--s);border-radius:9px;padding:10px 14px}
.h td{font:10.5px/1.4 ui-monospace,monospace}.chip{border:1px solid var(--b);border-radius:99px;padding:0 8px;font-size:12px;white-space:nowrap}
@media print{body{margin:0;max-width:none}a{color:inherit;text-decoration:none}.d{border-color:#999}}
"""

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def page(held: Mapping[str, Sequence[Record]], about: Mapping[str, Any]) -> str:
    """Give the page.

    Args:
        held: Records by table, from `records.gathered`.
        about: What the pack says about itself: version, run, when and from where it was written.
    """
    lines = manifest(held)
    run = held["runs"][0]
    inside = [
        _head(run, about, seal(lines, about), len(lines)),
        _facts(run),
        _first(held),
        _approvals(held),
        tag("h2", "Decisions"),
        many(choice.decisions(held)),
        _steps(held),
        _hashes(lines),
    ]
    title = tag("title", f"{run.get('agent_name') or 'Run'} {run['run_id']}")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"{title}<style>{STYLE}</style></head>\n<body>\n"
        + "\n".join(inside)
        + f"\n{BLOCK}\n{_block(held, about)}\n</script>\n</body></html>\n"
    )


def _block(held: Mapping[str, Sequence[Record]], about: Mapping[str, Any]) -> Markup:
    """One line for what the pack says of itself, then one for each record: table and record."""
    rows = [canonical({"about": about})]
    rows += [
        f'{{"{name}":{canonical(row)}}}' if row else ""
        for name, all_ in held.items()
        for row in all_
    ]
    rows.append(canonical({"tables": list(held)}))
    return data("\n".join(rows))


def _head(run: Record, about: Mapping[str, Any], sealed: str, count: int) -> Markup:
    return many((
        tag("h1", run.get("agent_name") or run.get("service_name") or "Unnamed agent"),
        tag("p", tag("code", run["run_id"]), "  ", tag("span", str(run.get("status")), cls="chip"),
            f"  {run.get('start_time')} UTC", cls="m"),
        tag("div",
            tag("p", "Everything that was recorded of this run, as it stood in the collector on "
                f"{about['exported_at']}. It stands in this file alone: no server, no script. Recorded "
                "facts, the model's own words and what was tested by replaying stand apart; only the last "
                "tells what a choice depended on."),
            tag("p", f"{count:,} records, each with its SHA-256 at the end. Seal over all of them:"),
            tag("pre", sealed),
            tag("p", "Check that nothing was changed: ", tag("code", "tellwhy verify FILE"),
                " compares hashes and makes this page again; ", tag("code", "--seal"), " holds it against a seal "
                "that was noted elsewhere, ", tag("code", "--url"), " against the collector."),
            cls="box"),
    ))  # fmt: skip


def _facts(run: Record) -> Markup:
    run = {**run, "took": choice.took(run.get("duration_ns"))}
    names = [
        "agent_version",
        "service_name",
        "user_id",
        "conversation_id",
        "models",
        "duration_ns",
        "decisions",
        "steps",
        "errors",
        "retries",
        "approvals",
        "input_tokens",
        "output_tokens",
        "cost_usd",
        "cost_source",
        "error_type",
        "error_message",
        "lost_reason",
        "died_in",
    ]
    rows = [tag("tr", tag("th", name.replace("_", " ")), tag("td", run[name]))
            for name in names if run.get(name) not in (None, "", 0)]  # fmt: skip
    asked = [many((tag("h4", label), tag("pre", pretty(run[name]))))
             for label, name in (("It was asked", "input"), ("It gave", "output")) if run.get(name)]  # fmt: skip
    return many((tag("h2", "The run"), *asked, tag("table", many(rows), cls="f")))


def _first(held: Mapping[str, Sequence[Record]]) -> Markup:
    number = choice.numbers(held)
    lines = []
    for row in held.get("suspects", ())[:3]:
        reasons = [
            one.get("says")
            for one in json.loads(row["reasons"] or "[]")
            if one.get("weight", 0) > 0
        ]
        at = number.get(row["decision_id"])
        lines.append(
            tag("li", f"Decision {at}: " if at else "A call: ", " ".join(map(str, reasons)))
        )
    found = [
        tag("li", tag("b", row["severity"], cls="bad" if row["severity"] == "high" else ""), " ",
            tag("code", row["rule"]), " ", row["message"],
            f" (decision {number[row['decision_id']]})" if row["decision_id"] in number else None)
        for row in held.get("findings", ())
    ]  # fmt: skip
    return many((
        tag("h2", "Where to look first"),
        tag("p", "Ranked without a model by what was recorded; not a verdict.", cls="m"),
        tag("ol", many(lines)) if lines else tag("p", "Nothing stands out."),
        tag("h2", "Findings"),
        tag("ul", many(found)) if found else tag("p", "No rule found anything."),
    ))  # fmt: skip


def _approvals(held: Mapping[str, Sequence[Record]]) -> Markup:
    number = choice.numbers(held)
    asked = [
        choice.approval(row, number.get(row["decision_id"])) for row in held.get("approvals", ())
    ]
    gaps = [
        tag("li", tag("code", row["tool_name"] or "?"), f" ({row['tool_effect']}): {row['gap']}, {row['status']}",
            f", decision {number[row['decision_id']]}" if row["decision_id"] in number else None)
        for row in held.get("effects_without_approval", ())
    ]  # fmt: skip
    return many((
        tag("h2", "Approvals"),
        many(asked) if asked else tag("p", "Nobody was asked."),
        tag("h4", "Effects without an approval"),
        tag("ul", many(gaps)) if gaps else tag("p", "None."),
    ))  # fmt: skip


def _steps(held: Mapping[str, Sequence[Record]]) -> Markup:
    rows = [
        tag("tr", tag("td", str(row["start_time"])), tag("td", row["kind"]), tag("td", row["tool_name"] or row["name"]),
            tag("td", row["status"], cls="bad" if row["status"] == "error" else ""),
            tag("td", choice.took(row.get("duration_ns"))), tag("td", tag("code", digest(canonical(row))[:12])))
        for row in held.get("steps", ())
    ]  # fmt: skip
    head = tag(
        "tr",
        *(tag("th", name) for name in ("start, UTC", "kind", "name", "status", "took", "SHA-256")),
    )
    return many((tag("h2", "Steps"), tag("table", head, many(rows))))


def _hashes(lines: Sequence[tuple[str, str, str]]) -> Markup:
    rows = [tag("tr", *(tag("td", part) for part in line)) for line in lines]
    return many((
        tag("h2", "Hash of every record"),
        tag("p", "SHA-256 of the record as JSON in UTF-8: names sorted, no spaces.", cls="m"),
        tag("table", many(rows), cls="h"),
    ))  # fmt: skip


def read(text: str) -> tuple[dict[str, list[Record]], dict[str, Any]]:
    """Give the records and what the pack says about itself back out of a page.

    Raises:
        ValueError: *text* is no such page, or its block was broken.
    """
    _, found, rest = text.partition(BLOCK + "\n")
    block, end, _ = rest.partition("\n</script>")
    if not found or not end:
        raise ValueError("it holds no records; is it a file of `tellwhy export html`?")
    rows = [json.loads(line) for line in block.split("\n")]
    about, tables = rows[0]["about"], rows[-1]["tables"]
    held: dict[str, list[Record]] = {name: [] for name in tables}
    for row in rows[1:-1]:
        ((name, record),) = row.items()
        held[name].append(record)
    return held, about
