"""What stands somewhere is linked to a place that holds it, checked the slow and obvious way."""

import gzip
import os
import random
import string
from dataclasses import replace
from pathlib import Path

import made_cases
import orjson
import pytest
import slow_evidence

from tellwhy_collector.reconstruct.evidence import evidence_of
from tellwhy_collector.reconstruct.evidence.forms import folded
from tellwhy_collector.reconstruct.explaining import cases_of
from tellwhy_collector.testing import collector, rows, send, wait_until_explained

RECORDED = sorted((Path(__file__).parent / "fixtures").glob("*.pb.gz"))
MORE = os.environ.get("TELLWHY_TEST_TRACES")
"""A folder with further files of the same kind: the test below reads them too."""


def check(case):
    """Every place holds what its row says, and every value that stands somewhere has one."""
    found = {}
    columns = slow_evidence.columns_of(case)
    for row in evidence_of(case):
        found.setdefault((row.decision_id, row.argument), []).append(row)
        if row.source_span_id is None:
            continue
        stands, value = slow_evidence.stands_at(row, columns), orjson.loads(row.value)
        text = value if isinstance(value, str) else row.value
        if row.kind == "exact":
            assert text == stands
        elif row.method in ("case", "unicode") or row.method == "part":
            assert folded(text) == folded(stands)
    for decision in case.decisions:
        if decision.action != "tool_call" or decision.arguments is None:
            continue
        seen = slow_evidence.seen_by(case, decision.span_id)
        for path, value in slow_evidence.leaves(decision.arguments):
            (first, *_) = found[decision.decision_id, path]
            if value not in ("", None, [], {}) and slow_evidence.stands_verbatim(value, seen):
                assert first.source_span_id is not None, (path, value)
                assert [n.rank for n in found[decision.decision_id, path]] == [
                    *range(len(found[decision.decision_id, path]))
                ]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Cases of recorded runs, as a collector reads them."""
    with collector(tmp_path_factory.mktemp("recorded")) as running:
        for path in [*RECORDED, *sorted(Path(MORE).glob("**/*.pb.gz") if MORE else ())]:
            body = gzip.decompress(path.read_bytes())
            answer = send(f"{running.http_url}/v1/traces", body, "application/x-protobuf")
            assert 200 == answer.status
        wait_until_explained(running.store, 100)
        cursor = running.store.cursor()
        ids = rows(running.store, "SELECT DISTINCT trace_id FROM steps ORDER BY 1")
        yield [case for (trace_id,) in ids for case in cases_of(cursor, trace_id)]
        cursor.close()


def test_what_stands_in_recorded_runs_is_linked_to_where_it_stands(recorded):
    """Runs of an airline's and a shop's agent whose requests were not recorded."""
    assert len(recorded) >= 3
    for case in recorded:
        check(case)


@pytest.mark.parametrize("seed", range(3))
def test_what_was_planted_in_recorded_runs_has_no_source(recorded, seed):
    """Ids and amounts that stand nowhere, in place of those that the model wrote."""
    chance = random.Random(seed)
    for case in recorded:
        planted, changed = {}, []
        for decision in case.decisions:
            if decision.action == "tool_call" and isinstance(decision.arguments, dict):
                name = chance.choice([*decision.arguments, "id"])
                value = chance.choice([_id, _number, _email])(chance)
                arguments = decision.arguments | {name: value}
                planted[decision.decision_id, f"$.{name}"] = value
                changed.append(replace(decision, arguments=arguments))
        for row in evidence_of(replace(case, decisions=tuple(changed))):
            if (row.decision_id, row.argument) in planted:
                assert "no_source" == row.kind, row


def _id(chance):
    return "".join(chance.choices(string.ascii_uppercase + string.digits, k=9)) + "7"


def _number(chance):
    return chance.randrange(10**9, 10**10) / 100 + 0.01


def _email(chance):
    return f"{''.join(chance.choices(string.ascii_lowercase, k=9))}@{_id(chance).lower()}.example"


SEEDS = 60

WORDS = [
    "order", "Order", "W12", "W123", "#W123", "7", "17", "1,200.50", "1200.5", "alice", "Alice",
    "alice_smith_9", "9", "a", "€", "naïve", "NAIVE", "東京", "東京都", "2024-05-24", "May 24",
    "x-y", "x y", "'", '"', "\\n", "\n", "{", "}", "0", "-5", "5", "true", "a.b@c.example", "…",
]  # fmt: skip


def _text(chance):
    signs = [" ", " ", " ", "", "_", "-", ", ", "/", "\n"]
    return "".join(w + chance.choice(signs) for w in chance.choices(WORDS, k=chance.randrange(9)))


def _value(chance, depth=0):
    kind = chance.randrange(8)
    if kind < 2 and depth < 3:
        keys = chance.sample(["id", "name", "a b", 'q"t', "W12", "x"], k=2)
        return {key: _value(chance, depth + 1) for key in keys}
    if kind == 2 and depth < 3:
        return [_value(chance, depth + 1) for _ in range(chance.randrange(4))]
    if kind == 3:
        return orjson.dumps(_value(chance, 2)).decode()
    if kind == 4:
        return chance.choice([0, 5, -5, 17, 1200.5, True, False, None])
    return _text(chance)


def _message(chance):
    role = chance.choice(["user", "assistant", "tool"])
    if role == "tool":
        return made_cases.result(_value(chance), chance.choice("ab"))
    return made_cases.said(_text(chance), role)


def _written(chance, texts):
    """A value that a model may write: of its own, or cut out of what it saw."""
    text = chance.choice(texts)
    if chance.random() < 0.3 or not text:
        return chance.choice([_text(chance), 5, 17, True, 1200.5])
    start = chance.randrange(len(text))
    return text[start : start + chance.randrange(1, 12)]


@pytest.mark.parametrize("seed", range(SEEDS))
def test_what_stands_in_any_history_is_linked_to_where_it_stands(seed):
    """Forked, cut and interleaved histories of texts, structures and JSON in texts."""
    chance = random.Random(seed)
    histories, calls = [[], []], []
    system = [{"type": "text", "content": _text(chance)}]
    tools = [{"name": "act", "parameters": {"properties": {"x": {"enum": [_text(chance), "x"]}}}}]
    for _ in range(12):
        history = chance.choice(histories)
        if chance.random() < 0.2:
            del history[chance.randrange(len(history) + 1) :]
        history += [_message(chance) for _ in range(1 + chance.randrange(3))]
        texts = [text for text, _ in slow_evidence.strings_in(history)]
        arguments = {name: _written(chance, texts) for name in ("id", "x", "list")}
        arguments["list"] = [arguments["list"], _written(chance, texts)]
        framing = {"system_instructions": system, "tools_offered": tools}
        calls.append(([*history], {"chosen": "act", "arguments": arguments}, framing))
    check(made_cases.case(calls))
