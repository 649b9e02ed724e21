"""patchbayctl lock: a command under a lock, as flock runs it. Its exit status, its signals, and no lock left behind."""
import pathlib
import signal
import sys

import pytest

from ctl import Going, Terminal, run, tool
from patchbay import wait_until


@pytest.fixture
def d(patchbayd):
    return patchbayd(plugins=["locks"])


def holder(d, name):
    return next((lock["owner"] for lock in d.json("locks")["locks"] if lock["name"] == name), None)


def held(d, name):
    return wait_until(lambda: holder(d, name), why=f"{name} is held")


def gone(d, name):
    wait_until(lambda: holder(d, name) is None, why=f"{name} is free")


def test_the_exit_status_is_the_commands(d):
    for code in (0, 1, 3, 7, 255):
        run(d, "lock", "x", "--", "/bin/sh", "-c", f"exit {code}", expect=code)
    run(d, "lock", "x", "--", "/bin/sh", "-c", "kill -KILL $$", expect=128 + 9)
    assert holder(d, "x") is None


def test_the_lock_is_held_while_it_runs_and_gone_after(d):
    out = run(d, "lock", "--owner", "me", "x", "--", str(tool()), "--host", f"{d.host}:{d.port}", "locks").out
    assert "x " in out and "me " in out and "with its connection" in out
    gone(d, "x")


def test_input_and_output_are_the_commands(d, tmp_path):
    given = tmp_path / "given"
    given.write_text("from stdin\n")
    with open(given) as f:
        done = run(d, "lock", "x", "cat", stdin=f)
    assert done.out == "from stdin\n" and not done.err


def test_its_options_are_not_ours(d):
    assert run(d, "lock", "x", "--", "/bin/echo", "--json", "--help", "-x").out == "--json --help -x\n"
    assert run(d, "lock", "x", "/bin/echo", "--", "-n").out == "-- -n\n"
    assert run(d, "lock", "x", "--wait", "5s", "--", "/bin/echo", "a  b", "$HOME").out == "a  b $HOME\n"
    run(d, "lock", "x", "--", expect=2)
    run(d, "lock", "x", expect=2)


def test_what_cannot_be_run_is_126_or_127(d, tmp_path):
    plain = tmp_path / "plain"
    plain.write_text("text")
    run(d, "lock", "x", "--", plain, expect=126)
    assert "No such file" in run(d, "lock", "x", "--", tmp_path / "none", expect=127).err
    assert holder(d, "x") is None


def test_one_waits_for_the_other_in_turn(d, tmp_path):
    go = tmp_path / "go"
    with Going(d, "lock", "x", "--owner", "first", "--", "/bin/sh", "-c", f"until [ -e {go} ]; do sleep 0.02; done") as first:
        assert held(d, "x") == "first"
        with Going(d, "lock", "x", "--wait", "20s", "--", "/bin/echo", "mine") as second:
            second.wait_note("waiting for x: first has it")
            assert not second.lines
            go.touch()
            assert first.wait() == 0 and second.wait() == 0
            assert second.lines == ["mine"]


def test_a_lock_that_is_not_granted_in_time_is_1_and_names_the_holder(d):
    with Going(d, "lock", "x", "--owner", "first", "--", "/bin/sleep", "60"):
        held(d, "x")
        done = run(d, "lock", "--quiet", "x", "--wait", "0s", "--", "/bin/echo", "never", expect=1)
        assert "first" in done.err and "LOCK_TIMEOUT" in done.err and not done.out
        assert "LOCK_HELD" in run(d, "lock", "--owner", "first", "x", "--", "/bin/true", expect=1).err


def test_no_daemon_no_command(d, tmp_path):
    d.stop()
    trace = tmp_path / "trace"
    run(d, "lock", "x", "--", "/bin/sh", "-c", f"touch {trace}", expect=3)
    assert not trace.exists()


def test_a_name_that_is_none_is_refused(d):
    assert "VALIDATION_ERROR" in run(d, "lock", "bad name", "--", "/bin/true", expect=2).err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGUSR1])
def test_signals_are_passed_on(d, number):
    script = f"import signal,sys,time; signal.signal({int(number)}, lambda *a: sys.exit(42)); print('set', flush=True); time.sleep(60)"
    with Going(d, "lock", "x", "--", sys.executable, "-c", script) as p:
        p.wait_line("set")
        p.process.send_signal(number)
        assert p.wait() == 42
    gone(d, "x")


def test_ctrl_c_reaches_the_command_once(d):
    script = "import signal,time,os\nn=0\ndef on(*a):\n global n\n n+=1\nsignal.signal(2, on)\nprint('set', flush=True)\nend=time.time()+1\nwhile time.time()<end: time.sleep(0.05)\nprint('count', n, flush=True)"
    with Terminal(d, "lock", "x", "--", sys.executable, "-c", script) as t:
        t.wait_text("set")
        t.key("\x03")
        t.wait_text("count 1")
        assert t.wait() == 0


def test_ctrl_c_ends_both(d):
    with Terminal(d, "lock", "x", "--", "/bin/sh", "-c", "echo begun; exec sleep 60") as t:
        t.wait_text("begun")
        t.key("\x03")
        assert t.wait() == 128 + signal.SIGINT
    gone(d, "x")


def test_killed_it_takes_lock_and_command_with_it(d, tmp_path):
    told = tmp_path / "pid"
    with Going(d, "lock", "x", "--", "/bin/sh", "-c", f"echo $$ > {told}.half; mv {told}.half {told}; exec sleep 60") as p:
        pid = int(wait_until(lambda: told.exists() and told.read_text(), why="it runs"))
        p.process.kill()
        gone(d, "x")
        wait_until(lambda: not pathlib.Path(f"/proc/{pid}").exists() or "Z" in pathlib.Path(f"/proc/{pid}/stat").read_text(), why="the command ends")


def test_a_lost_lock_is_told_and_the_command_goes_on(d, tmp_path):
    go = tmp_path / "go"
    with Going(d, "lock", "x", "--", "/bin/sh", "-c", f"echo begun; until [ -e {go} ]; do sleep 0.02; done; exit 5") as p:
        p.wait_line("begun")
        d.kill()
        p.wait_note("the lock x is lost")
        assert p.process.poll() is None
        go.touch()
        assert p.wait() == 5


def test_strict_ends_the_command_with_the_lock(d):
    with Going(d, "lock", "--strict", "x", "--", "/bin/sh", "-c", "echo begun; exec sleep 60") as p:
        p.wait_line("begun")
        d.kill()
        assert p.wait() == 128 + signal.SIGTERM


def test_no_descriptor_of_ours_is_the_commands(d):
    out = run(d, "lock", "x", "--", "/bin/ls", "/proc/self/fd").out.split()
    assert set(out) <= {"0", "1", "2", "3"}  # 3: ls itself reads the folder


def test_many_at_once_are_never_two(d, tmp_path):
    """Each adds one to a number in a file, without any other lock."""
    number = tmp_path / "number"
    number.write_text("0")
    add = f"n=$(cat {number}); sleep 0.01; echo $((n+1)) > {number}"
    all_of_them = [Going(d, "lock", "--quiet", "--wait", "60s", "x", "--", "/bin/sh", "-c", add) for _ in range(20)]
    assert [p.wait(60) for p in all_of_them] == [0] * 20
    assert number.read_text().strip() == "20"
