"""Random interleavings of start, stop, restart, kill -9 of the daemon and of keepers: afterwards what runs is what is said to
run, once, and the disk says the same. PATCHBAY_PROCS_RUNS (12) rounds, each from where the last one ended; PATCHBAY_PROCS_SEED repeats one."""
import json
import os
import pathlib
import random
import signal
import sqlite3
import threading
import time

import pytest

from patchbay import SLOW, wait_until
from procs import nasty, starttime, state

RUNS = int(os.environ.get("PATCHBAY_PROCS_RUNS", "12"))
SEED = int(os.environ.get("PATCHBAY_PROCS_SEED", str(random.SystemRandom().randrange(1 << 32))))
RESTING = ("stopped", "failed")
PROCESSES = {
    "base": [nasty(), "rest"],
    "forks": {"command": [nasty(), "fork", "3"], "requires": ["base"]},
    "deaf": {"command": [nasty(), "deaf"], "stop_timeout": "100ms"},
    "again": {"command": [nasty(), "rest"], "restart": "on-failure", "restart_delay": "20ms", "restart_limit": 1000},
    "away": {"command": [nasty(), "daemon-closed"], "requires": ["base"], "stop_timeout": "500ms"},
}
SIZE = {"base": 1, "forks": 4, "deaf": 1, "again": 1, "away": 1}


class Storm:
    """What is done to a kit, by chance, without waiting for the answers."""

    def __init__(self, kit, chance):
        self.kit, self.chance, self.threads, self.did, self.logs = kit, chance, [], [], []

    def ask(self, name, what):
        def post():
            try:
                self.kit.daemon.post(f"procs/{name}/{what}", timeout=60)
            except OSError:
                pass  # the daemon was killed meanwhile
            except Exception as e:  # of http.client: likewise, in the middle of an answer
                assert type(e).__module__ == "http.client", e
        self.threads.append(threading.Thread(target=post))
        self.threads[-1].start()

    def kill_daemon(self):
        self.kit.daemon.kill()
        self.logs += self.kit.daemon.stderr
        if self.chance.random() < 0.3:  # keepers die while no daemon is there
            self.kill_keeper()
        self.kit.daemon.start()

    def kill_keeper(self):
        keepers = self.kit.keepers()
        if keepers:
            name = self.chance.choice(sorted(keepers))
            self.did.append(f"kill keeper of {name}")
            try:
                os.kill(keepers[name], signal.SIGKILL)
            except ProcessLookupError:
                pass

    def step(self):
        name, dice = self.chance.choice(sorted(PROCESSES)), self.chance.random()
        what = "start" if dice < 0.4 else "stop" if dice < 0.6 else "restart" if dice < 0.75 else "daemon" if dice < 0.85 else "keeper"
        self.did.append(what if what in ("daemon", "keeper") else f"{what} {name}")
        if what == "daemon":
            self.kill_daemon()
        elif what == "keeper":
            self.kill_keeper()
        else:
            self.ask(name, what)
        time.sleep(self.chance.choice((0, 0, 0.01, 0.05, 0.2)))

    def settle(self):
        for t in self.threads:
            t.join(90 * SLOW)
            assert not t.is_alive(), f"a request was never answered: {self.did}"

        def entries():
            e = {x["name"]: x for x in self.kit.get()["processes"]}
            return all(x["state"] in (*RESTING, "ready") for x in e.values()) and e
        return wait_until(entries, 60, f"every process rests or is ready after {self.did}")


def markers():
    """{name: {nonce: [pid]}} of all live processes that a keeper of ours has started, by the marker in their environment."""
    found = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = pathlib.Path(f"/proc/{entry}/environ").read_bytes().split(b"\0")
        except OSError:
            continue
        for w in words:
            if w.startswith(b"PATCHBAY_KEEP=") and state(int(entry)) not in ("Z", "X", None):
                name, _, nonce = w.partition(b"=")[2].decode().rpartition(".")
                found.setdefault(name, {}).setdefault(nonce, []).append(int(entry))
    return found


def documents(kit):
    with sqlite3.connect(f"file:{kit.daemon.state}/state.db?mode=ro", uri=True) as db:
        return {key: json.loads(value) for key, value in db.execute("SELECT key, value FROM documents WHERE owner = 'procs'")}


def check(kit, entries):
    """What is said, what /proc has, and what stands on the disk: one and the same."""
    ours, alive = markers(), set(kit.alive())
    for name, e in entries.items():
        folders = list(kit.keep.glob(f"{name}.*"))
        trees = {n: pids for n, pids in ours.get(name, {}).items() if alive & set(pids)}
        running = documents(kit).get(f"process/{name}", {}).get("running")
        if e["state"] in RESTING:
            assert not trees, f"{name} is {e['state']}, and {trees} run"
            assert not folders and kit.pid_file(name) is None and running is None, f"{name}: {folders} {kit.pid_file(name)} {running}"
            continue
        assert len(trees) == 1, f"{name} runs {len(trees)} times: {trees}"
        nonce, pids = trees.popitem()
        assert e["pid"] in pids and len(pids) == SIZE[name], f"{name}: {e['pid']} of {pids}"
        assert len(folders) == 1 and nonce.startswith(folders[0].name.rpartition(".")[2])
        words = dict(line.split(" ", 1) for line in (folders[0] / "id").read_text().splitlines())
        assert words["main"] == f"{e['pid']} {starttime(e['pid'])}"
        keeper, start = map(int, words["keeper"].split())
        assert starttime(keeper) == start
        assert kit.pid_file(name) == [e["pid"]]
        assert (running["pid"], running["start"]) == (e["pid"], starttime(e["pid"]))
    assert len(alive) == sum(SIZE[n] for n, e in entries.items() if e["state"] == "ready")


@pytest.mark.parametrize("cgroup", [True, False], ids=["cgroup", "markers"])
def test_whatever_happens_what_runs_is_what_is_said_to_run(kit, cgroup):
    print(f"PATCHBAY_PROCS_SEED={SEED}")
    chance = random.Random(SEED)
    k = kit(PROCESSES, cgroup=cgroup)
    for run in range(RUNS // 2):
        storm = Storm(k, chance)
        for _ in range(chance.randrange(4, 16)):
            storm.step()
        entries = storm.settle()
        try:
            wait_until(lambda: check(k, {e["name"]: e for e in k.get()["processes"]}) is None, 15, f"they agree; {entries}")
        except AssertionError:
            print(f"run {run}: {storm.did}", k.alive(), k.keepers(), *storm.logs, *k.daemon.stderr, sep="\n")
            raise
