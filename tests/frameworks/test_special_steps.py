"""Hand-offs and guardrails, retrieved documents, forks of a thread: what only some programs use."""

import pytest

pytestmark = [pytest.mark.frameworks, pytest.mark.slow, pytest.mark.timeout(1200)]

HANDED_OVER = """
    SELECT action, agent_name, outcome, json_extract_string(outcome_result::JSON, '$'),
        (SELECT list(attributes."tellwhy.handoff.to"::VARCHAR) FROM spans
            WHERE name LIKE 'handoff%')
    FROM decisions WHERE action = 'handoff'"""
NEXT = """
    SELECT agent_name, action FROM decisions WHERE action != 'handoff'
    AND decision_id IN (SELECT next_decision_id FROM decisions)"""
GUARDED = """
    SELECT name, agent_name, output->>'triggered' FROM steps
    WHERE kind = 'guardrail' AND duplicate_of IS NULL ORDER BY start_ns"""
ENDED = """
    SELECT status, (SELECT list(rule) FROM findings f WHERE f.run_id = r.run_id) FROM runs r"""
STOPPED = """
    SELECT r.status, split_part(r.error_type, '.', -1), r.errors, regexp_extract(f.message, 'guardrail (\\w+) of', 1)
    FROM runs r LEFT JOIN findings f USING (run_id)"""
SEEN_DOCUMENTS = """
    SELECT d->>'id', (d->>'score')::DOUBLE, d->>'content',
        contains(m.input_messages::VARCHAR, d->>'content')
    FROM (SELECT run_id, start_ns, unnest(output::JSON[]) AS d
        FROM steps WHERE kind = 'retrieval' AND duplicate_of IS NULL) r
    JOIN steps m ON m.run_id = r.run_id AND m.kind = 'model_call' AND m.start_ns > r.start_ns
    ORDER BY 1"""
BRANCHES = """
    SELECT conversation_id, d.arguments->>'city',
        (SELECT count(*) FROM model_calls m WHERE m.run_id = r.run_id),
        (SELECT count(*) FROM tool_calls t WHERE t.run_id = r.run_id),
        (SELECT count(*) FROM spans s WHERE s.name LIKE 'node %'
            AND s.attributes."tellwhy.run.id"::VARCHAR = r.run_id
            AND s.attributes."tellwhy.checkpoint.id" IS NOT NULL)
    FROM runs r JOIN decisions d USING (run_id, conversation_id)
    WHERE d.chosen = 'get_weather' ORDER BY r.start_ns"""
CONTINUED = """
    SELECT count(*) FROM spans a JOIN spans b
        ON a.attributes."tellwhy.checkpoint.from"::VARCHAR = b.attributes."tellwhy.checkpoint.id"::VARCHAR
    WHERE b.name = 'node model'"""


def test_a_hand_off_is_a_decision_and_a_guardrail_says_how_it_ended(ask_after):
    """OpenAI Agents SDK: the agent that took over is named, the guardrail that tripped says so."""
    ask = ask_after("newer", "handoff_openai_agents.py")

    said = '{"assistant": "cashier"}'
    assert [["handoff", "clerk", "succeeded", said, ["cashier"]]] == ask(HANDED_OVER)
    assert [["cashier", "answer"]] == ask(NEXT)
    assert [
        ["guardrail is_polite", "clerk", "false"],
        ["guardrail no_card_numbers", "cashier", "true"],
    ] == ask(GUARDED)
    assert [["denied", ["guardrail_tripped"]]] == ask(ENDED)
    said = "The guardrail no_card_numbers of cashier tripped; the run did nothing after it."
    assert [[said]] == ask("SELECT message FROM findings")


@pytest.mark.parametrize(
    ("form", "ended"),
    [
        ("input", ["denied", None, 0, "is_allowed"]),
        ("leaves", ["denied", "OutputGuardrailTripwireTriggered", 1, "no_card_numbers"]),
        ("goes-on", ["succeeded", None, 0, "no_card_numbers"]),
    ],
)
def test_a_run_that_a_guardrail_stopped_was_denied(ask_after, form, ended):
    """Beside the first call, on the answer, and where the program asked again: errors only raised."""
    ask = ask_after("newer", "guarded_openai_agents.py", form)

    assert [ended] == ask(STOPPED)


@pytest.mark.parametrize(("form", "ended"), [("", ["succeeded", 1]), ("leaves", ["denied", 2])])
def test_a_guardrail_of_a_task_is_named(ask_after, form, ended):
    """CrewAI: an answer that was sent back and made good, and one that was given up."""
    ask = ask_after("older", "guarded_crewai.py", form)

    assert [ended] == ask("SELECT status, (SELECT count(*) FROM findings) FROM runs")
    said = "SELECT DISTINCT name, error_message FROM steps WHERE error_type = 'denied'"
    assert [["guardrail no_card_numbers", "no card numbers"]] == ask(said)


def test_retrieved_documents_are_found_in_the_call_that_saw_them(ask_after):
    """LlamaIndex: ids, scores and texts, and the texts in what the next model call was told."""
    ask = ask_after("older", "retrieve_llamaindex.py")

    assert [
        ["coats", 0.9, "Coats are on shelf 4.", True],
        ["hats", 0.4, "Hats are sold out.", True],
    ] == ask(SEEN_DOCUMENTS)


def test_a_fork_is_a_run_of_the_same_conversation(ask_after):
    """LangGraph: both branches once each, and the checkpoint that the second started from."""
    ask = ask_after("newer", "fork_langgraph.py")

    assert [["case-7", "Oslo", 2, 1, 3], ["case-7", "Bergen", 2, 1, 3]] == ask(BRANCHES)
    assert [[1]] == ask(CONTINUED)


THREADS = """
    SELECT conversation_id, agent_name, status, model_calls, tool_calls FROM runs ORDER BY start_ns"""
CITIES = """
    SELECT conversation_id, arguments->>'city', outcome FROM decisions
    WHERE action = 'tool_call' ORDER BY start_ns"""
ASKED = """
    SELECT s.input->>'question', s.approval_decision FROM steps s
    WHERE kind = 'human' AND duplicate_of IS NULL ORDER BY 1, start_ns"""


def test_less_common_ways_of_langgraph_are_told_once(ask_after):
    """Old checkpoints, events, a stream that was left, two questions at a time, a subgraph."""
    ask = ask_after("newer", "paths_langgraph.py")

    assert [
        *[["again", "clerk", "succeeded", 2, 1]] * 3,
        ["events", "clerk", "succeeded", 2, 1],
        ["left", "clerk", "succeeded", 1, 0],
        ["pair", "pair", "succeeded", 0, 0],
    ] == ask(THREADS)
    assert [
        ["again", "Oslo", "succeeded"],
        ["again", "Oslo", "succeeded"],
        ["again", "Bergen", "succeeded"],
        ["events", "Rome", "succeeded"],
        ["left", "Turin", "unknown"],
    ] == ask(CITIES)
    assert [
        ["May one?", "asked"],
        ["May one?", "approved"],
        ["May two?", "asked"],
        ["May two?", "denied"],
    ] == ask(ASKED)
    inner = "SELECT count(*) FROM steps WHERE name = 'node inner' AND conversation_id = 'pair'"
    assert [[1], [0]] == [*ask(inner), *ask("SELECT count(*) FROM gaps")]
