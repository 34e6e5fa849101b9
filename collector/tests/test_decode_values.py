import base64
import json
import math

import orjson
import pytest

from tellwhy_collector.decode import decode
from tellwhy_collector.errors import MalformedExport
from tellwhy_collector.testing import logs, metrics, pairs, span, to_protobuf, traces


def one(request, signal="traces"):
    return decode(orjson.dumps(request), signal=signal, encoding="json")


def test_ids_are_lower_case_whatever_was_sent():
    """Hexadecimal ids are case-insensitive; a look-up needs one spelling."""
    sent = span(traceId="AB" * 16, spanId="Cd" * 8, parentSpanId="EF" * 8)

    record = one(traces([sent])).records[0]

    assert ("ab" * 16, "cd" * 8, "ef" * 8) == (
        record.trace_id,
        record.span_id,
        record.parent_span_id,
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"traceId": "0" * 32},
        {"traceId": "ab" * 8},
        {"traceId": "ab" * 17},
        {"traceId": ""},
        {"traceId": "zz" * 16},
        {"traceId": "abc"},
        {"traceId": base64.b64encode(b"x" * 16).decode()},
        {"spanId": "0" * 16},
        {"spanId": "ab" * 4},
        {"spanId": ""},
        {"parentSpanId": "ab"},
        {"links": [{"traceId": "xyz"}]},
    ],
)
def test_an_invalid_id_costs_only_its_own_span(wrong):
    """The good span beside it is kept, the count is exact, and the reason names the span."""
    decoded = one(traces([span(), span(name="odd", **wrong)]))

    assert (1, 1) == (len(decoded.records), decoded.rejected)
    assert "'odd'" in decoded.reasons[0]


def test_a_root_may_have_no_or_a_zero_parent():
    """Both are how senders say that there is none."""
    found = one(traces([span(parentSpanId=""), span(parentSpanId="0" * 16), span()])).records

    assert [None] * 3 == [record.parent_span_id for record in found]


def test_a_log_record_needs_no_ids():
    """Logs outside a span carry none; ids of another length reject the record."""
    sent = [{"timeUnixNano": "5"}, {"traceId": "0" * 32}, {"traceId": "ab" * 16}, {"spanId": "ab"}]

    decoded = one(logs(sent), "logs")

    assert [None, None, "ab" * 16] == [record.trace_id for record in decoded.records]
    assert 1 == decoded.rejected


def test_the_observed_time_stands_in_for_a_missing_one():
    """A log record is found in time whichever of the two its sender gave."""
    found = one(logs([{"observedTimeUnixNano": "7"}]), "logs").records[0]

    assert (7, 7) == (found.time_ns, found.observed_ns)


def test_half_a_character_costs_nothing_else():
    """JavaScript cuts an emoji in two and sends the half; pairs and escaped backslashes stay."""
    sent = {"resourceSpans": [{"scopeSpans": [{"spans": [span(name="NAME")]}]}]}
    body = orjson.dumps(sent).replace(b"NAME", rb"a\ud83d b\ud83d\ude00 c\\ud83d \udc00")

    (found,) = decode(body, signal="traces", encoding="json").records

    assert "a\ufffd b\U0001f600 c\\ud83d \ufffd" == found.name


def test_integers_keep_every_digit():
    """64-bit integers come as text or number; above 2^53 nothing is rounded."""
    sent = span()
    sent["attributes"] = [
        {"key": "number", "value": {"intValue": 9007199254740993}},
        {"key": "text", "value": {"intValue": "9223372036854775807"}},
        {"key": "float", "value": {"intValue": 3.0}},
    ]

    found = one(traces([sent])).records[0].attributes

    assert {"number": 9007199254740993, "text": 2**63 - 1, "float": 3} == found


def test_of_repeated_keys_the_last_wins_and_the_others_are_counted():
    """One rule, the same in both encodings and in the database."""
    sent = span()
    sent["attributes"] = [
        {"key": "k", "value": {"stringValue": "1"}},
        {"key": "k", "value": {"intValue": "2"}},
    ]

    decoded = one(traces([sent]))

    assert ({"k": 2}, 1) == (decoded.records[0].attributes, decoded.repeated_keys)


def test_values_that_json_cannot_write_become_their_names():
    """Not-a-number and the infinities are text afterwards, in either encoding."""
    sent = span({"a": 1.5})
    sent["attributes"] += [
        {"key": key, "value": {"doubleValue": value}}
        for key, value in (("n", "NaN"), ("p", "Infinity"), ("m", "-Infinity"), ("t", "2.5"))
    ]

    found = one(traces([sent])).records[0].attributes

    assert {"a": 1.5, "n": "NaN", "p": "Infinity", "m": "-Infinity", "t": 2.5} == found


def test_unknown_fields_are_ignored_at_every_level():
    """A sender of tomorrow's OTLP is understood today."""
    request = traces([span(futureField={"x": [1]})])
    request["future"] = 1
    request["resourceSpans"][0]["future"] = {"deep": {"deeper": []}}
    request["resourceSpans"][0]["resource"]["entityRefs"] = [{"type": "service"}]

    assert 1 == len(one(request).records)


POINT = {"name": "n", "gauge": {"dataPoints": [{"timeUnixNano": "1", "asInt": "2"}]}}


@pytest.mark.parametrize("encoding", ["protobuf", "json"])
@pytest.mark.parametrize(
    ("signal", "request_of"),
    [
        ("traces", lambda: traces([span()])),
        ("logs", lambda: logs([{"timeUnixNano": "5"}])),
        ("metrics", lambda: metrics([POINT])),
    ],
)
def test_what_resource_and_scope_say_is_kept_with_each_record(signal, request_of, encoding):
    """Which edition of the conventions was meant, who made it, and what was dropped on the way."""
    request = request_of()
    ((group,),) = request.values()
    group["schemaUrl"] = "https://opentelemetry.io/schemas/1.37.0"
    entity = {"schemaUrl": "u", "type": "service", "idKeys": ["service.name"]}
    group["resource"] |= {"droppedAttributesCount": 3, "entityRefs": [entity]}
    (inner,) = next(value for key, value in group.items() if key.startswith("scope"))
    inner["schemaUrl"] = "https://opentelemetry.io/schemas/1.38.0"
    inner["scope"] |= {"attributes": pairs({"short.name": "x"}), "droppedAttributesCount": 2}
    body = orjson.dumps(request) if encoding == "json" else to_protobuf(request, signal)

    (found,) = decode(body, signal=signal, encoding=encoding).records

    assert ("tests", {"short.name": "x"}) == (found.scope_name, found.scope_attributes)
    assert "https://opentelemetry.io/schemas/1.37.0" == found.resource_schema_url
    assert "https://opentelemetry.io/schemas/1.38.0" == found.scope_schema_url
    named = {"schema_url": "u", "type": "service", "id_keys": ["service.name"]}
    assert found.envelope == {
        "resource_dropped_attributes": 3,
        "resource_entity_refs": [named | {"description_keys": []}],
        "scope_dropped_attributes": 2,
    }


def test_references_into_a_string_table_count_as_absent():
    """They belong to profiles; elsewhere OTLP says to treat them as not there."""
    sent = span()
    sent["attributes"] = [{"keyStrindex": 3, "value": {"stringValueStrindex": 4}}]

    assert {"": None} == one(traces([sent])).records[0].attributes


def test_snake_case_keys_are_unknown_fields():
    """OTLP/JSON has lowerCamelCase keys only."""
    assert [] == one({"resource_spans": [{"scope_spans": [{"spans": [span()]}]}]}).records


@pytest.mark.parametrize("encoding", ["protobuf", "json"])
@pytest.mark.parametrize("signal", ["traces", "logs", "metrics"])
def test_an_empty_request_is_no_error(signal, encoding):
    """Senders may send nothing, and envelopes with nothing in them."""
    body = b"" if encoding == "protobuf" else b"{}"

    assert [] == decode(body, signal=signal, encoding=encoding).records


def test_a_message_says_what_stood_where():
    """The sender's developer can find the key."""
    with pytest.raises(MalformedExport, match="name is 5; OTLP/JSON has text there"):
        one(traces([span(name=5)]))


def test_metric_integers_keep_every_digit():
    """A double cannot hold them all, so the exact integer stands beside it."""
    point = {"timeUnixNano": "1", "asInt": str(2**60 + 1)}
    request = {
        "resourceMetrics": [
            {"scopeMetrics": [{"metrics": [{"name": "n", "gauge": {"dataPoints": [point]}}]}]}
        ]
    }

    found = one(request, "metrics").records[0]

    assert (float(2**60), 2**60 + 1) == (found.value, found.data["as_int"])
    assert math.isfinite(found.value)


def test_json_records_are_json():
    """Attribute values can be written as JSON again, as they are."""
    sent = span({"b": bytes(range(256)), "list": [1, [2.5, {"k": True}]], "none": None})

    found = one(traces([sent])).records[0].attributes

    assert found == json.loads(json.dumps(found))
