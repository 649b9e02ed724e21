"""The keeper alone, with real and nasty programs: what it starts, ends, records, and hands on."""
import errno
import os
import pathlib
import signal
import time

import pytest

from keeper import BUSY, CGROUP, EXIT, GET, KILLING, MAIN_GONE, SIGNAL, STATE, STEPS, STOP, STOPPING, SUCCESSOR, TREE, ended, gone, nasty, starttime
from patchbay import wait_until

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def test_hello_tells_the_running_process_and_id_names_it(keep):
    k = keep("/bin/sleep", "60")
    p = k.hello()
    assert (p.pid, p.start) == (p.pid, starttime(p.pid))
    assert os.readlink(f"/proc/{p.pid}/exe") == os.path.realpath("/bin/sleep")
    r = k.record("id")
    assert r["keeper"] == f"{k.process.pid} {starttime(k.process.pid)}"
    assert r["main"] == f"{p.pid} {p.start}"
    assert r["boot"] == pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    e = k.stop()
    assert (e.code, e.signal, e.killed) == (-1, signal.SIGTERM, 0)
    ended(k)


def test_the_exit_status_is_told_and_recorded(keep):
    k = keep(nasty(), "exit", "3")
    k.hello()
    e = k.link.await_(lambda p: p.type == EXIT)
    assert (e.code, e.signal, e.step) == (3, 0, 0)
    assert abs(e.ended_ms / 1000 - time.time()) < 60
    ended(k)
    r = k.record("exit")
    assert r["main"] == "3 0" and r["ended"] == str(e.ended_ms) and r["failed"] == "0 0"


def test_a_deadly_signal_is_told(keep):
    k = keep(nasty(), "signal", str(int(signal.SIGUSR2)))
    k.hello()
    e = k.link.await_(lambda p: p.type == EXIT)
    assert (e.code, e.signal) == (-1, signal.SIGUSR2)
    ended(k)


def test_without_a_daemon_the_record_is_left_and_the_keeper_ends(keep):
    k = keep(nasty(), "late-exit", "200", controlled=False)
    assert gone(k) == 0
    assert k.record("exit")["main"] == "7 0"


@pytest.mark.parametrize("args, spec, step, error", [
    (["/nowhere/at/all"], [], "exec", errno.ENOENT),
    (["no-such-command"], [], "exec", errno.ENOENT),
    (["/etc/passwd"], [], "exec", errno.EACCES),
    (["/bin"], [], "exec", errno.EACCES),
    (["{tmp}/bad-interpreter"], [], "exec", errno.ENOENT),
    (["{tmp}/no-format"], [], "exec", errno.ENOEXEC),
    (["/bin/true"], ["dir=/nowhere"], "directory", errno.ENOENT),
    (["/bin/true"], ["dir=/etc/passwd"], "directory", errno.ENOTDIR),
    (["/bin/true"], ["limit=7:100:50"], "limit", errno.EINVAL),
])
def test_a_failed_start_says_at_once_which_step_failed_and_why(keep, tmp_path, args, spec, step, error):
    for name, text in (("bad-interpreter", "#!/nowhere/sh\n"), ("no-format", "garbage\n")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    k = keep(*(a.format(tmp=tmp_path) for a in args), spec=spec)
    p = k.link.receive()
    assert (p.type, p.step, p.error) == (EXIT, STEPS[step], error)
    ended(k)
    assert k.record("exit")["failed"] == f"{STEPS[step]} {error}"


@pytest.mark.parametrize("broken", ["nonce=12", "arg", "limit=99:1:1", "env=no-equals", "v=2", "uid=-1", "umask=999", "ioprio=9:9", "stop_signal=65", "log_bytes=1"])
def test_a_spec_that_makes_no_sense_starts_nothing(keep, broken):
    k = keep("/bin/sleep", "60", spec=[broken])
    wait_until(lambda: (k.folder / "exit").exists(), 10)
    assert k.record("exit")["failed"].split()[0] == str(STEPS["spec"])
    k.link.close()
    assert gone(k, 15) == 0


def test_killed_between_fork_and_exec_is_no_start(tmp_path, keep):
    """The child waits for the keeper; a stopped keeper leaves it there to be killed."""
    k = keep("/bin/sleep", "60", env=[f"FILL{i}={'x' * 2000}" for i in range(100)])
    pid = None
    for _ in range(3000):  # catch it before exec: it still is the keeper's image
        kids = pathlib.Path(f"/proc/{k.process.pid}/task/{k.process.pid}/children").read_text().split() if k.process.poll() is None else []
        if kids:
            pid = int(kids[0])
            os.kill(pid, signal.SIGKILL)
            break
    assert pid
    p = k.link.receive()
    if p.type == EXIT:  # else exec was quicker, which is as good
        assert p.step and p.error == errno.ECHILD and p.signal == signal.SIGKILL


TREES = [("fork", "200"), ("deep", "20"), ("deaf",), ("stop-self",), ("daemon",), ("daemon-closed",), ("thread",), ("rename",), ("clear-environment",),
         ("close-out",), ("bomb", "100"), ("chains", "30"), ("pair",)]


@pytest.mark.parametrize("scan", [False, True], ids=["children", "scan"])
@pytest.mark.parametrize("tree", TREES, ids=lambda t: t[0])
def test_stop_ends_the_whole_tree(keep, tree, scan):
    k = keep(nasty(), *tree, spec=["scan=1"] if scan else [])
    k.hello()
    if tree[0] in ("fork", "deep", "deaf", "thread"):
        wait_until(lambda: k.log.exists() and k.log.stat().st_size > 0, 20)
    elif tree[0] in ("bomb", "chains"):
        time.sleep(0.2)  # the storm is to be under way; no state to wait for
    e = k.stop(ms=200, limit=60)
    assert k.left() == []
    if tree[0] in ("deep", "deaf", "bomb"):
        assert e.flags & KILLING and e.killed
    ended(k)


@needs_root
@pytest.mark.parametrize("tree", [("bomb", "200"), ("chains", "50"), ("deep", "20")], ids=lambda t: t[0])
def test_a_cgroup_of_its_own_is_used_and_removed(keep, tree):
    base = cgroup_base()
    path = f"{base}/keep-test-{os.getpid()}-{tree[0]}"
    k = keep(nasty(), *tree, spec=[f"cgroup={path}", "cgns=1"])
    p = k.hello()
    assert p.flags & CGROUP and k.record("id")["cgroup"] == path
    assert str(p.pid) in pathlib.Path(path, "cgroup.procs").read_text().split() or tree[0] == "chains"
    assert k.record("id")["cgns"] == str(os.stat(f"/proc/{p.pid}/ns/cgroup").st_ino) != str(os.stat("/proc/self/ns/cgroup").st_ino)
    k.stop(ms=100, limit=60)
    ended(k)
    assert not os.path.exists(path)


@needs_root
def test_a_cgroup_that_cannot_be_made_is_done_without(keep):
    k = keep("/bin/sleep", "60", spec=["cgroup=/nowhere/at/all"])
    assert not k.hello().flags & CGROUP
    assert k.record("id")["cgroup"] == "-"
    k.stop()
    ended(k)


def cgroup_base():
    for line in pathlib.Path("/proc/self/mounts").read_text().splitlines():
        if line.split()[2] == "cgroup2" and os.path.exists(line.split()[1]):
            return line.split()[1]
    pytest.skip("no cgroup v2 mounted")


def test_processes_outlive_the_daemon_and_a_new_one_takes_over(keep):
    k = keep(nasty(), "fork", "5")
    p = k.hello()
    k.link.close()
    k.link = wait_until(k.connect)
    s = k.link.ask(GET)
    assert (s.type, s.pid, s.start) == (STATE, p.pid, p.start)
    second = k.connect()
    assert second.receive().type == BUSY and second.receive() is None
    k.stop()
    ended(k)


def test_a_stop_goes_on_when_the_daemon_dies(keep):
    k = keep(nasty(), "deep", "5")
    k.hello()
    wait_until(lambda: k.lines(), 10)
    k.link.ask(STOP, number=signal.SIGTERM, ms=300)
    k.link.close()
    assert gone(k, 20) == 0
    assert k.left() == [] and k.record("exit")["killed"] != "0"


def test_a_second_stop_brings_the_end_nearer(keep):
    k = keep(nasty(), "deaf")
    k.hello()
    wait_until(lambda: k.log.stat().st_size, 10)
    assert k.link.ask(STOP, number=signal.SIGTERM, ms=600000).flags & STOPPING
    assert k.stop(ms=0).flags & KILLING
    ended(k)


def test_foreign_packets_are_ignored(keep):
    k = keep("/bin/sleep", "60")
    k.hello()
    k.link.send(STOP, number=9, nonce=b"x" * 16)
    k.link.socket.send(b"garbage")
    k.link.socket.send(b"y" * 4096)
    assert k.link.ask(GET).type == STATE
    k.stop()
    ended(k)


def test_signals_go_to_the_main_process_or_to_all(keep):
    k = keep("/bin/sh", "-c", "trap 'echo got USR1' USR1; echo set; while :; do sleep 0.05; done")
    k.hello()
    wait_until(lambda: ("o", b"set") in k.lines(), 10)
    assert k.link.ask(SIGNAL, number=signal.SIGUSR1).error == 0
    wait_until(lambda: ("o", b"got USR1") in k.lines(), 10)
    assert k.link.ask(SIGNAL, number=0).error == errno.EINVAL
    assert k.link.ask(SIGNAL, number=signal.SIGSTOP, flags=TREE).error == 0
    k.stop()
    ended(k)


def test_a_command_that_makes_itself_a_daemon_stays_kept(keep):
    k = keep(nasty(), "daemon-closed")
    first = k.hello().pid
    wait_until(lambda: (p := k.link.ask(GET).pid) != first and k.left() == [p], 10)
    s = k.link.ask(GET)
    assert s.pid != first and s.start == starttime(s.pid) and s.flags & SUCCESSOR and not s.flags & MAIN_GONE
    assert k.record("id")["main"] == f"{s.pid} {s.start}"
    os.kill(s.pid, signal.SIGUSR2)
    e = k.link.await_(lambda p: p.type == EXIT)
    assert e.signal == signal.SIGUSR2
    ended(k)


def test_what_a_failed_main_process_leaves_is_stopped(keep):
    k = keep(nasty(), "fail-and-leave")
    k.hello()
    e = k.link.await_(lambda p: p.type == EXIT)
    assert (e.code, e.signal) == (9, 0) or e.code == 9
    ended(k)


def test_sigterm_to_the_keeper_stops_its_tree(keep):
    k = keep(nasty(), "deep", "3")
    k.hello()
    k.process.send_signal(signal.SIGTERM)
    k.link.await_(lambda p: p.type == EXIT)
    ended(k)


def test_a_stopped_keeper_answers_when_it_goes_on(keep):
    k = keep("/bin/sleep", "60")
    k.hello()
    k.process.send_signal(signal.SIGSTOP)
    seq = k.link.send(GET)
    k.process.send_signal(signal.SIGCONT)
    assert k.link.receive().seq == seq
