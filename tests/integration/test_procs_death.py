"""What is left of processes when the daemon or a keeper dies: nothing lost, nothing twice, and it is said so."""
import os
import pathlib
import signal
import subprocess
import time

import pytest

from patchbay import wait_until
from procs import nasty, starttime, state

REST = [nasty(), "rest"]


def test_processes_survive_the_daemons_death_with_pid_uptime_and_log(kit):
    k = kit({"a": ["/bin/sh", "-c", "echo first; while :; do sleep 0.1; echo more; done"], "b": {"command": REST, "requires": ["a"]}})
    k.start("b")
    before = {n: k.get(n) for n in "ab"}
    k.daemon.kill()
    assert sorted(k.alive())[:1] and all(state(before[n]["pid"]) for n in "ab")
    k.daemon.start()
    for n in "ab":
        e = k.wait_state(n, "ready")
        assert e["pid"] == before[n]["pid"] and e["uptime"] >= before[n]["uptime"] and e["started"] == before[n]["started"]
        assert k.pid_file(n) == [e["pid"]]
    assert k.log("a", 10000)[0] == ("stdout", "first")
    assert k.start("a", expect=409)["error"] == "ALREADY_RUNNING"
    k.stop("a")
    assert k.alive() == []


def test_what_ended_meanwhile_is_told_with_its_status(kit, tmp_path):
    go = tmp_path / "go"
    k = kit({"a": ["/bin/sh", "-c", f"while [ ! -e {go} ]; do sleep 0.02; done; exit 42"], "b": {"command": REST, "restart": "on-failure", "restart_delay": "50ms"}})
    k.start("a")
    pid = k.start("b")["pid"]
    k.daemon.kill()
    go.touch()
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not k.alive(), 10)
    k.daemon.start()
    e = k.wait_state("a", "failed")
    assert e["last_exit"]["code"] == 42
    assert k.wait_state("b", "ready")["pid"] != pid
    assert k.get("b")["last_exit"]["signal"] == "SIGKILL"


@pytest.mark.parametrize("cgroup", [True, False], ids=["cgroup", "markers"])
@pytest.mark.parametrize("tree", [("rest",), ("deep", "5"), ("daemon-closed",), ("clear-environment",)], ids=lambda t: t[0])
def test_a_killed_keepers_tree_is_found_and_ended_and_said_so(kit, cgroup, tree):
    k = kit({"a": {"command": [nasty(), *tree]}}, cgroup=cgroup)
    pid = k.start("a")["pid"]
    time.sleep(0.1)
    os.kill(k.keepers()["a"], signal.SIGKILL)
    e = k.wait_state("a", "failed", limit=30)
    assert "its keeper was killed" in e["reason"] and state(pid) in (None, "Z") and k.alive() == []
    assert k.start("a")["state"] == "ready"


def test_a_killed_keeper_and_daemon_are_cleared_up_by_the_next(kit):
    k = kit({"a": {"command": [nasty(), "fork", "5"], "restart": "on-failure", "restart_delay": "20ms"}})
    pid = k.start("a")["pid"]
    wait_until(lambda: k.log("a"), 10)
    keeper = k.keepers()["a"]
    k.daemon.kill()
    os.kill(keeper, signal.SIGKILL)
    k.daemon.start()
    e = wait_until(lambda: (e := k.get("a"))["state"] == "ready" and e["pid"] != pid and e, 30)
    wait_until(lambda: len(k.alive()) == 6, 10)
    assert e["restarts"] == 1


def test_a_stopped_keeper_is_continued(kit):
    k = kit({"a": REST})
    k.start("a")
    os.kill(k.keepers()["a"], signal.SIGSTOP)
    k.stop("a")
    assert k.alive() == [] and "told to continue" in k.daemon.log
    k.start("a")
    os.kill(k.keepers()["a"], signal.SIGSTOP)
    wait_until(lambda: "its keeper was stopped; it was told to continue" in k.daemon.log, 20)
    assert k.state("a") == "ready"


def test_the_daemons_stop_stops_all_in_order_and_leaves_what_is_to_be_left(kit, tmp_path):
    order = tmp_path / "order"
    say = f'trap "echo $0 >> {order}; exit 0" TERM; echo up; while :; do sleep 0.02; done'
    k = kit({n: {"command": ["/bin/sh", "-c", say, n], "requires": r, "ready": {"log": "up"}} for n, r in {"gpsd": [], "kismet": ["gpsd"], "wigle": ["kismet"], "mavgps": ["gpsd"]}.items()} |
            {"left": {"command": REST, "on_exit": "leave"}}, {"all": ["gpsd", "kismet", "wigle", "mavgps", "left"]}, shutdown_order=["mavgps", "wigle", "kismet", "webhook"])
    k.start("all")
    pid = k.get("left")["pid"]
    k.daemon.stop()
    assert order.read_text().split() == ["mavgps", "wigle", "kismet", "gpsd"]
    assert k.alive() == [pid]
    k.daemon.start()
    assert k.wait_state("left", "ready")["pid"] == pid and k.state("gpsd") == "stopped"
    k.stop("left")


def test_the_time_for_stopping_is_bounded_and_a_second_signal_forces(kit):
    k = kit({"a": {"command": [nasty(), "deaf"], "stop_timeout": "10m"}}, shutdown_timeout="500ms")
    k.start("a")
    k.daemon.stop()
    assert k.alive() == []
    k.configure({"a": {"command": [nasty(), "deaf"], "stop_timeout": "10m"}}, shutdown_timeout="60s")
    k.daemon.start()
    k.start("a")
    k.daemon.signal(signal.SIGTERM)
    wait_until(lambda: "stopping" in k.daemon.log, 10)
    time.sleep(0.2)
    k.daemon.stop()
    k.wait_gone()


def test_a_process_that_left_the_configuration_is_stopped(kit):
    k = kit({"a": {"command": REST, "on_exit": "leave"}, "b": REST})
    k.start("a")
    k.daemon.stop()
    assert len(k.alive()) == 1
    k.configure({"b": REST})
    k.daemon.start()
    k.wait_gone()
    wait_until(lambda: not list(k.keep.glob("a.*")), 10)


def test_two_daemons_never_share_keepers(kit):
    k = kit({"a": REST})
    k.start("a")
    other = kit({"a": REST}, keep_dir=str(k.keep))
    r = other.start("a", expect=503)
    assert f"PID {k.daemon.pid}" in r["message"] and len(k.alive()) == 1


def test_an_upgrade_in_place_keeps_the_processes(kit):
    k = kit({"a": REST})
    pid = k.start("a")["pid"]
    k.daemon.put_plugin("procs")
    k.daemon.post("plugins/procs/reload")
    wait_until(lambda: k.get("a")["pid"] == pid and k.state("a") == "ready", 20)
    k.stop("a")
    assert k.alive() == []


def test_a_stranger_is_adopted_by_its_rule_alone(kit):
    rule = {"executable": os.path.realpath(nasty()), "arguments": ["rest", "4711"]}
    with subprocess.Popen([nasty(), "rest", "4711"]) as stranger, subprocess.Popen([nasty(), "rest", "4712"]) as other:
        k = kit({"a": {"command": [nasty(), "rest", "4711"], "adopt": rule}, "b": [nasty(), "rest", "4711"]})
        e = k.wait_state("a", "ready")
        assert e["pid"] == stranger.pid and e["adopted"] and not k.get("b")["adopted"] and k.state("b") == "stopped"
        wait_until(lambda: k.pid_file("a") == [stranger.pid], 10)
        assert k.start("a", expect=409)["error"] == "ALREADY_RUNNING"
        k.daemon.restart()  # not ours: it is left, and found again
        assert k.wait_state("a", "ready")["pid"] == stranger.pid
        s = k.stop("a")
        assert s["state"] == "stopped" and stranger.wait(10) == -signal.SIGTERM and other.poll() is None
        e = k.start("a")
        assert not e["adopted"]
        other.kill()


def test_a_reused_pid_is_never_taken_for_ours(kit):
    k = kit({"a": REST})
    e = k.start("a")
    keeper = k.keepers()["a"]
    k.daemon.kill()
    os.kill(keeper, signal.SIGKILL)
    os.kill(e["pid"], signal.SIGKILL)
    wait_until(lambda: state(e["pid"]) in (None, "Z"), 10)
    folder = next(k.keep.glob("a.*"))
    me = os.getpid()
    (folder / "id").write_text((folder / "id").read_text().replace(f"main {e['pid']} ", f"main {me} ").replace(f"keeper {keeper} ", f"keeper {me} "))
    k.daemon.start()
    assert k.wait_state("a", "failed")["pid"] is None
    assert pathlib.Path(f"/proc/{me}").exists() and starttime(me)
