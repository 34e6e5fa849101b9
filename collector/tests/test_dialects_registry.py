"""The registry: order, totality, and the reading verbs."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tellwhy_collector import dialects
from tellwhy_collector.dialects.choices import choice_fields, finish_of, forced_of
from tellwhy_collector.dialects.messages import messages_of, tools_of
from tellwhy_collector.dialects.reading import as_count, as_float, as_int, as_json, as_structure
from tellwhy_collector.records import LogRecord, Span

SPAN = Span(
    trace_id="a" * 32,
    span_id="b" * 16,
    parent_span_id=None,
    trace_state=None,
    name="step",
    kind=1,
    start_ns=10,
    end_ns=20,
    status_code=0,
    status_message=None,
    attributes={},
    events=(),
    links=(),
    flags=0,
    resource={},
    scope_name=None,
    scope_version=None,
)
LOG = LogRecord(
    trace_id=None,
    span_id=None,
    time_ns=10,
    observed_ns=None,
    severity_number=9,
    severity_text=None,
    event_name=None,
    body="x",
    attributes={},
    flags=0,
    resource={},
    scope_name=None,
    scope_version=None,
)
NAMES = """gen_ai.operation.name gen_ai.input.messages gen_ai.output.messages gen_ai.usage.input_tokens
    gen_ai.tool.call.arguments gen_ai.response.finish_reasons openinference.span.kind input.value
    output.value llm.input_messages.0.message.content llm.output_messages.x.message
    llm.tools.0.tool.json_schema llm.invocation_parameters tellwhy.step.kind tellwhy.decision.chosen
    span.type tool_input event.name session.id mcp.method.name error.type traceloop.span.kind
    gen_ai.prompt.0.role gen_ai.prompt.0.tool_calls.0.name gen_ai.completion.0.content
    llm.request.functions.0.name traceloop.entity.input traceloop.entity.output
    pydantic_ai.all_messages all_messages_events events pydantic_ai.new_message_index
    pydantic_ai.tool.deferral.name model_request_parameters final_result logfire.span_type
    logfire.msg_template logfire.json_schema request_data response_data duration return
    ai.operationId ai.prompt ai.prompt.messages ai.response.toolCalls ai.response.reasoning
    ai.toolCall.result mlflow.spanType mlflow.spanInputs mlflow.spanOutputs
    mlflow.chat.tokenUsage""".split()
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(
        ["chat", "LLM", "TOOL", "[{}]", '{"role":1}', "[[1]]", '[{"parts":3}]', "execute_tool"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["role", "parts", "type", "content", "id"]), inner, max_size=3
        )
    ),
    max_leaves=5,
)


def test_the_order_of_the_dialects_is_a_decision():
    """A changed place changes what old records mean, so it is written down twice."""
    expected = """transcript native claude_code claude_code codex pydantic_ai openai_agents openinference mcp
            trc anthropic_sdk openllmetry langfuse langsmith mlflow vercel_ai llama_index gemini_cli
            gemini_cli copilot google_adk strands temporal logfire otel_genai otel_genai
            unknown""".split()

    assert expected == [dialect.NAME for dialect in dialects.DIALECTS]


@pytest.mark.parametrize(
    ("attributes", "scope", "dialect"),
    [
        (
            {"openinference.span.kind": "LLM", "gen_ai.operation.name": "chat"},
            None,
            "openinference",
        ),
        ({"mcp.method.name": "tools/call", "gen_ai.operation.name": "execute_tool"}, None, "mcp"),
        ({"gen_ai.operation.name": "chat"}, "com.anthropic.sdk.typescript", "anthropic_sdk"),
        ({"tellwhy.step.kind": "agent", "openinference.span.kind": "AGENT"}, None, "native"),
        ({"gen_ai.usage.output_tokens": 1, "target": "codex_core::turn"}, "codex_exec", "codex"),
        ({"langsmith.span.kind": "llm", "gen_ai.operation.name": "chat"}, "langsmith", "langsmith"),
        ({"langfuse.observation.type": "tool"}, "langfuse-sdk", "langfuse"),
        ({"gen_ai.agent.name": "gemini-cli"}, "gemini-cli", "gemini_cli"),
        ({"gen_ai.operation.name": "chat", "copilot_chat.turn.index": 0}, None, "copilot"),
        ({"gen_ai.operation.name": "chat"}, "gcp.vertex.agent", "google_adk"),
        ({"gen_ai.operation.name": "chat"}, "strands.telemetry.tracer", "strands"),
        ({"temporalWorkflowID": "w"}, "temporalio.contrib.opentelemetry._interceptor", "temporal"),
        ({"gen_ai.operation.name": "chat"}, "anything", "otel_genai"),
        ({"http.route": "/"}, "app", "unknown"),
    ],
)
def test_the_more_explicit_dialect_reads_a_record_of_two(attributes, scope, dialect):
    """A record that carries two vocabularies is read by the one that says more."""
    record = dataclasses.replace(SPAN, attributes=attributes, scope_name=scope)

    assert dialect == dialects.normalise(record).dialect


@given(
    st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=8),
    st.sampled_from(["x", "claude_code.tool", "claude_code.llm_request"]),
    st.sampled_from(
        [
            "tellwhy",
            "com.anthropic.sdk.python",
            "com.anthropic.claude_code.events",
            "llamaindex.opentelemetry.tracer",
            "langfuse-sdk",
            "gcp.vertex.agent",
            "strands.telemetry.tracer",
            "gemini-cli",
            "github.copilot",
            "temporalio.contrib.opentelemetry._interceptor",
            None,
        ]
    ),
)
def test_any_attributes_give_a_step(attributes, name, scope):
    """A span never disappears, whatever its attributes hold."""
    span = dataclasses.replace(SPAN, attributes=attributes, name=name, scope_name=scope)
    log = dataclasses.replace(LOG, attributes=attributes, scope_name=scope, body=name)
    dialects.failures.clear()

    step = dialects.normalise(span)
    dialects.normalise(log)

    assert {} == dict(dialects.failures)
    assert SPAN.span_id == step.span_id
    # Gemini CLI spreads a run over many traces; its steps stand in one of their own.
    assert SPAN.trace_id == step.trace_id or step.dialect == "gemini_cli"


def test_an_error_inside_a_dialect_costs_the_meaning_and_not_the_record(monkeypatch, caplog):
    """The record becomes `other`, the failure is counted and logged once."""

    def broken(_):
        raise RuntimeError("broken")

    monkeypatch.setattr(dialects.otel_genai, "read", broken)
    dialects.failures.clear()
    record = dataclasses.replace(SPAN, attributes={"gen_ai.operation.name": "chat"})
    steps = [dialects.normalise(record) for _ in range(3)]

    assert [("unknown", "other")] * 3 == [(step.dialect, step.kind) for step in steps]
    assert {"otel_genai": 3} == dict(dialects.failures)
    assert 1 == len(caplog.records)
    dialects.failures.clear()


def test_numbers_are_read_from_text_and_nonsense_is_none():
    """Counts come as text from some senders; what is no count is no fact."""
    given_ = [
        "12",
        12,
        12.0,
        "12.0",
        "x",
        "",
        True,
        None,
        "1e400",
        float("nan"),
        2**70,
        -1,
        "9" * 30,
    ]
    expected = [12, 12, 12, 12, None, None, None, None, None, None, None, None, None]

    assert expected == [as_count(value) for value in given_]
    assert -1 == as_int(-1)
    assert as_float("inf") is None


def test_json_text_is_read_and_other_text_stays():
    """Bare numbers in text stay text: a tool may have answered `7`."""
    assert [{"a": 1}, "not json", 7, "7"] == [
        as_json('{"a":1}'), as_json("not json"), as_json("7"), as_structure("7"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("choice", "forced"),
    [
        ("auto", "free"),
        ({"type": "auto"}, "free"),
        ('{"type": "any"}', "any_tool"),
        ("required", "any_tool"),
        ({"type": "tool", "name": "x"}, "one_tool"),
        ({"type": "function", "function": {"name": "x"}}, "one_tool"),
        ({"tool": {"name": "x"}}, "one_tool"),
        ({"any": {}}, "any_tool"),
        ({"type": "allowed_tools", "mode": "required"}, "any_tool"),
        ("none", "no_tool"),
        (None, None),
        ("perhaps", None),
    ],
)
def test_tool_choice_of_every_provider(choice, forced):
    """Four spellings, one meaning; an unknown one is not guessed."""
    assert forced == forced_of(choice)


def said(*parts):
    return [{"role": "assistant", "parts": list(parts)}]


TEXT = {"type": "text", "content": "Checking."}
CALL = {"type": "tool_call", "id": "c1", "name": "look", "arguments": {"a": 1}}
THOUGHT = {"type": "reasoning", "content": "Must look."}


@pytest.mark.parametrize(
    ("parts", "finish", "actions", "reason"),
    [
        ([THOUGHT, TEXT, CALL], "tool_use", ["tool_call"], ("Must look.", "reasoning")),
        ([TEXT, CALL], "tool_use", ["tool_call"], ("Checking.", "text")),
        ([TEXT], "end_turn", ["answer"], (None, None)),
        ([TEXT], "max_tokens", ["truncated"], (None, None)),
        ([TEXT], "refusal", ["refusal"], (None, None)),
        ([{"type": "refusal", "content": "No."}], "stop", ["refusal"], (None, None)),
        ([{**CALL, "name": "transfer_to_billing"}], None, ["handoff"], (None, None)),
        ([CALL, {**CALL, "id": "c2"}], None, ["tool_call", "tool_call"], (None, None)),
    ],
)
def test_an_answer_reads_as_a_choice(parts, finish, actions, reason):
    """What was chosen and what was written beside it, from one answer."""
    fields = choice_fields(said(*parts), finish)

    assert actions == [action["action"] for action in fields["chosen"]]
    assert reason == (fields["stated_reason"], fields["stated_reason_source"])


def test_an_unrecorded_answer_is_no_choice_unless_the_finish_says_so():
    """`tool_use` without content says that a tool was chosen and not which."""
    assert choice_fields(None, "tool_use")["chosen"] is None
    assert [{"action": "answer"}] == choice_fields(None, "end_turn")["chosen"]
    assert "tool_calls" == finish_of(["stop", "tool_calls"])


def test_openai_messages_and_items_take_the_genai_shape():
    """Chat messages and response items of OpenAI read like everybody else's."""
    chat = [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "function": {"name": "look", "arguments": '{"a": 1}'}}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "seen"},
    ]
    items = [
        {"type": "reasoning", "summary": [{"text": "Must look."}]},
        {
            "type": "function_call",
            "id": "fc_1",
            "call_id": "c1",
            "name": "look",
            "arguments": '{"a": 1}',
        },
        {"type": "function_call_output", "call_id": "c1", "output": "seen"},
    ]
    result = {
        "role": "tool",
        "parts": [{"type": "tool_call_response", "id": "c1", "response": "seen"}],
    }

    assert [*said(CALL), result] == messages_of(chat)
    assert [*said(THOUGHT, CALL), result] == messages_of(items, role="assistant")


def test_tools_of_every_provider_have_name_description_and_parameters():
    """A schema is `parameters` here whatever its sender called it."""
    tools = [
        {"name": "a", "input_schema": {}},
        {"type": "function", "function": {"name": "b", "parameters": {}}},
        {"type": "computer_20251124", "name": "computer"},
    ]

    assert [
        {"name": "a", "parameters": {}},
        {"name": "b", "parameters": {}},
        {"name": "computer"},
    ] == tools_of(tools)
