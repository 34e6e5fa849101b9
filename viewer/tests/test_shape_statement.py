"""Questions in addresses, and the places that the database's messages speak of."""

import pytest

from tellwhy_viewer.shape.statement import MOST_CHARS, Fault, fault, fits

LONG = f"SELECT {'agent_name, ' * 9}nosuch nosuch2 foo, {'agent_name, ' * 4}1 FROM runs"


def test_a_question_fits_by_its_length_in_the_address():
    """What is percent-encoded counts three times; nothing else of the text matters."""
    assert fits("x" * MOST_CHARS)
    assert not fits("x" * (MOST_CHARS + 1))
    assert fits("(" * (MOST_CHARS // 3))
    assert not fits("é" * (MOST_CHARS // 3))


def test_the_caret_names_the_place_and_the_word_there_its_length():
    """Lines and columns count from 1, as an editor shows them."""
    message = 'Parser Error: syntax error at or near "FORM"\n\nLINE 3: FORM runs\n        ^'
    said = 'Parser Error: syntax error at or near "FORM"'

    assert Fault(3, 1, 4, said) == fault(message, "SELECT a,\n  b AS n\nFORM runs")


def test_several_carets_name_the_length():
    """As below a conversion."""
    message = "Conversion Error: no\n\nLINE 1: SELECT 'x'::INT\n" + " " * 18 + "^^^^^"
    assert Fault(1, 11, 5, "Conversion Error: no") == fault(message, "SELECT 'x'::INT")


def test_a_cut_line_is_found_again():
    """Of a long line the message shows a part between ellipses."""
    shown = "…nt_name, nosuch nosuch2 foo, agent_name, agent…"
    message = f"Parser Error: x\n\nLINE 1: {shown}\n{' ' * (8 + shown.index('foo'))}^"
    found = fault(message, LONG)

    assert LONG.index("foo") + 1 == found.column
    assert 3 == found.chars


def test_a_line_that_cannot_be_found_is_still_a_line():
    """The message may show what was sent in another form."""
    found = fault("E\n\nLINE 2: something else\n          ^", "SELECT\n1")
    assert Fault(2, None, 0, "E") == found


@pytest.mark.parametrize(
    ("message", "word"),
    [
        ('Binder Error: Referenced column "nosuch" not found in FROM clause!', "nosuch"),
        ("Catalog Error: Table with name nope does not exist!", "nope"),
        ("Catalog Error: Scalar Function with name nofun does not exist!", "nofun"),
    ],
)
def test_an_unknown_name_is_marked_where_it_stands_once(message, word):
    """Without a line in the message the name must be enough, and it is not when it stands twice."""
    text = f"SELECT 1,\n  {word} FROM x"
    assert Fault(2, 3, len(word), message) == fault(message, text)
    assert fault(message, f"{text}, {word}") is None


@pytest.mark.parametrize(
    "message",
    [
        "Only SELECT and EXPLAIN of a SELECT are allowed; this is DELETE.",
        "E\n\nLINE 9: x\n        ^",
        "",
    ],
)
def test_what_names_no_place_gives_none(message):
    """Then nothing is marked."""
    assert fault(message, "DELETE FROM x") is None
