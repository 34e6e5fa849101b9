import io
import json
import sys

import pyarrow.parquet as pq
import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput
from prompt_toolkit.utils import get_cwidth

from tellwhy_collector import shell
from tellwhy_collector.app import Collector
from tellwhy_collector.settings import Settings
from tellwhy_collector.shell import prompt, table
from tellwhy_collector.shell.client import Client
from tellwhy_collector.shell.session import Session, statements


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    chosen = Settings(
        database=tmp_path_factory.mktemp("shell") / "t.duckdb", http_port=0, grpc_port=0
    )
    with Collector(chosen) as collector:
        yield collector.http_url


@pytest.fixture
def run(url, capfdbinary, monkeypatch):
    """Run `tellwhy sql` in this process, get exit code, output and errors."""
    monkeypatch.setenv("TELLWHY_COLLECTOR_URL", url)

    def call(*argv, piped=""):
        monkeypatch.setattr(sys, "stdin", io.StringIO(piped))
        code = shell.run(list(argv))
        out, err = capfdbinary.readouterr()
        return code, out.decode(), err.decode()

    return call


@pytest.fixture
def talk(url, tmp_path, monkeypatch, capfdbinary):
    """Type into the interactive shell, get exit code and output."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    def call(*lines):
        session = Session(Client(url), write=shell._write)
        with create_pipe_input() as typed, create_app_session(input=typed, output=DummyOutput()):
            typed.send_text("".join(line + "\r" for line in lines))
            code = prompt.talk(session)
        return code, capfdbinary.readouterr().out.decode()

    return call


def test_one_question(run):
    """A question is answered as an aligned table."""
    code, out, err = run("select 1 as n, 'ab' as t union all select 20, null")

    assert (0, "") == (code, err)
    assert "  n │ t\n────┼──────\n  1 │ ab\n 20 │ NULL\n2 rows\n" == out


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("csv", "a,b\n1,'=x\n"),
        ("json", '[{"a": 1, "b": "=x"}]\n'),
        ("jsonl", '{"a": 1, "b": "=x"}\n'),
        ("markdown", "| a | b |\n| --- | --- |\n| 1 | =x |\n"),
        ("table", " a │ b\n───┼────\n 1 │ =x\n1 row\n"),
    ],
)
def test_formats(run, form, expected):
    """Each format is what its readers expect and nothing else."""
    assert (0, expected, "") == run("--format", form, "select 1 as a, '=x' as b")


def test_plain_csv(run):
    """CSV for programs can leave the guard away."""
    assert (0, "b\n=x\n", "") == run("--format", "csv", "--plain-csv", "select '=x' as b")


def test_parquet_into_a_file(run, tmp_path):
    """The ending of the file names the format."""
    path = tmp_path / "x.parquet"

    assert (0, "", "") == run("-o", str(path), "select 1 as a")
    assert [1] == pq.read_table(path)["a"].to_pylist()


def test_parameters(run):
    """Values are numbers, texts or JSON, by place or by name."""
    by_place = run(
        "--format", "jsonl", "--param", "2", "--param", "x=y", "select ? * 2 as a, ? as b"
    )
    by_name = run("--format", "jsonl", "--param", 'n="2"', "select $n as a")

    assert {"a": 4, "b": "x=y"} == json.loads(by_place[1])
    assert {"a": "2"} == json.loads(by_name[1])
    assert 2 == run("--param", "5", "select $n")[0]


def test_several_statements_from_a_pipe(run):
    """What is piped in is run statement by statement; our own commands too; the first error ends it."""
    text = ".format csv\nselect ';' as a; select\n 2 as b -- ; no\n;\nselec;\nselect 3"
    code, out, err = run(piped=text)

    assert 1 == code
    assert "format csv\na\n;\nb\n2\n" == out
    assert "this is SELEC" in err


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (["select * from nowhere"], 1, "Tables and views: "),
        (["select 1 abc m x"], 1, "\n                     ^\n"),
        (["drop table steps"], 1, "this is DROP"),
        (["--url", "http://127.0.0.1:1", "select 1"], 3, "tellwhy up"),
        (["--url", "nowhere", "select 1"], 2, "--url"),
        (["--format", "xml", "select 1"], 2, "invalid choice"),
        (["--max-rows", "0", "select 1"], 1, "max_rows"),
        (["-o", "/nowhere/x.csv", "select 1"], 2, "cannot be written"),
        ([".nonsense"], 2, ".help lists"),
    ],
)
def test_exit_codes(run, argv, code, words):
    """1 the query, 2 the command line, 3 no collector; each says what to do."""
    got, out, err = run(*argv)

    assert code == got
    assert words in err
    assert "" == out


def test_help_ends_well(run):
    """Asking how it works is no error."""
    assert 0 == run("--help")[0]


def test_something_else_answers(run, url):
    """An address where another program answers is told apart from a refused query."""
    code, _, err = run("--url", url + "/v1", "select 1")

    assert 3 == code
    assert "not as a collector does" in err


def test_truncation_is_told(run):
    """Missing rows are told, in the table or beside the data."""
    assert "More rows exist" in run("--max-rows", "2", "from range(5)")[1]
    code, out, err = run("--max-rows", "2", "--format", "csv", "from range(5)")
    assert (0, "range\n0\n1\n") == (code, out)
    assert "More rows exist" in err


def test_explain_is_readable(run):
    """A plan keeps its lines."""
    assert run("explain select 1")[1].startswith("╭─ Projection")


def test_talking(talk, tmp_path):
    """A conversation: commands, a statement over two lines, errors that do not end it, history."""
    code, out = talk(
        ".tables",
        "\\d steps",
        "select 1 as one,",
        "2 as two;",
        "selec;",
        "select * from nowhere;",
        ".nonsense",
        "\\x",
        "select 3 as three;",
        ".timing",
        "select 4 as four;",
        ".max_rows 1",
        "from range(9);",
        f".export {tmp_path / 'x.csv'} select 5 as five",
        f".output {tmp_path / 'y.txt'}",
        "select 6 as six;",
        ".output",
        ".help",
        "\\q",
    )

    assert 0 == code
    assert "Connected to http://127.0.0.1:" in out
    assert " one │ two\n" in out
    assert "this is SELEC" in out
    assert "Tables and views" in out
    assert ".help lists the commands" in out
    assert " three │ 3" in out
    assert " ms\n" in out
    assert "More rows exist" in out
    assert "five\n5\n" == (tmp_path / "x.csv").read_bytes().decode()
    assert "six" in (tmp_path / "y.txt").read_text()
    assert ".quit" in out
    history = tmp_path / "tellwhy" / "sql_history"
    assert "2 as two;" in history.read_text()
    assert 0o600 == history.stat().st_mode & 0o777


def test_leaving_with_end_of_file(talk):
    """Ctrl-D on an empty line leaves, Ctrl-C forgets the line."""
    assert 0 == talk("select 1 +\x03", "\x04")[0]


def test_completion(url):
    """Tables, columns of a table after its dot, keywords and commands complete."""
    session = Session(Client(url), write=lambda _: None)
    session.learn()

    def found(text):
        return {x.text for x in prompt.Names(session).get_completions(Document(text), None)}

    assert "steps" in found("select * from ste")
    assert {"trace_id", "turn_id"} <= found("select steps.t")
    assert "select" in found("sel")
    assert {".tables", ".timing"} == found(".t")
    assert "steps" in found("\\d st")
    assert {"json", "jsonl"} == found(".format j")
    assert set() == found("select ")


@pytest.mark.parametrize(
    ("text", "done", "rest"),
    [
        ("select 1", [], "select 1"),
        ("select 1; select 2;", ["select 1;", " select 2;"], ""),
        ("select ';'; x", ["select ';';"], " x"),
        ("select 'it''s;' -- ;\n;", ["select 'it''s;' -- ;\n;"], ""),
        ("select 'open; \n still';", ["select 'open; \n still';"], ""),
        ("/* ; \n */ select 1;", ["/* ; \n */ select 1;"], ""),
        ('select "a;b";', ['select "a;b";'], ""),
        ("select $$ ; $$;", ["select $$ ; $$;"], ""),
        (".tables\n\\d x\nselect 1;", [".tables", "\\d x", "select 1;"], ""),
        (";;\n;", [], ""),
    ],
)
def test_statements_end_at_semicolons(text, done, rest):
    """Only a semicolon outside texts, names and comments ends a statement."""
    assert (done, rest) == statements(text)


HOSTILE = "\x1b[31m\x07\x9b2J\u202ergba\u2028\x00\n\t\x7f"


def test_control_characters_stay_out():
    """Nothing that steers or deceives a terminal comes through, in no table and no error."""
    lines = [
        *table.table([HOSTILE], [[HOSTILE], [[HOSTILE]], [{"k": HOSTILE}]], 40),
        *table.stacked([HOSTILE], [[HOSTILE]]),
        *table.markdown([HOSTILE], [[HOSTILE]]),
    ]

    assert lines
    assert all(x.isprintable() or x == " " for line in lines for x in line)
    assert "\\x1b[31m" in table.visible(HOSTILE)


def test_errors_hold_no_control_characters(run):
    """What an error repeats of the input is written out."""
    _, _, err = run('select * from "\x1b[31mred"')

    assert "\x1b" not in err
    assert "\\x1b[31mred" in err


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_a_table_fits_its_terminal(width):
    """No line is wider than the terminal, whatever is in it; wide letters and emoji count twice."""
    rows = [["日本語" * 20, "x" * 300, 5, None], ["👩‍💻" * 9, "é" * 50, 123456789, [1] * 90]]
    lines = list(table.table(["名前", "long_column_name", "n", "list"], rows, width))

    assert all(get_cwidth(line) <= width for line in lines)
    assert any("…" in line for line in lines) or width == 200


def test_rows_that_cannot_fit_are_stacked():
    """With more columns than the terminal has room for, values stand one under another."""
    lines = list(table.table([f"c{i}" for i in range(30)], [["x" * 9] * 30], 80))

    assert lines[0].startswith("─[ 1 ]")
    assert 31 == len(lines)


def test_no_rows_and_no_limit():
    """An empty answer has its head; without a terminal nothing is cut."""
    assert [" a │ b", "───┼───"] == list(table.table(["a", "b"], []))
    assert "y" * 500 in "".join(table.table(["a"], [["y" * 500]]))
