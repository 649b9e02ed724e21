"""tools/run: a live position by one command, and nothing left of it afterwards."""
import fcntl
import http.client
import json
import os
import pathlib
import select
import shutil
import signal
import subprocess
import termios
import threading

import pytest

from gpsd import Receiver
from patchbay import ROOT, die_with_parent, free_port, wait_until
from standin import Standin


def descendants(pid):
    """Of a process, as (pid, start time): the number alone may be used again."""
    out = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat") as f:
                fields = f.read().rpartition(")")[2].split()
            if int(fields[1]) == pid:
                out += [(int(entry), fields[19])] + descendants(int(entry))
        except OSError:
            continue
    return out


def is_alive(process):
    try:
        with open(f"/proc/{process[0]}/stat") as f:
            fields = f.read().rpartition(")")[2].split()
        return fields[19] == process[1] and fields[0] != "Z"
    except OSError:
        return False


class Run:
    """tools/run in a terminal of its own: what is typed there reaches all that stays in its foreground."""

    def __init__(self, prefix, gpsd_port, kismet_port):
        self.port = free_port()
        self.terminal, inside = os.openpty()

        def prepare():
            die_with_parent()
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen([str(ROOT / "tools/run"), "--listen", f"127.0.0.1:{self.port}", "--gpsd", str(gpsd_port),
                                         "--kismet", str(kismet_port), "--prefix", str(prefix)], stdin=inside, stdout=inside, stderr=inside, preexec_fn=prepare)
        os.close(inside)
        self.text = ""
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        try:
            while self.terminal is not None:
                if select.select([self.terminal], [], [], 0.1)[0]:
                    self.text += os.read(self.terminal, 65536).decode(errors="replace")
        except OSError:
            pass  # nobody has it open any more

    def type(self, keys):
        os.write(self.terminal, keys)

    def hang_up(self):
        terminal, self.terminal = self.terminal, None
        self.reader.join()
        os.close(terminal)

    def folder(self):
        """Its temporary folder, as the daemon's command line has it."""
        for pid, _ in descendants(self.process.pid):
            words = pathlib.Path(f"/proc/{pid}/cmdline").read_text().split("\0")
            if "--state-dir" in words:
                return pathlib.Path(words[words.index("--state-dir") + 1]).parent
        raise AssertionError("no daemon")

    def gps(self):
        return self.json("gps")

    def json(self, path):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            c.request("GET", f"/api/webhook/{path}")
            return json.loads(c.getresponse().read())
        finally:
            c.close()

    def wait_fix(self):
        def fix():
            assert self.process.poll() is None, self.text
            return (v := self.gps())["fix"]["mode"] == 3 and v["fix"]
        return wait_until(fix, 60, "a fix")


@pytest.fixture
def run(installed):
    made = []

    def make(gpsd_port, kismet_port=None):
        made.append(Run(installed.prefix, gpsd_port, kismet_port or free_port()))
        return made[-1]

    yield make
    for r in made:
        print(r.text)
        r.process.terminate()
        try:
            r.process.wait(60)
        finally:
            r.process.kill()  # its daemon is tied to it
            r.process.wait()
            if r.terminal is not None:
                r.hang_up()


def demo(run):
    """A running demo, looked at: (it, all its processes)."""
    r = run(free_port())
    first = r.wait_fix()
    wait_until(lambda: r.gps()["fix"]["lat"] != first["lat"], 20, "it moves")
    wait_until(lambda: f"curl http://127.0.0.1:{r.port}" in r.text, 10, "it says what to curl")
    wait_until(lambda: r.json("kismet/devices")["total"] > 20, 20, "devices of the recorded session")
    return r, descendants(r.process.pid)


def test_the_demo_is_made_of_processes_that_procs_keeps(run):
    r, _ = demo(run)
    entries = {e["name"]: e for e in r.json("procs")["processes"]}
    assert {n: e["state"] for n, e in entries.items()} == {"drive": "ready", "gpsd": "ready", "kismet-recording": "ready"}
    assert os.path.basename(os.readlink(f"/proc/{entries['gpsd']['pid']}/exe")) == "gpsd"
    assert "no Kismet" in r.json("topics/kismet/link")["value"]["server_name"] and "is no Kismet" in r.text, "it says what it is"
    assert r.json("procs/both")["state"] == "ready"
    os.kill(entries["gpsd"]["pid"], signal.SIGKILL)
    wait_until(lambda: r.json("procs/gpsd")["pid"] not in (None, entries["gpsd"]["pid"]), 20, "gpsd is brought back")
    wait_until(lambda: r.json("gps")["link"]["state"] == "up" and not r.json("gps")["stale"], 40, "and followed again")


@pytest.mark.parametrize("how, code", [(b"\x03", 130), (signal.SIGINT, 130), (signal.SIGTERM, 143), ("hang up", 129), (signal.SIGKILL, -9)],
                         ids=["ctrl-c", "INT", "TERM", "hang-up", "KILL"])
def test_nothing_is_left_afterwards(run, how, code):
    r, started = demo(run)
    assert len(started) >= 7, "patchbayd, and gpsd, the replay and the stand-in, each with its keeper"
    folder = r.folder()
    if how == "hang up":
        r.hang_up()
    elif isinstance(how, bytes):
        r.type(how)
    else:
        r.process.send_signal(how)
    assert r.process.wait(60) == code
    wait_until(lambda: not any(map(is_alive, started)), 40, "all of them end")
    if how == signal.SIGKILL:
        shutil.rmtree(folder)  # nobody was left to do it
    assert not folder.exists()


def test_a_daemon_that_is_killed_takes_the_demo_along(run):
    r, started = demo(run)
    folder = r.folder()
    daemon = next(pid for pid, _ in started if "--state-dir" in pathlib.Path(f"/proc/{pid}/cmdline").read_text())
    os.kill(daemon, signal.SIGKILL)
    assert r.process.wait(60) == 137
    wait_until(lambda: not any(map(is_alive, started)), 40, "all of them end")
    assert not folder.exists()


def test_a_gpsd_and_a_kismet_that_are_there_are_used(run, gpsd):
    g = gpsd(receivers=[Receiver(lat=47.5)])
    k = Standin(speed=0)
    try:
        r = run(g.port, k.port)
        assert 47 < r.wait_fix()["lat"] < 48
        assert len(descendants(r.process.pid)) == 1, "patchbayd alone"
        assert r.json("procs")["processes"] == []
        assert r.json("topics/kismet/link")["value"]["url"] == f"http://127.0.0.1:{k.port}"
        r.process.send_signal(signal.SIGTERM)
        r.process.wait(60)
        assert g.is_listening() and k.process.poll() is None
    finally:
        k.kill()
