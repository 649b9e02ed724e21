"""The process coordinator's figures: start, stop and memory beside supervisord, one start beside posix_spawn, trees and storms,
what a status of 200 costs the loop, and wake-ups at rest with 200 kept."""
import http.client
import importlib.util
import os
import pathlib
import re
import socket
import statistics
import subprocess
import tempfile
import time
import xmlrpc.client

import patchbay
from bench import Row
from core import rss_kib
from patchbay import wait_until

# The tests' helpers have this file's name.
spec = importlib.util.spec_from_file_location("procs_kit", pathlib.Path(patchbay.__file__).with_name("procs.py"))
procs_kit = importlib.util.module_from_spec(spec)
spec.loader.exec_module(procs_kit)
Kit, nasty = procs_kit.Kit, procs_kit.nasty

tempfile.tempdir = "/dev/shm"  # memory, as /run is, where PID files and keepers' folders are; all else lies in /tmp
COUNTS = (1, 50, 200)
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
REST = ["/bin/sleep", "600"]


class Supervisord:
    """Debian's, with n programs that it starts when it is asked to."""

    class Transport(xmlrpc.client.Transport):
        def __init__(self, path):
            super().__init__()
            self.path = path

        def make_connection(self, host):
            if self._connection and host == self._connection[0]:
                return self._connection[1]
            c = http.client.HTTPConnection("localhost", timeout=120)
            c.sock = socket.socket(socket.AF_UNIX)
            c.sock.connect(self.path)
            self._connection = host, c
            return c

    def __init__(self, folder, n):
        path = f"{folder}/s"
        pathlib.Path(folder, "supervisord.conf").write_text(f"""[supervisord]
nodaemon=true
logfile={folder}/log
pidfile={folder}/pid
childlogdir={folder}
minfds=4096
[unix_http_server]
file={path}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[program:p]
command={' '.join(REST)}
process_name=%(program_name)s_%(process_num)d
numprocs={n}
autostart=false
startsecs=0
""")
        self.process = subprocess.Popen(["supervisord", "-c", f"{folder}/supervisord.conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.call = xmlrpc.client.ServerProxy("http://localhost", transport=self.Transport(path)).supervisor
        wait_until(lambda: os.path.exists(path), 20, "supervisord listens")
        wait_until(lambda: self.call.getState()["statename"] == "RUNNING", 20)

    def end(self):
        self.process.terminate()
        self.process.wait(60)


def pss_kib(pid):
    return int(re.search(r"^Pss:\s+(\d+)", pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)[1])


def milliseconds(action):
    began = time.monotonic()
    action()
    return (time.monotonic() - began) * 1000


def kit(folder, processes, groups=None):
    return Kit(pathlib.Path(folder) / "kit", processes, groups)


def many(n):
    return {f"p{i}": REST for i in range(n)}


def beside_supervisord(n):
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp") as t:
        ours, peer = kit(t, many(n), {"all": sorted(many(n))}), Supervisord(t, n)
        figures = {name: ([], []) for name in ("start", "stop")}
        try:
            for _ in range(ROUNDS):
                figures["start"][0].append(milliseconds(lambda: ours.start("all")))
                figures["start"][1].append(milliseconds(lambda: peer.call.startAllProcesses(True)))
                pids = [ours.daemon.pid, *ours.keepers().values()]
                memory = sum(map(rss_kib, pids)), rss_kib(peer.process.pid)
                shares = sum(map(pss_kib, pids)), pss_kib(peer.process.pid)
                figures["stop"][0].append(milliseconds(lambda: ours.stop("all")))
                figures["stop"][1].append(milliseconds(lambda: peer.call.stopAllProcesses(True)))
        finally:
            ours.close()
            peer.end()
    for name, (a, b) in figures.items():
        ratio = statistics.median(x / y for x, y in zip(a, b))
        yield Row(f"{name} of {n}", f"{statistics.median(a):.1f} ms", f"supervisord {statistics.median(b):.1f} ms", f"{ratio:.2f}", "0.1")
    for what, (a, b) in (("RSS", memory), ("PSS (what keepers share counts once)", shares)):
        yield Row(f"{what} with {n}, keepers included", f"{a / 1024:.1f} MiB", f"supervisord {b / 1024:.1f} MiB", f"{a / b:.2f}", "0.25")


def spawn():
    """posix_spawn of the same command, until exec has succeeded: a pipe that exec closes."""
    read, write = os.pipe()  # both CLOEXEC
    pid = os.posix_spawn(REST[0], REST, {}, setsid=True)
    os.close(write)
    os.read(read, 1)
    os.close(read)
    return pid


def one_start(rounds=40):
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp") as t:
        k = kit(t, {"a": REST})
        ours, asked, peer = [], [], []
        try:
            c = http.client.HTTPConnection(k.daemon.host, k.daemon.port)

            def ask(method, path):
                c.request(method, f"/api/webhook/{path}", b"{}" if method == "POST" else None, {"Content-Type": "application/json"})
                r = c.getresponse()
                assert r.status == 200, r.read()
                return r.read()
            for _ in range(rounds):
                ours.append(milliseconds(lambda: ask("POST", "procs/a/start?wait=started")))
                asked.append(milliseconds(lambda: ask("GET", "procs/a")))
                ask("POST", "procs/a/stop?force=true")
                pids = []
                peer.append(milliseconds(lambda: pids.append(spawn())))
                os.kill(pids[0], 9)
                os.waitpid(pids[0], 0)
        finally:
            k.close()
        yield Row("one start, from the request to the reply that it runs", f"{statistics.median(ours):.1f} ms", f"posix_spawn {statistics.median(peer):.2f} ms",
                  f"{statistics.median(ours) / statistics.median(peer):.1f}", "")


def trees():
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp") as t:
        k = kit(t, {"tree": [nasty(), "fork", "49"], "storm": {"command": [nasty(), "bomb", "300"], "stop_timeout": "0s"}})
        try:
            for name, words, size in (("tree", "stop of a tree of 50", 50), ("storm", "stop of a fork storm of 300", 250)):
                took = []
                for _ in range(ROUNDS):
                    k.start(name)
                    wait_until(lambda: len(k.alive()) >= size, 30)
                    took.append(milliseconds(lambda: k.stop(name)))
                    assert k.alive() == []
                yield Row(words, f"{statistics.median(took):.0f} ms, at most {max(took):.0f}")
        finally:
            k.close()


def loop_seconds(daemon):
    """What the plugin's callbacks took of the loop, ever."""
    text = daemon.get("/metrics").text
    return float(re.search(r'^patchbay_callback_seconds_total\{plugin="procs"\} (\S+)', text, re.M)[1])


def switches(pid):
    return sum(int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", (task / "status").read_text(), re.M)[1]) for task in pathlib.Path(f"/proc/{pid}/task").iterdir())


def with_200():
    n = 200
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp") as t:
        k = kit(t, many(n), {"all": sorted(many(n))})
        try:
            k.start("all")
            before, walls, rounds = loop_seconds(k.daemon), [], 10
            for _ in range(rounds):
                time.sleep(1.1)  # a sample is fresh for a second
                walls.append(milliseconds(k.get))
            spent = (loop_seconds(k.daemon) - before) / rounds
            yield Row(f"status of {n}, with a sample of each: time on the loop", f"{spent * 1000:.1f} ms, {spent / n * 1e6:.0f} µs a process", "", "", "200 µs")
            yield Row(f"status of {n}: from request to reply", f"{statistics.median(walls):.1f} ms")
            time.sleep(8)
            keepers = list(k.keepers().values())
            began, at_daemon, at_keepers = time.monotonic(), switches(k.daemon.pid), sum(map(switches, keepers))
            time.sleep(65)
            seconds = time.monotonic() - began
            yield Row(f"wake-ups a second at rest with {n} kept: the daemon, all keepers together", f"{(switches(k.daemon.pid) - at_daemon) / seconds:.2f}, {(sum(map(switches, keepers)) - at_keepers) / seconds:.2f}", "", "", "under 1")
        finally:
            k.close()


def rows():
    for n in COUNTS:
        yield from beside_supervisord(n)
    yield from one_start()
    yield from trees()
    yield from with_200()
