"""Inside, under systemd: the gpsd plugin has gpsd started where nothing listens, or says why it cannot."""
import pathlib
import pwd
import shutil
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "integration"))
from patchbay import Daemon, wait_until  # noqa: E402


def systemctl(*arguments):
    subprocess.run(["systemctl", *arguments], check=True, timeout=120)


@pytest.fixture
def without_gpsd():
    systemctl("stop", "gpsd.socket", "gpsd.service")


@pytest.fixture
def follow(tmp_path):
    made = []

    def make(wrap=(), owner=None, **settings):
        d = Daemon(tmp_path / "d", plugins=["gpsd"], settings={"plugins": {"gpsd": settings}}, wrap=wrap)
        made.append(d)
        if owner:
            for folder in list(tmp_path.parents)[:-2] + [tmp_path]:
                folder.chmod(0o755)
            for path in [d.folder, *d.folder.rglob("*")]:
                shutil.chown(path, owner)
        return d.start()

    yield make
    for d in made:
        d.stop()


def link(d):
    return d.json("gps")["link"]


def outcome(d):
    return wait_until(lambda: (x := link(d)["ensure"]) and "is asked to" not in x and x, 90, "what became of it")


def test_gpsd_is_started(without_gpsd, follow):
    d = follow(ensure=True)
    assert outcome(d) == "systemd has started gpsd.service"
    wait_until(lambda: link(d)["state"] == "up", 60, "the link is up")
    systemctl("is-active", "gpsd.service")


def test_without_ensure_it_is_not(without_gpsd, follow):
    d = follow(ensure=False)
    wait_until(lambda: link(d)["state"] == "down", 60, "down")
    assert link(d)["ensure"] is None
    assert subprocess.run(["systemctl", "is-active", "gpsd.service"], timeout=60, stdout=subprocess.DEVNULL).returncode != 0


def test_a_masked_unit_is_named(without_gpsd, follow):
    systemctl("mask", "--runtime", "gpsd.service")
    try:
        assert "gpsd.service is masked" in outcome(follow(ensure=True))
    finally:
        systemctl("unmask", "--runtime", "gpsd.service")


def test_a_unit_that_does_not_exist_is_named(without_gpsd, follow):
    assert "there is no none-such.service" in outcome(follow(ensure=True, unit="none-such.service"))


def test_a_unit_that_fails_is_named(without_gpsd, follow):
    unit = pathlib.Path("/run/systemd/system/patchbay-fails.service")
    unit.write_text("[Service]\nType=oneshot\nExecStart=/bin/false\n")
    systemctl("daemon-reload")
    assert "could not start patchbay-fails.service: failed" in outcome(follow(ensure=True, unit=unit.name))


def test_a_user_without_leave_is_told_so(without_gpsd, follow):
    nobody = pwd.getpwnam("nobody")
    d = follow(wrap=["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"], owner=nobody.pw_uid, ensure=True)
    assert "systemd does not let this user start gpsd.service" in outcome(d)
