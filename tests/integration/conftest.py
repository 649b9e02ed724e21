"""Fixtures: patchbayd and gpsd, each a factory whose daemons are ended, and checked, with the test."""
import pytest

from gpsd import Gpsd
from installed import Installed
from patchbay import Daemon


@pytest.fixture
def patchbayd(tmp_path):
    """patchbayd(plugins=["gpsd"], settings={…}, start=True, …) → a running Daemon. Ended with the test: exit code and sanitizers are checked."""
    made = []

    def make(*, start=True, **kw):
        folder = tmp_path / (f"patchbayd{len(made)}" if made else "patchbayd")
        d = Daemon(folder, **kw)
        made.append(d)
        return d.start() if start else d

    yield make
    wrong = []
    for d in reversed(made):
        try:
            d.stop()
        except AssertionError as e:
            wrong.append(str(e))
        print(f"---- log of {d.folder.name}\n{d.log}")
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def gpsd(tmp_path):
    """gpsd(receivers=1, …) → a running Gpsd, the real one, whose receivers are ours."""
    made = []

    def make(**kw):
        g = Gpsd(**kw)
        made.append(g)
        return g.start()

    yield make
    for g in reversed(made):
        g.stop()


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """Patchbay installed into a folder of its own: prefix, plugins, env (for pkg-config)."""
    return Installed(tmp_path_factory.mktemp("installed"))
