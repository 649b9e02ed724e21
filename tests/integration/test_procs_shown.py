"""What is shown of processes, what may be asked of them, and settings that make no sense."""
import time

import pytest

from patchbay import wait_until
from procs import nasty

REST = [nasty(), "rest"]


def test_topics_tell_states_and_samples_while_somebody_looks(kit):
    k = kit({"a": ["/bin/sh", "-c", "while :; do :; done"], "b": REST}, sample_interval="200ms")
    events = k.daemon.events("procs/*")
    k.start("a")
    assert events.wait_for(lambda e: e.topic == "procs/a" and e.value["state"] == "ready").value["pid"] == k.get("a")["pid"]
    busy = events.wait_for(lambda e: e.topic == "procs/a" and e.value["cpu"] > 10, 20).value
    assert busy["memory"]["rss"] > 100000 and busy["memory"]["vms"] > busy["memory"]["rss"] and busy["count"] == 1
    wait_until(lambda: k.daemon.topic("procs/summary")["ready"] == 1, 10)
    k.stop("a")
    assert events.wait_for(lambda e: e.topic == "procs/a" and e.value["state"] == "stopped").value["pid"] is None


def test_memory_and_cpu_are_of_the_whole_tree(kit):
    k = kit({"a": [nasty(), "fork", "30"]})
    k.start("a")
    wait_until(lambda: k.log("a"), 10)
    time.sleep(1)  # a sample is fresh for a second
    assert k.get("a")["count"] == 31


def test_signals_by_name(kit):
    k = kit({"a": ["/bin/sh", "-c", "trap 'echo got it' USR1; echo set; while :; do sleep 0.02; done"]})
    assert k.daemon.call("procs.signal", {"name": "a", "signal": "USR1"}, expect=404)["error"] == "NOT_RUNNING"
    k.start("a")
    wait_until(lambda: ("stdout", "set") in k.log("a"), 10)
    assert k.daemon.call("procs.signal", {"name": "a", "signal": "SIGUSR1"})["signal"] == "SIGUSR1"
    wait_until(lambda: ("stdout", "got it") in k.log("a"), 10)
    assert k.daemon.call("procs.signal", {"name": "a", "signal": "SIGNOTHING"}, expect=400)


def test_no_client_adds_environment_or_arguments(kit):
    k = kit({"a": REST})
    assert k.daemon.call("procs.start", {"name": "a", "environment": {"LD_PRELOAD": "x"}}, expect=403)["error"] == "FORBIDDEN"
    assert k.daemon.post("procs/a/start", {"arguments": ["--evil"]}).status == 403
    assert k.state("a") == "stopped"


@pytest.mark.parametrize("processes, words", [
    ({"a": {"command": ["x"], "requires": ["b"]}, "b": {"command": ["x"], "requires": ["c"]}, "c": {"command": ["x"], "requires": ["a"]}}, "a → b → c → a"),
    ({"a": {"command": ["x"], "requires": ["nobody"]}}, "names nobody"),
    ({"a": {"command": ["x"], "unit": "x.service"}}, "one of command, unit and observed"),
    ({"a": {}}, "one of command, unit and observed"),
    ({"a": {"command": ["x"], "stop_signal": "SIGNOT"}}, "no signal"),
    ({"a": {"command": ["x"], "limits": {"what": 3}}}, "no resource limit"),
    ({"a": {"command": ["x"], "ready": {"tcp": "nowhere"}}}, "HOST:PORT"),
    ({"a": {"command": ["x"], "ready": {"tcp": "a:1", "file": "/x"}}}, "tcp and file"),
    ({"a/b": {"command": ["x"]}}, "is no name"),
    ({"a": {"observed": True}}, "observed needs ready"),
])
def test_settings_that_make_no_sense_are_all_named(kit, processes, words):
    k = kit(processes)
    assert words in k.daemon.wait_plugin("procs", "failed")["reason"]
