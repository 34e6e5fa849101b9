"""The page for a terminal."""

from tellwhy_collector.explain.printed import page, place

TOLD = {
    "complete": True,
    "run_id": "r1",
    "decision_id": None,
    "sentences": [
        {
            "layer": "fact",
            "part": "asked",
            "text": "The agent was asked: “\x1b[2Jgo”.",
            "citations": [{"table": "runs", "column": "input"}],
        },
        {
            "layer": "fact",
            "part": "path",
            "text": "It answered.",
            "citations": [
                {"table": "steps", "span_id": "m1", "column": "chosen", "path": "$[0]"},
                {"table": "runs", "column": "input"},
            ],
        },
    ],
}


def test_sentences_stand_below_headings_with_marks():
    """The same place has the same mark, and nothing reaches the terminal as a command."""
    assert [
        "Run r1",
        "",
        "Asked",
        "  The agent was asked: “\\x1b[2Jgo”. [1]",
        "",
        "The way",
        "  It answered. [2][1]",
        "",
        "[1] runs.input",
        "[2] steps.chosen $[0] where span_id = 'm1'",
    ] == list(page(TOLD, 80))


def test_what_is_not_complete_says_so():
    """Before anything else."""
    lines = list(page(TOLD | {"complete": False}, 200))

    assert lines[1].startswith("This run still changes or waits to be looked at as a whole")


def test_a_place_names_the_characters():
    """Everything that a query needs."""
    cited = {"table": "steps", "span_id": "m1", "column": "input_messages", "path": "$[0]"}

    assert "steps.input_messages $[0] in it $.id characters 3 to 8 where span_id = 'm1'" == place(
        cited | {"inner_path": "$.id", "from": 3, "to": 8}
    )


def test_what_a_model_told_is_told_apart():
    """Its layers, what it rests on, who told it and what was dropped."""
    told = {
        "sentences": [one | {"id": f"s{at}"} for at, one in enumerate(TOLD["sentences"], 1)],
        "told": [{"layer": "fact", "text": "It only answered.", "cites": ["s2"]}],
        "dropped": [{"why": "it cites nothing", "text": "x"}],
        "model": "small-1",
    }

    assert [
        "Run r1",
        "",
        "Recorded",
        "  It only answered. [1]",
        "",
        "Told by small-1. 1 sentence without a proof dropped.",
        "  dropped: it cites nothing",
        "",
        "[1] It answered.",
    ] == list(page(TOLD | told, 80))
