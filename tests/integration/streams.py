"""What the tests of streams, sockets and files share: a daemon with the plugin `speaker`."""
import pytest

from patchbay import plugin_folder

SPEAKER = plugin_folder().parent / "tests/integration/speaker/speaker.so"


@pytest.fixture
def speaker(patchbayd):
    """speaker(http={…}, auth={…}) → a daemon with the plugin `speaker`."""

    def make(start=True, **settings):
        d = patchbayd(plugins=[], settings=settings, start=False)
        d.put_plugin("speaker", SPEAKER)
        return d.start() if start else d

    return make


def say(d, topic="a", **args):
    return d.call("speaker.say", {"topic": topic, **args})["said"]
