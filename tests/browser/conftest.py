"""Fixtures: the real daemon with the built page, the real gpsd, the stand-in for Kismet, and Chromium."""
import hashlib
import importlib.util
import os
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
INTEGRATION = HERE.parent / "integration"
sys.path[:0] = [str(INTEGRATION), str(HERE)]

from browser import Browser  # noqa: E402
from kit import Kit, build_folder  # noqa: E402

spec = importlib.util.spec_from_file_location("integration_conftest", INTEGRATION / "conftest.py")
integration = importlib.util.module_from_spec(spec)
spec.loader.exec_module(integration)
patchbayd, gpsd = integration.patchbayd, integration.gpsd


@pytest.fixture(scope="session")
def modules():
    """playwright-core, axe-core and typescript, as the lock file has them; installed once a build folder."""
    folder = build_folder() / "browser-modules"
    folder.mkdir(exist_ok=True)
    name = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
    mark = folder / "installed"
    if not mark.exists() or mark.read_text() != name:
        for file in ("package.json", "package-lock.json"):
            (folder / file).write_bytes((HERE / file).read_bytes())
        done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=folder, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stdout + done.stderr
        mark.write_text(name)
    return folder / "node_modules"


@pytest.fixture(scope="session")
def browser(modules):
    b = Browser(modules)
    yield b
    b.close()


@pytest.fixture(scope="session")
def kit(tmp_path_factory):
    """The whole kit, for tests that look at it and change nothing that others look at."""
    k = Kit(tmp_path_factory.mktemp("kit"))
    yield k
    k.stop()


@pytest.fixture(scope="session")
def shots():
    """Where pictures for people are kept."""
    folder = pathlib.Path(os.environ.get("PATCHBAY_SHOTS", build_folder() / "screenshots"))
    folder.mkdir(exist_ok=True)
    return folder
