"""Load and unload under valgrind: no invalid access, nothing lost, no descriptor left, whatever plugin it was."""
import re

import pytest

from patchbay import Daemon, free_port, plugin_folder

VALGRIND = ["valgrind", "--leak-check=full", "--show-leak-kinds=definite,possible", "--errors-for-leak-kinds=definite,possible", "--keep-debuginfo=yes",
            "--num-callers=30", "--trace-children=no", "--child-silent-after-fork=yes", "--error-exitcode=99"]
PLUGINS = sorted(p.stem for p in plugin_folder().glob("*.so"))
PROBE = plugin_folder().parent / "tests/integration/probe"


@pytest.fixture
def under_valgrind(tmp_path):
    made = []

    def start(plugins):
        quiet = {"gpsd": {"port": free_port()}, "kismet": {"url": f"http://127.0.0.1:{free_port()}"}, "csv": {"directories": [str(tmp_path)]},
                 "procs": {"pid_dir": str(tmp_path / "pids"), "keep_dir": str(tmp_path / "keep")}}
        d = Daemon(tmp_path / "d", plugins=plugins, settings={"plugins": {k: v for k, v in quiet.items() if k in plugins}}, wrap=VALGRIND)
        made.append(d)
        return d.start()

    yield start
    for d in made:
        d.kill()


def verdict(d):
    """Its log, once it has ended; the harness has checked that it ended with 0 (valgrind's 99 otherwise)."""
    process = d.process
    d.stop()
    assert process.returncode == 0
    text = d.log
    assert "ERROR SUMMARY: 0 errors" in text, text
    for kind in ("definitely", "indirectly", "possibly"):
        lost = re.search(kind + r" lost: ([\d,]+) bytes", text)
        assert lost is None or lost[1] == "0", text


@pytest.mark.parametrize("name", PLUGINS)
def test_a_plugin_that_comes_and_goes_leaves_nothing(under_valgrind, name):
    d = under_valgrind([name])
    assert d.plugin(name)["state"] == "running", d.plugin(name)
    for _ in range(3):
        assert d.post(f"plugins/{name}/disable").json()["state"] == "disabled"
        assert d.post(f"plugins/{name}/enable").json()["state"] == "running"
    assert d.post(f"plugins/{name}/reload").json()["state"] == "running"
    verdict(d)


def test_all_of_them_with_requests_and_streams(under_valgrind):
    d = under_valgrind(PLUGINS)
    with d.events("**") as stream:
        stream.next()
        for path in ("plugins", "topics", "methods", "/metrics", "/openapi.json", "no/such/path"):
            d.get(path)
        d.put_plugin("probe", PROBE / "probe-1.so")
        d.wait_plugin("probe")
        assert d.post("call/probe.work", {"text": "x"}).status == 200
        d.put_plugin("probe", PROBE / "probe-2.so")  # an upgrade in place
        d.wait_plugin("probe")
        for name in PLUGINS:
            assert d.post(f"plugins/{name}/reload").status == 200
        d.remove_plugin("probe")
    verdict(d)
