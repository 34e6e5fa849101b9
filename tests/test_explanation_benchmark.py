"""The measurement of how well failures are located, run on two hand-made runs."""

import gzip
import importlib
import json
import sys
from pathlib import Path

import pytest

from tellwhy_collector.testing import START_NS, span, span_id, to_protobuf, trace_id, traces

FOLDER = Path(__file__).parents[1] / "benchmarks/explanation"
SCORER = """
def trail(made):
    return {"trail_gaia": {"traces": 1, "joint": {"f1": float(len(made["run"]))}}}
def whoandwhen(made):
    return {"ww_hand": {"runs": len(made)}}
def agentrx(made):
    return {"agentrx_tau": {"runs": 1, "root_step": made["agentrx_tau/7"]["step"]}}
def tau(made):
    return {"repairable_runs": len(made)}
"""
CHAT = [
    {"role": "system", "content": "You look after orders."},
    {"role": "user", "content": "Cancel my order W1, please."},
    {"role": "assistant", "content": "Which order is it that you want to be cancelled today?"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "c1", "function": {"name": "cancel_order", "arguments": '{"id": "W2"}'}}
        ],
    },
    {"role": "tool", "name": "cancel_order", "tool_call_id": "c1", "content": "W2 is cancelled"},
    {"role": "assistant", "content": "It is cancelled."},
]


@pytest.fixture
def measuring(monkeypatch):
    """The modules of the benchmark; they stand in a folder that is no package."""
    monkeypatch.syspath_prepend(str(FOLDER))
    names = ("chats", "sets", "categories", "predicting", "marked", "run")
    for name in names:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield importlib.import_module
    for name in names:
        sys.modules.pop(name, None)


@pytest.fixture
def data(tmp_path):
    """A folder of data with one trace and one chat."""
    folder = tmp_path / "data"
    for name in ("otlp/trail_gaia", "agentrx/agentrx_tau", "tools"):
        (folder / name).mkdir(parents=True)
    (folder / "tools/score.py").write_text(SCORER, encoding="utf-8")
    (folder / "agentrx/agentrx_tau/7.json").write_text(json.dumps({"traj": CHAT}), "utf-8")
    body = gzip.compress(to_protobuf(rejected()))
    (folder / "otlp/trail_gaia/run.pb.gz").write_bytes(body)
    return folder


def rejected():
    """A trace in which a tool does not take its arguments."""
    trace, model = trace_id(), span_id()
    call = {"id": "c1", "function": {"name": "page_down", "arguments": '{"": ""}'}}
    chosen = {
        "openinference.span.kind": "LLM",
        "llm.output_messages.0.message.role": "assistant",
        "llm.output_messages.0.message.tool_calls.0.tool_call.id": call["id"],
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "page_down",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments": '{"": ""}',
    }
    ran = {"openinference.span.kind": "TOOL", "tool.name": "page_down", "tool.id": "c1"}
    message = "forward() got an unexpected keyword argument ''"
    times = {
        "startTimeUnixNano": str(START_NS + 2 * 10**9),
        "endTimeUnixNano": str(START_NS + 3 * 10**9),
    }
    return traces(
        [
            span(chosen, traceId=trace, spanId=model),
            span(
                ran,
                traceId=trace,
                name="page_down",
                status={"code": 2, "message": message},
                **times,
            ),
        ]
    )


def test_runs_are_posted_explained_and_predicted(measuring, data):
    """From files to one line a set: a finding with its category, a suspect as a step from 1."""
    lines = {line["set"]: line for line in measuring("run").measured(data)}

    assert {"set": "trail_gaia", "traces": 1, "joint_f1": 1.0} == lines["trail_gaia"]
    assert {"set": "agentrx_tau", "runs": 1, "root_step": 4} == lines["agentrx_tau"]


def test_every_category_belongs_to_a_rule(measuring):
    """A rule that is renamed would silently predict nothing."""
    from tellwhy_collector.reconstruct.findings import RULES

    assert set() == measuring("categories").TRAIL.keys() - {rule.name for rule in RULES}


def test_a_folder_without_scorers_is_told(measuring, tmp_path):
    """What is missing, and what to name instead."""
    with pytest.raises(SystemExit, match=r"Name the folder that holds tools/score\.py"):
        measuring("run").scorer(tmp_path)
