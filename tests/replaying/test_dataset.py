"""`tellwhy export dataset`: decisions as lines that are read back, whole, redacted, and cited."""

import json

import anthropic
import pytest
from replayed_loops import ASK, SCHEMA, anthropic_loop, chat_loop, task

from tellwhy._cli import export
from tellwhy._cli.dataset import openai_chat
from tellwhy_collector.testing import rows, send, wait_until_explained

SECRET = "sk-ant-api03-0123456789abcdefghijklmnopqrstuv"
KEYS = set(
    """dataset run_id trace_id span_id start_time service_name agent_name provider model response_model
    system messages tools tool_choice parameters output_messages chosen stated_reason finish_reason
    input_tokens output_tokens cost_usd decisions run verdicts""".split()
)


@pytest.fixture
def exported(stage, keeping, monkeypatch, tmp_path):
    """Record an agent and export; gives its run and the lines."""
    monkeypatch.setenv("TELLWHY_COLLECTOR_URL", keeping.http_url)

    def export_lines(*words):
        path = tmp_path / "lines.jsonl"
        assert 0 == export.run(["dataset", *words, "-o", str(path)])
        return [json.loads(line) for line in path.read_text().splitlines()]

    def record(agent):
        _, path = stage.record(agent)
        wait_until_explained(keeping.store)
        return path.stem

    return record, export_lines


def secretive(stage):
    """A task with a key in it."""
    with anthropic.Anthropic() as client:
        client.messages.create(
            messages=[{"role": "user", "content": f"My key is {SECRET}. " + task({"text": "Hm."})}],
            **ASK,
        )


def test_a_line_has_the_context_the_choice_and_what_came_of_it(exported, keeping, capsys):
    """As they stand in the tables, with ids that lead there."""
    record, lines = exported
    run_id = record(anthropic_loop)
    first, second = lines(run_id)

    assert (KEYS, KEYS) == (set(first), set(second))
    assert "2 of 2 model calls written" in capsys.readouterr().err
    assert ("player", "claude-sonnet-5", 1) == (
        first["agent_name"],
        first["model"],
        first["dataset"],
    )
    assert ["user"] == [each["role"] for each in first["messages"]]
    assert "tool_call_response" == second["messages"][2]["parts"][0]["type"]
    assert ("get_weather", {"city": "Oslo"}) == (
        first["chosen"][0]["name"],
        first["decisions"][0]["arguments"],
    )
    assert "rain" == first["decisions"][0]["outcome_result"]["sky"]
    assert "succeeded" == first["decisions"][0]["outcome"] == first["run"]["status"]
    assert [["get_weather"]] == [[tool["name"] for tool in first["tools"]]]
    assert [(first["span_id"],)] == rows(
        keeping.store,
        "SELECT span_id FROM decisions WHERE run_id = ? AND decision_id = ?",
        [run_id, first["decisions"][0]["decision_id"]],
    )


def test_what_was_redacted_stays_redacted(exported):
    """No way out leads around what was taken away before it was recorded."""
    record, lines = exported
    (line,) = lines(record(secretive))

    assert SECRET not in json.dumps(line)
    assert "My key is " in line["messages"][0]["parts"][0]["content"]


def test_verdicts_stand_with_their_decisions(exported, keeping):
    """And choose them: only what a reviewer found right."""
    record, lines = exported
    run_id = record(anthropic_loop)
    first, _ = lines(run_id)
    decision_id = first["decisions"][0]["decision_id"]
    said = {"run_id": run_id, "decision_id": decision_id, "verdict": "right", "reviewer": "ann"}
    given = send(f"{keeping.http_url}/api/verdicts", said)
    chosen = (
        "SELECT d.run_id, d.span_id FROM decisions d JOIN latest_verdicts v USING (run_id, decision_id)"
        f" WHERE v.verdict = 'right' AND d.run_id = '{run_id}'"
    )

    assert 200 == given.status, given.body
    (line,) = lines("--sql", chosen)
    assert first["span_id"] == line["span_id"]
    assert [("right", "ann")] == [(each["verdict"], each["reviewer"]) for each in line["verdicts"]]


@pytest.mark.parametrize("loop", [anthropic_loop, chat_loop])
def test_fine_tuning_lines_are_requests_that_a_model_takes(exported, stage, loop):
    """Sent as they are, without the answer, to the scripted server, which gives that answer."""
    import openai

    record, lines = exported
    first, second = lines(record(loop), "--format", "openai-chat")

    assert {"messages", "tools", "parallel_tool_calls"} == set(first)
    call = first["messages"][-1]["tool_calls"][0]
    assert ("get_weather", '{"city": "Oslo"}') == (
        call["function"]["name"],
        call["function"]["arguments"],
    )
    assert ["user", "assistant", "tool", "assistant"] == [
        message["role"] for message in second["messages"]
    ]
    assert call["id"] == second["messages"][2]["tool_call_id"]
    with openai.OpenAI() as client:
        said = client.chat.completions.create(
            model="gpt-5", messages=second["messages"][:-1], tools=second["tools"]
        )
    assert said.choices[0].message.content == second["messages"][-1]["content"]


def test_what_the_format_has_no_place_for_is_left_out_and_counted(exported, capsys):
    """A picture; thinking is only dropped."""
    record, lines = exported

    def looking(stage):
        picture = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo" + "A" * 900}
        said = {"type": "image", "source": picture}
        words = {"type": "text", "text": task({"think": "Hm.", "text": "A cat."})}
        with anthropic.Anthropic() as client:
            client.messages.create(messages=[{"role": "user", "content": [words, said]}], **ASK)

    run_id = record(looking)
    assert [] == lines(run_id, "--format", "openai-chat")
    assert "1 left out: the format has no place for a part of the type blob" in (
        capsys.readouterr().err
    )
    assert 1 == len(lines(run_id))


def test_nothing_to_export_says_why(keeping, capsys):
    """No run named, an unknown one."""
    url = ["--url", keeping.http_url]

    assert [1, 1] == [export.run(["dataset", *url]), export.run(["dataset", "nobody", *url])]
    said = capsys.readouterr().err
    assert "say which model calls: RUN …, --sql or --last" in said
    assert "no model call was found there" in said


def test_parts_become_messages_of_the_format():
    """Results first, then what the person said; arguments as text; no empty content beside calls."""
    example = {
        "system": [{"type": "text", "content": "Be brief."}],
        "messages": [
            {
                "role": "user",
                "parts": [
                    {"type": "text", "content": "And now?"},
                    {"type": "tool_call_response", "id": "c1", "response": {"n": 1}},
                ],
            }
        ],
        "output_messages": [
            {
                "role": "assistant",
                "parts": [
                    {"type": "reasoning", "content": "Hm."},
                    {"type": "tool_call", "id": "c2", "name": "go", "arguments": None},
                ],
            }
        ],
        "tools": [{"type": "function", "name": "go", "parameters": SCHEMA}],
    }

    assert {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "tool", "tool_call_id": "c1", "content": '{"n": 1}'},
            {"role": "user", "content": "And now?"},
            {
                "role": "assistant",
                "tool_calls": [
                    {
                        "id": "c2",
                        "type": "function",
                        "function": {"name": "go", "arguments": "{}"},
                    }
                ],
            },
        ],
        "tools": [{"type": "function", "function": {"name": "go", "parameters": SCHEMA}}],
        "parallel_tool_calls": True,
    } == openai_chat.of(example)
