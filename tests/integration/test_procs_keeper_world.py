"""What the keeper's command finds around it: sd_notify, clean descriptors and signals, user, limits."""
import os
import pathlib
import shutil
import socket
import subprocess

import pytest

from keeper import GET, READY, SUCCESSOR, executable, nasty, starttime
from patchbay import wait_until

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def test_ready_and_status_are_taken_from_the_tree(keep):
    k = keep(nasty(), "notify", "100", spec=["notify=1"], env=["NOTIFY_SOCKET={folder}/n"])
    assert not k.hello().flags & READY
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.sendto(b"STATUS=from a stranger\nREADY=1", str(k.folder / "n"))
    s = k.link.await_(lambda p: p.flags & READY)
    assert s.text == "at work"


def test_ready_counts_while_no_daemon_is_there(keep):
    k = keep(nasty(), "notify", "300", spec=["notify=1"], env=["NOTIFY_SOCKET={folder}/n"])
    k.hello()
    k.link.close()
    k.link = wait_until(k.connect)
    wait_until(lambda: k.link.ask(GET).flags & READY, 10)


@pytest.mark.skipif(not shutil.which("systemd-notify"), reason="no systemd-notify")
def test_the_barrier_of_systemd_notify_is_passed(keep):
    k = keep("/bin/sh", "-c", "systemd-notify --ready --status=well && echo passed; exec sleep 60", spec=["notify=1"], env=["NOTIFY_SOCKET={folder}/n"])
    k.hello()
    s = k.link.await_(lambda p: p.flags & READY)
    assert s.text == "well"
    wait_until(lambda: ("o", b"passed") in k.lines(), 10)


def test_notified_main_processes_count_inside_the_tree_alone(keep):
    k = keep("/bin/bash", "-c", "sleep 60 & systemd-notify MAINPID=1; systemd-notify MAINPID=$!; systemd-notify MAINPID=0 ; wait", spec=["notify=1"], env=["NOTIFY_SOCKET={folder}/n"])
    first = k.hello().pid
    s = k.link.await_(lambda p: p.flags & SUCCESSOR)
    assert s.pid not in (0, 1, first)
    assert os.readlink(f"/proc/{s.pid}/exe") == os.path.realpath("/bin/sleep")
    assert k.record("id")["main"] == f"{s.pid} {starttime(s.pid)}"


def status_of(pid):
    return {k: v.strip() for k, _, v in (line.partition(":") for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())}


def test_the_command_starts_clean(keep):
    """No descriptor, signal or mask of keeper and daemon; a session of its own."""
    k = keep("/bin/sleep", "60")
    pid = k.hello().pid
    assert sorted(os.listdir(f"/proc/{pid}/fd")) == ["0", "1", "2"]
    s = status_of(pid)
    assert int(s["SigBlk"], 16) == int(s["SigIgn"], 16) == 0
    assert os.getsid(pid) == pid
    assert os.readlink(f"/proc/{pid}/fd/0") == "/dev/null" and os.readlink(f"/proc/{pid}/fd/1").startswith("pipe:")
    assert pathlib.Path(f"/proc/{pid}/oom_score_adj").read_text().strip() == "0"
    environment = pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    assert sorted(e.split(b"=")[0] for e in environment if e) == [b"KEEP_TEST", b"PATH"]


@needs_root
def test_user_groups_limits_and_priorities_are_set(keep):
    k = keep("/bin/sh", "-c", "umask; pwd; ulimit -n; ulimit -c; exec sleep 60",
             spec=["uid=65534", "gid=65534", "groups=65534,4", "limit=7:77:99", "limit=4:0:-", "nice=5", "ioprio=3:7", "oom=500", "umask=027", "dir=/usr"])
    pid = k.hello().pid
    wait_until(lambda: [t for _, t in k.lines()] == [b"0027", b"/usr", b"77", b"0"], 10)
    s = status_of(pid)
    assert s["Uid"].split() == ["65534"] * 4 and s["Gid"].split() == ["65534"] * 4 and s["Groups"].split() == ["4", "65534"]
    assert "Max open files            77                   99" in pathlib.Path(f"/proc/{pid}/limits").read_text()
    assert os.getpriority(os.PRIO_PROCESS, pid) == 5
    assert pathlib.Path(f"/proc/{pid}/oom_score_adj").read_text().strip() == "500"
    assert "idle" in subprocess.run(["ionice", "-p", str(pid)], capture_output=True, text=True, check=True).stdout


@pytest.mark.skipif("san" in str(executable()), reason="a sanitizer takes its own memory")
def test_a_keeper_at_rest_is_small(keep):
    k = keep("/bin/sleep", "60")
    k.hello()
    k.link.ask(GET)
    assert int(status_of(k.process.pid)["VmRSS"].split()[0]) < 100
