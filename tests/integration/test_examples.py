"""The examples and the plugin guide, built as a stranger builds them: against the installed headers, with pkg-config alone."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from patchbay import ROOT, wait_until


def run(*command, **kw):
    r = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=180, **kw)
    assert r.returncode == 0, f"{command}: {r.stdout}\n{r.stderr}"
    return r.stdout


def build(source, installed, folder):
    """The .so that `meson setup && ninja` make of a project outside the tree."""
    project = folder / "project"
    shutil.copytree(source, project)
    run("meson", "setup", folder / "b", project, "--werror", "-Dwarning_level=2", env=installed.env)
    run("ninja", "-C", folder / "b", env=installed.env)
    return next((folder / "b").glob("*.so"))


@pytest.mark.parametrize("name", ["clock", "clock-c"])
def test_example_serves_once_dropped_in(name, installed, patchbayd, tmp_path):
    so = build(ROOT / "examples" / name, installed, tmp_path)
    assert [line.split()[-1] for line in run("nm", "-D", "--defined-only", so).splitlines()] == ["patchbay_plugin_v1"], "nothing but the descriptor is seen"
    d = patchbayd(plugins=[])
    assert d.get(name).status == 404
    d.put_plugin(name, so)
    d.wait_plugin(name)
    first = wait_until(lambda: (r := d.get(name)).status == 200 and r.json(), why=f"GET {name}")
    assert first["unix_ms"] > 1.6e12
    wait_until(lambda: d.topic(f"{name}/now")["count"] > first["count"], why="it ticks")
    assert d.call(f"{name}.set_interval", {"interval": "100ms"}) == {"interval_ms": 100}
    with d.events(f"{name}/now") as events:
        counts = [events.next().value["count"] for _ in range(5)]
    assert counts == list(range(counts[0], counts[0] + 5))
    refused = d.call(f"{name}.set_interval", {"interval": "1ms"}, expect=400)
    assert refused["error"]["code"] == "VALIDATION_ERROR" and refused["error"]["details"][0]["field"] == "interval"
    d.remove_plugin(name)
    wait_until(lambda: d.get(name).status == 404, why="gone with its file")


def test_settings_reach_a_running_example(installed, patchbayd, tmp_path):
    so = build(ROOT / "examples/clock-c", installed, tmp_path)
    d = patchbayd(plugins=[], start=False, settings={"plugins": {"clock-c": {"interval": "1h"}}})
    d.put_plugin("clock-c", so)
    d.start()
    d.wait_plugin("clock-c")
    with d.events("clock-c/now") as events:
        events.next()
        d.write({"plugins": {"clock-c": {"interval": "100ms"}}})
        assert [events.next(20).value["count"] for _ in range(4)] == [2, 3, 4, 5]


def test_the_plugin_guide_is_true(installed, patchbayd, tmp_path):
    guide = (ROOT / "docs/plugin-guide.md").read_text()
    project = tmp_path / "hello"
    project.mkdir()
    (project / "hello.cpp").write_text(re.search(r"^`hello.cpp`:\n\n```cpp\n(.*?)^```", guide, re.S | re.M)[1])
    (project / "meson.build").write_text(re.search(r"^`meson.build`:\n\n```meson\n(.*?)^```", guide, re.S | re.M)[1])
    so = build(project, installed, tmp_path)
    d = patchbayd(plugins=[])
    d.put_plugin("hello", so)
    d.wait_plugin("hello")
    assert d.json("hello") == {"text": "hello world", "count": 1}
    assert d.call("hello.greet", {"name": "kit"}) == {"ok": True}
    assert d.json("hello") == {"text": "hello kit", "count": 2}
    assert d.call("hello.greet", {"name": "x" * 41}, expect=400)["error"]["details"][0]["field"] == "name"
    # its last command line, without meson
    line = re.search(r"^g\+\+ .*hello\.cpp.*$", guide, re.M)[0].replace("hello.so", str(tmp_path / "by-hand.so"))
    run("sh", "-c", line, cwd=project, env=installed.env)
    before = d.plugin("hello")
    d.put_plugin("hello", tmp_path / "by-hand.so")
    wait_until(lambda: d.json("hello") == {"text": "hello world", "count": 1}, why="the new one has taken over")
    assert before["state"] == d.wait_plugin("hello")["state"] == "running"
