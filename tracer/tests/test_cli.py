import subprocess
import sys

import pytest

import tellwhy
from tellwhy import _cli


@pytest.fixture
def installed(monkeypatch):
    """Only the commands that a test names."""

    def only(**commands):
        entries = {
            name: _cli.EntryPoint(name, value, _cli.GROUP) for name, value in commands.items()
        }
        monkeypatch.setattr(_cli, "_installed", lambda: entries)

    return only


def test_help_lists_every_command_and_what_is_missing(installed, capsys):
    """Commands of rooms that are not installed stand there with the way to get them."""
    installed(up="tellwhy._cli.up:run", extra="somewhere:run")

    assert 0 == _cli.main(["--help"])
    text = capsys.readouterr().out

    assert "up           Start the collector and the viewer together" in text
    assert 'Needs tellwhy-collector: pip install "tellwhy[all]"' in text
    assert "extra" in text


def test_the_version_is_told(capsys):
    """One line, for bug reports."""
    assert 0 == _cli.main(["--version"])
    assert f"tellwhy {tellwhy.__version__}\n" == capsys.readouterr().out


def test_a_command_of_a_missing_room_says_how_to_get_it(installed, capsys):
    """Status 2 and the command to type."""
    installed()

    assert 2 == _cli.main(["sql"])
    assert '`tellwhy sql` needs tellwhy-collector: pip install "tellwhy[all]"\n' == (
        capsys.readouterr().err
    )


def test_an_unknown_command_lists_what_there_is(installed, capsys):
    """Status 2 and the names."""
    installed()

    assert 2 == _cli.main(["nope"])
    assert (
        "backup, claude-code, compare, demo, doctor, explain, export, import, prove, record, renormalise, replay, run, serve, sql, up, verify, view, what-if"
        in capsys.readouterr().err
    )


def test_words_go_to_the_command_and_its_status_comes_back(installed, tmp_path, monkeypatch):
    """The entry point is a function of the words behind the command."""
    (tmp_path / "somewhere.py").write_text("def run(words): return len(words)\n")
    monkeypatch.syspath_prepend(tmp_path)
    installed(extra="somewhere:run")

    assert 3 == _cli.main(["extra", "a", "--b", "c"])


def test_ctrl_c_ends_without_a_traceback(installed, tmp_path, monkeypatch):
    """Status 130, as shells expect."""
    (tmp_path / "elsewhere.py").write_text("def run(words): raise KeyboardInterrupt\n")
    monkeypatch.syspath_prepend(tmp_path)
    installed(extra="elsewhere:run")

    assert 130 == _cli.main(["extra"])


def test_without_a_command_it_helps_and_fails(capsys):
    """A bare `tellwhy` is a question."""
    assert 2 == _cli.main([])
    assert "usage: tellwhy COMMAND" in capsys.readouterr().out


def test_help_imports_no_room():
    """The list comes from metadata: no database and no web framework is loaded."""
    code = (
        "import sys; from tellwhy._cli import main; main(['--help']); "
        "print(sorted({'duckdb', 'streamlit', 'starlette', 'grpc'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "[]" == done.stdout.splitlines()[-1]
