"""Lock files: two daemons, the Node service's way and lockfile-progs against each other; stale ones, roots, restarts."""
import concurrent.futures
import json
import os
import pathlib
import shutil
import signal
import subprocess
import threading
import time

import pytest

from patchbay import SLOW, wait_until

ROUNDS = int(os.environ.get("PATCHBAY_LOCK_FILE_ROUNDS", "60"))  # of each competitor
HERE = pathlib.Path(__file__).parent


@pytest.fixture
def shared(tmp_path):
    folder = tmp_path / "shared"
    folder.mkdir()
    return folder


def make(patchbayd, shared, **settings):
    return patchbayd(plugins=["locks"], settings={"plugins": {"locks": {"file_roots": [str(shared)], **settings}}})


def take(d, path, owner="x", expect=200, **args):
    return d.call("locks.file.acquire", {"path": str(path), "owner": owner, **args}, expect=expect)


def give(d, path, token, expect=200):
    return d.call("locks.file.release", {"path": str(path), "token": token}, expect=expect)


def lock_of(path):
    return pathlib.Path(f"{path}.lock")


def now_ms():
    return time.time_ns() // 1_000_000


def put(path, text, age=0.0):
    lock_of(path).write_text(str(text))
    t = time.time() - age
    os.utime(lock_of(path), (t, t))


class Journal:
    """Who entered and left, in one file that all append to: at no time are two inside."""

    def __init__(self, path):
        self.path = path
        path.touch()

    def write(self, text):
        fd = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        os.write(fd, f"{text}\n".encode())
        os.close(fd)

    def check(self, owners, rounds):
        inside, entered = None, {}
        for n, line in enumerate(self.path.read_text().splitlines()):
            what, who = line.split()
            if what == "enter":
                assert inside is None, f"line {n}: {who} entered while {inside} was inside"
                inside = who
                entered[who] = entered.get(who, 0) + 1
            else:
                assert inside == who, f"line {n}: {who} left, but {inside} was inside"
                inside = None
        assert entered == {o: rounds for o in owners}


def compete(d, path, owner, rounds, journal):
    """One that takes the lock file over and over through a daemon."""
    for _ in range(rounds):
        g = take(d, path, owner, timeout_ms=25_000, ttl_ms=60_000)
        journal.write(f"enter {owner}")
        journal.write(f"leave {owner}")
        give(d, path, g["token"])


def run_all(jobs):
    with concurrent.futures.ThreadPoolExecutor(len(jobs)) as pool:
        for j in [pool.submit(*job) for job in jobs]:
            j.result()


# ---- one holder ---------------------------------------------------------------------------------------------------------


def test_two_daemons_and_the_node_service_against_each_other(patchbayd, shared):
    path, journal = shared / "data.csv", Journal(shared / "journal")
    a, b = make(patchbayd, shared), make(patchbayd, shared)

    def node(owner):
        subprocess.run(["node", str(HERE / "locks/seed_lock.js"), str(path), owner, str(ROUNDS), str(journal.path)], check=True, timeout=300 * SLOW)

    run_all([(compete, a, path, "a1", ROUNDS, journal), (compete, a, path, "a2", ROUNDS, journal), (compete, b, path, "b1", ROUNDS, journal),
             (node, "n1"), (node, "n2")])
    journal.check(["a1", "a2", "b1", "n1", "n2"], ROUNDS)
    assert not lock_of(path).exists()


@pytest.mark.skipif(not shutil.which("lockfile-create"), reason="lockfile-progs is not installed")
def test_two_daemons_and_lockfile_progs_against_each_other(patchbayd, shared):
    path, journal = shared / "data.csv", Journal(shared / "journal")
    a, b = make(patchbayd, shared), make(patchbayd, shared)
    rounds = max(10, ROUNDS // 4)  # it sleeps a second and more where it finds the lock taken

    def shell(owner):
        script = ('i=0; while [ $i -lt "$3" ]; do if lockfile-create -q -r 0 "$1"; then echo "enter $2" >>"$4"; echo "leave $2" >>"$4"; '
                  'lockfile-remove "$1"; i=$((i + 1)); fi; done')
        subprocess.run(["sh", "-c", script, "sh", str(path), owner, str(rounds), str(journal.path)], check=True, timeout=300 * SLOW, stderr=subprocess.DEVNULL)

    run_all([(compete, a, path, "a1", rounds, journal), (compete, b, path, "b1", rounds, journal), (shell, "s1"), (shell, "s2")])
    journal.check(["a1", "b1", "s1", "s2"], rounds)
    assert not lock_of(path).exists()


@pytest.mark.skipif(not shutil.which("lockfile-create"), reason="lockfile-progs is not installed")
def test_with_a_pid_in_it_lockfile_create_use_pid_respects_our_file(patchbayd, shared):
    path = shared / "x"
    d = make(patchbayd, shared, file_content="pid")
    g = take(d, path)
    assert lock_of(path).read_text() == f"{d.pid}\n"
    assert subprocess.run(["lockfile-create", "-q", "-r", "0", "--use-pid", str(path)], stderr=subprocess.DEVNULL).returncode != 0
    assert subprocess.run(["lockfile-check", "--use-pid", str(path)]).returncode == 0
    give(d, path, g["token"])
    subprocess.run(["lockfile-create", "-q", "--use-pid", str(path)], check=True)
    assert take(d, path, expect=408, timeout_ms=100)["error"] == "LOCK_TIMEOUT"
    subprocess.run(["lockfile-remove", str(path)], check=True)
    take(d, path)


def test_of_two_daemons_that_find_a_stale_file_one_wins(patchbayd, shared):
    a, b = make(patchbayd, shared), make(patchbayd, shared)
    for i in range(12):
        path = shared / f"x{i}"
        put(path, now_ms() - 40_000, 40)
        barrier = threading.Barrier(2)

        def one(d):
            barrier.wait()
            r = d.post("call/locks.file.acquire", {"path": str(path), "owner": "x", "timeout_ms": 600, "ttl_ms": 60_000})
            return r.status

        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(one, (a, b))) == [200, 408]


# ---- what is stale ------------------------------------------------------------------------------------------------------


def test_writes_the_id_as_the_node_service_does_and_keeps_it_young(patchbayd, shared):
    path = shared / "x"
    d = make(patchbayd, shared, stale_after="1s")
    g = take(d, path, ttl_ms=60_000)
    assert g["path"] == str(path)
    first = lock_of(path).read_text()
    assert first.isdigit() and abs(int(first) - now_ms()) < 30_000 * SLOW
    wait_until(lambda: int(lock_of(path).read_text()) > int(first) + 1_000, 20, "its time is written anew")
    give(d, path, g["token"])
    assert not lock_of(path).exists()


def test_a_stale_file_is_taken_over_and_others_are_not(patchbayd, shared):
    d = make(patchbayd, shared)
    put(shared / "old", now_ms() - 31_000, 31)
    assert int(lock_of(shared / "old").read_text()) < now_ms() - 30_000
    take(d, shared / "old")
    assert int(lock_of(shared / "old").read_text()) > now_ms() - 30_000
    put(shared / "young", now_ms() - 10_000, 10)
    put(shared / "silent", "0\n", 200)
    put(shared / "yarn", "# yarn lockfile v1\n" + "lodash@^4:\n" * 9, 10_000)
    child = subprocess.Popen(["sleep", "600"])
    try:
        put(shared / "pid", child.pid)
        for name in ("young", "silent", "yarn", "pid"):
            r = take(d, shared / name, expect=408, timeout_ms=50)
            assert r["error"] == "LOCK_TIMEOUT" and r["details"]["holder"], r
        assert f"PID {child.pid} (sleep)" in r["message"]
    finally:
        child.kill()
        child.wait()
    put(shared / "pid", child.pid, 31)
    take(d, shared / "pid", timeout_ms=0)


def test_who_is_removed_behind_its_back_is_told(patchbayd, shared):
    path = shared / "x"
    d = make(patchbayd, shared, stale_after="1s")
    with d.events("locks/changes") as events:
        g = take(d, path, ttl_ms=60_000)
        lock_of(path).unlink()
        assert events.wait_for(lambda e: e.value["event"] == "lost", 20).value["name"] == f"file:{path}"
    assert give(d, path, g["token"], expect=409)["error"] == "NOT_OWNER"
    take(d, path)


def test_only_what_is_ours_is_removed(patchbayd, shared):
    path = shared / "x"
    d = make(patchbayd, shared)
    g = take(d, path)
    lock_of(path).unlink()
    put(path, "somebody else's")
    assert give(d, path, g["token"], expect=409)["error"] == "NOT_OWNER"
    assert lock_of(path).read_text() == "somebody else's"
    assert give(d, path, g["token"] + 1, expect=409)["error"] == "NOT_OWNER"


def test_a_lease_that_ends_removes_the_file(patchbayd, shared):
    path = shared / "x"
    d = make(patchbayd, shared)
    take(d, path, ttl_ms=300)
    wait_until(lambda: not lock_of(path).exists(), why="the file goes with the lease")
    g = take(d, path, ttl_ms=300)
    d.call("locks.file.renew", {"path": str(path), "token": g["token"], "ttl_ms": 60_000})
    time.sleep(0.5)  # past the first lease: nothing may happen
    assert lock_of(path).exists()


def test_who_leaves_while_it_waits_takes_nothing(patchbayd, shared):
    path = shared / "x"
    d = make(patchbayd, shared)
    put(path, now_ms())
    body = json.dumps({"path": str(path), "owner": "leaver", "timeout_ms": 60_000})
    with d.raw() as s:
        s.sendall(f"POST /api/webhook/call/locks.file.acquire HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        wait_until(lambda: d.json("locks")["locks"], why="it is first in our line")
    wait_until(lambda: not d.json("locks")["locks"], why="it has left")
    lock_of(path).unlink()
    take(d, path, owner="other", timeout_ms=0)


# ---- where ---------------------------------------------------------------------------------------------------------------


def test_only_the_roots(patchbayd, shared, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (shared / "link").symlink_to(outside)
    d = make(patchbayd, shared)
    for path in (outside / "x", shared / "link/x", f"{shared}/../outside/x", "/etc/passwd", shared):
        assert take(d, path, expect=403)["error"] == "PATH_FORBIDDEN"
    assert take(d, shared / "no/x", expect=404)
    assert take(d, "relative", expect=400)
    assert list(outside.iterdir()) == []
    none = patchbayd(plugins=["locks"])
    assert take(none, shared / "x", expect=403)["error"] == "PATH_FORBIDDEN"


# ---- what survives -------------------------------------------------------------------------------------------------------


def test_a_file_survives_kill_9_with_its_lease(patchbayd, shared):
    d, other = make(patchbayd, shared, stale_after="5s"), make(patchbayd, shared, stale_after="5s")
    g = take(d, shared / "long", ttl_ms=600_000)
    take(d, shared / "short", ttl_ms=300)
    lost = take(d, shared / "lost", ttl_ms=600_000)
    before = lock_of(shared / "long").read_text()
    d.kill()
    lock_of(shared / "lost").unlink()
    assert take(other, shared / "long", owner="o", expect=408, timeout_ms=100)
    d.start()
    wait_until(lambda: int(lock_of(shared / "long").read_text()) > int(before), 20, "it is ours again and young")
    wait_until(lambda: not lock_of(shared / "short").exists(), why="the lease that ended meanwhile")
    assert give(d, shared / "lost", lost["token"], expect=409)["error"] == "NOT_OWNER"
    give(d, shared / "long", g["token"])
    assert not lock_of(shared / "long").exists()


def test_a_file_goes_to_another_where_we_stay_away_too_long(patchbayd, shared):
    path = shared / "x"
    d, other = make(patchbayd, shared, stale_after="1s"), make(patchbayd, shared, stale_after="1s")
    g = take(d, path, ttl_ms=600_000)
    d.kill()
    o = take(other, path, owner="o", timeout_ms=20_000, ttl_ms=600_000)
    d.start()
    wait_until(lambda: not d.json("locks")["locks"], why="it knows that it has lost it")
    assert give(d, path, g["token"], expect=409)["error"] == "NOT_OWNER"
    give(other, path, o["token"])
    assert not lock_of(path).exists()
