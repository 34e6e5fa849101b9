import pytest

from tellwhy_viewer.settings import BadSetting, Settings, load


def test_what_is_given_comes_before_the_environment_before_defaults():
    """One order everywhere."""
    environ = {"TELLWHY_VIEWER_PORT": "9000", "TELLWHY_COLLECTOR_URL": "http://c:1"}
    chosen = load(environ, viewer_port=0, viewer_host=None)

    assert (0, "http://c:1", "127.0.0.1") == (
        chosen.viewer_port,
        chosen.collector_url,
        chosen.viewer_host,
    )


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"TELLWHY_VIEWER_PORT": "many"}, "TELLWHY_VIEWER_PORT is 'many'"),
        ({"TELLWHY_VIEWER_PORT": "70000"}, "between 0 and 65535"),
        ({"TELLWHY_COLLECTOR_URL": "localhost:4318"}, "write it like http"),
        ({"TELLWHY_VIEWER_HOST": "0.0.0.0"}, "no login"),
        ({"TELLWHY_VIEWER_GUARDED_BY": "false"}, "names nothing"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_with_what_to_do(environ, says):
    """The message names the setting and the value."""
    with pytest.raises(BadSetting, match=says):
        load(environ)


def test_other_machines_reach_the_viewer_only_when_somebody_said_so():
    """Loopback is the default because there is no login."""
    assert "0.0.0.0" == Settings(viewer_host="0.0.0.0", viewer_guarded_by="a proxy").viewer_host
