"""What has come to the collector, and what should have and has not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tellwhy._cli import asking
from tellwhy._cli.doctor.findings import Finding, Patient, count, note, ok, problem

SHOWN = 5
"""So many are named."""

PROCESSES = """
SELECT count(*), count(*) FILTER (s.end_reason IS NULL),
    coalesce(sum(p.dropped_spans) FILTER (p.last_heard_at > now()::timestamp - INTERVAL 7 DAY), 0)
FROM processes p JOIN process_states s USING (instance)
"""
SILENT = """
SELECT service_name, host, pid, silent_s, open_spans FROM silent_processes
WHERE last_heard_at > now()::timestamp - INTERVAL 7 DAY ORDER BY silent_s
"""
GAPS = """
SELECT service_name, host, pid, sum(missing), min(first_sequence), max(last_sequence) FROM gaps
WHERE last_heard_at > now()::timestamp - INTERVAL 7 DAY GROUP BY ALL ORDER BY 4 DESC
"""
LOST = """
SELECT count(*), arg_max(run_id, start_ns), arg_max(died_in, start_ns) FROM runs
WHERE status = 'lost' AND start_time > now()::timestamp - INTERVAL 1 DAY
"""


def examine(patient: Patient) -> Iterator[Finding]:
    """Processes, gaps and lost runs, asked in SQL."""
    if not patient.is_tellwhy:
        yield note("Not asked: no tellwhy collector answers.")
        return
    try:
        yield from _processes(patient)
        yield from _gaps(patient)
        yield from _lost(patient)
    except asking.Silent as error:
        yield problem(f"The collector does not answer SQL: {error}", error.remedy)


def _processes(patient: Patient) -> Iterator[Finding]:
    ((all_of_them, living, dropped),) = asking.rows(patient, PROCESSES)
    yield ok(f"{all_of_them} processes seen, {living} of them live")
    silent = asking.rows(patient, SILENT)
    for service, host, pid, seconds, open_spans in silent[:SHOWN]:
        yield problem(
            f"{_named(service, host, pid)} has said nothing for {seconds:,.0f} s with "
            f"{count(open_spans, 'open span')}.",
            "See whether it runs; if it died, let a collector on its machine adopt its spool.",
        )
    yield from _more(silent, "silent processes", "select * from silent_processes")
    if dropped:
        yield problem(
            f"Processes of the last week dropped {count(int(dropped), 'span')} themselves.",
            "Raise TELLWHY_MAX_SPOOL_BYTES, and see in their logs what the collector refused.",
        )


def _gaps(patient: Patient) -> Iterator[Finding]:
    gaps = asking.rows(patient, GAPS)
    if not gaps:
        yield ok("no gaps: every span that was announced in the last week is stored")
    for service, host, pid, missing, first, last in gaps[:SHOWN]:
        yield problem(
            f"{count(int(missing), 'span')} of {_named(service, host, pid)} never came "
            f"(numbers {first} to {last}).",
            "If its spool is left, let it be adopted; else compare with what it dropped.",
        )
    yield from _more(gaps, "processes with gaps", "select * from gaps")


def _lost(patient: Patient) -> Iterator[Finding]:
    ((lost, run_id, died_in),) = asking.rows(patient, LOST)
    if lost:
        where = f"; the last died in {died_in} ({run_id})" if died_in else f"; the last is {run_id}"
        yield note(
            f"{count(lost, 'run')} of the last day died with {'its' if lost == 1 else 'their'} "
            f"process{where}",
            'tellwhy sql "select * from lost_runs"',
        )


def _more(found: list[list[Any]], things: str, sql: str) -> Iterator[Finding]:
    if len(found) > SHOWN:
        yield note(f"And {len(found) - SHOWN} more {things}.", f'tellwhy sql "{sql}"')


def _named(service: str | None, host: str | None, pid: int | None) -> str:
    return f"{service or 'a process'} ({pid or '?'} on {host or '?'})"
