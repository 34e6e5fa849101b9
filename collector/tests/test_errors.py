from tellwhy_collector import errors


def test_only_statuses_that_otlp_calls_retryable_are_retryable():
    """429, 502, 503 and 504 make a sender come back; nothing else may."""
    tree = [x for x in vars(errors).values() if isinstance(x, type)]

    assert all(x.retryable == (x.status in {429, 502, 503, 504}) for x in tree)


def test_the_drawing_shows_every_error():
    """The tree at the top of the file is what a reader trusts."""
    names = [x.__name__ for x in vars(errors).values() if isinstance(x, type)]

    assert [] == [name for name in names if name not in errors.__doc__]
