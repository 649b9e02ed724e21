"""What else a daemon of processes meets: a thousand children at once, storms of SIGCHLD, PID files that name itself or what has gone."""
import os
import signal
import subprocess

from patchbay import wait_until
from procs import nasty, starttime

REST = [nasty(), "rest"]


def test_a_thousand_children_are_ended_to_the_last(kit):
    k = kit({"a": [nasty(), "fork", "1000"], "b": REST})
    k.start("a")
    wait_until(lambda: ("stdout", "forked") in k.log("a"), 60)
    assert len(k.alive()) == 1001 and k.start("b")["state"] == "ready"
    assert k.stop("a")["state"] == "stopped"
    assert k.alive() == [k.get("b")["pid"]]


def test_a_storm_of_sigchld_is_nothing(kit):
    k = kit({"a": REST})
    pid = k.start("a")["pid"]
    for _ in range(20):
        for who in (k.daemon.pid, k.keepers()["a"]):
            for _ in range(500):
                os.kill(who, signal.SIGCHLD)
        assert k.get("a")["pid"] == pid
    assert k.state("a") == "ready" and starttime(pid)
    assert k.stop("a")["last_exit"]["signal"] == "SIGTERM"


def test_a_pid_file_that_names_the_daemon_or_a_reused_pid_harms_nobody(kit, tmp_path):
    path = tmp_path / "a.pid"
    k = kit({"a": {"command": REST, "pid_files": [str(path)]}})
    with subprocess.Popen([nasty(), "rest"]) as stranger:
        for pid in (k.daemon.pid, stranger.pid):
            k.start("a")
            path.write_text(f"{pid}\n")
            (k.pids / "a.pid").write_text(f"{pid}\n")
            assert k.stop("a")["state"] == "stopped" and k.alive() == []
            assert not path.exists() and k.pid_file("a") is None
            path.write_text(f"{pid}\n")
            assert k.stop("a", expect=404)["error"] == "NOT_RUNNING"
        assert stranger.poll() is None and k.get("a")["state"] == "stopped"
        stranger.kill()
