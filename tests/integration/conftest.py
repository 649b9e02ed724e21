"""Fixtures: patchbayd, gpsd, keepers and kits of processes, each a factory whose daemons are ended, and checked, with the test."""
import os
import shutil
import signal
import tempfile

import pytest

from gpsd import Gpsd
from installed import Installed
from keeper import Keeper
from patchbay import Daemon
from procs import Kit

# Run in the background, or by nohup, these are ignored, and what a test starts would inherit that.
for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL), (signal.SIGQUIT, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, usual)


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


@pytest.fixture
def kit(tmp_path):
    """kit({name: command or settings}, …) → a Kit. Ended with the test; nothing of it may then be left (leaves=True: it may)."""
    made = []

    def make(processes, *args, leaves=False, **kw):
        k = Kit(tmp_path / f"kit{len(made)}", processes, *args, **kw)
        made.append((k, leaves))
        return k

    yield make
    for k, leaves in made:
        wrong, left = k.close()
        print(f"---- log of the daemon\n{k.daemon.log}")
        assert not wrong, "\n".join(wrong)
        assert leaves or not left, f"processes are left: {left}"


@pytest.fixture
def keep(tmp_path):
    """keep(args…, spec=[…]) → a Keeper, ended with the test, whose whole tree must then be gone."""
    made = []

    def make(*args, **kw):
        k = Keeper(folder, args, **kw)
        made.append(k)
        return k

    folder = tempfile.mkdtemp(prefix="keep-")  # a short path: sockets have 108 bytes
    os.chmod(folder, 0o755)
    os.chmod(tmp_path, 0o755)
    yield make
    for k in made:
        with k:
            pass
    shutil.rmtree(folder, ignore_errors=True)
