"""Rebuilding steps from raw records, and settling traces in the database."""

from pathlib import Path

import pytest

from tellwhy_collector import renormalise
from tellwhy_collector.dialects import normalise
from tellwhy_collector.ingest import Ingest
from tellwhy_collector.ingest.columns import STEPS, insertion, step_row, table
from tellwhy_collector.reconstruct import settle as settle_module
from tellwhy_collector.reconstruct.rows import COLUMNS, step_of_row
from tellwhy_collector.reconstruct.settle import settle
from tellwhy_collector.records import Step
from tellwhy_collector.settings import Settings
from tellwhy_collector.testing import open_store

FIXTURES = Path(__file__).parent / "dialects" / "fixtures"
DATABASE = "steps.duckdb"


def rows(path, query):
    """The answer of *query* on a file that nobody has open."""
    opened = open_store(path)
    try:
        return opened.cursor().execute(query).fetchall()
    finally:
        opened.close()


def change(path, *statements):
    opened = open_store(path)
    cursor = opened.cursor()
    for statement in statements:
        cursor.execute(statement)
    cursor.close()
    opened.close()


@pytest.fixture
def filled(tmp_path):
    """A database that took every fixture and was stopped."""
    path = tmp_path / DATABASE
    settings = Settings(database=path)
    opened = open_store(path, settings)
    ingest = Ingest(opened, settings, normalise, on_quiet=settle)
    ingest.start()
    for fixture in sorted(FIXTURES.rglob("*.otlp.json")):
        body = fixture.read_bytes()
        signal = "logs" if b'"resourceLogs"' in body else "traces"
        ingest.submit(body, signal=signal, encoding="json").result(30)
    ingest.stop()
    opened.close()
    return path


SAID = "SELECT * FROM steps ORDER BY trace_id, span_id"


def meant(path):
    """All steps with their JSON read: structures sent in attributes come back in another order."""
    opened = open_store(path)
    cursor = opened.cursor()
    cursor.execute(f"SELECT {', '.join(COLUMNS)} FROM steps ORDER BY trace_id, span_id")
    steps = [step_of_row(dict(zip(COLUMNS, row, strict=True))) for row in cursor.fetchall()]
    cursor.close()
    opened.close()
    return steps


def test_the_raw_records_give_the_same_steps_again(filled):
    """Raw is enough: steps, duplicates and inferred steps come back as they were."""
    before = meant(filled), rows(filled, "FROM step_duplicates ORDER BY ALL")
    outcome = renormalise.rebuild(Settings(database=filled))

    assert before == (meant(filled), rows(filled, "FROM step_duplicates ORDER BY ALL"))
    assert (0, 0) == (outcome.new, outcome.gone)
    assert outcome.before == outcome.after > 50


def test_what_was_understood_wrongly_is_put_right_and_counted(filled):
    """Steps of a wrong reading go, missing ones come, changed ones change."""
    change(
        filled,
        "UPDATE steps SET kind = 'other' WHERE kind = 'retrieval'",
        "DELETE FROM steps WHERE kind = 'guardrail'",
        "INSERT INTO steps BY NAME SELECT * REPLACE ('f' || span_id[2:] AS span_id) FROM steps WHERE kind = 'human' AND dialect = 'native'",
    )
    outcome = renormalise.rebuild(Settings(database=filled))

    assert outcome.changed >= 2
    assert outcome.kinds["guardrail"] == outcome.new
    assert 1 == outcome.gone


def test_a_failure_leaves_everything_as_it_was(filled, monkeypatch):
    """One transaction: a rebuild that breaks has done nothing."""
    before = rows(filled, SAID)

    def broken(*_):
        raise RuntimeError("broken")

    monkeypatch.setattr(renormalise, "settle", broken)
    with pytest.raises(RuntimeError):
        renormalise.rebuild(Settings(database=filled))

    assert before == rows(filled, SAID)


def test_the_command_says_what_it_did(filled, capsys):
    """Counts for a person, progress beside them."""
    status = renormalise.run(["--database", str(filled)])
    said = capsys.readouterr()

    assert 0 == status
    assert "steps before" in said.out
    assert "traces reconstructed" in said.err


def test_the_command_names_a_file_it_cannot_open(tmp_path, capsys):
    """An error in one sentence and status 1."""
    (tmp_path / "text.duckdb").write_text("no database" * 1000)
    status = renormalise.run(["--database", str(tmp_path / "text.duckdb")])

    assert 1 == status
    assert "text.duckdb" in capsys.readouterr().err


def step(trace_id, span_id, **fields):
    common = {
        "parent_span_id": None,
        "run_id": trace_id,
        "source": "span",
        "dialect": "otel_genai",
        "kind": "model_call",
        "name": "chat",
        "start_ns": 1_767_225_600_000_000_000,
        "end_ns": 1_767_225_600_000_000_100,
        "status": "ok",
    }
    return Step(trace_id=trace_id, span_id=span_id, **(common | fields))


def put(cursor, steps):
    cursor.register("incoming", table([step_row(s) for s in steps], STEPS))
    cursor.execute(insertion("steps", STEPS))
    cursor.unregister("incoming")


def twice(trace_id):
    """One call seen by two, and a request that answers it."""
    chosen = [{"action": "tool_call", "name": "look", "tool_call_id": "c1"}]
    answer = {"type": "tool_call_response", "id": "c1", "response": "seen"}
    return [
        step(trace_id, "1", response_id="m", chosen=chosen, input_tokens=5),
        step(trace_id, "2", response_id="m", dialect="anthropic_sdk", request_id="r"),
        step(
            trace_id,
            "3",
            start_ns=1_767_225_600_000_001_000_000,
            end_ns=1_767_225_600_000_002_000_000,
            input_messages=[{"role": "user", "parts": [answer]}],
        ),
    ]


def test_settling_again_changes_nothing(store):
    """Late records make a trace come again; what was settled stays settled."""
    cursor = store.cursor()
    put(cursor, [s for n in range(3) for s in twice(f"{n:032x}")])
    traces = [f"{n:032x}" for n in range(3)]
    first = settle(cursor, traces)
    state = cursor.execute(SAID).fetchall()
    second = settle(cursor, traces)

    assert (3, 3, 3) == (first.traces, first.duplicates, first.added)
    assert (3, 0, 3) == (second.duplicates, second.changed, second.added)
    assert state == cursor.execute(SAID).fetchall()
    assert [("r", 5)] == cursor.execute(
        "SELECT DISTINCT request_id, input_tokens FROM model_calls WHERE span_id = '1'"
    ).fetchall()
    cursor.close()


def test_a_trace_too_large_for_memory_is_settled_without_its_payload(store, monkeypatch):
    """Duplicates are found; the payload stays untouched and no tool is read out of it."""
    monkeypatch.setattr(settle_module, "MAX_CHARACTERS", 10)
    cursor = store.cursor()
    put(cursor, twice("a" * 32))
    outcome = settle(cursor, ["a" * 32])

    assert (1, 1, 0) == (outcome.traces, outcome.duplicates, outcome.added)
    assert [(1,)] == cursor.execute(
        "SELECT count(*) FROM steps WHERE input_messages IS NOT NULL"
    ).fetchall()
    cursor.close()
