import pytest

from tellwhy_viewer.shape.text import clipped, glance, one_line, parsed, readable, visible


def test_direction_overrides_and_control_characters_are_shown():
    """Text cannot turn around or hide what stands beside it."""
    assert "a⟨U+202E⟩b⟨1B⟩[31m⟨07⟩\tc\n" == visible("a\u202eb\x1b[31m\x07\tc\n")


def test_ordinary_text_of_any_script_stays_as_it_is():
    """Only invisible instructions are marked."""
    assert "Größe שלום 日本 👍🏽" == visible("Größe שלום 日本 👍🏽")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1}', {"a": 1}),
        ('"x"', "x"),
        ("plain", "plain"),
        (None, None),
        ("{broken", "{broken"),
    ],
)
def test_json_text_is_read_and_other_text_stays(text, value):
    """A column that is not JSON after all loses nothing."""
    assert value == parsed(text)


def test_short_json_stays_in_one_line_and_long_json_is_indented():
    """A result of three words needs no three lines."""
    assert '{"sent": true}' == readable({"sent": True})
    assert "\n" in readable({"a": "x" * 100, "b": 1})


def test_a_cut_says_how_long_the_whole_is():
    """Nobody takes a piece for the whole."""
    assert {"text": "abc", "chars": 10, "clipped": True} == clipped("abcdefghij", 3)
    assert {"text": "abc", "chars": 3, "clipped": False} == clipped("abc", 3)
    assert clipped(None) is None


def test_an_object_becomes_pairs_in_one_line():
    """The list shows arguments at a glance."""
    assert "order_id 88213 · amount 249.0" == one_line({"order_id": "88213", "amount": 249.0})
    assert one_line("x" * 300, 10) == "xxxxxxxxx…"


def test_arguments_that_were_cut_in_the_middle_still_give_a_glance():
    """The database sends only the first characters of long arguments."""
    assert "id 7 · text hello wor" == glance('{"id": 7, "text": "hello wor')
    assert "" == glance(None)
    assert "We have paid." == glance("We have paid.")
