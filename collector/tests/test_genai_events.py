"""Log events of the GenAI conventions and the spans they belong to are one step, whatever comes first."""

import itertools
import json
import random
from pathlib import Path

import orjson
import pytest

from tellwhy_collector import renormalise
from tellwhy_collector.dialects import normalise
from tellwhy_collector.dialects.event_messages import DETAILS
from tellwhy_collector.ingest import Ingest
from tellwhy_collector.reconstruct.settle import settle
from tellwhy_collector.settings import Settings
from tellwhy_collector.testing import START_NS, logs, open_store, pairs, post, rows, span, traces

FIXTURES = Path(__file__).parent / "dialects" / "fixtures" / "otel_genai"
TRACE, CALL, AGENT = "a" * 32, "1" * 16, "2" * 16
SECOND = 10**9
ANSWER = [{"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "look", "arguments": {"q": 1}}]}]  # fmt: skip
ASKED = [{"role": "user", "parts": [{"type": "text", "content": "Where?"}]}]
CONTENT = {
    "gen_ai.input.messages": json.dumps(ASKED),
    "gen_ai.output.messages": json.dumps(ANSWER),
    "gen_ai.tool.definitions": json.dumps([{"type": "function", "name": "look"}]),
}
FACTS = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.response.id": "r1",
    "gen_ai.usage.input_tokens": 100,
    "gen_ai.usage.output_tokens": 10,
}


def call(**changes):
    """The model call without content."""
    ids = {"traceId": TRACE, "spanId": CALL, "parentSpanId": AGENT}
    return traces([span(FACTS, **(ids | changes))])


def agent():
    """The span above it."""
    told = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "finder"}
    end = str(START_NS + 5 * SECOND)
    return traces([span(told, traceId=TRACE, spanId=AGENT, endTimeUnixNano=end)])


def event(name=DETAILS, attributes=None, at=SECOND, body=None, **ids):
    """A log event of the call, at its end."""
    told = FACTS | CONTENT if attributes is None else attributes
    record = {"timeUnixNano": str(START_NS + at), "eventName": name, "attributes": pairs(told)}
    if body is not None:
        record["body"] = body
    return logs([record | (ids or {"traceId": TRACE, "spanId": CALL})])


def lone(at=SECOND):
    """The same without a trace."""
    return event(at=at, traceId="", spanId="")


class Arrivals:
    """Requests in, settled or not."""

    def __init__(self, store):
        self.store = store
        self.ingest = Ingest(store, Settings(), normalise)
        self.ingest.start()

    def send(self, request):
        """One request, committed."""
        signal = "logs" if "resourceLogs" in request else "traces"
        post(self.ingest, request, signal)

    def settle(self):
        """Work out all that has changed."""
        cursor = self.store.cursor()
        left = cursor.execute("SELECT DISTINCT trace_id FROM open_traces").fetchall()
        cursor.execute("BEGIN")
        settle(cursor, [trace for (trace,) in left])
        cursor.execute("COMMIT")
        cursor.close()

    def rows(self, sql):
        """What *sql* gives."""
        return rows(self.store, sql)


@pytest.fixture
def arrivals(store):
    made = Arrivals(store)
    yield made
    made.ingest.stop()


RUN = "SELECT run_id, model_calls, decisions, input_tokens, cost_usd FROM runs"
MODEL_CALL = """SELECT trace_id, span_id, source, duration_ns, input_messages, offered_count,
    input_tokens, output_tokens FROM model_calls"""
DECISION = "SELECT span_id, chosen, tool_call_id, arguments, offered, agent_name FROM decisions"


def check_one(arrivals, agent_name="finder"):
    """One call, counted once, with what either record knows."""
    ((trace, span_id, source, duration, asked, offered, sent, got),) = arrivals.rows(MODEL_CALL)
    assert (TRACE, CALL, "span", SECOND) == (trace, span_id, source, duration)
    assert (ASKED, 1, 100, 10) == (orjson.loads(asked), offered, sent, got)
    assert [(CALL, "look", "c1", '{"q":1}', '["look"]', agent_name)] == arrivals.rows(DECISION)
    ((run, calls, decisions, tokens, cost),) = arrivals.rows(RUN)
    assert (TRACE, 1, 1, 100) == (run, calls, decisions, tokens)
    assert pytest.approx(100 * 2.5e-6 + 10 * 10e-6) == cost


@pytest.mark.parametrize("made", [event, lone], ids=["under its span", "without a trace"])
@pytest.mark.parametrize("between", [False, True], ids=["settled once", "settled each time"])
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
def test_a_call_and_its_details_are_one_step(arrivals, order, between, made):
    """Whatever comes first, and however long the other takes."""
    for number in order:
        arrivals.send((agent, call, made)[number]())
        if between:
            arrivals.settle()
    arrivals.settle()

    check_one(arrivals)
    assert [("event",)] == arrivals.rows("SELECT reason FROM step_duplicates")
    assert [(0,)] == arrivals.rows("SELECT count(*) FROM open_traces")


@pytest.mark.parametrize("made", [event, lone], ids=["under its span", "without a trace"])
def test_details_whose_span_never_comes_are_a_call(arrivals, made):
    """Nothing is lost: the event is a step with tokens, cost and choice until its span comes."""
    arrivals.send(made())
    arrivals.settle()

    assert [("log", 100)] == arrivals.rows("SELECT source, input_tokens FROM model_calls")
    assert [("look",)] == arrivals.rows("SELECT chosen FROM decisions")
    assert [(1, 100)] == arrivals.rows("SELECT model_calls, input_tokens FROM runs")


@pytest.mark.parametrize("made", [event, lone], ids=["under its span", "without a trace"])
def test_a_restart_between_the_two_changes_nothing(tmp_path, made):
    """What waits for its other half waits on disk; the same event again is the same step."""
    path = tmp_path / "tests.duckdb"
    for requests in ([made()], [call(), agent()], [made()]):
        opened = open_store(path)
        arrivals = Arrivals(opened)
        for request in requests:
            # The time of the export makes the body another one, as a retry through a proxy does.
            arrivals.send(request | {"sentAgain": random.random()})
        arrivals.settle()
        arrivals.ingest.stop()
        told = arrivals.rows("SELECT count(*) FROM steps WHERE source = 'log'")
        opened.close()

    opened = open_store(path)
    assert [(1,)] == told
    arrivals = Arrivals(opened)
    check_one(arrivals)
    arrivals.ingest.stop()
    opened.close()
    outcome = renormalise.rebuild(Settings(database=path))
    assert (0, 0, 0) == (outcome.new, outcome.gone, outcome.changed)


def test_an_answers_id_that_is_used_again_joins_the_nearest_call(arrivals):
    """Scripts and tests count from one each time."""
    later = 3600 * SECOND
    times = {"startTimeUnixNano": str(START_NS + later), "endTimeUnixNano": str(START_NS + later + SECOND)}  # fmt: skip
    for request in (lone(at=later + SECOND), call(), call(traceId="b" * 32, **times), lone()):
        arrivals.send(request)
    arrivals.settle()

    found = arrivals.rows("SELECT trace_id, count(*) FROM steps GROUP BY ALL ORDER BY ALL")
    assert [(TRACE, 2), ("b" * 32, 2)] == found
    assert [(2,)] == arrivals.rows("SELECT count(*) FROM model_calls")


def test_an_event_far_from_any_call_stays_a_call_of_its_own(arrivals):
    """The same id an hour later is another answer."""
    for request in (call(), lone(at=3600 * SECOND)):
        arrivals.send(request)
    arrivals.settle()

    assert [("log",), ("span",)] == arrivals.rows("SELECT source FROM model_calls ORDER BY ALL")


@pytest.mark.parametrize("response_id", ["r1", None])
def test_an_event_under_the_agents_span_finds_the_call(arrivals, response_id):
    """A framework's event is sent where the framework stands; id or time and place tell."""
    told = {key: value for key, value in (FACTS | CONTENT).items() if key != "gen_ai.response.id"}
    told |= {"gen_ai.response.id": response_id} if response_id else {}
    for request in (event(attributes=told, traceId=TRACE, spanId=AGENT), agent(), call()):
        arrivals.send(request)
        arrivals.settle()

    check_one(arrivals)


def captured(name):
    """The records of a fixture one by one."""
    request = json.loads((FIXTURES / f"{name}.otlp.json").read_text())
    key, inside, records = (
        ("resourceLogs", "scopeLogs", "logRecords")
        if "resourceLogs" in request
        else ("resourceSpans", "scopeSpans", "spans")
    )
    for group in request[key]:
        for inner in group[inside]:
            for record in inner[records]:
                alone = {**inner, records: [record]}
                yield {key: [{**group, inside: [alone]}]}


TALK = """SELECT system_instructions, input_messages, finish_reason, input_tokens, output_tokens,
    source FROM model_calls ORDER BY start_ns"""
CHOICES = "SELECT action, chosen, arguments, answer_text, outcome FROM decisions ORDER BY start_ns"


@pytest.mark.parametrize("seed", range(8))
def test_messages_that_come_one_by_one_are_put_together(arrivals, seed):
    """Eleven records of two calls in any order, settled in between or not."""
    records = [*captured("messages_in_log_events"), *captured("spans_of_log_events")]
    chance = random.Random(seed)
    chance.shuffle(records)
    for record in records:
        arrivals.send(record)
        if chance.random() < 0.5:
            arrivals.settle()
    arrivals.settle()

    first, second = arrivals.rows(TALK)
    assert '[{"type":"text","content":"Be brief."}]' == first[0] == second[0]
    roles = [[message["role"] for message in orjson.loads(row[1])] for row in (first, second)]
    assert [["user"], ["user", "assistant", "tool"]] == roles
    assert ("tool_calls", 20, 7, "span") == first[2:]
    assert ("stop", 40, 7, "span") == second[2:]
    assert [
        ("tool_call", "get_weather", '{"city":"Paris"}', None, "succeeded"),
        ("answer", None, None, "21 degrees in Paris.", "succeeded"),
    ] == arrivals.rows(CHOICES)
    assert [(2, 2, 60)] == arrivals.rows("SELECT model_calls, decisions, input_tokens FROM runs")


@pytest.mark.parametrize("seed", range(4))
def test_messages_whose_spans_never_come_are_calls(arrivals, seed):
    """The choice speaks for its call; the messages before it are what was asked."""
    records = list(captured("messages_in_log_events"))
    chance = random.Random(seed)
    chance.shuffle(records)
    for record in records:
        arrivals.send(record)
        if chance.random() < 0.5:
            arrivals.settle()
    arrivals.settle()

    first, second = arrivals.rows(TALK)
    assert (1, 3) == (len(orjson.loads(first[1])), len(orjson.loads(second[1])))
    assert ("log", "log") == (first[-1], second[-1])
    chosen = [row[:4] for row in arrivals.rows(CHOICES)]
    assert [
        ("tool_call", "get_weather", '{"city":"Paris"}', None),
        ("answer", None, None, "21 degrees in Paris."),
    ] == chosen


def test_choices_of_one_call_stay_together(arrivals):
    """Two answers to one request are one call with both; each is in its output."""
    for index, text in enumerate(("Left.", "Right.")):
        message = {"role": "assistant", "content": text}
        body = {"index": index, "finish_reason": "stop", "message": message}
        told = {"gen_ai.system": "openai", "gen_ai.event.content": json.dumps(body)}
        arrivals.send(event("gen_ai.choice", told, SECOND + index))
        arrivals.settle()
    arrivals.send(call())
    arrivals.settle()

    ((output, source),) = arrivals.rows("SELECT output_messages, source FROM model_calls")
    texts = [message["parts"][0]["content"] for message in orjson.loads(output)]
    assert (["Left.", "Right."], "span") == (texts, source)


def test_an_exception_event_gives_the_failed_call_its_message(arrivals):
    """A span may say that it failed and not with which words."""
    failed = {"error.type": "RateLimitError"}
    sent = span(FACTS | failed, traceId=TRACE, spanId=CALL, status={"code": 2})
    told = {"exception.type": "RateLimitError", "exception.message": "slow down"}
    for request in (event("gen_ai.client.operation.exception", told), traces([sent])):
        arrivals.send(request)
        arrivals.settle()

    found = arrivals.rows("SELECT error_type, error_message FROM failures")
    assert [("RateLimitError", "slow down")] == found


@pytest.mark.parametrize(
    "record",
    [
        {"eventName": "gen_ai.user.message", "body": {"stringValue": "Where?"}},
        {"eventName": "gen_ai.user.message", "attributes": pairs({"content": "Where?"})},
        {"attributes": pairs({"event.name": "gen_ai.user.message"}), "body": {"stringValue": '{"content":"Where?"}'}},
        {"body": {"kvlistValue": {"values": pairs({"event.name": "gen_ai.user.message", "content": "Where?"})}}},
        {"body": {"stringValue": "gen_ai.user.message"}, "attributes": pairs({"gen_ai.event.content": '{"content":"Where?"}'})},
    ],
)  # fmt: skip
def test_name_and_message_are_found_wherever_senders_put_them(arrivals, record):
    """In the record's own field, an attribute or the body."""
    ids = {"traceId": TRACE, "spanId": CALL, "timeUnixNano": str(START_NS)}
    arrivals.send(logs([record | ids]))
    arrivals.send(call())
    arrivals.settle()

    ((asked,),) = arrivals.rows("SELECT input_messages FROM model_calls")
    assert ASKED == orjson.loads(asked)
