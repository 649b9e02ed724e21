"""PID files: never believed, never followed, always as the processes are."""
import os
import subprocess

import pytest

from procs import nasty

REST = [nasty(), "rest"]


HOSTILE = ["", "\n\n", "0\n", "-1\n", "1\n", "{own}\n", "{stranger}\n", "9" * 200, "x" * 3000000, "\0\xff garbage"]


@pytest.mark.parametrize("content", HOSTILE, ids=range(len(HOSTILE)))
def test_no_content_of_a_pid_file_is_believed(kit, tmp_path, content):
    with subprocess.Popen([nasty(), "rest"]) as stranger:
        k = kit({"a": {"command": REST, "pid_files": [str(tmp_path / "a.pid")]}}, start=False)
        k.pids.mkdir()
        text = content.format(own=os.getpid(), stranger=stranger.pid)
        for path in (k.pids / "a.pid", tmp_path / "a.pid"):
            path.write_text(text)
        k.daemon.start()
        assert k.state("a") == "stopped"
        assert k.stop("a", expect=404)["error"] == "NOT_RUNNING"
        e = k.start("a")
        assert (tmp_path / "a.pid").read_text() == f"{e['pid']}\n" and k.pid_file("a") == [e["pid"]]
        k.stop("a")
        assert not (tmp_path / "a.pid").exists() and k.pid_file("a") is None
        assert stranger.poll() is None
        stranger.kill()


def test_a_link_in_place_of_a_pid_file_is_replaced_not_followed(kit, tmp_path):
    target = tmp_path / "passwd"
    target.write_text("precious\n")
    k = kit({"a": {"command": REST, "pid_files": [str(tmp_path / "a.pid")]}}, start=False)
    k.pids.mkdir()
    for path in (k.pids / "a.pid", tmp_path / "a.pid"):
        path.symlink_to(target)
    k.daemon.start()
    pid = k.start("a")["pid"]
    assert target.read_text() == "precious\n" and not (tmp_path / "a.pid").is_symlink() and k.pid_file("a") == [pid]
    k.stop("a")
    assert target.read_text() == "precious\n"


def test_processes_that_name_the_same_pid_file_have_a_line_each(kit, tmp_path):
    path = tmp_path / "all.pids"
    k = kit({n: {"command": REST, "pid_files": [str(path)]} for n in "abc"}, {"all": ["a", "b", "c"]})
    k.start("all")
    assert sorted(int(n) for n in path.read_text().split()) == sorted(k.alive())
    k.stop("b")
    assert len(path.read_text().split()) == 2
    k.stop("all")
    assert not path.exists()


def test_a_pid_file_that_cannot_be_written_stops_nothing(kit):
    k = kit({"a": {"command": REST, "pid_files": ["/proc/nowhere/a.pid"]}})
    assert k.start("a")["state"] == "ready"
    assert "PID file not written" in k.daemon.log
