"""State: what was acknowledged survives kill -9; a disk that is full, a folder that cannot be written to, a database that is spoilt."""
import contextlib
import fcntl
import json
import os
import pathlib
import random
import signal
import sqlite3
import subprocess
import time

import pytest

from patchbay import ROOT, SLOW, die_with_parent, wait_until

WRITER = pathlib.Path(os.environ.get("PATCHBAY_BUILD", ROOT / "build")) / "tests/integration/state/state-writer"
ROUNDS = int(os.environ.get("PATCHBAY_KILL_ROUNDS", "200"))
F_SETPIPE_SZ = 1031


class Writer:
    """A state-writer: what it found, then what it acknowledges."""

    def __init__(self, folder, *arguments, wrap=()):
        self.process = subprocess.Popen([*wrap, WRITER, folder, *arguments], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, preexec_fn=die_with_parent)
        try:
            fcntl.fcntl(self.process.stdout.fileno(), F_SETPIPE_SZ, 1 << 20)  # so that it is killed while it writes, not while it waits for us
        except OSError:
            pass
        self.warning = self.line("open")
        self.documents = json.loads(self.line("documents"))
        self.first, self.last, self.entries = map(int, self.line("journal").split())

    def line(self, word):
        line = self.process.stdout.readline().decode().rstrip("\n")
        while line.startswith("warning ") and word != "warning":
            line = self.process.stdout.readline().decode().rstrip("\n")
        assert line.split(" ")[0] == word, f"{word} was expected, {line!r} came"
        return line.partition(" ")[2]

    def kill(self):
        """The last acknowledged document and entry."""
        self.process.send_signal(signal.SIGKILL)
        lines = self.process.stdout.read().decode().splitlines()
        self.process.wait()
        self.process.stdout.close()
        wrong = [line for line in lines if not line.startswith(("d ", "j "))]
        assert not wrong, wrong[:5]
        numbers = {"d": 0, "j": 0}
        for line in lines:
            numbers[line[0]] = max(numbers[line[0]], int(line[2:]))
        return numbers["d"], numbers["j"]


def test_nothing_acknowledged_is_lost_by_kill_9_at_random_moments(tmp_path):
    document = entry = acknowledged = 0
    chance = random.Random(8092)
    for _ in range(ROUNDS):
        w = Writer(tmp_path / "state")
        assert w.warning == ""
        a, b = w.documents.get("a", 0), w.documents.get("b", 0)
        assert a == b, "what was written in one turn came apart"
        assert a >= document, f"document {document} was acknowledged, {a} is there"
        assert w.last >= entry, f"entry {entry} was acknowledged, {w.last} is the last"
        assert w.entries == (w.last - w.first + 1 if w.last else 0)
        time.sleep(chance.uniform(0, 0.03))  # the moment of the kill, not a wait for anything
        d, j = w.kill()
        document, entry, acknowledged = max(a, d), max(w.last, j), acknowledged + (d > 0)
    assert acknowledged > ROUNDS / 4, "too few rounds wrote anything: this proved little"
    assert not list((tmp_path / "state").glob("*corrupt*"))


def can_mount():
    return os.geteuid() == 0 and subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0


@pytest.mark.skipif(not can_mount(), reason="needs root and mount namespaces")
def test_a_full_disk_is_told_and_writing_goes_on_when_there_is_room(tmp_path):
    disk, gate = tmp_path / "disk", tmp_path / "gate"
    disk.mkdir()
    os.mkfifo(gate)
    # A disk of 1 MiB in a namespace of its own, nearly full; room comes when we say so.
    script = f"mount -t tmpfs -o size=1m none {disk} || exit 9; head -c 850000 /dev/zero > {disk}/ballast; (read x < {gate}; rm {disk}/ballast) & exec {WRITER} {disk}/state fail"
    p = subprocess.Popen(["unshare", "-m", "sh", "-c", script], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, preexec_fn=die_with_parent)
    try:
        seen, acknowledged = [], 0
        end = time.monotonic() + 30 * SLOW

        def read_until(start):
            nonlocal acknowledged
            for line in iter(p.stdout.readline, b""):
                assert time.monotonic() < end, f"no {start} yet; seen: {seen[-5:]}"
                line = line.decode().rstrip("\n")
                if line.startswith("d "):
                    acknowledged = int(line[2:])
                else:
                    seen.append(line)
                if line.startswith(start):
                    return line
            raise AssertionError(f"the writer ended before {start}: {seen[-5:]}")

        read_until("error STATE_FULL")
        assert any("the disk is full" in line for line in seen if line.startswith("warning state is not kept: ")), seen
        before = acknowledged
        with open(gate, "w") as f:
            f.write("now\n")
        read_until("warning state is kept again")
        while acknowledged <= before + 10:
            read_until("d ")
        assert sum(line.startswith("warning state is not kept") for line in seen) < 20  # told when it begins, not each time
    finally:
        p.kill()
        p.wait()
        p.stdout.close()


@pytest.mark.skipif(not can_mount(), reason="needs root and mount namespaces")
def test_a_read_only_folder_gives_memory(tmp_path):
    (tmp_path / "state").mkdir()
    script = f"mount --bind {tmp_path}/state {tmp_path}/state && mount -o remount,ro,bind {tmp_path}/state && exec {WRITER} {tmp_path}/state"
    w = Writer(tmp_path / "state", wrap=["unshare", "-m", "sh", "-c", script, "sh"])
    try:
        assert "Read-only file system" in w.warning and "kept in memory" in w.warning
        assert w.line("j") == "1"
    finally:
        w.process.kill()
        w.process.wait()
        w.process.stdout.close()


def test_a_spoilt_database_is_named_and_the_start_goes_on(patchbayd):
    d = patchbayd(plugins=[])
    d.stop()
    assert (d.state / "state.db").exists()
    (d.state / "state.db").write_bytes(b"spoilt " * 2000)
    d.start()
    aside = [p.name for p in d.state.iterdir() if p.name.startswith("state.db.corrupt-")]
    assert len(aside) == 1
    wait_until(lambda: aside[0] in d.log, why="the log names it")
    assert d.get("plugins").status == 200
    d.restart()
    assert "corrupt" not in d.log


def test_a_second_daemon_on_the_same_state_does_not_run(patchbayd):
    first = patchbayd(plugins=[])
    second = patchbayd(plugins=[], settings={"state": {"directory": str(first.state)}}, start=False)
    second.start(is_ready=False)
    assert second.wait_exit() == 1
    assert f"another patchbayd (PID {first.pid}) uses it" in second.log
    assert first.get("plugins").status == 200
    second.stop(expect=1)


def test_a_taken_address_says_more_than_a_taken_folder(patchbayd):
    first = patchbayd(plugins=[])
    second = patchbayd(plugins=[], settings={"state": {"directory": str(first.state)}, "http": {"listen": [f"127.0.0.1:{first.port}"]}}, start=False)
    second.start(is_ready=False)
    assert second.wait_exit() == 3
    second.stop(expect=3)


def test_the_next_sequence_number_is_kept_over_a_kill(patchbayd):
    d = patchbayd(plugins=[])

    def kept():
        with contextlib.closing(sqlite3.connect(f"file:{d.state}/state.db?mode=ro", uri=True)) as db:
            return int(db.execute("SELECT value FROM documents WHERE owner = 'core' AND key = 'next_seq'").fetchone()[0])

    before = wait_until(kept)
    d.kill()
    d.start()
    wait_until(lambda: kept() > before, why="the second start begins behind the first")
