"""The `vm` fixture: runs a command, or the checks of guest/FILE, as root inside the virtual machine of run."""

import os
import pathlib
import subprocess
import sys
import xml.etree.ElementTree

import pytest

HERE = pathlib.Path(__file__).resolve().parent
IN_GUEST = os.environ.get("PATCHBAY_IN_VM") == "1"
collect_ignore_glob = [] if IN_GUEST else ["guest/*"]


def pytest_configure(config):
    config.addinivalue_line("markers", "vm: boots a virtual machine (10 to 30 s under emulation)")


class Machine:
    """One boot a call. `out` is the folder that the guest sees as /out."""

    def __init__(self, out):
        self.out = out

    def run(self, *command, radios=3, modules=(), systemd=False, memory=1024, timeout=240, env=None):
        options = ["--radios", str(radios), "--memory", str(memory), "--timeout", str(timeout), "--out", str(self.out)]
        for module in modules:
            options += ["--module", module]
        if systemd:
            options.append("--systemd")
        passed_on = {k: v for k, v in os.environ.items() if k.startswith("PATCHBAY")}  # which build is tested
        setting = ["env", "PATCHBAY_IN_VM=1"] + [f"{k}={v}" for k, v in {**passed_on, **(env or {})}.items()]
        done = subprocess.run(
            [str(HERE / "run"), *options, "--", *setting, *command],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=timeout + 120, check=False)
        if done.returncode == 126:
            pytest.skip("no virtual machine here: " + done.stdout.strip())
        return done

    def check(self, guest_file, **options):
        """Runs the pytest file guest/guest_file inside; every test of it must have passed."""
        done = self.run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=/out/junit.xml",
                        str(HERE / "guest" / guest_file), **options)
        assert done.returncode == 0, f"inside the virtual machine (exit {done.returncode}):\n{done.stdout}"
        report = xml.etree.ElementTree.parse(self.out / "junit.xml").getroot()
        passed = [case.get("name") for case in report.iter("testcase") if case.find("skipped") is None]
        assert passed, "no test ran inside the virtual machine:\n" + done.stdout
        return passed


@pytest.fixture
def vm(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    return Machine(out)
