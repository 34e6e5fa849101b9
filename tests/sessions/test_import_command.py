"""`tellwhy import` as a command: its sources, and which files it looks at."""

import os
import time

import pytest
from lines import Session, say, watering

from tellwhy._cli import importing
from tellwhy._cli.importing.files import Growing, found_in


def test_help_names_the_sources(capsys):
    """One line each."""
    assert 0 == importing.run(["--help"])
    text = capsys.readouterr().out

    assert "claude-code    transcripts of Claude Code" in text
    assert "codex          rollouts of codex" in text


def test_an_unknown_source_lists_the_known_ones(capsys):
    """A typing error is told at once."""
    assert 2 == importing.run(["claude"])
    assert "There are: claude-code, codex" in capsys.readouterr().err


def test_files_of_subagents_come_behind_the_oldest_sessions(tmp_path):
    """A copy is newer than what it repeats, and a session knows the names of its subagents."""
    newer = watering(session="b" * 8).save(tmp_path)
    older = watering(session="a" * 8).save(tmp_path)
    below = Session(session="a" * 8, agent="a1")
    below.answer(1, say("x"))
    inner = below.save(tmp_path)
    now = time.time()
    for path, age_s in ((newer, 10), (older, 20), (inner, 30)):
        os.utime(path, (now - age_s, now - age_s))

    assert [older, newer, inner] == found_in([tmp_path], "*.jsonl")


@pytest.mark.parametrize("written", ['{"a": 1}\n{"b": 2}\n{"c"', '{"a": 1}\nnot json\n{"b": 2}'])
def test_only_whole_lines_are_read_and_each_once(tmp_path, written):
    """What is being written waits for its end; what is no JSON is passed by."""
    path = tmp_path / "x.jsonl"
    path.write_text(written)
    growing = Growing(path)
    assert growing.has_grown()
    assert [{"a": 1}, {"b": 2}] == list(growing.lines())
    assert [] == list(growing.lines())

    with path.open("a") as file:
        file.write("\n" if written.endswith("}") else ": 3}\n")
    assert growing.has_grown()
    assert ([] if written.endswith("}") else [{"c": 3}]) == list(growing.lines())
    assert not growing.has_grown()


def test_a_file_that_became_shorter_is_read_anew(tmp_path):
    """It is another one."""
    path = tmp_path / "x.jsonl"
    path.write_text('{"a": 1}\n{"b": 2}\n')
    growing = Growing(path)
    growing.has_grown()
    list(growing.lines())
    path.write_text('{"c": 3}\n')

    assert growing.has_grown()
    assert [{"c": 3}] == list(growing.lines())
