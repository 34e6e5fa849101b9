import pytest

from tellwhy_viewer.component import tokens


def test_a_permit_holds_for_its_run_until_it_runs_out():
    """Ten minutes, one run."""
    permit = tokens.mint("r1", now=1000)

    assert tokens.holds(permit, "r1", now=1000 + tokens.LIFETIME_S)
    assert not tokens.holds(permit, "r1", now=1001 + tokens.LIFETIME_S)
    assert not tokens.holds(permit, "r2", now=1000)


@pytest.mark.parametrize("permit", ["", ".", "9" * 11, "9" * 11 + ".x", "x.y", "-1.x", "²5.x"])
def test_what_was_not_minted_here_does_not_hold(permit):
    """Anything else is refused without an error."""
    assert not tokens.holds(permit, "r1", now=1000)


def test_a_permit_carries_whose_it_is():
    """Of any language, and under the signature."""
    permit = tokens.mint("r1", user="Zoë 李.", now=1000)
    expires, _, signature = permit.split(".")

    assert "Zoë 李." == tokens.user_of(permit)
    assert tokens.holds(permit, "r1", now=1000)
    assert not tokens.holds(f"{expires}..{signature}", "r1", now=1000)


def test_a_later_end_cannot_be_written_into_a_permit():
    """The signature covers the time."""
    _, _, rest = tokens.mint("r1", now=1000).partition(".")

    assert not tokens.holds(f"99999999999.{rest}", "r1", now=1000)
